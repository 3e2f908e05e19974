"""What each kind of cut must show, and the verdict. Pure: findings in, checks out.

A check that could not be made has failed: nothing passes because nothing was seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from . import timeline
from .kinds import CAUGHT_UP_SECONDS, DETECT_LIMIT_SECONDS, LIMITS, How, catch_up_limit
from .timeline import Fault, Tape

# Answers to packets that left just before the cut may still arrive.
IN_FLIGHT_SECONDS = 0.5

# A probe looks at the replica every 0.15 s; one that is older than this was blind.
BLIND_SECONDS = 2.0

# Two looks of a probe, and a bit.
LOOK_SECONDS = 0.4

# Beyond the computed resume time: one heartbeat and one look.
STATE_SLACK_SECONDS = 4.0

SESSIONS = 4
"""Least number of writing sessions (DESIGN section 8)."""


@dataclass(frozen=True)
class Ledger:
    """What the acked-write ledger found."""

    acked: int
    missing: int
    duplicated: int
    reordered: int
    control: str
    """What the positive control did and found; empty when it found nothing: then a zero proves nothing."""
    acked_during: int = 0
    """Acknowledged while the path was cut."""
    sessions: int = 0
    stall_seconds: float = 0.0
    """Longest time within the cut in which nothing was acknowledged."""
    detail: str = ""


@dataclass(frozen=True)
class Rows:
    """testdb.ping as the drill's own rows: what was inserted, and what the replica shows, both in order."""

    inserted: tuple[str, ...]
    replicated: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Everything that the verdict rests on."""

    fault: Fault
    seconds: float
    """Asked length of the cut; 0 for cuts without a length."""
    gateways: tuple[str, str]
    """(initiator, responder)."""
    at: str
    """The gateway on which the fault was applied."""
    since: float
    """When the steady state was confirmed; figures look at nothing earlier."""
    resume_seconds: float
    """Computed time in which the receiver notices a dead source."""
    tape: Tape = field(default_factory=Tape)
    ledger: Ledger | None = None
    rows: Rows | None = None
    settled: float | None = None
    """When the settling time was over."""
    undone_by: str = ""
    """`timer`, `command` or `operator`."""
    restarted: bool | None = None
    """Restarts: whether the gateway has another boot id than before."""
    errant: str | None = None
    """Transactions that the replica has and the source has not; empty is right, None was not read."""


@dataclass(frozen=True)
class Check:
    """One expectation. `seen` says what was observed, also when it passed."""

    name: str
    expected: str
    seen: str
    passed: bool


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _within(name: str, expected: str, value: float | None, limit: float) -> Check:
    return Check(name, f"{expected} within {limit:g} s", _seconds(value), value is not None and value <= limit)


def checks(found: Findings) -> list[Check]:
    """Every expectation of this kind of cut."""
    return [
        *_fault_was_real(found),
        *_detection(found),
        *_states_during(found),
        *_recovery(found),
        *_one_child(found),
        *_no_clear_text(found),
        *_nothing_lost(found),
    ]


def passed(made: list[Check]) -> bool:
    """The verdict: every check was made and passed."""
    return bool(made) and all(check.passed for check in made)


def _fault_was_real(found: Findings) -> Iterator[Check]:
    fault, tape = found.fault, found.tape
    name = "the tunnel was really broken"
    if fault.how is How.TERMINATE:
        before = {uid for looks in tape.sas.values() for look in looks if look.t < fault.began for uid, _ in look.ike}
        after = {uid for looks in tape.sas.values() for look in looks if look.t > fault.began for uid, _ in look.ike}
        new = after - before
        yield Check(
            name, "a new IKE SA takes the old one's place", f"{len(new)} new IKE SAs", bool(before) and bool(new)
        )
        return
    if fault.how.restarts:
        seen = {True: "it did", False: "it still runs as before", None: "not known"}[found.restarted]
        yield Check("the gateway really restarted", f"{found.at} restarts", seen, found.restarted is True)
        unanswered = sum(1 for ping in timeline.crossings(tape) if ping.sent > fault.began and ping.answered is None)
        yield Check(name, "packets are lost meanwhile", f"{unanswered} echoes without an answer", unanswered > 0)
        return
    end = fault.link_back
    inside = [
        ping
        for ping in timeline.crossings(tape)
        if end is not None and fault.began + IN_FLIGHT_SECONDS < ping.sent < end - IN_FLIGHT_SECONDS
    ]
    crossed = sum(1 for ping in inside if ping.answered is not None and end is not None and ping.answered < end)
    yield Check(
        name,
        "no echo is answered while the path is cut",
        f"{crossed} of {len(inside)} echoes answered",
        bool(inside) and crossed == 0,
    )
    lasted = None if end is None else end - fault.began
    good = lasted is not None and found.seconds - 1 <= lasted <= found.seconds + 3
    by = {"timer": "the host's own timer ended it", "command": "the given command ended it"}
    words = f"{_seconds(lasted)}, {by.get(found.undone_by, 'the operator had to end it')}"
    yield Check(
        "the cut lasted as long as asked",
        f"{found.seconds:g} s, ended by itself",
        words,
        good and found.undone_by in by,
    )


def _detection(found: Findings) -> Iterator[Check]:
    """Only a path that stays dead for longer than the timers can be found dead."""
    fault = found.fault
    if not fault.how.cuts_link or fault.link_back is None:
        return
    initiator = found.gateways[0]
    silence = timeline.silence(found.tape.sas.get(initiator, []), fault.began, fault.link_back)
    if silence.given_up is None and fault.link_back - silence.since <= DETECT_LIMIT_SECONDS:
        return
    expected = f"{initiator} gives the SA up, counted from the last packet it heard,"
    yield _within("a dead peer is detected", expected, silence.seconds, DETECT_LIMIT_SECONDS)


def _states_during(found: Findings) -> Iterator[Check]:
    fault, replica = found.fault, found.tape.replica
    if fault.how.cuts_link and found.seconds >= found.resume_seconds + STATE_SLACK_SECONDS:
        moment = fault.link_back or 0.0
        look = timeline.last_before(replica, moment)
        fresh = look is not None and moment - look.t < BLIND_SECONDS
        expected = (
            "Replica_IO_Running Connecting, Replica_SQL_Running Yes, Seconds_Behind_Source NULL at the end of the cut"
        )
        if look is None or not fresh:
            yield Check("the replica says that its source is gone", expected, "the replica was not seen then", False)
        else:
            lag = "NULL" if look.lag is None else str(look.lag)
            words = f"{look.io}, {look.sql}, {lag}"
            right = (look.io, look.sql, look.lag) == ("Connecting", "Yes", None)
            yield Check("the replica says that its source is gone", expected, words, right)
    watched = [look for look in replica if look.t >= found.since and look.io is not None]
    stopped = [look for look in watched if look.sql != "Yes" or look.io == "No"]
    words = f"{len(stopped)} of {len(watched)} looks" + (
        f", last: {stopped[-1].error or stopped[-1].io}" if stopped else ""
    )
    yield Check(
        "no replication thread ever stopped", "a stopped thread needs a person", words, bool(watched) and not stopped
    )


def _recovery(found: Findings) -> Iterator[Check]:
    fault, limits = found.fault, LIMITS[found.fault.how]
    since = "after the gateway answers again" if fault.how.restarts else "after the path is back"
    back = timeline.tunnel_back(found.tape, fault)
    yield _within("the tunnel comes back by itself", f"a packet crosses {since}", back, limits.tunnel_back)
    resumed = timeline.replication_resumed(list(found.tape.replica), fault)
    yield _within("replication runs again by itself", f"new changes arrive {since}", resumed, limits.replication_back)
    back = timeline.replication_back(found.tape.replica, fault)
    expected = f"receiver ON and heartbeat younger than {CAUGHT_UP_SECONDS:g} s {since}"
    cut_seconds = 0.0 if fault.back is None else fault.back - fault.began
    yield _within("replication catches up", expected, back, catch_up_limit(fault.how, cut_seconds))
    last = found.tape.replica[-1] if found.tape.replica else None
    fresh = last is not None and found.settled is not None and last.t > found.settled - BLIND_SECONDS
    words = (
        "the replica was not seen then"
        if last is None or not fresh
        else f"{last.io}, heartbeat {_seconds(last.age)} old"
    )
    held = fresh and last is not None and last.caught_up
    yield Check("replication stays", "still running and caught up after the settling time", words, held)


def _one_child(found: Findings) -> Iterator[Check]:
    counts = {}
    for host in found.gateways:
        looks = found.tape.sas.get(host, [])
        fresh = looks and found.settled is not None and looks[-1].t > found.settled - BLIND_SECONDS
        counts[host] = (len(looks[-1].ike), looks[-1].installed) if fresh else None
    words = ", ".join(
        f"{host}: {'not seen' if n is None else f'{n[0]} IKE, {n[1]} CHILD'}" for host, n in counts.items()
    )
    exactly = all(count == (1, 1) for count in counts.values())
    yield Check("one SA is left", "exactly one IKE SA and one installed CHILD SA on each gateway", words, exactly)


def _no_clear_text(found: Findings) -> Iterator[Check]:
    for host in found.gateways:
        looks = found.tape.clear.get(host, [])
        leaked = clear_packets(found, host)
        controls = max((look.controls for look in looks), default=0)
        last = next((look.last for look in reversed(looks) if look.last), "")
        words = f"{leaked} packets" + (f", last: {last}" if leaked else "")
        words += f"; the sniffer saw {controls} of our own clear packets" if looks else "; nobody watched"
        name = f"nothing leaves {host} in clear"
        yield Check(
            name, "0 packets, and the control packet is seen", words, bool(looks) and leaked == 0 and controls > 0
        )


def clear_packets(found: Findings, host: str) -> int:
    """Unencrypted packets out of `host`. A probe that was started anew after a restart counts from zero again."""
    total = previous = 0
    for look in found.tape.clear.get(host, []):
        if look.count < previous:
            total += previous
        previous = look.count
    return total + previous


def _nothing_lost(found: Findings) -> Iterator[Check]:
    ledger = found.ledger
    name = "no acknowledged write is lost, doubled or out of order"
    if ledger is None:
        yield Check(name, "0, 0, 0", "the ledger was not checked", False)
    else:
        words = f"{ledger.missing} missing, {ledger.duplicated} duplicated, {ledger.reordered} reordered"
        words += f" of {ledger.acked} acknowledged"
        words += f"; {ledger.detail}" if ledger.detail else ""
        zero = ledger.acked > 0 and ledger.missing == ledger.duplicated == ledger.reordered == 0
        yield Check(name, "0, 0, 0", words, zero)
        words = ledger.control or "it found nothing"
        yield Check(
            "the ledger finds what is lost on purpose", "a row taken away is named", words, bool(ledger.control)
        )
        if found.fault.how is not How.TERMINATE:
            words = f"{ledger.acked_during} acknowledged by {ledger.sessions} sessions"
            kept = ledger.acked_during > 0 and ledger.sessions >= SESSIONS
            yield Check("the source went on writing during the cut", f"at least {SESSIONS} sessions write", words, kept)
    rows = found.rows
    if rows is None:
        yield Check("rows from before, during and after arrive", "three rows in order", "they were not read", False)
    else:
        words = ", ".join(rows.replicated) or "none"
        good = len(rows.inserted) == 3 and rows.inserted == rows.replicated
        yield Check("rows from before, during and after arrive", ", ".join(rows.inserted), words, good)
    words = {None: "not read", "": "none"}.get(found.errant, found.errant or "")
    yield Check("the replica has no transactions of its own", "none", words, found.errant == "")


def figures(found: Findings) -> dict[str, float | int | None]:
    """The figures of DESIGN section 9 that this drill has. null: did not happen, or was not seen."""
    fault, tape, ledger = found.fault, found.tape, found.ledger
    back = timeline.tunnel_back(tape, fault)
    until = fault.back if fault.back is not None else (found.settled or fault.began)
    if fault.how.restarts:
        # The peer may find out only after the gateway is there again, and renew the SA at once.
        until += (back or 0.0) + LOOK_SECONDS
    silences = {host: timeline.silence(tape.sas.get(host, []), fault.began, until) for host in found.gateways}
    detect = {host: silence.seconds for host, silence in silences.items()}
    given_up = silences[found.gateways[0]].given_up
    # Restarts: the restarted gateway has no opinion while it is away.
    noticed = [value for host, value in detect.items() if value is not None and (host != found.at)]
    counts = [looks[-1].installed for host in found.gateways if (looks := tape.sas.get(host))]
    values: dict[str, float | int | None] = {
        "detect_seconds": detect[found.gateways[0]] if fault.how.cuts_link else min(noticed, default=None),
        # From the cut, whatever the initiator still heard: what an operator sees on the clock.
        "given_up_seconds": None if given_up is None or fault.how.restarts else given_up - fault.began,
        "tunnel_back_seconds": back,
        "tunnel_outage_seconds": timeline.tunnel_outage(tape, fault),
        "replication_resumed_seconds": timeline.replication_resumed(list(tape.replica), fault),
        "replication_back_seconds": timeline.replication_back(tape.replica, fault),
        "rpo_seconds": timeline.rpo(tape.replica, found.since),
        "cut_seconds": None if fault.back is None else fault.back - fault.began,
        "acked": ledger.acked if ledger else None,
        "acked_during_cut": ledger.acked_during if ledger else None,
        "write_stall_seconds": ledger.stall_seconds if ledger and fault.how is not How.TERMINATE else None,
        "missing": ledger.missing if ledger else None,
        "duplicated": ledger.duplicated if ledger else None,
        "reordered": ledger.reordered if ledger else None,
        "child_sas": max(counts, default=None),
        "cleartext_packets": sum(clear_packets(found, host) for host in found.gateways) if tape.clear else None,
    }
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in values.items()}
