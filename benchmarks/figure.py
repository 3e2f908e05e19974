"""A figure, what it is compared to, and the bound that decides whether it is met."""

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Judged(str, Enum):
    """What of a figure the bound is about."""

    VALUE = "value"
    RATIO = "ratio"


@dataclass(frozen=True)
class Bound:
    """`value ≤ 5`, `ratio ≤ 1.25`, `value = 0`."""

    judged: Judged
    relation: str
    """`≤`, `=` or `≥`."""
    limit: float

    def admits(self, found: float | None) -> bool:
        """False also for what was not found or is no number: a missing figure is not a good one."""
        if found is None or math.isnan(found):
            return False
        return {"≤": found <= self.limit, "=": found == self.limit, "≥": found >= self.limit}[self.relation]

    def __str__(self) -> str:
        return f"{self.judged.value} {self.relation} {self.limit:g}"


def value_at_most(limit: float) -> Bound:
    """The value is at most `limit`, in the figure's unit."""
    return Bound(Judged.VALUE, "≤", limit)


def value_at_least(limit: float) -> Bound:
    """The value is at least `limit`, in the figure's unit."""
    return Bound(Judged.VALUE, "≥", limit)


def value_is(limit: float) -> Bound:
    """The value is exactly `limit`."""
    return Bound(Judged.VALUE, "=", limit)


def ratio_at_most(limit: float) -> Bound:
    """The value is at most `limit` times what it is compared to."""
    return Bound(Judged.RATIO, "≤", limit)


def ratio_at_least(limit: float) -> Bound:
    """The value is at least `limit` times what it is compared to."""
    return Bound(Judged.RATIO, "≥", limit)


@dataclass(frozen=True)
class Figure:
    """One figure. `value` is None when the thing never happened (a tunnel that did not come back)."""

    name: str
    value: float | None
    unit: str
    must: Bound
    compared_to: str
    """What `compared_value` is, in words."""
    compared_value: float | None = None
    """In the same unit, measured in the same run; None when the comparison never happened or there is none."""
    runs: dict[str, list[Any]] = field(default_factory=dict)
    """The single measurements, so that a reader can see the spread."""
    note: str = ""
    """What a reader must know to read the figure rightly: what was scaled down, what was left out."""

    @property
    def ratio(self) -> float | None:
        """Value over compared value; None when either is missing or the latter is zero."""
        if self.value is None or not self.compared_value:
            return None
        return self.value / self.compared_value

    @property
    def met(self) -> bool:
        """Whether the bound holds."""
        return self.must.admits(self.value if self.must.judged == Judged.VALUE else self.ratio)

    def to_dict(self) -> dict[str, Any]:
        """As `./scripts/bench --json` prints it."""
        shown = {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "compared_to": self.compared_to,
            "compared_value": _rounded(self.compared_value),
            "ratio": _rounded(self.ratio),
            "must": str(self.must),
            "met": self.met,
        }
        return shown | {key: found for key, found in (("note", self.note), ("runs", self.runs)) if found}


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
