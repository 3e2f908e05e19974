"""The command line of `twinsite dms`: its options, its answer for people."""

import argparse
import pathlib
from collections.abc import Mapping
from typing import Any

from .. import attempts
from ..console import Console
from ..render import record_lines
from ..stack import Stack
from ..steps import StepFailed
from ..transport import Transport
from .words import DEFAULT_MIB, DEFAULT_SECONDS, Kind, Verb, Word

QUESTIONS = "questions"
HELP = {
    Verb.START: "the first start, into empty tables, after both databases were asked",
    Verb.STOP: "it keeps its place in the source's log",
    Verb.RESUME: "it goes on from its place, after a stop or a failure",
    Verb.MODIFY: "what the program wants changed: stop, `pulumi up`, resume",
    Verb.RELOAD: "load again, the whole task or --table; refused where the target alone has rows",
}


def add(commands: Any) -> list[argparse.ArgumentParser]:
    """The command with its verbs; the parsers of all that act."""
    each = commands.add_parser("dms", help="start, stop, change and load again a DMS task, without losing rows")
    verbs = each.add_subparsers(dest="name", required=True)
    made = []
    for verb in Verb:
        one = verbs.add_parser(verb.value, help=HELP[verb])
        one.add_argument("--plan", action="store_true", help="say what would be done, and do nothing")
        made.append(one)
        if verb == Verb.RELOAD:
            one.add_argument("--table", action="append", default=[], metavar="SCHEMA.TABLE", help="this one alone")
        if verb.loads:
            one.add_argument(
                "--answers", action="append", default=[], metavar="FILE", help="of `dms questions`, one of each end"
            )
        one.add_argument(
            "--confirm",
            action="append",
            default=[],
            choices=[word.value for word in Word],
            help="unasked: you asked both databases by hand; left-behind: what DMS does not carry may lack; lose-rows: "
            "rows that the target alone has may go; home-serves: the source serves, whatever the stack says",
        )
    ask = verbs.add_parser(QUESTIONS, help="what to ask a PostgreSQL with `psql -At`, for --answers")
    ask.add_argument("--end", required=True, choices=["source", "target"])
    ask.set_defaults(plan=True, approve="")  # it only looks
    ask.add_argument("--json", action="store_true", help="one JSON object on standard output")
    for one in (*made, ask):
        one.add_argument("--task", default="", metavar="NAME", help="default the only one")
    return made


def add_drill(kinds: Any) -> argparse.ArgumentParser:
    """`twinsite drill dms`."""
    found: argparse.ArgumentParser = kinds.add_parser(
        "dms",
        help="a DMS task loses its instance or its path, or its slot holds the source's log",
        description="instance: reboots the replication instance while the task runs, with a failover where it is "
        "Multi-AZ. path: nothing goes from the instance's subnets to the target for a time, by an entry of their "
        "network ACLs that goes again, or by a command of yours. slot: the task stands until its slot holds so much of "
        "the source's log, and goes on. Each waits until the task is current again by itself, with its alarms, and "
        "writes evidence. The standby waits meanwhile. Puts everything back, also after Ctrl-C.",
    )
    found.add_argument("--task", default="", metavar="NAME", help="default the only one")
    found.add_argument("--kind", choices=[one.value for one in Kind], default=Kind.INSTANCE.value)
    found.add_argument(
        "--seconds", type=float, default=DEFAULT_SECONDS, help="path, slot: at the longest (default %(default)g)"
    )
    found.add_argument(
        "--hold-mib", type=int, default=DEFAULT_MIB, metavar="MIB", help="slot: at the most (default %(default)d)"
    )
    found.add_argument(
        "--fault-command",
        default="",
        metavar="COMMAND",
        help="path: cut by this instead, run here as `COMMAND TASK on` and `… off`",
    )
    return found


def drill(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> dict[str, Any]:
    """Its JSON."""
    from . import command, drill_faults
    from . import drill as of_dms

    try:
        flow = command.chosen(stack, given.task)
        world = command.connect(stack, transport)
    except ValueError as problem:
        return attempts.refused("drill dms", stack, str(problem))
    if given.kind == Kind.INSTANCE:
        return attempts.run(given, stack, say, lambda tell: of_dms.run(stack, flow, world, say, given.break_lock, tell))
    fault = drill_faults.Fault(Kind(given.kind), given.seconds, given.hold_mib, given.fault_command)
    return attempts.run(
        given, stack, say, lambda tell: drill_faults.run(stack, flow, world, fault, say, given.break_lock, tell)
    )


def run(given: argparse.Namespace, stack: Stack, transport: Transport, say: Console) -> dict[str, Any]:
    """The answer in plain JSON types; of `questions` it is the text."""
    from . import command, questions
    from .plan import Request
    from .service import Service

    try:
        flow = command.chosen(stack, given.task)
        world = command.connect(stack, transport)
    except ValueError as problem:
        return attempts.refused(f"dms {given.name}", stack, str(problem))
    if given.name == QUESTIONS:
        try:
            task = Service(world.amazon(flow.region), flow).describe()
        except StepFailed as problem:
            return attempts.refused("dms questions", stack, str(problem))
        return {
            "command": "dms questions",
            "verdict": "passed",
            "text": questions.text(given.end, flow.name, task.schemas),
        }
    tables = tuple(getattr(given, "table", ()))
    if wrong := [one for one in tables if "." not in one]:
        return attempts.refused(f"dms {given.name}", stack, f"--table {wrong[0]} has no schema: write SCHEMA.TABLE")
    request = Request(Verb(given.name), flow, tables, frozenset(given.confirm))
    files = tuple(pathlib.Path(one) for one in getattr(given, "answers", ()))
    return attempts.run(
        given,
        stack,
        say,
        lambda tell: command.run(stack, request, world, say, files, given.plan, given.break_lock, tell),
    )


def text(found: Mapping[str, Any]) -> str:
    """For a person."""
    lines = [f"{found['command']} {found.get('task', '')}: {found['verdict']}"]
    lines += [f"  ✗ {problem}" for problem in found["problems"]]
    lines += [f"  ! {words}" for words in found["says"]]
    if not found["steps"]:
        lines += [f"  {number:2}. {step['title']}" for number, step in enumerate(found["plan"], 1)]
    if found["verdict"] == "passed" and not found["steps"] and not found["plan"]:
        lines.append("  nothing to do")
    return "\n".join([*lines, *record_lines(found)])
