"""What DescribeTableStatistics says of each table."""

from typing import Any

from .shapes import Change, Table

_COUNTS = {"insert": "Inserts", "update": "Updates", "delete": "Deletes"}


class Statistics:
    """Of one task."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], dict[str, Any]] = {}
        self._dirty: set[tuple[str, str]] = set()
        self._suspects: dict[tuple[str, str], set[Any]] = {}

    def rows(self) -> list[dict[str, Any]]:
        return [dict(row) for row in self._rows.values()]

    def _row(self, schema: str, table: str) -> dict[str, Any]:
        return self._rows.setdefault(
            (schema, table),
            {
                "SchemaName": schema, "TableName": table, "TableState": "Table completed", "FullLoadRows": 0,
                "Inserts": 0, "Updates": 0, "Deletes": 0, "Ddls": 0, "ValidationState": "Not enabled",
                "ValidationPendingRecords": 0, "ValidationFailedRecords": 0, "ValidationSuspendedRecords": 0,
            },
        )  # fmt: skip

    def begun(self, table: Table) -> None:
        self._rows.pop((table.schema, table.name), None)
        self._row(table.schema, table.name)["TableState"] = "Full load"

    def loaded(self, table: Table) -> None:
        if not self.suspended(table):
            self._row(table.schema, table.name)["TableState"] = "Table completed"
        self._dirty.add((table.schema, table.name))

    def failed(self, table: Table) -> None:
        self._row(table.schema, table.name)["TableState"] = "Table error"

    def suspended(self, table: Table) -> bool:
        return bool(self._row(table.schema, table.name)["TableState"] == "Table error")

    def count(self, table: Table, what: str, rows: int) -> None:
        self._row(table.schema, table.name)[what] += rows

    def changed(self, change: Change) -> None:
        self._row(change.schema, change.table)[_COUNTS.get(change.kind, "Ddls")] += 1
        self._dirty.add((change.schema, change.table))

    def wants_validation(self, table: Table) -> bool:
        place = (table.schema, table.name)
        return not self.suspended(table) and (place in self._dirty or self._row(*place)["ValidationPendingRecords"] > 0)

    def unvalidated(self, table: Table) -> None:
        """It could not be compared; a change to it is another try."""
        place = (table.schema, table.name)
        self._dirty.discard(place)
        self._row(*place)["ValidationState"] = "Error"
        self._row(*place)["ValidationPendingRecords"] = 0

    def validated(self, table: Table, differing: set[Any] | None) -> None:
        """`differing`: keys; None where there is no key. One that differs twice has failed: the first time it may be on
        its way."""
        place = (table.schema, table.name)
        row, before = self._row(*place), self._suspects.get(place, set())
        self._dirty.discard(place)
        if differing is None:
            row["ValidationState"] = "No primary key"
            return
        failed = differing & before
        self._suspects[place] = differing
        row["ValidationFailedRecords"], row["ValidationPendingRecords"] = len(failed), len(differing - failed)
        row["ValidationState"] = "Mismatched records" if failed else "Pending records" if differing else "Validated"
