"""The ground that a stack stands on: rates that were measured there, in place of what vendors say and what is assumed.

A ground holds for the stacks that carry its mark and for no other: a figure of one place is never another's.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .figures import Basis, Item, Kind, step

RATES = {
    "update_seconds": "an update that raises the mode, without what it waits for: preview, program, its own end",
    "server_seconds": "a database server, from the moment at which it is asked for",
    "machine_seconds": "the standby machine, from the moment at which it is asked for until it restores",
    "backup_share": "of a backup, of the tables that it is of",
    "fetch_seconds_gib": "a backup is fetched and verified, for a GiB of tables",
    "restore_seconds_gib": "rows, keys and the proof of every table, for a GiB of tables",
    "start_seconds": "the application, until its first right page",
    "resume_seconds": "from the return of a cut link to a replica that has caught up",
}
"""What a ground may hold; in seconds, but for the share."""


@dataclass(frozen=True)
class Rate:
    """One of them, with the run that it is from."""

    value: float
    measured: str
    """Day, or moment, of that run: ISO 8601."""
    where: str
    """Where the run is written down."""

    @property
    def source(self) -> str:
        """For an Item."""
        return f"{self.measured}: {self.where}"


@dataclass(frozen=True)
class Ground:
    """Without rates: a cloud's, of which no account has measured any."""

    name: str = ""
    only_with: str = ""
    """`namespace:key` of a stack file: stacks without it do not stand here."""
    rates: Mapping[str, Rate] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Any) -> "Ground":
        """From a file's content: {"name", "only_with", "rates": {rate: {"value", "measured", "where"}}}. ValueError
        when it says less than it must."""
        if not isinstance(found, dict) or not found.get("name") or ":" not in str(found.get("only_with")):
            raise ValueError("a ground says its name, and only_with: the namespace:key of the stacks that stand there")
        rates = {}
        for name, said in (found.get("rates") or {}).items():
            if name not in RATES:
                raise ValueError(f"{name} is no rate; there are {', '.join(RATES)}")
            rates[name] = _rate(name, said)
        return cls(str(found["name"]), str(found["only_with"]), rates)

    def step(self, rate: str, name: str, kind: Kind, tables_gib: float | None = None) -> Item | None:
        """A step by its rate, `tables_gib` times where that is given; None when it was not measured here."""
        known = self.rates.get(rate)
        if known is None:
            return None
        if tables_gib is None:
            return step(name, kind, known.value, Basis.MEASURED, known.source, measured=known.measured)
        source = f"{tables_gib:g} GiB × {known.value:g} s/GiB, {known.source}"
        size = tables_gib * self.share
        return step(name, kind, tables_gib * known.value, Basis.MEASURED, source, known.measured, size)

    @property
    def share(self) -> float:
        """Of a backup, of its tables."""
        known = self.rates.get("backup_share")
        return BACKUP_SHARE if known is None else known.value


BACKUP_SHARE = 0.16
"""Of a backup, of the tables: 172 MB for 1.1 GB (page benchmarks of the documentation, restore). A share of rows and
no rate: it depends on the data, not on where they are."""

CLOUD = Ground()
"""Where nothing was measured."""


def _rate(name: str, said: Any) -> Rate:
    try:
        value, measured, where = float(said["value"]), str(said["measured"]), str(said["where"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{name} does not say value, measured and where") from None
    if not (math.isfinite(value) and value >= 0 and where and re.match(r"\d{4}-\d\d-\d\d", measured)):
        raise ValueError(f"{name} is {said!r}: a number from 0 on, the day it was measured, and where that is written")
    return Rate(value, measured, where)
