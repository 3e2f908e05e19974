"""What is asked at most once, by whichever thread comes first."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Asks at the first call; later ones get the same answer, or the same refusal."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._turn = threading.Lock()
        self._found: list[T] = []
        self._problem: Exception | None = None

    def __call__(self) -> T:
        with self._turn:
            if not self._found and self._problem is None:
                try:
                    self._found.append(self._ask())
                except Exception as problem:
                    self._problem = problem
        if self._problem is not None:
            raise self._problem
        return self._found[0]
