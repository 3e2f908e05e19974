"""What small drills have in common: lock, journal, steps, undo, verdict, evidence; one JSON object at the end."""

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .. import chain, evidence
from ..console import Console
from ..journal.document import Journal, begin
from ..journal.keepers import OnDesk
from ..journal.lock import Hold, Locked
from ..journal.process import me
from ..journal.step import TakeLock
from ..stack import Stack
from ..steps import Step, StepFailed, Steps, iso, stoppable, unstoppable
from ..store import Store, Unavailable
from ..unanswered import CouldNotAsk
from . import expectations
from .expectations import Check


@dataclass(frozen=True)
class Drill:
    """One of them. `looking`: so many of its steps only look at first; what ends there is refused."""

    command: str
    named: str
    """In the evidence's file name."""
    steps: Sequence[Step[Any]]
    looking: int
    seconds: float
    """No part of it lasts longer."""
    interrupted: str
    """What Ctrl-C leaves, in words."""
    told: Mapping[str, Any]
    """Beside the plan, for whoever approves it."""


def refused(stack: Stack, command: str, problems: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    """The JSON of one that did not start."""
    return {
        "command": command, **more, "topology": stack.inventory.topology, "verdict": "refused",
        "dr_mode": stack.inventory.dr_mode, "figures": {}, "checks": [], "steps": [], "problems": list(problems),
        "predicted": {"ground": "", "phases": []}, "evidence": None, "report": None,
    }  # fmt: skip


def run(
    stack: Stack,
    store: Store,
    drill: Drill,
    hands: Any,
    console: Console,
    judged: Callable[[], tuple[dict[str, Any], list[Check]]] | None = None,
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
    **more: Any,
) -> dict[str, Any]:
    """Its JSON, and its evidence once a step was done that acts. `judged`: figures and checks beside the steps' own."""
    result = refused(stack, drill.command, **more)
    try:
        tell([step.told() for step in drill.steps], dict(drill.told))
    except chain.NotApproved as problem:
        return result | {"problems": [str(problem)]}
    started = time.time()
    document = begin(drill.command, me(drill.command), to="", digest=stack.inventory.digest)
    log = Journal(document, OnDesk(stack.folder, store))
    hold = Hold(store, "d" + secrets.token_hex(4), drill.command, drill.seconds)
    steps, problems, done = Steps(console, log, hold.keep), [], 0
    try:
        with stoppable():
            steps.run(TakeLock(break_lock), hold)
            for step in drill.steps:
                steps.run(step, hands)
                done += 1
    except (Locked, Unavailable, StepFailed, TimeoutError) as problem:
        problems.append(str(problem))
    except CouldNotAsk as problem:
        problems.append(f"{problem.words}: {problem.fix}" if problem.fix else problem.words)
    except KeyboardInterrupt:
        problems.append(f"interrupted: {drill.interrupted}")
    finally:
        with unstoppable(console.say):
            problems += [f"could not be undone: {problem}" for problem in steps.undo_all()]
    figures, checks = judged() if judged is not None and done >= drill.looking else ({}, [])
    well = done == len(drill.steps) and not problems and (judged is None or expectations.passed(checks))
    verdict = "passed" if well else "failed" if done >= drill.looking else "refused"
    result |= {"verdict": verdict, "problems": problems, "figures": log.figures() | figures}
    result |= {"steps": [asdict(step) for step in steps.done], "checks": [asdict(check) for check in checks]}
    if done >= drill.looking:
        content = {**result, "started": iso(started), "finished": iso(time.time()), "stack": stack.name,
                   "digest": stack.inventory.digest}  # fmt: skip
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(started))}-{drill.named}"
        path = evidence.write(stack.folder, name, content).resolve()
        result["evidence"] = str(path)
        with contextlib.suppress(Unavailable):  # it is on this desk; the result names it
            store.write(f"evidence/{name}.json", path.read_bytes())
    log.close(verdict)
    return result
