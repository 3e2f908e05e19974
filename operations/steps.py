"""Steps of an operation: each is announced, timed and journalled as it ends; undoing runs in reverse, whatever
happens."""

import contextlib
import datetime
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .console import Console


@dataclass(frozen=True)
class Step:
    """One step that ended. `outcome`: done, failed, interrupted, undone."""

    name: str
    started: str
    """ISO 8601, UTC."""
    seconds: float
    outcome: str
    detail: str


def iso(moment: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return (
        datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


class Running:
    """A step under way."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.detail = ""

    def progress(self, words: str) -> None:
        """For the person who waits; not kept."""
        self._console.detail(words)


class Steps:
    """The steps of one operation. `journal` gets every one as plain JSON types."""

    def __init__(self, console: Console, journal: Callable[[dict[str, Any]], None]) -> None:
        self._console = console
        self._journal = journal
        self.done: list[Step] = []
        self._undo: list[tuple[str, Callable[[], str | None]]] = []

    @contextlib.contextmanager
    def step(self, name: str, outcome: str = "done") -> Iterator[Running]:
        """A step around the block; an exception ends it as failed (Ctrl-C: interrupted) and goes on."""
        self._console.begin(name)
        started, clock = time.time(), time.monotonic()
        running = Running(self._console)
        try:
            yield running
        except KeyboardInterrupt:
            self._end(name, started, clock, "interrupted", running.detail)
            raise
        except BaseException as error:
            self._end(name, started, clock, "failed", str(error))
            raise
        self._end(name, started, clock, outcome, running.detail)

    def _end(self, name: str, started: float, clock: float, outcome: str, detail: str) -> None:
        step = Step(name, iso(started), round(time.monotonic() - clock, 3), outcome, detail)
        self.done.append(step)
        self._console.end(name, step.seconds, outcome, detail)
        self._journal({"kind": "step", **asdict(step)})

    def undo_with(self, name: str, action: Callable[[], str | None]) -> None:
        """Do `action` at the end, whatever happens. Registered before the thing that it undoes is done. It may run when
        there is nothing to undo, and then returns None."""
        self._undo.append((name, action))

    def undo_all(self) -> list[str]:
        """Run what is left, newest first; the sentences of what could not be undone."""
        problems = []
        while self._undo:
            name, action = self._undo.pop()
            self._console.begin(name)
            started, clock = time.time(), time.monotonic()
            try:
                detail = action()
            except Exception as error:
                problems.append(f"{name}: {error}")
                self._end(name, started, clock, "failed", str(error))
                continue
            if detail is None:
                self._console.drop()
            else:
                self._end(name, started, clock, "undone", detail)
        return problems


class Interrupted(KeyboardInterrupt):
    """A signal asked to stop."""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise Interrupted(signal.Signals(number).name)

    old = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def unstoppable(say: Callable[[str], None]) -> Iterator[None]:
    """Around undoing: a further Ctrl-C is answered, not obeyed. Every action inside has its own time limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def answer(*_: object) -> None:
        say("undoing what was done; this takes a few seconds")

    old = {number: signal.signal(number, answer) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def wait(what: str, check: Callable[[], bool], seconds: float, seen: Callable[[], str] = lambda: "") -> None:
    """Until `check` is true. TimeoutError says what was awaited and what was last seen."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() >= deadline:
            last = seen()
            raise TimeoutError(f"waited {seconds:g} s for {what}" + (f"; last seen: {last}" if last else ""))
        time.sleep(0.05)
