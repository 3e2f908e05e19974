"""A resolver that remembers, as one stands between every user and Route 53: it keeps an answer for its TTL, no longer.

The desk asks this one, so that what an operator or a probe sees there is what users see. Machines and the services of
the lab ask the names themselves (names.py). Not reproduced: resolvers that keep answers longer than they may.
"""

import threading
import time
from collections.abc import Callable

from dnslib import QTYPE, RCODE, DNSRecord  # type: ignore[import-untyped]
from dnslib.server import BaseResolver  # type: ignore[import-untyped]

ADDRESS = "198.51.100.54"
LIMIT = 10000
"""Answers kept; beyond it everything is forgotten at once, which costs only questions."""


class Caching(BaseResolver):  # type: ignore[misc]
    """Asks `upstream`, and remembers each answer as long as the smallest TTL in it."""

    def __init__(self, upstream: BaseResolver, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, float, DNSRecord]] = {}

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        key = (str(request.q.qname).lower(), QTYPE.get(request.q.qtype))
        now = self._clock()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and now < kept[1]:
            return _aged(kept[2], request, int(now - kept[0]))
        reply = self._upstream.resolve(request, handler)
        lives = [record.ttl for record in (*reply.rr, *reply.auth)]
        if lives and min(lives) > 0 and reply.header.rcode in (RCODE.NOERROR, RCODE.NXDOMAIN):
            with self._lock:
                if len(self._kept) >= LIMIT:
                    self._kept.clear()
                self._kept[key] = (now, now + min(lives), DNSRecord.parse(reply.pack()))
        return _aged(reply, request, 0)


def _aged(kept: DNSRecord, request: DNSRecord, seconds: int) -> DNSRecord:
    """A copy for this request, with what is left of each TTL; a cache never speaks with authority."""
    reply = DNSRecord.parse(kept.pack())
    reply.header.id, reply.header.rd, reply.header.aa = request.header.id, request.header.rd, 0
    for record in (*reply.rr, *reply.auth):
        record.ttl = max(0, record.ttl - seconds)
    return reply
