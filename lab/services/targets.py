"""Targets of a load balancer: a list that changes, health checks at the documented cadence, whose turn it is.

Here: who is well and who is next. Not here: what a load balancer says (alb.py, google_balancer.py), who is listed.
"""

import itertools
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.services.exchange import Headers
from lab.services.http_proxy import Answer, OriginError, ask

Dial = Callable[[float], socket.socket]
"""Seconds → a connection to a target; OSError."""

LISTED_SECONDS = 0.5
"""How often it is asked who is listed."""


@dataclass(frozen=True)
class Target:
    key: str
    """Its address and port, or whatever tells it from others."""
    dial: Dial = field(compare=False)


@dataclass(frozen=True)
class Asked:
    """A health check: one request each `interval` seconds, so many answers in a row to change a mind."""

    path: str
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    agent: str
    first: int = 1
    """Good answers that a target needs that was just listed."""
    host: str = "target"


@dataclass
class _Known:
    target: Target
    healthy: bool = False
    detail: str = "initial"
    decided: bool = False
    run: int = 0
    """Answers in a row that contradict `healthy`; before it is decided, good ones."""
    ended: threading.Event = field(default_factory=threading.Event)


class Targets:
    """`asked` may change with the list. `start` begins to ask."""

    def __init__(self, listed: Callable[[], Sequence[Target]], asked: Callable[[], Asked]) -> None:
        self._listed = listed
        self._asked = asked
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._turn = itertools.count()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="targets", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        with self._lock:
            for one in self._known.values():
                one.ended.set()

    def next(self, fail_open: bool) -> Target | None:
        """A healthy one in turn; with `fail_open` any when none is. None when there is none to choose."""
        with self._lock:
            well = [one.target for one in self._known.values() if one.healthy]
            chosen = well or ([one.target for one in self._known.values()] if fail_open else [])
        return chosen[next(self._turn) % len(chosen)] if chosen else None

    @property
    def healthy(self) -> bool:
        with self._lock:
            return any(one.healthy for one in self._known.values())

    @property
    def detail(self) -> str:
        """What each last answered."""
        with self._lock:
            return "; ".join(f"{key}: {one.detail}" for key, one in self._known.items()) or "no targets"

    def follow(self) -> None:
        """Take in who is new, let go who is listed no more."""
        there = {one.key: one for one in self._listed()}
        with self._lock:
            for key in set(self._known) - set(there):
                self._known.pop(key).ended.set()
            new = [_Known(one) for key, one in there.items() if key not in self._known]
            self._known |= {one.target.key: one for one in new}
        for one in new:
            threading.Thread(target=self._watch, args=(one,), name=f"target-{one.target.key}", daemon=True).start()

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self.follow()
            except Exception as error:  # a load balancer goes on with the targets that it has
                print(f"targets: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self._ended.wait(LISTED_SECONDS)

    def _watch(self, one: _Known) -> None:
        while not one.ended.is_set() and not self._ended.is_set():
            began, asked = time.monotonic(), self._asked()
            try:
                headers = [("Host", asked.host), ("User-Agent", asked.agent)]
                status = request(one.target, "GET", asked.path, headers, b"", asked.timeout).status
                good, one.detail = status == 200, f"HTTP {status}"
            except OriginError as error:
                good, one.detail = False, str(error)
            self._note(one, good, asked)
            one.ended.wait(max(0.1, asked.interval - (time.monotonic() - began)))

    @staticmethod
    def _note(one: _Known, good: bool, asked: Asked) -> None:
        one.run = 0 if good == one.healthy else one.run + 1
        needed = asked.unhealthy if one.healthy else asked.healthy if one.decided else asked.first
        if one.run >= needed:
            one.healthy, one.decided, one.run = good, True, 0
        elif not good:
            one.decided = True


def request(target: Target, method: str, path: str, headers: Headers, body: bytes, seconds: float) -> Answer:
    """One request to a target. OriginError."""
    try:
        connection = target.dial(min(seconds, 10.0))
    except TimeoutError as error:
        raise OriginError("no connection to the target", slow=True) from error
    except OSError as error:
        raise OriginError(f"no connection to the target: {error}", slow=False) from error
    connection.settimeout(seconds)
    return ask(connection, method, path, headers, body)
