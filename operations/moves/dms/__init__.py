"""Switchover, failover and failback where a task of DMS carries the rows between two PostgreSQL: the moves of
../logical, whose job holds the gates, with the tasks beside it.

Rows go one way at a time: to whom is shut a task carries, and its gate lets no task into one that writes, whoever
starts it. The way home is a task the other way, which loads all rows anew into emptied tables; a place in the log from
which it could go on without a copy is not kept. Here: what the tasks do in a move. Not here: the job's verbs
(components/guest/logical), a task's own commands (../../dms).
"""

from ...parts import BUCKET, CARRIED, NAMES, Needs
from ...stack import Stack
from ...transport import Transport
from ..words import OF_A_WRITER
from ..world import World

NEEDS: Needs = ((NAMES,), (CARRIED,), (BUCKET,))
COMMANDS = {command.value: NEEDS for command in OF_A_WRITER}


def connect(stack: Stack, hosts: Transport) -> World:
    """With the operator's own identities."""
    from .world import connect as made

    return made(stack)
