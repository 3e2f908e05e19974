"""A stack's repair by what it has: hosts with tunnels and replicas, tasks of DMS, or both, one after the other."""

from typing import Any

from twinsite.inventory import DMS, MYSQL_REPLICA

from .. import chain
from ..console import Console
from ..stack import Stack
from ..transport import Transport
from . import command


def run(
    stack: Stack,
    transport: Transport,
    console: Console,
    only_plan: bool,
    confirmed: frozenset[str],
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """The command's JSON. A plan of both is told in two parts."""
    inventory = stack.inventory
    hosts = inventory.tunnels or inventory.flows_of(MYSQL_REPLICA)
    found = command.run(stack, transport, console, only_plan, confirmed, break_lock, tell) if hosts else None
    if not inventory.flows_of(DMS):
        assert found is not None, "operations/offers.py has refused it"
        return found
    from ..dms.command import connect
    from . import tasks

    of_tasks = tasks.run(stack, connect(stack, transport), console, only_plan, confirmed, break_lock, tell)
    return tasks.together(found, of_tasks) if found else of_tasks
