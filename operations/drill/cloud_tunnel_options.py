"""`twinsite drill tunnel`: its options, whom it asks, its JSON."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinsite.inventory import Pod

from .. import attempts, parts
from ..console import Console
from ..stack import Stack
from ..steps import Say
from .cloud_tunnel import COMMAND, DEFAULT_SECONDS, Many, Request, Way, plan

if TYPE_CHECKING:  # the command line itself need not load the clouds' clients
    from ..chain import Planned
    from ..google import Google
    from ..store import Store
    from ..worker import Worker

PROGRAM = "logical"
LOOKING = 3
"""Steps until it is cut."""
CALL_SECONDS = 8.0


@dataclass
class World:
    """Tests put their own in place of the network's."""

    google: "Google"
    store: "Store"
    worker: "Callable[[Say], Worker]"


def connect(stack: Stack) -> World:
    """With the operator's own identities. ValueError when the inventory names no store that can be used."""
    from .. import azure, google
    from ..store import open_store
    from ..worker import ClusterWorker

    host = parts.job_of(stack.inventory)
    assert host is not None and isinstance(host.way, Pod)  # offers has asked
    way = host.way
    return World(
        google.Api(google.Identity(), CALL_SECONDS),
        open_store(stack.inventory.store, azure.Identity()),
        lambda say: ClusterWorker(way, program=PROGRAM, say=say),
    )


def add(kinds: Any) -> argparse.ArgumentParser:
    """The command."""
    found: argparse.ArgumentParser = kinds.add_parser(
        "tunnel",
        help="cut tunnels between two clouds, and measure what is lost and when all is back",
        description="Cuts one, three or all tunnels between AWS and Google, while the replication's job opens new "
        "connections through them and sends heartbeats. Without --fault-command Google's router shuts their BGP "
        "sessions down, which the other end is told: traffic moves at once. A silent cut, or one way only, is for a "
        "command of yours. Always puts everything back; after a kill the next run does.",
    )
    found.add_argument("--tunnels", choices=[one.value for one in Many], default=Many.ONE.value)
    found.add_argument("--first", default="", metavar="NAME", help="this one, and then the next ones")
    found.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="length (default %(default)g)")
    found.add_argument("--one-way", choices=[one.value for one in Way], help="seen from Google's end; --fault-command")
    found.add_argument(
        "--fault-command",
        default="",
        metavar="COMMAND",
        help="cut by this instead, run here as `COMMAND TUNNEL[:out|:in] on` and `… off`",
    )
    return found


def drill(given: argparse.Namespace, stack: Stack, say: Console) -> dict[str, Any]:
    """Its JSON."""
    from . import frame
    from .cloud_tunnel_steps import Hands, steps_of

    one_way = Way(given.one_way) if given.one_way else None
    asked = Request(Many(given.tunnels), given.first, one_way, given.seconds, given.fault_command)

    def work(tell: "Planned") -> dict[str, Any]:
        cut, problems = plan(stack.inventory, asked)
        if cut is None:
            return frame.refused(stack, COMMAND, problems)
        try:
            world = connect(stack)
        except ValueError as problem:
            return frame.refused(stack, COMMAND, [str(problem)])
        hands = Hands(cut, world.google, world.store, world.worker)
        one = frame.Drill(
            COMMAND,
            f"tunnel-{asked.many}",
            steps_of(cut),
            LOOKING,
            2 * cut.watch_seconds + 600.0,
            "the tunnels were brought back; `twinsite status` says how they are",
            {"cut": cut.words},
        )
        figures = lambda: (hands.seen.figures, hands.seen.checks)  # noqa: E731
        return frame.run(stack, world.store, one, hands, say, figures, given.break_lock, tell, cut=cut.words)

    return attempts.run(given, stack, say, work)
