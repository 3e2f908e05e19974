"""One line of an estimate: a figure, and what it rests on."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

USD_MONTH = "usd_month"
SECONDS = "seconds"


class Basis(str, Enum):
    """What a figure rests on."""

    MEASURED = "measured"
    """`source` says where the run is written down."""
    VENDOR = "vendor"
    """A vendor's price list or document, named in `source`."""
    COMPUTED = "computed"
    """From settings alone."""
    ASSUMPTION = "assumption"
    """Nobody has measured it and no document says it."""
    REMEMBERED = "remembered"
    """From memory: nobody could look it up. Shown wherever the figure is."""
    UNKNOWN = "unknown"
    """There is no figure."""


class Kind(str, Enum):
    """What a step of a recovery is."""

    DETECTION = "detection"
    DECISION = "decision"
    CREATION = "creation"
    TRANSFER = "transfer"
    RESTORE = "restore"
    PROMOTION = "promotion"
    START = "start"
    DNS = "dns"
    RESUME = "resume"


@dataclass(frozen=True)
class Item:
    """A cost, a step or a loss. ValueError where it says less than it must."""

    name: str
    value: float | None
    """None, and then only, when the basis is UNKNOWN."""
    unit: str
    """USD_MONTH or SECONDS."""
    basis: Basis
    source: str
    """Where the figure comes from; of an unknown one, what is lacking."""
    kind: Kind | None = None
    """Of a step."""
    measured: str = ""
    """When, of a rate that a ground holds: ISO 8601."""
    backup_gib: float | None = None
    """Of a step that takes as long as the backup is large: for which size the value is."""

    def __post_init__(self) -> None:
        if (self.value is None) != (self.basis is Basis.UNKNOWN):
            raise ValueError(f"{self.name}: without a value it is unknown, and nothing unknown has one")
        if self.value is not None and not (math.isfinite(self.value) and self.value >= 0):
            raise ValueError(f"{self.name} is {self.value:g}: less than nothing, or no number")
        if not self.source:
            raise ValueError(f"{self.name} does not say what it rests on")

    def shown(self) -> dict[str, Any]:
        """As JSON has it."""
        kind = {} if self.kind is None else {"kind": self.kind.value}
        value = None if self.value is None else round(self.value, 2)
        named = {"name": self.name, "value": value, "unit": self.unit}
        return {**named, "basis": self.basis.value, "source": self.source, **kind}


def unknown(name: str, unit: str, lacking: str, kind: Kind | None = None) -> Item:
    """An item without a figure."""
    return Item(name, None, unit, Basis.UNKNOWN, lacking, kind)


def step(
    name: str,
    kind: Kind,
    seconds: float,
    basis: Basis,
    source: str,
    measured: str = "",
    backup_gib: float | None = None,
) -> Item:
    """A step of a recovery."""
    return Item(name, seconds, SECONDS, basis, source, kind, measured, backup_gib)


def at_least(items: Iterable[Item]) -> float:
    """Sum of what is known."""
    return math.fsum(item.value for item in items if item.value is not None)


def total(items: Iterable[Item]) -> float | None:
    """Sum, or None when one of them is unknown: what is lacking is never counted as nothing."""
    items = list(items)
    return None if any(item.value is None for item in items) else at_least(items)


def bases(items: Iterable[Item]) -> list[str]:
    """What a sum of them rests on."""
    found = {item.basis for item in items}
    return [basis.value for basis in Basis if basis in found]
