"""States over time as bars: what a person reads off the lower half of the picture. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ..drill import timeline
from ..drill.expectations import Findings


class Tone(StrEnum):
    """What a state means for the reader."""

    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Bar:
    """One state from `start` to `end`."""

    start: float
    end: float
    label: str
    tone: Tone


@dataclass(frozen=True)
class Lane:
    """One observed thing."""

    name: str
    bars: tuple[Bar, ...]


# Between two looks that are further apart nothing was seen.
GAP_SECONDS = 1.5


def bars(looks: Iterable[tuple[float, str, Tone]], until: float) -> tuple[Bar, ...]:
    """Join equal neighbouring states; a gap between looks is unknown, never the state before it."""
    found: list[Bar] = []
    for t, label, tone in looks:
        if t > until:
            break
        if found and t - found[-1].end > GAP_SECONDS:
            found.append(Bar(found[-1].end, t, "not seen", Tone.UNKNOWN))
        if found and (found[-1].label, found[-1].tone) == (label, tone):
            found[-1] = Bar(found[-1].start, t, label, tone)
        else:
            if found:
                found[-1] = Bar(found[-1].start, t, found[-1].label, found[-1].tone)
            found.append(Bar(t, t, label, tone))
    return tuple(bar for bar in found if bar.end > bar.start)


def _sa(look: timeline.SaLook) -> tuple[str, Tone]:
    if look.error:
        return "charon away", Tone.UNKNOWN
    if look.up:
        many = look.installed > 1 or len(look.ike) > 1
        return (f"{look.installed} CHILD SAs" if many else "up"), (Tone.WAITING if many else Tone.GOOD)
    states = [state for _, state in look.ike]
    return ("connecting" if states else "no SA"), (Tone.WAITING if states else Tone.BAD)


def _receiver(look: timeline.ReplicaLook) -> tuple[str, Tone]:
    tones = {"ON": Tone.GOOD, "CONNECTING": Tone.WAITING, "OFF": Tone.BAD}
    return (look.receiver or "unknown").lower(), tones.get(look.receiver or "", Tone.UNKNOWN)


def lanes(found: Findings, until: float) -> list[Lane]:
    """Echoes, both gateways' SAs, the receiver and the applier."""
    tape = found.tape
    pings = [
        (
            ping.sent,
            "cross" if ping.answered is not None else "lost",
            Tone.GOOD if ping.answered is not None else Tone.BAD,
        )
        for ping in timeline.crossings(tape)
    ]
    result = [Lane("packets", bars(pings, until))]
    for host in found.gateways:
        result.append(Lane(host, bars(((look.t, *_sa(look)) for look in tape.sas.get(host, [])), until)))
    replica = tape.replica
    result.append(Lane("receiver", bars(((look.t, *_receiver(look)) for look in replica), until)))
    running = ((look.t, *(("running", Tone.GOOD) if look.sql == "Yes" else ("stopped", Tone.BAD))) for look in replica)
    result.append(Lane("applier", bars(running, until)))
    return result
