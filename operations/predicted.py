"""What the estimate said of an operation's phases, beside what they took. Pure.

The estimate's steps come with the inventory (Expected, as the last `pulumi up` published them); a phase is what an
operation's own step, or a figure of a drill, measures of them. What depends on the day is asked that day: the size of
the backup, and how long the resolver goes on believing its old answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from twinsite.inventory import Expected, Inventory
from twinsite.rules.traffic import LATCH_INTERVAL_SECONDS

from .steps import Ended, Step

DETECTION, DNS, RESUME = "detection", "dns", "resume"
KEEPS = "resolver_keeps_seconds"
"""Figure: how long the resolver keeps an old answer, when it was told that the name had moved."""


@dataclass(frozen=True)
class Phase:
    """One phase. A number that nobody has is None, and never 0."""

    name: str
    steps: tuple[str, ...]
    """The estimate's own names."""
    predicted_seconds: float | None
    measured_seconds: float | None
    basis: tuple[str, ...]
    source: str
    rates_of: str
    """When the youngest of its rates was measured; "" where none was."""


def shown(inventory: Inventory, phases: Iterable[Phase]) -> dict[str, Any]:
    """For a result: {"ground", "phases": [Phase]}."""
    return {"ground": inventory.promise.ground, "phases": [asdict(one) for one in phases]}


def of_steps(
    inventory: Inventory,
    steps: Sequence[Step[Any]],
    backup_gib: float | None,
    ended: Sequence[Ended],
    figures: Mapping[str, Any],
) -> list[Phase]:
    """Of a plan's steps. One that did not come to its end has measured nothing."""
    done = {one.name: one.seconds for one in ended if one.outcome == "done"}
    had: set[str] = set()
    found = []
    for step in steps:
        mine = [
            one for one in inventory.promise.expected if one.kind in step.phases and (step.anew or one.kind not in had)
        ]
        had |= set(step.phases)
        if mine:
            each = [_seconds(one, backup_gib, inventory, figures) for one in mine]
            found.append(_phase(step.title, mine, each, done.get(step.title)))
    return found


def of_cut(inventory: Inventory, cut_seconds: float, figures: Mapping[str, Any]) -> list[Phase]:
    """Of a link that is cut for so long; 0: nothing is cut, and nothing is predicted."""
    measured = {DETECTION: "detect_seconds", RESUME: "replication_back_seconds"}
    found = []
    for one in inventory.promise.expected:
        # A cut that is over before it could be noticed has no detection.
        unseen = one.kind == DETECTION and (one.seconds or 0.0) >= cut_seconds
        if cut_seconds and one.kind in measured and not unseen:
            found.append(_phase(one.name, [one], [one.seconds], figures.get(measured[one.kind])))
    return found


def moved_seconds(most: float, ttl_seconds: float, keeps: float) -> float:
    """From a set latch to a resolver that believes it: the check's answer comes within one interval, half of it on
    average, and counts when the resolver next asks."""
    answered = most - ttl_seconds - LATCH_INTERVAL_SECONDS / 2
    return keeps if keeps >= answered else keeps + ttl_seconds


def _seconds(one: Expected, backup_gib: float | None, inventory: Inventory, figures: Mapping[str, Any]) -> float | None:
    if one.seconds is None:
        return None
    if one.backup_gib is not None:
        return None if backup_gib is None or not one.backup_gib else one.seconds * backup_gib / one.backup_gib
    keeps = figures.get(KEEPS)
    if one.kind == DNS and keeps is not None:
        return moved_seconds(one.seconds, max(name.ttl_seconds for name in inventory.names), float(keeps))
    return one.seconds


def _phase(name: str, steps: Sequence[Expected], each: Sequence[float | None], measured: Any) -> Phase:
    known = [seconds for seconds in each if seconds is not None]
    predicted = round(sum(known), 1) if len(known) == len(each) else None
    return Phase(
        name,
        tuple(one.name for one in steps),
        predicted,
        None if measured is None else round(float(measured), 1),
        tuple(dict.fromkeys(one.basis for one in steps)),
        "; ".join(f"{one.name}: {one.source}" for one in steps),
        max((one.measured for one in steps), default=""),
    )


def difference(phase: Mapping[str, Any]) -> float | None:
    """Of the measured time; 0.1: ten per cent apart. None when either is not there, or nothing was measured."""
    predicted, measured = phase["predicted_seconds"], phase["measured_seconds"]
    return None if predicted is None or not measured else abs(predicted - measured) / measured


def lines(predicted: Mapping[str, Any]) -> list[str]:
    """For a person, a line for each phase."""
    return [
        f"{phase['name']}: predicted {_words(phase['predicted_seconds'])}, measured {_words(phase['measured_seconds'])}"
        for phase in predicted["phases"]
    ]


def _words(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds:.1f} s"
