"""From a plan to what was done: step by step, each with its entry in the journal before the next one begins.

A kill at any moment leaves a journal from which the same command goes on. A step that fails before the first step
without a way back is followed by turning back, where the plan has that: the standby takes writes again. What a drill
changed it always puts back.
"""

from dataclasses import dataclass, field
from typing import Any

from ..azure import AzureError
from ..journal.document import Journal
from ..journal.lock import Locked
from ..steps import Step, StepFailed, Steps, unstoppable
from ..store import Unavailable
from ..transport import RemoteFailed, Unreachable
from ..unanswered import CouldNotAsk
from .program import ProgramFailed
from .words import Plan, TurnBack

TROUBLE = (
    StepFailed,
    ProgramFailed,
    AzureError,
    Unreachable,
    RemoteFailed,
    TimeoutError,
    Unavailable,
    CouldNotAsk,
    ValueError,
    OSError,
)


@dataclass
class Result:
    """What came of it."""

    figures: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def execute(plan: Plan, journal: Journal, steps: Steps, hands: Any) -> Result:
    """Do the plan's steps; whatever goes wrong is a sentence in `problems`, and what had to be put back was."""
    # A command that goes on with another's work tells of it as well.
    result = Result(journal.figures(), journal.findings())
    journal.decide(plan.choices)
    left = list(plan.steps)
    try:
        while left:
            _one(left[0], steps, hands, result)
            left.pop(0)
    except Locked as problem:
        # Somebody else is at work: nothing is put back under their hands.
        result.problems.append(f"{left[0].title}: {problem}")
        result.problems += [
            f"not put back, because of that: {title}" for title in _to_put_back(plan, left[1:], journal)
        ]
    except TROUBLE as problem:
        result.problems.append(f"{left[0].title}: {problem}")
        with unstoppable(steps.say):
            _put_back(plan, left[1:], journal, steps, hands, result)
    except KeyboardInterrupt:
        result.problems.append(f"interrupted in: {left[0].title}; run the same command again to go on")
        if plan.command.drill:
            with unstoppable(steps.say):
                _put_back(plan, left[1:], journal, steps, hands, result)
        elif plan.turn_back is not None and _stopped(plan.turn_back, journal):
            result.problems.append(
                f"{plan.turn_back.stopped}: go on with the same command, or open it again with {plan.turn_back.by_hand}"
            )
    return result


def _one(step: Step[Any], steps: Steps, hands: Any, result: Result, locked: bool = True) -> None:
    outcome = steps.run(step, hands, locked)
    result.figures |= outcome.figures
    result.findings += [words for words in outcome.findings if words not in result.findings]


def _to_put_back(plan: Plan, left: list[Step[Any]], journal: Journal) -> list[str]:
    titles = [step.title for step in left if step.always]
    return titles + ([plan.turn_back.step.title] if _turns_back(plan, journal) and plan.turn_back else [])


def _turns_back(plan: Plan, journal: Journal) -> bool:
    """Whether what the plan stopped is to run again: it was stopped, and the way back is still open."""
    return plan.turn_back is not None and _stopped(plan.turn_back, journal) and not journal.begun()


def _stopped(back: TurnBack, journal: Journal) -> bool:
    done = journal.done()
    return back.after in done and back.until not in done


def _put_back(plan: Plan, left: list[Step[Any]], journal: Journal, steps: Steps, hands: Any, result: Result) -> None:
    for step in left:
        if step.always:
            try:
                _one(step, steps, hands, result, locked=False)
            except TROUBLE as problem:
                result.problems.append(f"could not be put back: {step.title}: {problem}")
    back = plan.turn_back
    if back is not None and _turns_back(plan, journal):
        try:
            steps.put_back(back.step, hands, back.undoes, back.why)
        except TROUBLE as problem:
            result.problems.append(f"{back.failed}: {problem}: run {back.by_hand}")
