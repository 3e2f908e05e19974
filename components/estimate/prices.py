"""The table of prices, and what a month of something costs. Nothing is asked: a script of the repository renews it."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .figures import USD_MONTH, Basis, Item, unknown

HOURS_PER_MONTH = 730
MONTH_SECONDS = HOURS_PER_MONTH * 3600
TABLE = Path(__file__).with_name("prices.yaml")
EVERYWHERE = "everywhere"
"""Region of a price that is the same in all of them."""
REMEMBERED = "remembered"
"""Source of a price that nobody could look up."""

# The loader in C reads it in a seventh of the time, where it was built.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Price:
    """One row of the table."""

    sku: str
    """service/what, for instance ec2/t3.micro."""
    region: str
    """As the cloud names it, or EVERYWHERE."""
    unit: str
    """What `usd` buys one of: hour, gib-month, month, gib, 10k."""
    usd: float
    date: str
    """Day on which it was looked up, or written down."""
    source: str
    """Address of the price list, or REMEMBERED."""

    @property
    def words(self) -> str:
        """What it is and where it comes from."""
        known = f"remembered ({self.date}), not looked up" if self.remembered else f"{self.source}, {self.date}"
        return f"{self.usd:g} USD/{self.unit} for {self.sku}, {self.region}, {known}"

    @property
    def remembered(self) -> bool:
        """Whether it is from memory."""
        return self.source == REMEMBERED

    @property
    def basis(self) -> Basis:
        """Of what is computed with it."""
        return Basis.REMEMBERED if self.remembered else Basis.VENDOR


class Prices:
    """A table. ValueError for a row that is not whole, and for two of one thing in one region."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows: dict[tuple[str, str], Price] = {}
        for row in rows:
            try:
                price = Price(**{**row, "usd": float(row["usd"]), "date": str(row["date"])})
            except (TypeError, KeyError) as error:
                raise ValueError(f"a row of the table of prices is not whole: {row}: {error}") from None
            key = (price.sku, price.region)
            if key in self._rows:
                raise ValueError(f"the table of prices has {price.sku} in {price.region} twice")
            self._rows[key] = price

    @classmethod
    def of(cls, text: str) -> "Prices":
        """Of a table's text."""
        return cls(yaml.load(text, _LOADER) or ())

    def __iter__(self) -> Any:
        return iter(self._rows.values())

    def find(self, sku: str, region: str) -> Price | None:
        """Of that region, else the one that holds everywhere."""
        return self._rows.get((sku, region)) or self._rows.get((sku, EVERYWHERE))

    def cost(self, name: str, sku: str, region: str, quantity: float, words: str = "") -> Item:
        """A month of `quantity` units; unknown where the table has no such price. `words` say where the quantity is
        from."""
        price = self.find(sku, region)
        if price is None:
            lacking = f"no price of {sku} in {region or 'a region that is not set'}: add it to {TABLE.name}"
            return unknown(name, USD_MONTH, lacking)
        of = f"{quantity:,.10g} × {price.words}" + (f"; {words}" if words else "")
        return Item(name, quantity * price.usd, USD_MONTH, price.basis, of)


@functools.cache
def table() -> Prices:
    """The committed one."""
    return Prices.of(TABLE.read_text(encoding="utf-8"))
