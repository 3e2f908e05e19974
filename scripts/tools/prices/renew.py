"""The table's text with other prices in it: one row a line, every other line as it was."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from .found import Found, Wanted

EVERYWHERE = "everywhere"
ASKED_OF = {"aws": "us-east-1", "azure": "eastus", "gcp": "us-central1"}
"""Whose list has a price that is the same everywhere."""

BY_HAND = "nobody"
"""Who is asked where there is no list."""

Key = tuple[str, str]


def rows(text: str) -> list[Mapping[str, Any]]:
    """Of the table."""
    found: list[Mapping[str, Any]] = yaml.safe_load(text) or []
    return found


def wanted(table: Sequence[Mapping[str, Any]], lookups: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Wanted]]:
    """By cloud. A lookup stands for one thing or, with * and {}, for all of a service."""
    found: dict[str, list[Wanted]] = {cloud: [] for cloud in ASKED_OF}
    for row in table:
        service, _, what = row["sku"].partition("/")
        named = lookups.get(row["sku"]) or lookups.get(f"{service}/*")
        if named is None:
            continue
        ((cloud, where),) = named.items()
        if cloud == BY_HAND:
            continue
        region = ASKED_OF[cloud] if row["region"] == EVERYWHERE else row["region"]
        filled = {key: value.format(what) if isinstance(value, str) else value for key, value in where.items()}
        found[cloud].append(Wanted(row["sku"], region, filled))
    return found


def renewed(text: str, found: Mapping[Key, Found], day: str) -> tuple[str, list[str]]:
    """The new text, and a sentence for each row that changed or could not be found."""
    said: list[str] = []
    lines = [_line(line, found, day, said) for line in text.splitlines()]
    return "\n".join(lines) + "\n", said


def _line(line: str, found: Mapping[Key, Found], day: str, said: list[str]) -> str:
    if not line.startswith("- {"):
        return line
    (row,) = rows(line)
    regions = ASKED_OF.values() if row["region"] == EVERYWHERE else (row["region"],)
    fresh = next((found[row["sku"], region] for region in regions if (row["sku"], region) in found), None)
    if fresh is None:
        return line
    what = f"{row['sku']} in {row['region']}"
    if fresh.usd is None:
        said.append(f"{what} stays as it is: {fresh.words}")
        return line
    if fresh.usd != row["usd"]:
        said.append(f"{what}: {row['usd']:g} → {fresh.usd:g}")
    line = re.sub(r"usd: [^,}]+", f"usd: {fresh.usd:g}", line)
    line = re.sub(r"date: [^,}]+", f"date: {day}", line)
    return re.sub(r"source: .*\}$", lambda _: f"source: '{fresh.words}'}}", line)


def lacking(table: Sequence[Mapping[str, Any]], lookups: Mapping[str, Any]) -> Iterator[str]:
    """Things of the table that no list is asked for."""
    for sku in dict.fromkeys(row["sku"] for row in table):
        if sku not in lookups and f"{sku.partition('/')[0]}/*" not in lookups:
            yield sku
