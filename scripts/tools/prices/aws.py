"""AWS's price list files: a CSV for each service and region, read as it comes (EC2's has hundreds of megabytes)."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from .found import Found, Open, Wanted, first_tier, only

ROOT = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"
_REGION = re.compile(r"^[A-Z]{2,5}\d*-")
"""Begins usage types outside us-east-1: APN2-BoxUsage:t3.micro."""


def prices(wanted: Sequence[Wanted], fetch: Open) -> dict[tuple[str, str], Found]:
    """By sku and region. Each file is read once. OSError when one cannot be."""
    files: dict[str, list[Wanted]] = defaultdict(list)
    for one in wanted:
        files[_address(one)].append(one)
    found: dict[tuple[str, str], Found] = {}
    for address, mine in files.items():
        fitting: dict[int, list[tuple[float, float]]] = defaultdict(list)
        with fetch(address) as stream:
            for row in _rows(io.TextIOWrapper(stream, encoding="utf-8", newline="")):
                for at, one in enumerate(mine):
                    if _fits(row, one.where):
                        fitting[at].append((float(row["StartingRange"] or 0), float(row["PricePerUnit"])))
        for at, one in enumerate(mine):
            found[one.sku, one.region] = only(first_tier(fitting[at]), address)
    return found


def _address(one: Wanted) -> str:
    region = "" if one.where.get("global") else f"/{one.region}"
    return f"{ROOT}/{one.where['offer']}/current{region}/index.csv"


def _rows(lines: Iterator[str]) -> Iterator[Mapping[str, str]]:
    """Some lines about the file come before the head."""
    for line in lines:
        if line.startswith('"SKU"'):
            yield from csv.DictReader(lines, next(csv.reader([line])))
            return
    raise ValueError('it has no line that begins with "SKU"')


def _fits(row: Mapping[str, str], where: Mapping[str, str]) -> bool:
    return (
        row["TermType"] == "OnDemand"
        and _REGION.sub("", row["usageType"]) == where["usage"]
        and row["operation"] == where.get("operation", row["operation"])
        and row["Unit"] == where["unit"]
        and row["Currency"] == "USD"
    )
