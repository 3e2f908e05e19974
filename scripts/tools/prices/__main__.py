"""Arguments, the lists, the table."""

import argparse
import datetime
import os
import sys
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import yaml

from . import aws, azure, gcp, renew
from .found import Found, Open, Wanted

TABLE = Path(__file__).resolve().parents[3] / "components" / "estimate" / "prices.yaml"
LOOKUPS = Path(__file__).with_name("lookups.yaml")
KEY = "GOOGLE_API_KEY"
SECONDS = 60.0


def fetch(address: str) -> AbstractContextManager[BinaryIO]:
    """Over the network."""
    answer: AbstractContextManager[BinaryIO] = urllib.request.urlopen(address, timeout=SECONDS)
    return answer


def main(argv: Sequence[str], opened: Open = fetch, table: Path = TABLE, key: str = "", day: str = "") -> int:
    """0: every price that was asked for is there; 1: some stay as they were, and why is said."""
    parser = argparse.ArgumentParser(
        prog="scripts/prices", description="Renew the table of prices; nothing else changes."
    )
    parser.add_argument("--only", choices=list(renew.ASKED_OF), help="one cloud's")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    given = parser.parse_args(argv)
    text, lookups = table.read_text(encoding="utf-8"), yaml.safe_load(LOOKUPS.read_text(encoding="utf-8"))
    rows = renew.rows(text)
    said = [f"{sku} stays as it is: lookups.yaml does not say where it is" for sku in renew.lacking(rows, lookups)]
    found: dict[tuple[str, str], Found] = {}
    for cloud, wanted in renew.wanted(rows, lookups).items():
        if given.only in (None, cloud) and wanted:
            try:
                found |= _lists(key)[cloud](wanted, opened)
            except (OSError, ValueError, KeyError) as problem:
                said.append(f"{cloud}'s prices stay as they are: {type(problem).__name__}: {problem}")
    new, changes = renew.renewed(text, found, day or datetime.datetime.now(datetime.UTC).date().isoformat())
    if not given.dry_run:
        table.write_text(new, encoding="utf-8")
    print(*said, *changes, sep="\n")
    asked = [one for one in found.values() if one.usd is not None]
    print(
        f"{len(asked)} prices looked up; {table.name} {'would be' if given.dry_run else 'is'} renewed", file=sys.stderr
    )
    return int(bool(said) or any(one.usd is None for one in found.values()))


def _lists(key: str) -> dict[str, Callable[[Sequence[Wanted], Open], dict[tuple[str, str], Found]]]:
    """By the cloud, as the table names it: what looks its prices up."""
    found = {one.__name__.rpartition(".")[2]: one.prices for one in (aws, azure)}
    return {**found, gcp.__name__.rpartition(".")[2]: lambda wanted, opened: _gcp(wanted, opened, key)}


def _gcp(wanted: Sequence[Wanted], opened: Open, key: str) -> dict[tuple[str, str], Found]:
    if not key:
        raise OSError(f"Google's list wants a key: set {KEY}")
    return gcp.prices(wanted, opened, key)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], key=os.environ.get(KEY, "")))
