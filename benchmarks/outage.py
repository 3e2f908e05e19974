"""An outage longer than upstream's retry budget: MySQL's receiver stops for good, ours comes back.

Upstream gives up after 10 tries of 60 s. Here its numbers are scaled down, every loop with its fixed period, so that a
short cut outlasts them: 3 tries of 2 s. --long adds one real cut of 15 minutes, long enough for NAT entries to expire.
"""

from collections.abc import Iterator

from .context import Context
from .figure import Figure, value_at_most
from .live import Cut, Live
from .recovery import Drills
from .upstream import GATEWAY

SCALED = {"net_timeout_seconds": 5, "heartbeat_period_seconds": 1.0, "connect_retry_seconds": 2, "retry_count": 3}
SCALED_WORDS = "upstream's finite retries, scaled down to 3 × 2 s (really 10 × 60 s); net timeout 5 s"
CUT_SECONDS = 60.0
LONG_CUT_SECONDS = 900.0
MUST_SECONDS = 10.0
LONG_MUST_SECONDS = 52.0
"""10 s, and what 14 of the 15 minutes left applied 20 times as fast as it was written: the drill's own limit."""
NAME = "replication_back_seconds"


def run(context: Context) -> Iterator[Figure]:
    """Replication after the cut, ours and upstream's."""
    live = context.once(Live)
    ours, upstream = Drills(), Drills()
    cut = Cut("link-down", CUT_SECONDS)
    ours.results.append(live.drill(cut))
    live.wait_until_healthy()
    context.say(f"now with {SCALED_WORDS}")
    with live.timers({}, SCALED):
        upstream.results.append(live.drill(cut))
    yield _figure(f"replication after a cut of {CUT_SECONDS:g} s", ours, upstream, SCALED_WORDS)
    if context.long:
        yield from _long(live)


def _long(live: Live) -> Iterator[Figure]:
    ours = Drills([live.drill(Cut("link-down", LONG_CUT_SECONDS), settle_seconds=60)])
    live.wait_until_healthy()
    yield Figure(
        name="replication runs again after a cut of 15 minutes, NAT entries gone",
        value=ours.worst("replication_resumed_seconds"),
        unit="s",
        must=value_at_most(MUST_SECONDS),
        compared_to="nothing in this run; upstream's receiver gives up for good after 10 minutes",
    )
    yield Figure(
        name="— and has caught up",
        value=ours.worst(NAME),
        unit="s",
        must=value_at_most(LONG_MUST_SECONDS),
        compared_to="transactions acknowledged during the cut",
        compared_value=ours.worst("acked_during_cut"),
    )
    yield Figure(
        name="tunnel after a cut of 15 minutes, NAT entries gone",
        value=ours.worst("tunnel_back_seconds"),
        unit="s",
        must=value_at_most(5.0),
        compared_to=f"nothing in this run; upstream gives up after 165 s with keyingtries 1 ({len(GATEWAY)} timers)",
    )


def _figure(name: str, ours: Drills, upstream: Drills, words: str) -> Figure:
    lost = upstream.never(NAME)
    seen = upstream.results and f", {lost} of {len(upstream.results)} never back without a person"
    return Figure(
        name=name,
        value=ours.worst(NAME),
        unit="s",
        must=value_at_most(MUST_SECONDS),
        compared_to=f"{words}{seen or ''}",
        compared_value=upstream.worst(NAME),
        runs={"ours": ours.figures(NAME), "upstream": upstream.figures(NAME)},
    )
