"""Cloudflare's places ask the origins of every pool that has a monitor, at the monitor's own cadence.

Each place has a mind of its own, which so many answers in a row change; most of them are Cloudflare's word.
"""

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.services.cloudflare.model import MONITOR, POOL, Monitor, Pool, Records, monitor_of, most, places, pool_of
from lab.services.cloudflare.probe import Connect, Resolve, Seen, probe

Place = tuple[str, int]
"""A region, and which of its data centers."""


@dataclass
class _Mind:
    """Of one place about one origin."""

    due: float
    healthy: bool | None = None
    """None: it has not asked yet."""
    streak: int = 0
    """Answers in a row that contradict `healthy`."""
    seen: Seen | None = None
    asking: bool = False


_Key = tuple[str, str, Place, Monitor]
"""Pool, address, place, and how it asks: another way of asking is another mind."""


class Monitors:
    """Of all pools. `sources`: addresses that the places ask from."""

    def __init__(
        self,
        records: Records,
        connect: Connect,
        resolve: Resolve,
        sources: Sequence[str],
        trust: ssl.SSLContext,
        hurry: float = 1.0,
    ) -> None:
        """`hurry` divides the intervals, for tests of this class only: the lab's is 1."""
        self._records, self._connect, self._resolve = records, connect, resolve
        self._sources, self._trust, self._hurry = sources, trust, hurry
        self._lock = threading.Lock()
        self._minds: dict[_Key, _Mind] = {}
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(24, thread_name_prefix="monitor")
        self._thread = threading.Thread(target=self._run, name="monitors", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def pools(self) -> Mapping[str, Pool]:
        """By id."""
        return {identity: pool_of(identity, record) for identity, record in self._records(POOL).items()}

    def said(self, pool: str) -> dict[Place, dict[str, tuple[bool, Seen]]]:
        """What each place that has asked thinks of each address, and what it last saw."""
        found: dict[Place, dict[str, tuple[bool, Seen]]] = {}
        with self._lock:
            for (own, address, place, _), mind in self._minds.items():
                if own == pool and mind.healthy is not None and mind.seen is not None:
                    found.setdefault(place, {})[address] = mind.healthy, mind.seen
        return found

    def origin_healthy(self, pool: str, address: str) -> bool | None:
        """None: nobody has asked, so that it gets users."""
        opinions = {place: known[address][0] for place, known in self.said(pool).items() if address in known}
        return most(opinions) if opinions else None

    def healthy(self, pool: Pool) -> bool | None:
        """Whether so many of its origins are as it needs; None while nobody has asked any."""
        said = [self.origin_healthy(pool.id, one.address) for one in pool.origins if one.enabled]
        if said and all(one is None for one in said):
            return None
        return sum(one is not False for one in said) >= pool.least

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            try:
                self._turn(time.monotonic())
            except RuntimeError:  # the executor is shut down
                return

    def _turn(self, now: float) -> None:
        wanted = self._wanted()
        with self._lock:
            for gone in set(self._minds) - set(wanted):
                del self._minds[gone]
            for key, share in wanted.items():
                # Spread over the interval, so that places ask at different moments; the first at once.
                self._minds.setdefault(key, _Mind(due=now + share * key[3].interval / self._hurry))
            due = [(key, mind) for key, mind in self._minds.items() if mind.due <= now and not mind.asking]
            for key, mind in due:
                mind.asking = True
                mind.due = max(mind.due + key[3].interval / self._hurry, now)
        for key, mind in due:
            self._pool.submit(self._visit, key, mind)

    def _wanted(self) -> dict[_Key, float]:
        """With the share of an interval that each begins later by."""
        monitors = {identity: monitor_of(record) for identity, record in self._records(MONITOR).items()}
        found: dict[_Key, float] = {}
        for pool in self.pools().values():
            # A pool that is switched off is asked all the same.
            if pool.monitor in monitors:
                asking = places(pool)
                for origin in pool.origins:
                    for at, place in enumerate(asking):
                        found[pool.id, origin.address, place, monitors[pool.monitor]] = at / len(asking)
        return found

    def _visit(self, key: _Key, mind: _Mind) -> None:
        _, address, (_, number), monitor = key
        source = self._sources[number % len(self._sources)]
        try:
            seen = probe(monitor, address, source, self._connect, self._resolve, self._trust)
        except Exception as error:  # a place never dies
            seen = Seen(f"{type(error).__name__}: {error}")
        with self._lock:
            mind.asking, mind.seen = False, seen
            if mind.healthy is None:
                mind.healthy = seen.healthy
            elif mind.healthy == seen.healthy:
                mind.streak = 0
            else:
                mind.streak += 1
                if mind.streak >= (monitor.up if seen.healthy else monitor.down):
                    mind.healthy, mind.streak = seen.healthy, 0
