"""What each kind of cut costs, by the product's own drill on real machines: worst of at least five cuts that end at
different points of the retransmit ladder, with upstream's timers on the same machines in the middle of the same run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.scenes.onprem_aws import SCENE

from .bridge import Caught, watched
from .context import Context, NotMeasured
from .figure import Figure, value_at_most, value_is
from .live import Cut, Live
from .upstream import DATABASE, GATEWAY, WORDS

LENGTHS = (27.0, 28.8, 30.6, 32.4, 34.2)
"""Seconds. The product's ladder has a step each 1.5 s; these end 0, 0.3, 0.6, 0.9 and 1.2 s into one."""
UPSTREAM_LENGTHS = (28.8, 32.4)
DETECT_SECONDS = 15.0
LEDGER_CONTROL = "the ledger finds what is lost on purpose"
"""The drill's check that proves its zeros (operations/drill/expectations.py)."""


@dataclass(frozen=True)
class Kind:
    """A kind of cut and its bounds."""

    words: str
    ours: tuple[Cut, ...]
    upstream: tuple[Cut, ...]
    tunnel_seconds: float
    """Bound of "tunnel back"."""
    replication_seconds: float | None = None
    """Bound of "replication back"; None: there is none."""
    since: str = "the path is back"
    detects: bool = False
    """Whether a dead peer is to be detected."""


@dataclass
class Drills:
    """Results of drills with one set of timers."""

    results: list[dict[str, Any]] = field(default_factory=list)

    def figures(self, name: str) -> list[float | None]:
        """A figure of every drill."""
        return [(result.get("figures") or {}).get(name) for result in self.results]

    def worst(self, name: str) -> float | None:
        """The largest; None when there is none, or one drill never saw it: nothing is worse than never."""
        found = self.figures(name)
        known = [value for value in found if value is not None]
        return max(known) if known and len(known) == len(found) else None

    def total(self, name: str) -> float | None:
        """Sum over all; None when a drill does not know it."""
        found = [value for value in self.figures(name) if value is not None]
        return sum(found) if found and len(found) == len(self.results) else None

    def at_least(self, name: str) -> float | None:
        """As `worst`, but a drill that gave up counts with the time that it had waited."""
        waited = [
            value if value is not None else _patience(result)
            for value, result in zip(self.figures(name), self.results, strict=True)
        ]
        known = [value for value in waited if value is not None]
        return max(known, default=None)

    def never(self, name: str) -> int:
        """How many drills gave up waiting."""
        return sum(value is None for value in self.figures(name))

    def failed(self) -> list[str]:
        """Of each drill that did not pass: its failed checks and problems."""
        return [
            f"{result.get('evidence')}: "
            + "; ".join(
                [f"{check['name']}: {check['seen']}" for check in result.get("checks", []) if not check["passed"]]
                + list(result.get("problems", []))
            )
            for result in self.results
            if result["verdict"] != "passed"
        ]

    def controlled(self, check: str) -> bool:
        """Whether every drill made this check and passed it."""
        return bool(self.results) and all(
            any(one["name"] == check and one["passed"] for one in result.get("checks", [])) for result in self.results
        )


def _patience(result: dict[str, Any]) -> float | None:
    steps = [step for step in result.get("steps", []) if step["name"].startswith("wait for recovery")]
    return float(steps[0]["seconds"]) if steps else None


TERMINATE = Kind("clean terminate", (Cut("terminate"),) * 3, (Cut("terminate"),), 5.0)
LINK_DOWN = Kind(
    "link down",
    tuple(Cut("link-down", seconds) for seconds in LENGTHS),
    tuple(Cut("link-down", seconds) for seconds in UPSTREAM_LENGTHS),
    tunnel_seconds=5.0,
    replication_seconds=10.0,
    detects=True,
)
ONE_WAY = Kind(
    "one way",
    tuple(Cut("one-way", seconds, ("--direction", way)) for seconds in LENGTHS for way in ("to-aws", "from-aws")),
    tuple(Cut("one-way", UPSTREAM_LENGTHS[0], ("--direction", way)) for way in ("to-aws", "from-aws")),
    tunnel_seconds=10.0,
    replication_seconds=15.0,
    detects=True,
)


def _restart(how: str, words: str) -> Kind:
    sites = [site.name for site in SCENE.sites]
    return Kind(
        words,
        tuple(Cut(how, options=("--at", site)) for _ in LENGTHS for site in sites),
        tuple(Cut(how, options=("--at", site)) for site in sites),
        tunnel_seconds=15.0,
        since="the gateway answers again",
    )


CRASH = _restart("gateway-crash", "gateway crash")
REBOOT = _restart("gateway-reboot", "gateway reboot")


def terminate(context: Context) -> Iterator[Figure]:
    """The document's own cut: the SA is closed with a DELETE."""
    return _measure(context, TERMINATE)


def link_down(context: Context) -> Iterator[Figure]:
    """Nothing passes between the gateways."""
    return _measure(context, LINK_DOWN)


def one_way(context: Context) -> Iterator[Figure]:
    """One direction is cut, each in turn."""
    return _measure(context, ONE_WAY)


def gateway_crash(context: Context) -> Iterator[Figure]:
    """Either gateway restarts without a word."""
    return _measure(context, CRASH)


def gateway_reboot(context: Context) -> Iterator[Figure]:
    """Either gateway restarts in good order."""
    return _measure(context, REBOOT)


def _measure(context: Context, kind: Kind) -> Iterator[Figure]:
    live = context.once(Live)
    ours, upstream = Drills(), Drills()
    half = len(kind.ours) // 2
    with watched(context, live) as caught:
        _run(context, live, ours, kind.ours[:half])
        context.say(f"{kind.words}: now with {WORDS}")
        with live.timers(GATEWAY, DATABASE):
            _run(context, live, upstream, kind.upstream, patience_seconds=300)
        _run(context, live, ours, kind.ours[half:])
    yield from _times(kind, ours, upstream)
    yield from _rows(kind, ours)
    yield _clear(kind, ours, upstream, caught())


def _run(
    context: Context, live: Live, into: Drills, cuts: tuple[Cut, ...], patience_seconds: float | None = None
) -> None:
    for cut in cuts:
        into.results.append(live.drill(cut))
        for words in Drills(into.results[-1:]).failed():
            context.say(f"  not passed: {words}")
        if patience_seconds is None:
            live.wait_until_healthy()
        else:
            live.wait_until_healthy(patience_seconds)


def _times(kind: Kind, ours: Drills, upstream: Drills) -> Iterator[Figure]:
    asked = [("tunnel", "tunnel_back_seconds", kind.tunnel_seconds)]
    if kind.replication_seconds is not None:
        asked.append(("replication caught up", "replication_back_seconds", kind.replication_seconds))
    for what, name, limit in asked:
        lost = upstream.never(name)
        gave_up = f", {lost} of {len(upstream.results)} not back when the drill gave up" if lost else ""
        yield Figure(
            name=f"{kind.words}: {what} after {kind.since}, worst of {len(ours.results)}",
            value=ours.worst(name),
            unit="s",
            must=value_at_most(limit),
            compared_to=WORDS + gave_up,
            compared_value=upstream.at_least(name),
            runs={"ours": ours.figures(name), "upstream": upstream.figures(name)},
        )
    if kind.detects:
        yield Figure(
            name=f"{kind.words}: a dead peer is detected, worst of {len(ours.results)}",
            value=ours.worst("detect_seconds"),
            unit="s",
            must=value_at_most(DETECT_SECONDS),
            compared_to=f"{WORDS}, {upstream.never('detect_seconds')} of {len(upstream.results)} not within the cut",
            compared_value=upstream.worst("detect_seconds"),
            runs={"ours": ours.figures("detect_seconds"), "upstream": upstream.figures("detect_seconds")},
        )


def _rows(kind: Kind, ours: Drills) -> Iterator[Figure]:
    if not ours.controlled(LEDGER_CONTROL):
        raise NotMeasured(f"{kind.words}: a ledger did not find the row taken away on purpose: its zeros mean nothing")
    for name in ("missing", "duplicated", "reordered"):
        yield Figure(
            name=f"{kind.words}: acknowledged rows {name}, {len(ours.results)} cuts",
            value=ours.total(name),
            unit="rows",
            must=value_is(0),
            compared_to="rows acknowledged (in each drill a row taken away on purpose was found)",
            compared_value=ours.total("acked"),
            runs={"ours": ours.figures(name)},
        )


def _clear(kind: Kind, ours: Drills, upstream: Drills, caught: Caught) -> Figure:
    leaked = ours.total("cleartext_packets")
    return Figure(
        name=f"{kind.words}: packets between the ranges in clear on the internet bridge",
        # Both instruments: the bridge's, and the drills' own on the gateways.
        value=None if leaked is None else caught.clear + leaked + (upstream.total("cleartext_packets") or 0),
        unit="packets",
        must=value_is(0),
        compared_to="clear packets sent on purpose and caught there (positive control)",
        compared_value=caught.controls,
        runs={"examples": caught.examples, "encrypted": [caught.encrypted]},
    )
