"""What a topology says of each of its modes: cost, RTO with its critical path, RPO; as a stack output and in lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .figures import Basis, Item, at_least, bases, total
from .path import Path, beside, critical


@dataclass(frozen=True)
class Mode:
    """One mode."""

    costs: Sequence[Item]
    path: Path
    """From the primary's death to users who are served."""
    lost: Sequence[Item]
    """What of the newest writes is gone then, in seconds."""
    heals: Sequence[Item] = ()
    """Where a cut link heals by itself: from its return to data that flow again."""

    def shown(self) -> dict[str, Any]:
        """As JSON has it. A sum with something unknown in it is null, and what is unknown is named."""
        way = critical(self.path)
        return {
            "cost_usd_month": _rounded(total(self.costs)),
            "cost_at_least_usd_month": round(at_least(self.costs), 2),
            "unknown_prices": [item.name for item in self.costs if item.value is None],
            "cost_basis": bases(self.costs),
            "rto_seconds": _rounded(total(way)),
            "rto_at_least_seconds": round(at_least(way), 2),
            "rto_basis": bases(way),
            "rpo_seconds": _rounded(total(self.lost)),
            "rpo_at_least_seconds": round(at_least(self.lost), 2),
            "rpo_basis": bases(self.lost),
            "critical_path": [item.shown() for item in way],
            "beside_it": [item.shown() for item in beside(self.path)],
            "words": {
                "cost": f"{money(self.costs)} a month",
                "rto": time(way),
                "rpo": time(self.lost),
                "critical_path": way_words(way),
            },
            "costs": [item.shown() for item in self.costs],
            "lost": [item.shown() for item in self.lost],
            "heals": [item.shown() for item in self.heals],
        }


@dataclass(frozen=True)
class Estimate:
    """Of a topology with its settings."""

    modes: Mapping[str, Mode]
    """By dr_mode, lowest first."""
    cost_without: Sequence[str]
    """What costs and is not in it."""
    notes: Sequence[str] = field(default_factory=tuple)
    """What a reader of the figures must know."""

    def shown(self) -> dict[str, Any]:
        """The stack output `estimate`."""
        return {
            "modes": {name: mode.shown() for name, mode in self.modes.items()},
            "cost_without": list(self.cost_without),
            "notes": list(self.notes),
        }

    def lines(self, chosen: str) -> list[str]:
        """A short table; `chosen` is the stack's mode."""
        rows = []
        for name, mode in self.modes.items():
            figures = f"{money(mode.costs)} a month, RTO {time(critical(mode.path))}, RPO {time(mode.lost)}"
            rows.append(f"{'→' if name == chosen else ' '} {name}: {figures}")
        return rows


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def money(items: Sequence[Item]) -> str:
    """A sum of money with its weakness: what is unknown in it, and whether it is remembered."""
    known = f"${at_least(items):,.2f}"
    lacking = [item.name for item in items if item.value is None]
    if lacking:
        known = f"at least {known} (unknown: {', '.join(lacking)})"
    return f"{known} (remembered prices)" if _remembered(items) else known


def time(items: Sequence[Item]) -> str:
    """A sum of seconds, the same way."""
    lacking = [item.name for item in items if item.value is None]
    known = duration(at_least(items))
    if lacking and not at_least(items):
        return f"unknown ({', '.join(lacking)})"
    if lacking:
        known = f"more than {known} (unknown: {', '.join(lacking)})"
    return f"{known} (partly remembered)" if _remembered(items) else known


def way_words(way: Sequence[Item]) -> str:
    """Steps with how long each takes."""
    return ", ".join(f"{one.name} {'?' if one.value is None else duration(one.value)}" for one in way)


def duration(seconds: float) -> str:
    """`76 s`, `30 min`, `24 h 1 min`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return (
        f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
    )


def _remembered(items: Sequence[Item]) -> bool:
    return any(item.basis is Basis.REMEMBERED for item in items)
