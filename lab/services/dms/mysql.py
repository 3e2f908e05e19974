"""MySQL at either end: rows by pymysql, changes out of the binary log by mysql-replication."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql
from pymysql.constants import CLIENT, ER
from pymysql.cursors import DictCursor, SSDictCursor
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import QueryEvent, XidEvent
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from .shapes import Change, Column, Cut, Denied, Fatal, Missing, Row, Table, Transaction

_TABLES = (
    "SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c, COLUMN_TYPE AS type, CHARACTER_SET_NAME AS charset, "
    "COLUMN_KEY = 'PRI' AS pk, DATA_TYPE AS kind, IS_NULLABLE = 'NO' AS filled FROM information_schema.COLUMNS JOIN "
    "information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA NOT "
    "IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1, 2, ORDINAL_POSITION"
)
_MUST = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_checksum": "NONE"}
_LOBS = {"json", *(f"{size}{kind}" for size in ("tiny", "", "medium", "long") for kind in ("text", "blob"))}
_LOG_LOST = 1236
_CONFLICT = 1062
_KINDS = {WriteRowsEvent: "insert", UpdateRowsEvent: "update", DeleteRowsEvent: "delete"}


class _End:
    def __init__(self, settings: dict[str, Any], init: str = "", seconds: float = 10.0) -> None:
        """`settings` are pymysql's: where, who and how it is verified. `init` runs in each session (Initstmt)."""
        self._settings = {**settings, "charset": "utf8mb4", "connect_timeout": min(seconds, 5.0),
                          "read_timeout": seconds, "write_timeout": seconds,
                          # An UPDATE that changes nothing has found its row, too.
                          "client_flag": CLIENT.FOUND_ROWS}  # fmt: skip
        self._init = init
        self._connection: Any = None

    def open(self) -> None:
        with _speaking():
            self._connection = pymysql.connect(**self._settings, cursorclass=DictCursor)
            # A TIMESTAMP goes as a moment.
            self._run("SET time_zone = '+00:00'")
            if self._init:
                self._run(self._init)

    def close(self) -> None:
        if self._connection is not None and self._connection.open:
            with contextlib.suppress(pymysql.err.MySQLError, OSError):
                self._connection.close()

    def _run(self, statement: str, values: Sequence[Any] = ()) -> int:
        with self._connection.cursor() as cursor:
            return int(cursor.execute(statement, values or None))

    def _ask(self, statement: str) -> list[dict[str, Any]]:
        with _speaking(), self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def rows(self, table: Table) -> Iterator[Row]:
        columns = ", ".join(_quoted(one.name) for one in table.columns)
        order = f" ORDER BY {', '.join(_quoted(one) for one in table.key)}" if table.key else ""
        # A connection of its own: the answer is read while another end writes.
        with _speaking():
            one = pymysql.connect(**self._settings, cursorclass=SSDictCursor)
        with _speaking(), contextlib.closing(one), one.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
            cursor.execute(f"SELECT {columns} FROM {_named(table)}{order}")
            yield from cursor


class MySqlSource(_End):
    """Followed by its binary log."""

    def open(self) -> None:
        super().open()
        found = {row["Variable_name"]: row["Value"] for row in self._ask("SHOW GLOBAL VARIABLES LIKE '%log%'")}
        for name, wanted in _MUST.items():
            if found.get(name) != wanted:
                raise Fatal(f"the source's {name} is {found.get(name)}, not {wanted}")
        self._known = {(one.schema, one.name): one for one in self.tables()}

    def tables(self) -> Sequence[Table]:
        columns: dict[tuple[str, str], list[dict[str, Any]]] = {}
        with _speaking():
            self._connection.commit()  # else the snapshot of the first look
        for row in self._ask(_TABLES):
            columns.setdefault((row["s"], row["t"]), []).append(row)
        return [
            Table(
                *place,
                tuple(Column(row["c"], _type(row), "plain" if row["kind"] in _LOBS else "") for row in rows),
                tuple(row["c"] for row in rows if row["pk"]),
            )
            for place, rows in columns.items()
        ]

    def position(self, fresh: bool) -> str:
        (row,) = self._ask("SHOW BINARY LOG STATUS")
        return f"{row['File']}:{row['Position']}"

    def changes(self, after: str) -> Iterator[Transaction]:
        file, _, at = after.rpartition(":")
        events = [QueryEvent, XidEvent, *_KINDS]
        reader = BinLogStreamReader(
            connection_settings=dict(self._settings), server_id=4_000_000_000, resume_stream=True, blocking=False,
            log_file=file, log_pos=int(at), only_events=events, enable_logging=False,
        )  # fmt: skip
        changes: list[Change] = []
        with _speaking(), contextlib.closing(reader):
            for event in reader:
                if type(event) in _KINDS:
                    changes += self._of_rows(event)
                    continue
                if isinstance(event, QueryEvent):
                    words = event.query.upper().split()
                    if words[:1] in (["BEGIN"], ["SAVEPOINT"], ["ROLLBACK"]):
                        continue
                    changes += self._of_statement(event, words)
                yield Transaction(f"{reader.log_file}:{reader.log_pos}", float(event.timestamp), changes)
                changes = []

    def _of_rows(self, event: Any) -> Iterator[Change]:
        table = self._known.get((event.schema, event.table))
        if table is None:
            return
        kind = _KINDS[type(event)]
        for row in event.rows:
            new = row.get("after_values") or row.get("values") or {}
            old = row.get("before_values") or row.get("values") or {}
            yield Change(kind, event.schema, event.table, self._row(table, new), self._row(table, old))

    def _row(self, table: Table, values: dict[str, Any]) -> Row:
        # By place: with binlog_row_metadata MINIMAL, the default, the log has no names.
        if len(values) != len(table.columns):
            raise Fatal(f"{table.full} has other columns now than when its rows were written")
        return {one.name: _value(one, value) for one, value in zip(table.columns, values.values(), strict=True)}

    def _of_statement(self, event: Any, words: Sequence[str]) -> Iterator[Change]:
        kind = {"DROP TABLE": "drop", "TRUNCATE TABLE": "truncate", "ALTER TABLE": "alter"}.get(" ".join(words[:2]))
        self._known = {(one.schema, one.name): one for one in self.tables()}
        if kind is None:
            return
        schema = event.schema.decode() if isinstance(event.schema, bytes) else event.schema
        _, _, rest = event.query.replace("`", "").replace("IF EXISTS", "").split(None, 2)
        for name in rest.split(",") if kind == "drop" else [rest]:
            of, _, table = name.split()[0].rpartition(".")
            yield Change(kind, of or schema, table)

    def applied(self, position: str) -> None:
        """The binary log is kept by the server's own clock."""


class MySqlTarget(_End):
    """Written to by key."""

    def exists(self, table: Table) -> bool:
        with _speaking():
            like = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
            return self._run(like, (table.schema, table.name)) > 0

    def create(self, table: Table) -> None:
        columns = [f"{_quoted(one.name)} {one.type}" for one in table.columns]
        if table.key:
            columns.append(f"PRIMARY KEY ({', '.join(_quoted(one) for one in table.key)})")
        with _speaking():
            self._run(f"CREATE DATABASE IF NOT EXISTS {_quoted(table.schema)}")
            self._run(f"CREATE TABLE {_named(table)} ({', '.join(columns)})")

    def drop(self, table: Table) -> None:
        with _speaking():
            self._run(f"DROP TABLE IF EXISTS {_named(table)}")

    def truncate(self, table: Table) -> None:
        with _speaking():
            self._run(f"TRUNCATE TABLE {_named(table)}")

    def alter(self, before: Table, after: Table) -> None:
        had, have = {one.name for one in before.columns}, {one.name for one in after.columns}
        with _speaking():
            for one in after.columns:
                if one.name not in had:
                    self._run(f"ALTER TABLE {_named(before)} ADD COLUMN {_quoted(one.name)} {one.type}")
            for name in sorted(had - have):
                self._run(f"ALTER TABLE {_named(before)} DROP COLUMN {_quoted(name)}")

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        names = list(rows[0])
        statement = (
            f"INSERT INTO {_named(table)} ({', '.join(map(_quoted, names))}) VALUES ({', '.join(['%s'] * len(names))})"
        )
        with _speaking(), self._connection.cursor() as cursor:
            cursor.executemany(statement, [list(row.values()) for row in rows])

    def update(self, table: Table, row: Row, old: Row) -> int:
        where, key = _where(table, old)
        sets = ", ".join(f"{_quoted(name)} = %s" for name in row)
        with _speaking():
            return self._run(f"UPDATE {_named(table)} SET {sets} WHERE {where}", [*row.values(), *key])

    def delete(self, table: Table, old: Row) -> int:
        where, key = _where(table, old)
        with _speaking():
            return self._run(f"DELETE FROM {_named(table)} WHERE {where}", key)

    def tell(self, schema: str, task: str, status: str) -> None:
        raise Fatal("control tables at a MySQL are not played here: leave ControlTablesSettings out")

    def give_up(self, schema: str, task: str, table: Table, why: str) -> None:
        raise Fatal("control tables at a MySQL are not played here: leave ControlTablesSettings out")

    def mark(self) -> None:
        with _speaking():
            self._run("SAVEPOINT mark")

    def back(self) -> None:
        with _speaking():
            self._run("ROLLBACK TO SAVEPOINT mark")

    def commit(self) -> None:
        with _speaking():
            self._connection.commit()

    def rollback(self) -> None:
        with _speaking():
            self._connection.rollback()


@contextlib.contextmanager
def _speaking() -> Iterator[None]:
    try:
        yield
    except pymysql.err.MySQLError as error:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if number == _LOG_LOST:
            raise Fatal(f"the position is not in the source's log any more: {error}") from None
        if isinstance(error, pymysql.err.IntegrityError | pymysql.err.DataError):
            raise Denied(str(error), number == _CONFLICT) from None
        if number in (ER.NO_SUCH_TABLE, ER.BAD_FIELD_ERROR):
            raise Missing(str(error)) from None
        if isinstance(error, pymysql.err.ProgrammingError):
            raise Fatal(str(error)) from None
        raise Cut(str(error)) from None
    except OSError as error:
        raise Cut(str(error)) from None


def _type(row: dict[str, Any]) -> str:
    charset = f" CHARACTER SET {row['charset']}" if row["charset"] and row["kind"] != "json" else ""
    return f"{row['type']}{charset}{' NOT NULL' if row['filled'] else ' NULL'}"


def _value(column: Column, value: Any) -> Any:
    if isinstance(value, dict | list) or (column.type.startswith("json") and value is not None):
        return json.dumps(_plain(value))
    if isinstance(value, bytes) and " CHARACTER SET " in column.type:
        return value.decode()
    return value


def _plain(value: Any) -> Any:
    """mysql-replication's JSON has bytes where it has text."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _where(table: Table, row: Row) -> tuple[str, list[Any]]:
    names = table.key or tuple(row)
    return " AND ".join(f"{_quoted(name)} <=> %s" for name in names), [row[name] for name in names]


def _named(table: Table) -> str:
    return f"{_quoted(table.schema)}.{_quoted(table.name)}"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
