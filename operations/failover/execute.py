"""From a plan to what was done: step by step, each with its entry in the journal before the next one begins.

A kill at any moment leaves a journal from which the same command goes on. A step that fails in a failback before the
first latch object is touched is followed by turning back: the standby takes writes again. A drill always puts back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..azure import AzureError
from ..journal import Locked
from ..steps import Running, Steps
from ..store import Unavailable
from ..transport import RemoteFailed, Unreachable
from .deeds import Outcome, StepFailed
from .program import ProgramFailed
from .record import Record
from .words import Command, Doing, Plan, Step, Where

TROUBLE = (
    StepFailed,
    ProgramFailed,
    AzureError,
    Unreachable,
    RemoteFailed,
    TimeoutError,
    Unavailable,
    ValueError,
    OSError,
)
NO_WAY_BACK = (Doing.LATCH, Doing.UNLATCH)
REOPEN = Step(
    "open-standby",
    Doing.OPEN,
    "turn back: start the standby's application again",
    "no latch object was touched: users are still there",
    Where.ARM,
)
STALE = frozenset({"close-standby", "dump-standby", "move-old-tables-aside", "restore-into-primary", "compare-tables"})
"""What counts no more once the standby takes writes again."""


class Actions(Protocol):
    """What does the steps; Deeds on machines, a model in tests."""

    def do(self, step: Step, choices: Mapping[str, str], say: Callable[[str], None]) -> Outcome: ...


@dataclass
class Result:
    """What came of it."""

    figures: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def execute(
    plan: Plan,
    record: Record,
    steps: Steps,
    actions: Actions,
    keep_lock: Callable[[], None] = lambda: None,
) -> Result:
    """Do the plan's steps; whatever goes wrong is a sentence in `problems`, and what had to be put back was."""
    # A command that goes on with another's work tells of it as well.
    result = Result(record.figures(), record.findings())
    record.decide(plan.choices)
    left = list(plan.steps)
    try:
        while left:
            keep_lock()
            _one(left[0], record, steps, actions, result)
            left.pop(0)
    except (*TROUBLE, Locked) as problem:
        result.problems.append(f"{left[0].title}: {problem}")
        _put_back(plan, left[1:], record, steps, actions, result)
    except KeyboardInterrupt:
        result.problems.append(f"interrupted in: {left[0].title}; run the same command again to go on")
        if plan.command.drill:
            _put_back(plan, left[1:], record, steps, actions, result)
        elif "close-standby" in record.done():
            result.problems.append(
                "writes at the standby are stopped: go on with the same command, or open it again with `twinsite "
                "failover`"
            )
    return result


def _one(step: Step, record: Record, steps: Steps, actions: Actions, result: Result) -> None:
    with steps.step(step.title) as running:
        if step.doing in NO_WAY_BACK:
            record.begin(step.name)
        outcome = actions.do(step, dict(record.choices), _teller(running))
        running.detail = outcome.detail
        record.end_step(step.name, outcome.detail, outcome.choices, outcome.figures, outcome.findings)
    result.figures |= outcome.figures
    result.findings += [words for words in outcome.findings if words not in result.findings]


def _teller(running: Running) -> Callable[[str], None]:
    return lambda words: running.progress(words[:160])


def _put_back(plan: Plan, left: list[Step], record: Record, steps: Steps, actions: Actions, result: Result) -> None:
    for step in left:
        if step.always:
            try:
                _one(step, record, steps, actions, result)
            except TROUBLE as problem:
                result.problems.append(f"could not be put back: {step.title}: {problem}")
    touched = any(name.startswith((Doing.LATCH.value, Doing.UNLATCH.value)) for name in record.begun())
    if plan.command is Command.FAILBACK and "close-standby" in record.done() and not touched:
        try:
            with steps.step(REOPEN.title, outcome="undone") as running:
                running.detail = actions.do(REOPEN, dict(record.choices), _teller(running)).detail
                record.forget(STALE, "the standby takes writes again")
        except TROUBLE as problem:
            result.problems.append(f"the standby could not be opened again: {problem}: run `twinsite failover`")
