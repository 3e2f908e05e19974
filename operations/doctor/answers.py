"""Questions and their answers; all are asked at once, each has its time, and nothing hangs."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from ..unanswered import CouldNotAsk

QUESTION_SECONDS = 45.0
"""For everything: credentials that a slow CLI fetches, and the calls."""


class Answer(str, Enum):
    """What an answer may be."""

    OK = "ok"
    NOT_OK = "not ok"
    COULD_NOT_ASK = "could not ask"


@dataclass(frozen=True)
class Finding:
    """What came of a question. `fix` is empty when there is nothing to do."""

    answer: Answer
    words: str
    fix: str = ""


@dataclass(frozen=True)
class Question:
    """One line of the doctor's. `ask` may raise CouldNotAsk."""

    family: str
    what: str
    ask: Callable[[], Finding]


@dataclass(frozen=True)
class Line:
    """A question with what came of it."""

    family: str
    what: str
    finding: Finding


def ok(words: str) -> Finding:
    """All is as it must be."""
    return Finding(Answer.OK, words)


def not_ok(words: str, fix: str) -> Finding:
    """Something must be done, and `fix` says what."""
    return Finding(Answer.NOT_OK, words, fix)


def all_of(findings: Sequence[Finding]) -> Finding:
    """Several in one line: the worst answer, with the words and fixes of those that gave it."""
    for answer in (Answer.NOT_OK, Answer.COULD_NOT_ASK, Answer.OK):
        same = [one for one in findings if one.answer == answer]
        if same:
            fixes = dict.fromkeys(one.fix for one in same if one.fix)
            return Finding(answer, "; ".join(dict.fromkeys(one.words for one in same)), "; ".join(fixes))
    raise ValueError("no finding at all")


def needs_setting(value: str, key: str) -> str:
    """`value`, or CouldNotAsk when the setting that gives it is not made."""
    if not value:
        raise CouldNotAsk(f"setting {key} is not made", f"`pulumi config set {key} VALUE`")
    return value


def ask_all(
    questions: Sequence[Question],
    seconds: float = QUESTION_SECONDS,
    said: Callable[[int, int], None] = lambda done, of: None,
) -> list[Line]:
    """Every question in a thread of its own; one that has not answered in time could not be asked.

    The threads are daemons: one that hangs in a system call does not keep the command from ending.
    """
    found: dict[int, Finding] = {}
    changed = threading.Condition()

    def ask(at: int, question: Question) -> None:
        try:
            finding = question.ask()
        except CouldNotAsk as problem:
            finding = Finding(Answer.COULD_NOT_ASK, problem.words, problem.fix)
        except Exception as error:  # an answer of a shape that nobody knew: a question without an answer, and said so
            words = f"the answer cannot be read ({type(error).__name__}: {error})"
            finding = Finding(Answer.COULD_NOT_ASK, words, "report it with this line; ask the same by hand meanwhile")
        with changed:
            found[at] = finding
            changed.notify_all()

    deadline = time.monotonic() + seconds
    for at, question in enumerate(questions):
        threading.Thread(target=ask, args=(at, question), name=f"doctor-{at}", daemon=True).start()
    with changed:
        while len(found) < len(questions) and (left := deadline - time.monotonic()) > 0:
            changed.wait(left)
            said(len(found), len(questions))
        answered = dict(found)
    late = Finding(Answer.COULD_NOT_ASK, f"no answer within {seconds:g} s", "look at your own network, then ask again")
    return [Line(one.family, one.what, answered.get(at, late)) for at, one in enumerate(questions)]
