"""`twinsite drill tunnel-cut`: its options, its JSON."""

import argparse
import functools
from typing import Any

from .. import attempts
from ..console import Console
from ..stack import Stack
from ..transport import Transport
from .kinds import DEFAULT_SECONDS, Direction, How


def add(kinds: Any) -> argparse.ArgumentParser:
    """The command."""
    cut: argparse.ArgumentParser = kinds.add_parser(
        "tunnel-cut",
        help="cut the tunnel between the sites",
        description="Cuts the tunnel while rows are written, watches both sites, waits for recovery without a person, "
        "checks that no acknowledged row was lost, writes evidence and a report. Always puts everything back.",
    )
    cut.add_argument(
        "--how", choices=[how.value for how in How], default=How.LINK_DOWN.value, help="default %(default)s"
    )
    cut.add_argument("--at", default="", metavar="SITE|HOST", help="gateway where it is done; default the initiator's")
    cut.add_argument(
        "--direction", choices=[way.value for way in Direction], default=Direction.TO_AWS.value, help="one-way cuts"
    )
    lengths = functools.reduce(lambda text, item: f"{text}{item[0].value} {item[1]:g}, ", DEFAULT_SECONDS.items(), "")
    cut.add_argument("--seconds", type=float, help=f"length of the cut (default {lengths.rstrip(', ')})")
    cut.add_argument("--settle", type=float, default=20.0, help="seconds until SAs are counted (default %(default)g)")
    cut.add_argument("--keep-data", action="store_true", help="do not drop the tables that the drill wrote")
    cut.add_argument(
        "--fault-command",
        default="",
        metavar="COMMAND",
        help="cut by this instead, run here as `COMMAND on` and, after --seconds or on any trouble, `COMMAND off`",
    )
    return cut


def drill(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> dict[str, Any]:
    """Its JSON."""
    from . import command
    from .tunnel_cut import Request

    request = Request(
        how=How(given.how),
        at=given.at,
        direction=Direction(given.direction),
        seconds=given.seconds,
        settle=given.settle,
        keep_data=given.keep_data,
        fault_command=given.fault_command,
    )
    return attempts.run(
        given,
        stack,
        say,
        lambda tell: command.run(stack, transport, request, say, given.break_lock, tell),
    )
