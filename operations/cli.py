"""The command line: arguments in, one answer on standard output, exit code 0, 1, 2 or (doctor) 3."""

import argparse
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

from twinsite.inventory import DMS, MYSQL_REPLICA

from . import attempts, evidence, offers, parts, render, status
from .console import Console, console
from .dms import options as dms
from .drill import cloud_tunnel_options, tunnel_cut_options
from .moves.words import HALF_LOADED
from .review import options as review
from .stack import NoInventory, Stack, locate, selected
from .steps import stoppable
from .transport import Transport, connect

DONE, FAILED, REFUSED, UNKNOWN = 0, 1, 2, 3
EXIT = {"passed": DONE, "failed": FAILED, "refused": REFUSED, "unknown": UNKNOWN}
WATCH_SECONDS = 2.0
LIVE = (
    "--live would move users onto a backup's data while the primary works, and leave behind what they wrote since: "
    "only a live replica can do without that; without --live everything up to the latch is done"
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
    if given.command == "doctor":
        return _doctor(given, say)
    if given.command == "review":
        with stoppable():
            return review.run(given, say)
    if given.command == "compare-modes":
        return _compare(given)
    try:
        stack = locate(given.inventory, given.stack)
    except NoInventory as problem:
        return _refuse(given, str(problem))
    if stack.note:
        say.say(f"note: {stack.note}")
    nothing = offers.refusal(_name(given), stack.inventory)
    if nothing:
        return _refuse(given, nothing, stack, say)
    if given.command == "report":
        return _report(given, stack)
    try:
        transport = connect(stack.inventory)
    except ValueError as problem:
        return _refuse(given, str(problem), stack, say)
    command = {
        "status": _status,
        "drill": _drill,
        "repair": _repair,
        "dms": _dms,
        "failover": _failover,
        "failback": _failover,
        "switchover": _failover,
        "restore": _failover,
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


def _name(given: argparse.Namespace) -> str:
    """The command as offers.py knows it."""
    return attempts.named(given)


def _refuse(given: argparse.Namespace, problem: str, stack: Stack | None = None, say: Console | None = None) -> int:
    """A refusal before anything was asked. With `say` it is one of an attempt, where the command is one."""
    answer: dict[str, Any] = {
        "command": _name(given),
        "topology": stack.inventory.topology if stack else None,
        "dr_mode": stack.inventory.dr_mode if stack else None,
        "verdict": "refused",
        "figures": {},
        "steps": [],
        "problems": [problem],
        "evidence": None,
        "report": None,
    }
    if stack and say and given.command in attempts.ACTING:
        answer = attempts.run(given, stack, say, lambda _: answer)
    if given.json:
        _print(answer)
    print(problem, file=sys.stderr)
    return REFUSED


def _print(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer, indent=1), flush=True)


def _proved(stack: Stack) -> dict[str, Any]:
    """What the evidence of each kind of drill is worth now."""
    inventory = stack.inventory
    typed = {command: offers.typed(command, inventory) for command in offers.drills(inventory)}
    found = evidence.by_kind(stack.folder, typed)
    return evidence.of_drills(found, inventory.digest, time.time(), typed)


def _status_once(stack: Stack, transport: Transport) -> status.Status:
    return status.status(status.sources(stack, transport), _proved(stack), stack.note)


def _status(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    while True:
        once = _status_once(stack, transport)
        found = once.shown()
        if given.json:
            # --watch: one object a line, for programs that follow.
            print(json.dumps(found, indent=None if given.watch else 1), flush=True)
        else:
            if given.watch and sys.stdout.isatty():
                print("\x1b[2J\x1b[H", end="")
            print(once.text(), flush=True)
        if not given.watch:
            break
        time.sleep(WATCH_SECONDS)
    if found["hosts"] and not any(host["reachable"] for host in found["hosts"]):
        return REFUSED
    return DONE if found["healthy"] else FAILED


def _failover(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    """switchover, failover, failback, restore and their drills: one code."""
    from .chain import Planned
    from .moves import command, kinds
    from .moves.words import Command, Intent
    from .moves.world import World

    intent = Intent(
        Command(_name(given)),
        to=getattr(given, "to", ""),
        source_is_dead=getattr(given, "source_is_dead", False),
        one_latch=getattr(given, "one_latch", False),
        planned=getattr(given, "planned", False),
        ignore_lock=given.break_lock,
        backup=getattr(given, "backup", ""),
        anew=getattr(given, "anew", False),
        live=getattr(given, "live", False),
        confirmed=frozenset(getattr(given, "confirm", ())),
    )

    def work(tell: Planned) -> dict[str, Any]:
        if intent.live and parts.job_of(stack.inventory) is None:
            return command.empty(stack.inventory, intent.command) | {"problems": [LIVE]}

        def world() -> World:
            return kinds.connect(intent.command, stack, transport)

        return command.run(stack, intent, say, given.plan, world, tell)

    result = attempts.run(given, stack, say, work)
    if intent.command is Command.REPAIR:
        # As every repair tells it.
        refused = result["problems"] if result["verdict"] == "refused" else []
        result |= {"found": result["says"], "planned": [one["title"] for one in result["plan"]], "refused": refused}
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
        result = attempts.run(
            given,
            (name, folder),
            say,
            lambda tell: command.run(command.connect(name), given.name, say, given.plan, folder, tell),
        )
    if given.json:
        _print(result)
    else:
        print(render.adopt_text(result))
    return EXIT[result["verdict"]]


def _doctor(given: argparse.Namespace, say: Console) -> int:
    """Before there is an inventory: what it asks for, the program says."""
    from .doctor import command, show

    folder = pathlib.Path.cwd()
    with stoppable():
        if given.policies:
            result = command.write_policies(folder, given.stack, pathlib.Path(given.policies))
        else:
            result = command.run(folder, given.stack, given.who, say)
    if given.json:
        _print(result)
    else:
        print(show.files(result) if given.policies else show.text(result))
    return EXIT[result["verdict"]]


def _compare(given: argparse.Namespace) -> int:
    """From settings alone, before there is an inventory."""
    from . import compare

    with stoppable():
        result = compare.run(pathlib.Path.cwd(), given.stack, lambda: selected("")[0], given.what_if)
    if given.json:
        _print(result)
    else:
        print(compare.text(result))
    return EXIT[result["verdict"]]


def _drill(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    if given.name == "dms":
        result = dms.drill(given, stack, transport, say)
    elif given.name == "tunnel":
        result = cloud_tunnel_options.drill(given, stack, say)
    elif given.name != "tunnel-cut":
        return _failover(given, stack, transport, say)
    else:
        result = tunnel_cut_options.drill(given, stack, transport, say)
    if given.json:
        _print(result)
    else:
        print(render.drill_text(result))
    return EXIT[result["verdict"]]


def _repair(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    """Of tunnels and replicas between hosts and of tasks; else of a flow whose writer moves, by that one's steps."""
    from .moves import kinds
    from .repair import parts as mended

    there = stack.inventory
    hosts = there.tunnels or there.flows_of(MYSQL_REPLICA)
    if not (hosts or there.flows_of(DMS)) and kinds.chosen("repair", there) is not None:
        return _failover(given, stack, transport, say)

    confirmed = frozenset(given.confirm)
    result = attempts.run(
        given,
        stack,
        say,
        lambda tell: mended.run(stack, transport, say, given.plan, confirmed, given.break_lock, tell),
    )
    if given.json:
        _print(result)
    else:
        print(render.repair_text(result))
    return EXIT[result["verdict"]]


def _dms(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> int:
    from .dms import options

    result = options.run(given, stack, transport, say)
    if given.json:
        _print(result)
    elif "text" in result:
        print(result["text"], end="")
    else:
        print(options.text(result))
    return EXIT[result["verdict"]]


def _report(given: argparse.Namespace, stack: Stack) -> int:
    found = evidence.latest(stack.folder)
    path = pathlib.Path(str(found[1].get("report"))) if found and found[1].get("report") else None
    if path is None or not path.exists():
        ways = [offers.typed(one, stack.inventory) for one in offers.drills(stack.inventory)]
        then = (
            f"run `{ways[0]}`"
            if ways
            else "no drill of this version is for what it has; how it stands says `twinsite status`"
        )
        return _refuse(given, f"there is no report in {stack.folder}: {then}", stack)
    if given.json:
        _print({"command": "report", "report": str(path), "picture": str(path.with_suffix(".png"))})
    else:
        print(path)
        if sys.stdout.isatty() and not given.no_open and shutil.which("xdg-open"):
            webbrowser.open(path.as_uri())
    return DONE


def _repair_word(text: str) -> str:
    """One that may be confirmed. ArgumentTypeError names them."""
    name, _, value = text.partition("=")
    if text in ("reseed", "empty-transactions", "reload-tables") or (name in ("drop-slot", "give-up") and value):
        return text
    words = "reseed, empty-transactions, reload-tables, drop-slot=NAME, give-up=TASK"
    raise argparse.ArgumentTypeError(f"{text!r} is none of {words}")


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
    cut = tunnel_cut_options.add(kinds)
    moves = _moves(commands, kinds)

    mend = commands.add_parser("repair", help="say what is broken and do only what is needed")
    mend.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    mend.add_argument(
        "--confirm",
        action="append",
        default=[],
        type=_repair_word,
        metavar="WORD",
        help="reseed: replace the replica's data; empty-transactions: give the source, as empty ones, the replica's "
        "own transactions, where they hold neither rows nor DDL; reload-tables: load DMS tables in error again; "
        "drop-slot=NAME: this slot of a DMS task's source, which nobody reads; give-up=TASK: the slot may be that "
        "task's, which then loads all rows anew",
    )

    tasks = dms.add(commands)
    small = [dms.add_drill(kinds), cloud_tunnel_options.add(kinds)]

    adopt = commands.add_parser(
        "adopt-name",
        help="make a live name's plain records its failover pair",
        description="For a name that has records already, beside which Route 53 refuses the pair. Replaces them in one "
        "batch, imports the pair, and keeps what was for the day on which the pair goes. Nobody is moved.",
    )
    adopt.add_argument("name", metavar="NAME", help="for instance www.example.com")
    adopt.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")

    asks = commands.add_parser(
        "doctor",
        help="what the stack needs of its accounts, before the first `up` and whenever wanted",
        description="Asks, and changes nothing: rights, providers, quotas, sizes, zones, names, images, DNS, "
        "certificates, state, clock. Exit 0: all ok; 1: something is not ok; 2: refused; 3: nothing is wrong, but "
        "something could not be asked.",
    )
    asks.add_argument(
        "--for",
        dest="who",
        choices=["deployer", "operator"],
        default="deployer",
        help="whose rights you must have (default %(default)s)",
    )
    asks.add_argument("--policies", default="", metavar="FOLDER", help="write the lists of rights, filled in, instead")

    judged = review.add(commands)
    modes = commands.add_parser(
        "compare-modes",
        help="resources, cost, RTO and RPO of each mode, before anything is deployed",
        description="From the stack's settings alone; no account is asked. Exit 1: the stack's mode is over a budget.",
    )
    modes.add_argument("--what-if", default="", metavar="KEY=VALUE", help="change one setting and show the difference")

    page = commands.add_parser("report", help="the page of the last drill")
    page.add_argument("--no-open", action="store_true", help="only print its path")

    for each in (mend, adopt, *moves, *tasks):
        attempts.add(each)
    for each in (cut, *small, mend, *moves, *tasks):
        each.add_argument(
            "--break-lock", action="store_true", help="take the lock of an operation that is gone for good"
        )
    for each in (shown, cut, mend, adopt, asks, modes, judged, *small, page, *moves, *tasks):
        each.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _moves(commands: Any, kinds: Any) -> list[argparse.ArgumentParser]:
    """failover, failback, switchover, restore and the drills that are the same code."""
    over = commands.add_parser(
        "failover",
        help="move users to the standby site, onto what it has of the data",
        description="Onto a backup: raises the mode if needed, restores and proves the newest complete one, sets the "
        "latch last. Onto a replica: lets it write without its source. Says first how old the data are, and so what is "
        "lost. Killed anywhere, it goes on when run again.",
    )
    over.add_argument("--source-is-dead", action="store_true", help="your word in place of two places that see it")
    over.add_argument(
        "--confirm",
        action="append",
        default=[],
        choices=[HALF_LOADED],
        metavar="WORD",
        help="half-loaded: with a replica, lose what a first copy or a load had not brought; said by table before",
    )
    over.add_argument("--one-latch", action="store_true", help="go without the latch store that does not answer")
    back = commands.add_parser(
        "failback",
        help="bring users and what they wrote home",
        description="From a backup: stops writes at the standby, dumps, restores at the primary, compares every table, "
        "and only then removes the latch; the old primary's own rows are listed and kept aside. With a replica: the "
        "old primary is shut and follows, then the writer is switched home; rows that it alone has are counted.",
    )
    back.add_argument(
        "--anew", action="store_true", help="with a replica: lose the old primary's own rows, and copy everything to it"
    )
    switch = commands.add_parser(
        "switchover",
        help="move the writer and users to the other site, both being alive: nothing is lost",
        description="With a live replica. What is in the way is named before anything is stopped; the other site gets "
        "its nodes and pods first. Until all rows are handed over a failure lets the old writer write again. Killed "
        "anywhere, it goes on when run again.",
    )
    load = commands.add_parser(
        "restore",
        help="a backup of the primary's PostgreSQL into the standby's empty database, proved",
        description="By a job in the standby's cluster: fetches and verifies every part, restores, compares each table "
        "with the backup's manifest. Refused before the first write where the database holds anything. Moves nobody. "
        "Killed anywhere, it goes on when run again.",
    )
    for each in (over, load):
        each.add_argument("--backup", default="", metavar="ID", help="this one; default the newest of the writer's")
    for each in (over, back, switch):
        each.add_argument("--to", required=True, metavar="SITE")
    drills = [
        kinds.add_parser("failover", help="a failover up to the latch or the promotion; users stay where they are"),
        kinds.add_parser("restore", help="the newest scheduled backup into a scratch schema, proved and timed"),
        kinds.add_parser("switchover", help="what a switchover needs; with --live there and back"),
    ]
    for each in drills[:2]:
        each.add_argument("--planned", action="store_true", help="take a fresh backup first; labels the RPO")
    drills[0].add_argument("--live", action="store_true", help="refused: it would lose rows while the primary works")
    drills[2].add_argument("--live", action="store_true", help="move users and bring them back, nothing lost")
    for each in (over, back, switch, load, *drills):
        each.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
    return [over, back, switch, load, *drills]
