"""Operations on record: what each command that acts is wrapped in (chain/, ADR 45), and the two options of approval."""

import argparse
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .console import Console
from .moves.words import Command
from .stack import Stack

if TYPE_CHECKING:  # it brings `cryptography`, for which a look at the status does not wait
    from .chain import Approval, Planned, Subject

ACTING = tuple(sorted({"adopt-name", "dms", *(command.verb for command in Command)}))
"""Commands of which each attempt leaves a record; with --plan they only look."""
UNTOLD = frozenset({"approval", "approve", "command", "json", "name", "plan", "stack", "inventory", "no_open"})
"""Options that say how the command is called and not what it does; `name` of a drill is in its command."""


def named(given: argparse.Namespace) -> str:
    """The command as a person types it, without its options."""
    return f"{given.command} {given.name}" if given.command in ("drill", "dms") else str(given.command)


def add(parser: argparse.ArgumentParser) -> None:
    """The options of a command that shows a plan."""
    parser.add_argument(
        "--approve", default="", metavar="FILE", help="with --plan: sign the plan with your key, for whoever runs it"
    )
    parser.add_argument("--approval", default="", metavar="FILE", help="another person's word for exactly this plan")


def run(
    given: argparse.Namespace,
    about: Stack | tuple[str, pathlib.Path],
    console: Console,
    work: "Callable[[Planned], dict[str, Any]]",
) -> dict[str, Any]:
    """Do it on record; the result has `record`. A look at a plan leaves none, and may be signed. `about`: a stack, or
    the name and folder of one that has published nothing."""
    from . import chain

    command = named(given)
    subject = chain.Subject.of(about) if isinstance(about, Stack) else chain.Subject(*about)
    if getattr(given, "plan", False):
        return _looked(given, command, subject, console, work)
    said, problem = _approval(getattr(given, "approval", ""))
    if getattr(given, "approve", ""):
        problem = "--approve signs what --plan shows: give --plan with it, and --approval when the plan is run"
    options = {
        key: value for key, value in vars(given).items() if key not in UNTOLD and value not in (None, False, "", [])
    }
    if given.command == "adopt-name":
        options["name"] = given.name
    attempt = chain.begun(subject, command, options, console, said)
    if problem:
        return chain.recorded(attempt, lambda _: _refused(command, subject, problem))
    return chain.recorded(attempt, work)


def _approval(file: str) -> "tuple[Approval | None, str]":
    from . import chain

    if not file:
        return None, ""
    try:
        return chain.Approval.read(pathlib.Path(file).read_bytes()), ""
    except (OSError, ValueError) as problem:
        return None, f"--approval {file} cannot be read: {problem}"


def refused(command: str, stack: Stack, problem: str) -> dict[str, Any]:
    """Of one that was not begun, and leaves no record."""
    from . import chain

    return _refused(command, chain.Subject.of(stack), problem)


def _refused(command: str, subject: "Subject", problem: str) -> dict[str, Any]:
    """In the shape of every command that acts."""
    return {
        "command": command,
        "name": "",
        "topology": subject.topology,
        "dr_mode": subject.dr_mode,
        "verdict": "refused",
        **{key: [] for key in ("found", "planned", "refused", "steps", "plan", "says", "findings", "checks", "next")},
        "figures": {},
        "problems": [problem],
        "evidence": None,
        "report": None,
    }


def _looked(
    given: argparse.Namespace,
    command: str,
    subject: "Subject",
    console: Console,
    work: "Callable[[Planned], dict[str, Any]]",
) -> dict[str, Any]:
    from . import chain

    seen: list[str] = []

    def look(steps: Sequence[Mapping[str, Any]], choices: Mapping[str, Any]) -> None:
        seen.append(chain.plan_digest(command, subject.stack, steps, choices))

    result = work(look)
    if given.approve:
        if result["verdict"] != "passed" or not seen:
            return result | {"verdict": "refused", "problems": [*result["problems"], "there is no plan to approve"]}
        try:
            key = chain.mine()
            pathlib.Path(given.approve).write_bytes(chain.approval(command, subject.stack, seen[-1], key))
        except (OSError, ValueError) as problem:
            return result | {"verdict": "refused", "problems": [f"the plan was not approved: {problem}"]}
        console.say(f"approved with the key {key.id}: whoever runs it gives --approval {given.approve}")
    return result
