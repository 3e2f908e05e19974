"""What goes between the two ends of a task."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Row = Mapping[str, Any]


class Cut(Exception):
    """An end does not answer, or broke off: tried again."""


class Fatal(Exception):
    """What ends a task: `failed`, with these words."""


class Missing(Fatal):
    """A table, or a column of it, that the list had is not there any more. Met while one table is loaded or compared,
    it is that table's error; elsewhere it ends the task."""


class Denied(Exception):
    """The target takes this row not. `conflict`: it has one with that key."""

    def __init__(self, words: str, conflict: bool) -> None:
        self.conflict = conflict
        super().__init__(words)


@dataclass(frozen=True)
class Column:
    """One of a table."""

    name: str
    type: str
    """As the target is told."""
    lob: str = ""
    """plain, wide (two bytes a character) or hex (\\x and two digits a byte): DMS takes it for a LOB. "" where not."""

    def longest(self, most: int) -> int:
        """Of its value here, where `most` bytes are carried."""
        return {"wide": most // 2, "hex": 2 + 2 * most}.get(self.lob, most)


@dataclass(frozen=True)
class Table:
    """At one end."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Columns of the primary key, of which there may be none."""

    @property
    def full(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Change:
    """Of one row, or of a table."""

    kind: str
    """insert, update, delete; truncate, drop, alter."""
    schema: str
    table: str
    row: Row = ()  # type: ignore[assignment]
    old: Row = ()  # type: ignore[assignment]
    """What it was, as far as the log says."""


@dataclass(frozen=True)
class Transaction:
    """In the source's order."""

    position: str
    """After it."""
    at: float
    """When it was committed."""
    changes: Sequence[Change]


class Source(Protocol):
    """Cut and Fatal come from every call."""

    def open(self) -> None:
        """Connects; Fatal where it cannot be followed."""

    def tables(self) -> Sequence[Table]:
        """All that a selection can choose from."""

    def position(self, fresh: bool) -> str:
        """Where the log is now. `fresh` makes what keeps the log from now on."""

    def rows(self, table: Table) -> Iterator[Row]:
        """All of them by key."""

    def changes(self, after: str) -> Iterator[Transaction]:
        """Up to now, or a part of it."""

    def applied(self, position: str) -> None:
        """The log before it is not needed any more."""

    def close(self) -> None: ...


class Target(Protocol):
    """Cut, Fatal and, of rows, Denied."""

    def open(self) -> None: ...

    def exists(self, table: Table) -> bool: ...

    def create(self, table: Table) -> None:
        """With columns and primary key, nothing else."""

    def drop(self, table: Table) -> None: ...

    def truncate(self, table: Table) -> None: ...

    def alter(self, before: Table, after: Table) -> None:
        """Columns that came and went."""

    def insert(self, table: Table, rows: Sequence[Row]) -> None: ...

    def update(self, table: Table, row: Row, old: Row) -> int:
        """Rows found."""

    def delete(self, table: Table, old: Row) -> int: ...

    def tell(self, schema: str, task: str, status: str) -> None:
        """Writes down how the task is (awsdms_status). Fatal where that is not played."""

    def give_up(self, schema: str, task: str, table: Table, why: str) -> None:
        """Writes down that a table is not carried any more (awsdms_suspended_tables); "": it is again."""

    def mark(self) -> None:
        """Of the transaction, to come back to."""

    def back(self) -> None:
        """To the mark."""

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def rows(self, table: Table) -> Iterator[Row]: ...

    def close(self) -> None: ...
