"""The command line: arguments in, one answer on standard output, exit code 0, 1 or 2."""

import argparse
import functools
import json
import os
import pathlib
import shutil
import signal
import sys
import time
import webbrowser
from collections.abc import Mapping
from typing import Any

from . import evidence, facts, render, status
from .console import Console, console
from .drill.kinds import DEFAULT_SECONDS, Direction, How
from .guest import Guests, look
from .stack import NoInventory, Stack, locate, selected
from .steps import stoppable
from .transport import Transport, connect

DONE, FAILED, REFUSED = 0, 1, 2
EXIT = {"passed": DONE, "failed": FAILED, "refused": REFUSED}
WATCH_SECONDS = 2.0
LIVE = (
    "--live would move users onto a backup's data while the primary works, and leave behind what they wrote since: "
    "it comes with the live replica; without --live everything up to the latch is done"
)


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit code."""
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has gone (`| head -1`), so nobody misses the rest. The interpreter would flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _run(argv: list[str] | None) -> int:
    given = _arguments().parse_args(argv)
    say = console()
    if given.command == "adopt-name":
        return _adopt(given, say)
    try:
        stack = locate(given.inventory, given.stack)
    except NoInventory as problem:
        return _refuse(given, str(problem))
    if stack.note:
        say.say(f"note: {stack.note}")
    if given.command == "report":
        return _report(given, stack)
    try:
        transport = connect(stack.inventory)
    except ValueError as problem:
        return _refuse(given, str(problem))
    command = {
        "status": _status,
        "drill": _drill,
        "repair": _repair,
        "failover": _failover,
        "failback": _failover,
        "switchover": _switchover,
    }[given.command]
    try:
        with stoppable():
            return command(given, stack, transport, say)
    except KeyboardInterrupt:
        say.say("interrupted")
        if given.json and given.command != "status":
            _print(
                {"command": given.command, "verdict": "failed", "problems": ["interrupted before anything was done"]}
            )
        return FAILED
    finally:
        transport.close()


def _refuse(given: argparse.Namespace, problem: str) -> int:
    """A refusal before there is a stack to speak of."""
    if getattr(given, "json", False):
        _print({"command": given.command, "verdict": "refused", "problems": [problem]})
    print(problem, file=sys.stderr)
    return REFUSED


def _print(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer, indent=1), flush=True)


def _status_once(stack: Stack, transport: Transport) -> dict[str, Any]:
    found = facts.read(stack.inventory, look(Guests(stack.inventory, transport)))
    drill = "drill restore" if stack.inventory.backups else "drill tunnel-cut"
    standing = evidence.standing(evidence.latest(stack.folder), stack.inventory.digest, time.time(), drill=drill)
    shown = status.status(found, standing, stack.note)
    if stack.inventory.latch is None:
        return shown
    from .failover import show

    return show.extend(shown, stack, transport)


def _status(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    while True:
        found = _status_once(stack, transport)
        if given.json:
            # --watch: one object a line, for programs that follow.
            print(json.dumps(found, indent=None if given.watch else 1), flush=True)
        else:
            if given.watch and sys.stdout.isatty():
                print("\x1b[2J\x1b[H", end="")
            print(render.status_text(found), flush=True)
        if not given.watch:
            break
        time.sleep(WATCH_SECONDS)
    if found["hosts"] and not any(host["reachable"] for host in found["hosts"]):
        return REFUSED
    return DONE if found["healthy"] else FAILED


def _failover(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    """failover, failback, drill failover, drill restore: one code."""
    from .failover import command
    from .failover.words import Command, Intent

    name = f"drill {given.name}" if given.command == "drill" else given.command
    intent = Intent(
        Command(name),
        to=getattr(given, "to", ""),
        source_is_dead=getattr(given, "source_is_dead", False),
        one_latch=getattr(given, "one_latch", False),
        planned=getattr(given, "planned", False),
        ignore_lock=given.break_lock,
        backup=getattr(given, "backup", ""),
    )
    if getattr(given, "live", False):
        result = command.empty(stack.inventory, intent.command) | {"problems": [LIVE]}
    else:
        result = command.run(stack, intent, say, given.plan, lambda: command.connect(stack, transport))
    if given.json:
        _print(result)
    else:
        print(render.failover_text(result))
    return EXIT[result["verdict"]]


def _adopt(given: argparse.Namespace, say: Console) -> int:
    """Before the stack has published anything: its first `up` stops at the name."""
    from .adopt import command

    try:
        name, folder = selected(given.stack)
    except NoInventory as problem:
        return _refuse(given, str(problem))
    with stoppable():
        result = command.run(command.connect(name), given.name, say, given.plan, folder)
    if given.json:
        _print(result)
    else:
        print(render.adopt_text(result))
    return EXIT[result["verdict"]]


def _switchover(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    words = "a switchover without loss comes with the live replica, which this version has not"
    return _refuse(given, f"{words}: `twinsite failover --to {given.to}` moves users onto a backup's data")


def _drill(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    if given.name != "tunnel-cut":
        return _failover(given, stack, transport, say)
    from .drill import command
    from .drill.tunnel_cut import Request

    request = Request(
        how=How(given.how),
        at=given.at,
        direction=Direction(given.direction),
        seconds=given.seconds,
        settle=given.settle,
        keep_data=given.keep_data,
        fault_command=given.fault_command,
    )
    result = command.run(stack, transport, request, say, given.break_lock)
    if given.json:
        _print(result)
    else:
        print(render.drill_text(result))
    return EXIT[result["verdict"]]


def _repair(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    from .repair import command

    result = command.run(stack, transport, say, given.plan, frozenset(given.confirm), given.break_lock)
    if given.json:
        _print(result)
    else:
        print(render.repair_text(result))
    return EXIT[result["verdict"]]


def _report(given: argparse.Namespace, stack: Stack) -> int:
    found = evidence.latest(stack.folder)
    path = pathlib.Path(str(found[1].get("report"))) if found and found[1].get("report") else None
    if path is None or not path.exists():
        return _refuse(given, f"there is no report in {stack.folder}: run `twinsite drill tunnel-cut`")
    if given.json:
        _print({"command": "report", "report": str(path), "picture": str(path.with_suffix(".png"))})
    else:
        print(path)
        if sys.stdout.isatty() and not given.no_open and shutil.which("xdg-open"):
            webbrowser.open(path.as_uri())
    return DONE


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="twinsite", description="Status, drills and repair of a twinsite stack.")
    parser.add_argument(
        "--inventory",
        default="",
        metavar="FILE|ssh://user@host/path",
        help="the stack's inventory; default $TWINSITE_INVENTORY, else the current Pulumi project's output",
    )
    parser.add_argument("--stack", default="", help="Pulumi stack; default the selected one")
    commands = parser.add_subparsers(dest="command", required=True)

    shown = commands.add_parser(
        "status", help="tunnel, replication, heartbeat age, evidence age; every problem with its fix"
    )
    shown.add_argument("--watch", action="store_true", help=f"again every {WATCH_SECONDS:g} s")

    drills = commands.add_parser("drill", help="break something on purpose and measure the recovery")
    kinds = drills.add_subparsers(dest="name", required=True)
    cut = kinds.add_parser(
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

    moves = _moves(commands, kinds)

    mend = commands.add_parser("repair", help="say what is broken and do only what is needed")
    mend.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    mend.add_argument(
        "--confirm",
        action="append",
        default=[],
        choices=["reseed", "empty-transactions"],
        help="reseed: replace the replica's data; empty-transactions: give the source, as empty ones, the replica's "
        "own transactions, where they hold neither rows nor DDL",
    )

    adopt = commands.add_parser(
        "adopt-name",
        help="make a live name's plain records its failover pair",
        description="For a name that has records already, beside which Route 53 refuses the pair. Replaces them in one "
        "batch, imports the pair, and keeps what was for the day on which the pair goes. Nobody is moved.",
    )
    adopt.add_argument("name", metavar="NAME", help="for instance www.example.com")
    adopt.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")

    page = commands.add_parser("report", help="the page of the last drill")
    page.add_argument("--no-open", action="store_true", help="only print its path")

    for each in (cut, mend, *moves):
        each.add_argument(
            "--break-lock", action="store_true", help="take the lock of an operation that is gone for good"
        )
    for each in (shown, cut, mend, adopt, page, *moves):
        each.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _moves(commands: Any, kinds: Any) -> list[argparse.ArgumentParser]:
    """failover, failback, switchover and the drills that are the same code."""
    over = commands.add_parser(
        "failover",
        help="move users to the standby site, onto a backup's data",
        description="Raises the mode if needed, restores and proves the newest complete backup, sets the latch last. "
        "Says first which backup that is, how old it is, and so what is lost. Killed anywhere, it goes on when run "
        "again.",
    )
    over.add_argument("--source-is-dead", action="store_true", help="your word in place of two places that see it")
    over.add_argument("--one-latch", action="store_true", help="go without the latch store that does not answer")
    over.add_argument("--backup", default="", metavar="ID", help="this one; default the newest of the writer's")
    back = commands.add_parser(
        "failback",
        help="bring users and what they wrote home",
        description="Stops writes at the standby, dumps, restores at the primary, compares every table, and only then "
        "removes the latch. The old primary's own rows are listed and kept aside.",
    )
    switch = commands.add_parser("switchover", help="comes with the live replica")
    for each in (over, back, switch):
        each.add_argument("--to", required=True, metavar="SITE")
    drills = [
        kinds.add_parser("failover", help="a failover up to the latch; users stay where they are"),
        kinds.add_parser("restore", help="the newest scheduled backup into a scratch schema, proved and timed"),
    ]
    for each in drills:
        each.add_argument("--planned", action="store_true", help="take a fresh backup first; labels the RPO")
    drills[0].add_argument("--live", action="store_true", help="refused: comes with the live replica")
    for each in (over, back, *drills):
        each.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    return [over, back, switch, *drills]
