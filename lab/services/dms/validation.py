"""Which rows are not the same at both ends."""

from collections.abc import Iterable
from typing import Any

from .shapes import Row, Table


def differing(table: Table, source: Iterable[Row], target: Iterable[Row]) -> set[Any]:
    """Keys of rows that one end lacks or that differ. Columns that the target alone has are not looked at."""
    mine = {tuple(row[name] for name in table.key): row for row in source}
    theirs = {tuple(row[name] for name in table.key): row for row in target}
    return {key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)}
