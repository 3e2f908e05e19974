"""What is to be chained, first on this desk: synced before anything is done, so that neither a kill nor a dead anchor
loses it, and sent without holding an operation up for longer than it is told to."""

import contextlib
import fcntl
import json
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..journal.keepers import OnDisk
from ..store import Unavailable
from .envelope import canonical, plain
from .keys import Key
from .links import Chain, Link


class Outbox:
    """Of one stack on this desk. `problem`: why something waits; "" nothing does."""

    def __init__(self, folder: pathlib.Path, chain: Callable[[], tuple[Chain, Key]]) -> None:
        """`chain` is asked when there is something to send: it may raise Unavailable, ValueError or OSError."""
        self._folder = folder
        self._chain = chain
        self._thread: threading.Thread | None = None
        self._fresh: set[str] = set()
        self.problem = ""
        self.last: Link | None = None
        """The newest that was chained by this process."""

    def put(self, name: str, told: Mapping[str, Any]) -> None:
        """Keep it; what was kept earlier is sent earlier."""
        disk = OnDisk(self._folder)
        file = f"{time.time_ns():020d}-{name}.json"
        disk.keep(file, canonical(plain(told)))
        self._fresh.add(file)
        self.problem = disk.problem

    def waiting(self) -> list[pathlib.Path]:
        """What is not chained yet, oldest first."""
        return sorted(self._folder.glob("*.json"))

    def send(self, seconds: float) -> str:
        """Chain all that waits, or go on after `seconds`; why something still waits, "" nothing does."""
        deadline = time.monotonic() + seconds
        while True:
            if self._thread is None or not self._thread.is_alive():
                new = self._thread = threading.Thread(target=self._send, daemon=True)
                new.start()
            else:  # of an earlier event: it has not seen what came since
                new = None
            self._thread.join(max(0.0, deadline - time.monotonic()))
            if self._thread.is_alive():
                return f"the evidence's place has not answered within {seconds:g} s"
            if new is not None:
                return self.problem

    def _send(self) -> None:
        try:
            with self._alone():
                for path in self.waiting():
                    self._one(path)
            self.problem = ""
        except (Unavailable, ValueError, OSError) as problem:
            self.problem = str(problem)
        except Exception as problem:  # a cloud's SDK has more of them; what is not sent is never taken for sent
            self.problem = f"{type(problem).__name__}: {problem}"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two commands of one desk do not send the same."""
        with open(self._folder / ".mutex", "w", encoding="ascii") as mutex:
            fcntl.flock(mutex, fcntl.LOCK_EX)
            yield

    def _one(self, path: pathlib.Path) -> None:
        told = json.loads(path.read_bytes())
        chain, key = self._chain()
        fresh = path.name in self._fresh
        self._fresh.discard(path.name)
        # One that was killed, or had no answer, may have left behind here what is in the chain.
        if fresh or not chain.has(told):
            self.last = chain.append(told, key)
        path.unlink()
