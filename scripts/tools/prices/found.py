"""What a price list is asked for, and what came of it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO

Open = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens an address; OSError when it cannot be reached."""


@dataclass(frozen=True)
class Wanted:
    """A row of the table, and where its price is."""

    sku: str
    region: str
    """Whose list is asked; of a price that holds everywhere, one region's."""
    where: Mapping[str, Any]
    """Its part of lookups.yaml."""


@dataclass(frozen=True)
class Found:
    """A price, or why there is none."""

    usd: float | None
    words: str
    """Address of the list; without a price, what is wrong."""


def only(prices: Iterable[float], address: str) -> Found:
    """The one price that a list has for a thing: two that differ are nobody's to choose between."""
    known = sorted({price for price in prices if price > 0})
    if len(known) == 1:
        return Found(known[0], address)
    said = " and ".join(f"{price:g}" for price in known[:3]) or "none"
    return Found(None, f"{said} of {address} fit: look at lookups.yaml")


def first_tier(tiers: Iterable[tuple[float, float]]) -> list[float]:
    """Of (from how many units on, price): what the first one that is not free costs."""
    paid = [tier for tier in tiers if tier[1] > 0]
    return [usd for start, usd in paid if start == min(start for start, _ in paid)]
