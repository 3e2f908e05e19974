"""Tasks that come to be while others run, taken by several threads: kinds in their order, each within its limit."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Worker = TypeVar("Worker")
Stopped = Callable[[], bool]

LOOK_SECONDS = 0.5
"""How long a waiting thread may take to see that another one failed."""


class Board(Generic[Worker]):
    """`limits`: kinds in the order in which they are taken, with how many of each may run at once (0: any number)."""

    def __init__(self, limits: dict[str, int]) -> None:
        self._limits = limits
        self._waiting: dict[str, deque[Callable[[Worker], None]]] = {kind: deque() for kind in limits}
        self._running = dict.fromkeys(limits, 0)
        self._changed = threading.Condition()

    def add(self, kind: str, task: Callable[[Worker], None]) -> None:
        """Also from within a task."""
        with self._changed:
            self._waiting[kind].append(task)
            self._changed.notify()

    def work(self, worker: Worker, stopped: Stopped) -> None:
        """Take tasks until none is left and none runs that could add one, or somebody failed."""
        while not stopped():
            with self._changed:
                kind = self._next()
                if not kind:
                    if not any(self._running.values()):
                        return
                    self._changed.wait(LOOK_SECONDS)
                    continue
                task = self._waiting[kind].popleft()
                self._running[kind] += 1
            try:
                task(worker)
            finally:
                with self._changed:
                    self._running[kind] -= 1
                    self._changed.notify_all()

    def _next(self) -> str:
        """The kind of the next task; empty: none may begin now."""
        for kind, limit in self._limits.items():
            if self._waiting[kind] and (not limit or self._running[kind] < limit):
                return kind
        return ""
