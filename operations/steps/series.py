"""The steps of one operation, one after the other: announced, timed and journalled as they end; undoing runs in
reverse, whatever happens."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..console import Console
from .moment import iso
from .step import Outcome, Step

Hands = TypeVar("Hands")


@dataclass(frozen=True)
class Ended:
    """One step that ended. `outcome`: done, failed, interrupted, undone."""

    name: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    outcome: str
    detail: str


class Book(Protocol):
    """What the steps write their ends into: a Journal."""

    @property
    def choices(self) -> dict[str, str]: ...

    def begin(self, step: str) -> None: ...

    def end_step(
        self,
        step: str,
        detail: str,
        choices: Mapping[str, str],
        figures: Mapping[str, object],
        findings: tuple[str, ...],
        seconds: float,
    ) -> None: ...

    def fail_step(self, step: str, kind: str, detail: str, seconds: float) -> None: ...

    def forget(self, steps: frozenset[str], why: str) -> None: ...


class Steps:
    """The steps of one operation."""

    def __init__(self, console: Console, journal: Book, keep_lock: Callable[[], None] = lambda: None) -> None:
        """`keep_lock`: moves the end of the operation's lock on, before each step; whatever it raises stops there."""
        self._keep_lock = keep_lock
        self._console = console
        self._journal = journal
        self.done: list[Ended] = []
        self._undo: list[tuple[str, str, Callable[[], str | None]]] = []

    def run(self, step: Step[Hands], hands: Hands, locked: bool = True) -> Outcome:
        """Do it; an exception ends it as failed (Ctrl-C: interrupted) and goes on. What it takes back is registered
        before it is begun. `locked` False: what puts something back does not wait for the lock's store."""
        if locked:
            self._keep_lock()
        if step.back:
            self._undo.append((step.back, step.name, lambda: step.take_back(hands)))
        if step.final:
            self._journal.begin(step.name)
        self._console.begin(step.title)
        started, clock = time.time(), time.monotonic()
        try:
            found = step.do(hands, dict(self._journal.choices), self.say)
            # In the journal before the next one begins.
            told = (found.choices, found.figures, found.findings)
            self._journal.end_step(step.name, found.detail, *told, round(time.monotonic() - clock, 3))
        except KeyboardInterrupt:
            self._failed(step, started, clock, "interrupted", "")
            raise
        except BaseException as error:
            self._failed(step, started, clock, "failed", str(error))
            raise
        self._end(step.title, started, clock, "done", found.detail)
        return found

    def put_back(self, step: Step[Hands], hands: Hands, undone: frozenset[str], why: str) -> Outcome:
        """Do a step that undoes others: the journal forgets those."""
        self._console.begin(step.title)
        started, clock = time.time(), time.monotonic()
        try:
            found = step.do(hands, dict(self._journal.choices), self.say)
            self._journal.forget(undone, why)
        except BaseException as error:
            self._failed(step, started, clock, "failed", str(error))
            raise
        self._end(step.title, started, clock, "undone", found.detail)
        return found

    def undo_all(self) -> list[str]:
        """Take back what is left, newest first; the sentences of what could not be undone."""
        problems = []
        while self._undo:
            title, name, action = self._undo.pop()
            self._console.begin(title)
            started, clock = time.time(), time.monotonic()
            try:
                detail = action()
                if detail is not None:
                    self._journal.forget(frozenset({name}), detail)
            except Exception as error:
                problems.append(f"{title}: {error}")
                self._end(title, started, clock, "failed", str(error))
                continue
            if detail is None:
                self._console.drop()
            else:
                self._end(title, started, clock, "undone", detail)
        return problems

    def say(self, words: str) -> None:
        """A word for the person who waits; not kept."""
        self._console.detail(words[:160])

    def _failed(self, step: Step[Hands], started: float, clock: float, outcome: str, detail: str) -> None:
        ended = self._end(step.title, started, clock, outcome, detail)
        self._journal.fail_step(step.name, outcome, detail, ended.seconds)

    def _end(self, title: str, started: float, clock: float, outcome: str, detail: str) -> Ended:
        ended = Ended(title, iso(started), round(time.monotonic() - clock, 3), outcome, detail)
        self.done.append(ended)
        self._console.end(title, ended.seconds, outcome, detail)
        return ended
