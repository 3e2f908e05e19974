"""Waiting for what can be observed, and being asked to stop meanwhile."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator


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


def wait(
    what: str,
    check: Callable[[], bool],
    seconds: float,
    seen: Callable[[], str] = lambda: "",
    every: float = 0.05,
) -> None:
    """Until `check`, asked again after `every` seconds, is true. TimeoutError says what was awaited and what was last
    seen."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() >= deadline:
            last = seen()
            raise TimeoutError(f"waited {seconds:g} s for {what}" + (f"; last seen: {last}" if last else ""))
        time.sleep(every)
