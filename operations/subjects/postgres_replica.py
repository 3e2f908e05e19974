"""A PostgreSQL that follows another one: what the job that looks at both ends has left in the store (ADR 57).

The job judges both ends, for no desk reaches them. Here is asked whether anybody still looks, whether what it says
hangs together, and how late rows are.
"""

import datetime
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import DMS, POSTGRES_LOGICAL, Flow, Host, Inventory, Pod

from .. import bucket_store, google
from ..stack import age_words
from ..unanswered import CouldNotAsk
from . import pods
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line

VERSION = 1
"""Of the job's report (components/guest/logical/report.py); tests hold the two together."""
SPARE_SECONDS = 90.0
"""A look's own time: a pod that starts, and ten seconds for a heartbeat."""
AHEAD_SECONDS = 30.0
"""By so much two clocks may differ."""
KEPT = ("reserved", "extended")
"""Of wal_status: the source has all that the target has not read [PostgreSQL, pg_replication_slots]."""
MIB = 1 << 20


@dataclass(frozen=True)
class Slot:
    """At the source."""

    active: bool
    wal_status: str
    held_bytes: int | None
    safe_bytes: int | None
    """How much more may be written before it is lost; None without a bound."""


@dataclass(frozen=True)
class Gate:
    """Of one end: whether it takes writes."""

    epoch: int
    writes: bool
    handed: bool = False
    """It was shut in this epoch, and the other end has all of it."""
    taken: bool = False
    """It went its own way in this epoch, without the other end."""
    without: tuple[str, ...] = ()
    """Tables that do not ask it."""


@dataclass(frozen=True)
class Look:
    """One of the job's. None is what it could not see."""

    at: float
    """Seconds since 1970, by the node's clock."""
    healthy: bool
    problems: tuple[str, ...]
    running: bool | None = None
    """Whether the target applies what comes."""
    errors: int | None = None
    """At applying, since the server counts."""
    copied: bool | None = None
    """Whether a first copy, or the last load by another, has ended; None where that is not known."""
    lacking: tuple[str, ...] = ()
    """Tables that it had not brought, with what is known of them."""
    loading_since: str = ""
    loaded_at: str = ""
    """Of a load by another than a subscription, UTC."""
    slot: Slot | None = None
    lag_seconds: float | None = None
    """A heartbeat's way; None when it did not come in time."""
    newest_seconds: float | None = None
    """Age of the newest heartbeat at the target, by the source's clock."""
    turned: bool = False
    """The writer was moved: the inventory's target is the source now."""
    in_the_way: tuple[str, ...] = ()
    """Why the writer could not be moved to the end that follows; of a job of before nothing is known."""
    source_gate: Gate | None = None
    target_gate: Gate | None = None
    """Of the inventory's source and target; None where none was put up, or nobody answered."""

    def unseen(self, kind: str) -> list[str]:
        """What of a flow of this kind that is well the look has not seen."""
        slot, beat = self.slot, {"a heartbeat that arrived": self.lag_seconds is not None}
        own = {
            "a running subscription": self.running is True,
            "a slot that is read and kept": slot is not None and slot.active and slot.wal_status in KEPT,
            "the first copy": self.copied is True,
        }
        # Rows that a task of DMS brings have no subscription, and a slot of DMS's own.
        seen = {**(own if kind == POSTGRES_LOGICAL else {}), **beat}
        return [words for words, known in seen.items() if not known]


def look(flow: Flow, status: str, asked: google.Google) -> Look | None:
    """One call; None while nobody has looked."""
    found = bucket_store.document(status, asked)
    if found is None:
        return None
    try:
        return parse(found, flow.name.replace("-", "_") if flow.kind == DMS else flow.name)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        words = f"{status} is no report that this twinsite reads ({type(problem).__name__}: {problem})"
        raise CouldNotAsk(words, "run `pulumi up` with this twinsite, which gives the job its own version") from None


def parse(found: Mapping[str, Any], name: str) -> Look:
    """A report. Pure. ValueError and its like when it is none, or another flow's."""
    if found["version"] != VERSION or found["flow"] != name:
        raise ValueError(f"it is version {found['version']!r} of flow {found['flow']!r}")
    if not isinstance(found["problems"], list) or not isinstance(found["healthy"], bool):
        raise ValueError("it does not say whether the flow is well")
    about, slot, lag = found.get("subscription"), found.get("slot"), found.get("lag") or {}
    load, copied = found.get("load"), found.get("copied")
    if load is not None:
        copied = None if load["since"] is load["ended"] is None else load["since"] is None
    return Look(
        at=datetime.datetime.strptime(found["at"], "%Y-%m-%dT%H:%M:%S%z").timestamp(),
        healthy=found["healthy"],
        problems=tuple(_plain(one) for one in found["problems"]),
        running=None if about is None else about["enabled"] is True and about["running"] is True,
        errors=None if about is None else int(about["errors"]["apply_error"]),
        copied=None if copied is None else copied is True,
        lacking=tuple(_lacking(found)),
        loading_since=_plain((load or {}).get("since") or ""),
        loaded_at=_plain((load or {}).get("ended") or ""),
        slot=None if slot is None else _slot(slot),
        lag_seconds=_number(lag.get("seconds")),
        newest_seconds=_number(lag.get("newest_seconds")),
        turned=found.get("from") == "target",
        in_the_way=tuple(_plain(one) for one in found.get("in_the_way") or ()),
        source_gate=_gate((found.get("gate") or {}).get("source")),
        target_gate=_gate((found.get("gate") or {}).get("target")),
    )


def _lacking(found: Mapping[str, Any]) -> Iterator[str]:
    """Of a subscription's first copy, or of a load."""
    load = found.get("load") or {}
    for name, state in (found.get("tables") or {}).items():
        if state != "ready":
            yield _plain(f"{name} ({state})")
    for name, (there, here) in (load.get("lacks") or {}).items():
        yield _plain(f"{name} (about {int(there)} rows of {int(here)})")
    for name in load.get("given_up") or ():
        yield _plain(f"{name} (given up)")


def _gate(found: Mapping[str, Any] | None) -> Gate | None:
    if found is None:
        return None
    return Gate(
        epoch=int(found["epoch"]),
        writes=found["writes"] is True,
        handed=found.get("handed") is True,
        taken=found.get("taken") is True,
        without=tuple(_plain(one) for one in found.get("without") or ()),
    )


def _slot(found: Mapping[str, Any]) -> Slot:
    held, safe = (_number(found.get(name)) for name in ("held_bytes", "safe_wal_size"))
    return Slot(
        active=found["active"] is True,
        wal_status=str(found["wal_status"]),
        held_bytes=None if held is None else int(held),
        safe_bytes=None if safe is None else int(safe),
    )


def _number(value: Any) -> float | None:
    """Finite, or ValueError: JSON as Python reads it has others."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _plain(said: Any) -> str:
    """A sentence from elsewhere on one line, with nothing that a terminal would obey."""
    return "".join(one for one in " ".join(str(said).split()) if one.isprintable())


@dataclass(frozen=True)
class ReplicaSeen:
    """One flow, as the last look found it."""

    flow: Flow
    host: Host | None
    """That looks; None where nobody does, and then nothing is known."""
    found: Look | Unknown | None
    now: float

    @property
    def age_seconds(self) -> float | None:
        """Of the last look."""
        return self.now - self.found.at if isinstance(self.found, Look) else None

    @property
    def current(self) -> bool:
        """Whether the last look was the last that should have been, or the one before."""
        age = self.age_seconds
        return age is not None and -AHEAD_SECONDS <= age <= 2 * self.flow.look_seconds + SPARE_SECONDS

    def problems(self) -> Iterator[str]:
        yield from (f"{self.flow.name}: {words}" for words in self._problems())

    def _problems(self) -> Iterator[str]:
        flow, found, age = self.flow, self.found, self.age_seconds
        if isinstance(found, Unknown):
            yield f"how far {flow.target} follows {flow.source} is not known ({found})"
            return
        if found is None or age is None:
            status = self.host.status if self.host else "the store"
            yield (
                f"no look at {flow.source} and {flow.target} has left a word in {status}, so nothing is "
                f"known of the rows; after an `up` the first takes {flow.look_seconds:g} s and a pod's start, later "
                f"{self._jobs()}"
            )
            return
        if not self.current:
            yield (
                f"the last look is {-age:.0f} s in the future, so nobody knows how old it is: set the clock of this "
                "desk (`timedatectl`), or that of the cluster's node"
                if age < 0
                else f"nobody has looked for {age_words(age)}, and a look goes every {flow.look_seconds:g} s, so "
                f"nothing is known of the rows since: {self._jobs()}"
            )
        then = "" if self.current else "at the last look: "
        said = [f"{then}{words}" for words in (*found.problems, *self._late(found))]
        yield from said
        if not said and not found.healthy:
            yield f"{then}the job says that something is wrong, and not what: {self._jobs()}"
        elif not said and (unseen := found.unseen(flow.kind)):
            yield f"{then}the job says that it is well, and has not seen {', '.join(unseen)}: {self._jobs()}"

    def _ways(self, found: Look) -> tuple[str, str]:
        """From where to where rows go."""
        return (self.flow.target, self.flow.source) if found.turned else (self.flow.source, self.flow.target)

    def _late(self, found: Look) -> Iterator[str]:
        flow, (here, there) = self.flow, self._ways(found)
        if found.lag_seconds is not None and 0 < flow.lag_alarm_seconds < found.lag_seconds:
            yield (
                f"a heartbeat took {found.lag_seconds:.1f} s to {there} (alarm at {flow.lag_alarm_seconds:g} "
                f"s): a long transaction at {here} or a busy {there} is the usual reason, see both "
                f"servers' load; {pods.again(self._pod)} looks again"
            )

    @property
    def _pod(self) -> Pod:
        return self.host.way if self.host and isinstance(self.host.way, Pod) else Pod("", "NAMESPACE", "CRONJOB")

    def _jobs(self) -> str:
        return pods.seen(self._pod)

    def shown(self) -> Mapping[str, Any]:
        flow, age = self.flow, self.age_seconds
        known = self.found if isinstance(self.found, Look) else None
        slot = known.slot if known else None
        return {
            "flows": [
                {
                    "name": flow.name,
                    "kind": flow.kind,
                    "source": flow.source,
                    "target": flow.target,
                    "looked_seconds_ago": None if age is None else round(age, 1),
                    "current": self.current,
                    "lag_seconds": known.lag_seconds if known else None,
                    "heartbeat_age_seconds": _oldest(known),
                    "applies": known.running if known else None,
                    "apply_errors": known.errors if known else None,
                    "copied": known.copied if known else None,
                    "loading_since": (known.loading_since or None) if known else None,
                    "loaded_at": (known.loaded_at or None) if known else None,
                    "turned": known.turned if known else None,
                    "gates": {
                        end: None if one is None else {"epoch": one.epoch, "writes": one.writes}
                        for end, one in self._gates(known).items()
                    },
                    "slot": None
                    if slot is None
                    else {
                        "active": slot.active,
                        "wal_status": slot.wal_status,
                        "held_bytes": slot.held_bytes,
                        "safe_bytes": slot.safe_bytes,
                    },
                }
            ]
        }

    @property
    def load(self) -> str:
        """Of one by another than a subscription, in words; "" where nothing is known of it."""
        known = self.found if isinstance(self.found, Look) else None
        if known is None or not (known.loading_since or known.loaded_at):
            return ""
        if known.loading_since:
            return f"a load is under way since {known.loading_since}"
        return f"loaded at {known.loaded_at}"

    def _gates(self, known: Look | None) -> dict[str, Gate | None]:
        ends = (known.source_gate, known.target_gate) if known else (None, None)
        return dict(zip((self.flow.source, self.flow.target), ends, strict=True))

    def lines(self) -> Iterator[str]:
        known, age = self.found if isinstance(self.found, Look) else None, self.age_seconds
        if known is None or age is None:
            yield line("replica", self.flow.target, "unknown")
            return
        oldest = _oldest(known)
        late = "rows of unknown age" if oldest is None else f"rows {oldest:.1f} s late"
        slot = "slot unknown"
        if known.slot is not None:
            held = "" if known.slot.held_bytes is None else f", {known.slot.held_bytes / MIB:.0f} MiB held"
            slot = f"slot {known.slot.wal_status}{held}"
        writers = [f"{end} writes (epoch {one.epoch})" for end, one in self._gates(known).items() if one and one.writes]
        said = ", ".join([late, slot, *writers, f"seen {age_words(max(0.0, age))} ago"])
        yield line("replica", self._ways(known)[1], said)


def _oldest(known: Look | None) -> float | None:
    """How late rows were at the look: a heartbeat's way, or the age of the newest that did come."""
    if known is None:
        return None
    return known.newest_seconds if known.lag_seconds is None else known.lag_seconds


def _flows(inventory: Inventory) -> list[tuple[Flow, Host | None]]:
    """Each with the host that looks at it."""
    return [(one, looker(inventory, one)) for one in inventory.flows_of(POSTGRES_LOGICAL)]


def looker(inventory: Inventory, flow: Flow) -> Host | None:
    """The host that a flow goes through."""
    return next((one for one in inventory.hosts if one.name == flow.through), None)


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each flow whose job leaves a report."""
    carried = [(one, looker(inventory, one)) for one in inventory.flows_of(DMS) if one.through]
    return {
        ("flow", flow.name): lambda flow=flow, status=host.status: look(flow, status, world.google)  # type: ignore[misc]
        for flow, host in (*_flows(inventory), *carried)
        if host and host.status
    }


NO_REPORT = Unknown("its job leaves no report", "give LogicalReplica `report`, and run `pulumi up`")


def seen(sources: Sources, flow: Flow) -> ReplicaSeen:
    """One, by what its job has left."""
    host = looker(sources.inventory, flow)
    found = sources.clouds()(("flow", flow.name)) if host and host.status else NO_REPORT
    return ReplicaSeen(flow, host, found, time.time())


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    return [seen(sources, flow) for flow, _ in _flows(sources.inventory)]
