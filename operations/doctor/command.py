"""doctor: read the settings, put every question, and say what came of it. Nothing is changed anywhere."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from twinsite.needs import Needs

from .. import azure, cloudflare, google, project, stack
from ..amazon import Boto
from ..console import Console
from ..project import Project
from ..unanswered import CouldNotAsk
from . import policies
from .answers import QUESTION_SECONDS, Answer, Line, ask_all
from .questions import World, questions
from .resource_manager import ResourceManager

PASSED, FAILED, REFUSED, UNKNOWN = "passed", "failed", "refused", "unknown"


def connect(needs: Needs) -> World:
    """The world of this desk."""
    region, profile = (needs.aws.region, needs.aws.profile) if needs.aws else ("", "")
    return World(
        Boto(region or "us-east-1", profile),
        ResourceManager(azure.Identity()),
        google.Api(google.Identity()),
        cloudflare.Api(),
    )


def run(
    folder: pathlib.Path, name: str, who: str, console: Console, seconds: float = QUESTION_SECONDS
) -> dict[str, Any]:
    """The command's JSON."""
    try:
        found = project.read(folder, name, lambda: stack.selected()[0])
    except project.NoProject as problem:
        return _empty(who) | {"verdict": REFUSED, "problems": [str(problem)]}
    if found.needs is None:
        return _empty(who) | {"stack": found.stack, "verdict": REFUSED, "problems": list(found.problems)}
    return answer(found, found.needs, connect(found.needs), who, console, seconds)


def answer(
    found: Project, needs: Needs, world: World, who: str, console: Console, seconds: float = QUESTION_SECONDS
) -> dict[str, Any]:
    """The command's JSON, of a world that tests may bring."""
    asked = questions(found, needs, world, who)
    console.begin(f"{len(asked)} questions")
    lines = ask_all(asked, seconds, lambda done, of: console.detail(f"{done} of {of} answered"))
    console.drop()
    return _empty(who) | {
        "topology": needs.topology,
        "dr_mode": needs.dr_mode,
        "stack": found.stack,
        "note": found.note,
        "verdict": verdict(lines),
        "lines": [
            {
                "family": line.family,
                "question": line.what,
                "answer": line.finding.answer.value,
                "words": line.finding.words,
                "fix": line.finding.fix,
            }
            for line in lines
        ],
    }


def _empty(who: str) -> dict[str, Any]:
    return {
        "command": "doctor",
        "topology": "",
        "dr_mode": "",
        "stack": "",
        "who": who,
        "note": "",
        "verdict": REFUSED,
        "problems": [],
        "lines": [],
    }


def verdict(lines: Sequence[Line]) -> str:
    """What could not be asked is never counted as ok. Pure."""
    answers = {line.finding.answer for line in lines}
    if Answer.NOT_OK in answers:
        return FAILED
    return UNKNOWN if Answer.COULD_NOT_ASK in answers or not lines else PASSED


def write_policies(folder: pathlib.Path, name: str, target: pathlib.Path) -> dict[str, Any]:
    """The stack's lists of rights, filled in with its settings and, where AWS says it, the account."""
    try:
        found = project.read(folder, name, lambda: stack.selected()[0])
    except project.NoProject as problem:
        return {"command": "doctor", "verdict": REFUSED, "problems": [str(problem)], "files": []}
    needs = found.needs
    if needs is None:
        return {"command": "doctor", "verdict": REFUSED, "problems": list(found.problems), "files": []}
    words = {**needs.words, "stack": found.stack, **account(needs, connect(needs))}
    written = policies.write(
        target,
        needs.topology,
        needs.dr_mode,
        words,
        [name for names in needs.further_rights.values() for name in names],
    )
    files = [{"path": str(path), "left": left} for path, left in written]
    return {"command": "doctor", "verdict": PASSED, "problems": [], "files": files}


def account(needs: Needs, world: World) -> Mapping[str, str]:
    """AWS's account and partition; nothing where they cannot be asked."""
    if needs.aws is None:
        return {}
    try:
        arn = str(world.aws.ask("sts", "GetCallerIdentity")["Arn"])
    except CouldNotAsk:
        return {}
    return {"partition": arn.split(":")[1], "account": arn.split(":")[4]}
