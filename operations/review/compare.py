"""Base and head of one stack and mode, put beside each other. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .words import Change, Combination, Delta, Op, Snapshot, Told, Violation

_GRAVEST = {op: at for at, op in enumerate(Op)}


def compare(
    given: Combination, told: Told, before: Snapshot | None, after: Snapshot | None, had: Iterable[Violation] = ()
) -> Combination:
    """`given` with what is found. `before` None: base has no such thing; `after` None: head did not come up.

    `had` are base's own violations.
    """
    known = {one.key for one in had}
    changes = tuple(sorted(told.changes, key=_order))
    violations = tuple(replace(one, before=one.key in known) for one in told.violations)
    old, new = (before.figures(given.was or given.mode) if before else {}), (after.figures(given.mode) if after else {})
    return replace(
        given,
        known_before=before is not None,
        told=replace(told, changes=changes, violations=violations),
        resources=Delta(before.resources if before else None, after.resources if after else None),
        cost_usd_month=_delta("cost_usd_month", "cost_at_least_usd_month", "cost_basis", "costs", old, new),
        rto_seconds=_delta("rto_seconds", "rto_at_least_seconds", "rto_basis", "critical_path", old, new),
        rpo_seconds=_delta("rpo_seconds", "rpo_at_least_seconds", "rpo_basis", "lost", old, new),
        # Without a state of head nobody knows what evidence would be bound to.
        digests=(before.digest, after.digest) if before and after else ("", ""),
        renamed=_renamed(changes),
        shorter=tuple(_shorter(changes)),
    )


def _order(change: Change) -> tuple[bool, bool, int, str, str]:
    """What holds data first; components, which are what their parts are, last."""
    component = change.type.startswith("twinsite:")
    return (not change.stateful, component, _GRAVEST[change.op], change.type, change.name)


_KEPT_FOR = re.compile(r"retention|keep_?days|expiration|daysafter", re.IGNORECASE)


def _shorter(changes: Iterable[Change]) -> Iterator[str]:
    """What is kept for a shorter time, which no engine calls a deletion."""
    for change in changes:
        for one in change.properties:
            numbers = _is_number(one.old) and _is_number(one.new)
            if numbers and _KEPT_FOR.search(one.path) and float(one.new) < float(one.old):
                yield f"{change.name}: {one.path.rpartition('.')[2]} {one.old} → {one.new}"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None


def _delta(figure: str, at_least: str, bases: str, parts: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Delta:
    """Names in an estimate of a mode: of the sum, of its known part, of what it rests on, of what it is the sum of."""
    before, after = _parts(parts, old), _parts(parts, new)
    because = [
        f"{name}: {_number(before.get(name))} → {_number(after.get(name))}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]
    return Delta(
        before=_value(figure, at_least, old),
        after=_value(figure, at_least, new),
        because=tuple(because) if old and new else (),
        unknown=tuple(name for name, value in after.items() if value is None),
        remembered="remembered" in (new.get(bases) or ()),
    )


def _value(figure: str, at_least: str, estimate: Mapping[str, Any]) -> float | None:
    value = estimate.get(figure)
    found: float | None = estimate.get(at_least) if value is None else value
    return found


def _parts(parts: str, estimate: Mapping[str, Any]) -> dict[str, float | None]:
    return {one["name"]: one["value"] for one in estimate.get(parts) or ()}


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def _renamed(changes: Iterable[Change]) -> int:
    """What is deleted and created with one type: as many as both have. Nothing when whole types come or go."""
    gone = Counter(one.type for one in changes if one.op == Op.DELETE)
    come = Counter(one.type for one in changes if one.op == Op.CREATE)
    return (gone & come).total()
