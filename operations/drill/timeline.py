"""What was seen, on one clock, and the figures that follow from it. Pure: no host, no clock, no file.

Every host stamps its lines with its own clock; `offset` (host clock minus operator's clock) brings them together. Times
are seconds since 1970 on the operator's clock.
"""

import bisect
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .kinds import CAUGHT_UP_SECONDS, How

_INTERVAL = re.compile(r":(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class SaLook:
    """One gateway's SAs at one moment."""

    t: float
    ike: tuple[tuple[int, str], ...] = ()
    """(unique id, state)."""
    children: tuple[tuple[int, str], ...] = ()
    error: str = ""
    heard: int = 0
    """Bytes that came through the CHILD SAs so far."""

    @property
    def up(self) -> bool:
        """An established IKE SA with an installed CHILD SA."""
        return "ESTABLISHED" in {state for _, state in self.ike} and self.installed > 0

    @property
    def installed(self) -> int:
        """CHILD SAs that carry packets. REKEYED and DELETING ones are on their way out."""
        return sum(1 for _, state in self.children if state == "INSTALLED")


@dataclass(frozen=True)
class Ping:
    """An echo through the tunnel: when it left, and when its answer came, or None."""

    sent: float
    answered: float | None


@dataclass(frozen=True)
class ReplicaLook:
    """The replica at one moment. `heartbeat` is the newest one it has, on the operator's clock."""

    t: float
    io: str | None = None
    sql: str | None = None
    lag: int | None = None
    receiver: str | None = None
    error: str = ""
    heartbeat: float | None = None
    transactions: int = 0

    @property
    def age(self) -> float | None:
        """Seconds of writes that would be lost if the source were gone now."""
        return None if self.heartbeat is None else max(0.0, self.t - self.heartbeat)

    @property
    def running(self) -> bool:
        return self.io == "Yes" and self.sql == "Yes" and self.receiver == "ON"

    @property
    def caught_up(self) -> bool:
        return self.running and self.age is not None and self.age < CAUGHT_UP_SECONDS


@dataclass(frozen=True)
class SourceLook:
    """The source at one moment."""

    t: float
    heartbeat: float | None = None
    transactions: int = 0
    error: str = ""


@dataclass(frozen=True)
class ClearLook:
    """Unencrypted packets that one gateway let out since the probe's start; `controls` are our own."""

    t: float
    count: int
    controls: int
    last: str = ""


@dataclass
class Tape:
    """Everything seen so far. Filled by observers, read by the functions below."""

    sas: dict[str, list[SaLook]] = field(default_factory=dict)
    pings: dict[str, list[Ping]] = field(default_factory=dict)
    clear: dict[str, list[ClearLook]] = field(default_factory=dict)
    replica: list[ReplicaLook] = field(default_factory=list)
    source: list[SourceLook] = field(default_factory=list)
    ended: dict[str, list[str]] = field(default_factory=dict)
    """Host → what its probe said at its end."""


@dataclass(frozen=True)
class Fault:
    """What was done, and when it was over."""

    how: How
    began: float
    finished: float | None = None
    """terminate: when charon had answered."""
    link_back: float | None = None
    """Cut links: when the host's own timer ended the cut."""
    answers_again: float | None = None
    """Restarts: when the gateway answered again."""

    @property
    def back(self) -> float | None:
        """From when on the path could carry packets again; recovery is counted from here."""
        if self.how.cuts_link:
            return self.link_back
        if self.how.restarts:
            return self.answers_again
        return self.began


def transactions(gtid_set: str) -> int:
    """How many transactions a GTID set holds."""
    return sum(int(last or first) - int(first) + 1 for first, last in _INTERVAL.findall(gtid_set.replace("\n", "")))


def record(tape: Tape, host: str, line: Mapping[str, Any], offset: float, source_offset: float) -> None:
    """Put a probe's line on the tape. `offset` is the host's, `source_offset` the one of the clock in its
    heartbeats."""
    t = float(line["t"]) - offset
    kind = line["k"]
    if kind == "ping":
        sent = float(line["sent"]) - offset
        rtt = line["rtt_ms"]
        tape.pings.setdefault(host, []).append(Ping(sent, None if rtt is None else sent + float(rtt) / 1000))
    elif kind == "sa":
        ike = tuple((int(sa["unique_id"]), str(sa["state"])) for sa in line["ike"])
        children = tuple((int(sa["unique_id"]), str(sa["state"])) for sa in line["children"])
        heard = sum(int(sa["bytes_in"]) for sa in line["children"])
        tape.sas.setdefault(host, []).append(SaLook(t, ike, children, str(line.get("error", "")), heard))
    elif kind == "clear":
        look = ClearLook(t, int(line["count"]), int(line["controls"]), str(line["last"]))
        tape.clear.setdefault(host, []).append(look)
    elif kind == "replica":
        tape.replica.append(_replica(t, line, source_offset))
    elif kind == "source":
        beat = line.get("heartbeat")
        heartbeat = None if beat is None else float(beat) - source_offset
        count = transactions(str(line.get("gtid", "")))
        tape.source.append(SourceLook(t, heartbeat, count, str(line.get("error", ""))))
    elif kind == "end":
        tape.ended[host] = [str(problem) for problem in line.get("problems", [])]


def _replica(t: float, line: Mapping[str, Any], source_offset: float) -> ReplicaLook:
    beat = line.get("heartbeat")
    errors = [str(line.get(name) or "") for name in ("error", "io_error", "applier_error")]
    return ReplicaLook(
        t=t,
        io=line.get("io"),
        sql=line.get("sql"),
        lag=line.get("lag"),
        receiver=line.get("receiver"),
        error="; ".join(error for error in errors if error),
        heartbeat=None if beat is None else float(beat) - source_offset,
        transactions=transactions(str(line.get("gtid", ""))),
    )


@dataclass(frozen=True)
class Silence:
    """How one gateway lived through its peer's silence."""

    since: float
    """When it last heard its peer through the tunnel; at the earliest the moment of the cut."""
    given_up: float | None
    """When it no longer believed in the SA; None while it did."""

    @property
    def seconds(self) -> float | None:
        """Detection time. Counted from the last packet received, as dead-peer detection counts (FACTS section 1): in a
        one-way cut an end may go on hearing its peer, and asks nobody that it hears whether he is alive."""
        return None if self.given_up is None else self.given_up - self.since


def silence(looks: Iterable[SaLook], began: float, until: float) -> Silence:
    """What this gateway heard and believed between the cut and `until`. An SA that was replaced was given up, too."""
    since, heard = began, None
    believed: set[int] = set()
    for look in looks:
        if look.t > until:
            break
        established = {unique_id for unique_id, state in look.ike if state == "ESTABLISHED"}
        if look.t < began:
            believed = established
        elif not look.error and (not look.up or (believed and not believed & established)):
            return Silence(since, look.t)
        if heard is not None and look.heard > heard and look.t > began:
            since = look.t
        heard = look.heard
    return Silence(since, None)


def crossings(tape: Tape) -> list[Ping]:
    """Every echo of every gateway, in the order they left."""
    return sorted((ping for pings in tape.pings.values() for ping in pings), key=lambda ping: ping.sent)


def crossed(tape: Tape, since: float) -> float | None:
    """When the first packet that left at `since` or later had crossed and come back."""
    answers = [ping.answered for ping in crossings(tape) if ping.sent >= since and ping.answered is not None]
    return min(answers, default=None)


def tunnel_back(tape: Tape, fault: Fault) -> float | None:
    """Seconds from `fault.back` to the first crossing packet. None when none was seen."""
    if fault.back is None:
        return None
    # A packet that left while charon was still closing the SA proves nothing.
    first = crossed(tape, max(fault.back, fault.finished or fault.back))
    return None if first is None else first - fault.back


def tunnel_outage(tape: Tape, fault: Fault) -> float | None:
    """Seconds between the last packet that crossed before the path was cut and the first that crossed afterwards."""
    if fault.back is None:
        return None
    first = crossed(tape, max(fault.back, fault.finished or fault.back))
    earlier = [ping.answered for ping in crossings(tape) if ping.answered is not None and ping.sent < fault.back]
    before = [answer for answer in earlier if first is None or answer < first]
    return None if first is None or not before else first - max(before)


def replication_back(replica: Iterable[ReplicaLook], fault: Fault) -> float | None:
    """Seconds from `fault.back` until the receiver ran and had caught up with a heartbeat that was written since then.

    After a short outage the receiver may have noticed nothing, and its newest heartbeat is young without any path.
    """
    if fault.back is None:
        return None
    since = max(fault.back, fault.finished or fault.back)
    for look in replica:
        if look.caught_up and look.heartbeat is not None and look.heartbeat >= since:
            return look.t - fault.back
    return None


def replication_resumed(replica: list[ReplicaLook], fault: Fault) -> float | None:
    """Seconds from `fault.back` until the receiver ran and a change arrived that was not there before."""
    if fault.back is None:
        return None
    since = max(fault.back, fault.finished or fault.back)
    before = last_before(replica, since)
    had = before.heartbeat if before is not None and before.heartbeat is not None else 0.0
    for look in replica:
        if look.t >= since and look.running and look.heartbeat is not None and look.heartbeat > had:
            return look.t - fault.back
    return None


def rpo(replica: Iterable[ReplicaLook], since: float) -> float | None:
    """Largest heartbeat age seen, in seconds: what would have been lost at the worst moment."""
    ages = [look.age for look in replica if look.t >= since and look.age is not None]
    return max(ages, default=None)


def last_before(looks: list[ReplicaLook], moment: float) -> ReplicaLook | None:
    """The newest look that is not after `moment`."""
    at = bisect.bisect_right([look.t for look in looks], moment)
    return looks[at - 1] if at else None


def largest_gap(moments: Iterable[float], since: float, until: float) -> float:
    """Longest time within [since, until] without one of `moments`, in seconds."""
    inside = [since, *sorted(moment for moment in moments if since <= moment <= until), until]
    return max((later - earlier for earlier, later in itertools.pairwise(inside)), default=0.0)


@dataclass(frozen=True)
class Clock:
    """A host's clock beside the operator's: offset = host minus operator, true within ± uncertainty. Seconds."""

    offset: float
    uncertainty: float


def clock(exchanges: Iterable[tuple[float, float, float]]) -> Clock:
    """From (asked, host's time, answered): the exchange with the shortest way decides, half of its way is the doubt."""
    best = min(exchanges, key=lambda exchange: exchange[2] - exchange[0])
    asked, there, answered = best
    return Clock(there - (asked + answered) / 2, (answered - asked) / 2)
