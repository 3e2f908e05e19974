"""PostgreSQL at either end, by psycopg; changes out of a logical slot, asked by SQL (pgoutput).

DMS itself takes test_decoding, which not every server has, and the replication protocol; both come to the same rows.
"""

import contextlib
import functools
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg import sql

from .pgoutput import Reader, lsn, number
from .shapes import Column, Cut, Denied, Fatal, Missing, Row, Table, Transaction

_TABLES = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, t.typname, t.typcategory,
    coalesce(a.attnum = ANY (i.indkey), false)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type y ON y.oid = a.atttypid
JOIN pg_type t ON t.oid = CASE y.typtype WHEN 'd' THEN y.typbasetype ELSE y.oid END
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
ORDER BY 1, 2, a.attnum
"""
_TOLD = """
CREATE TABLE IF NOT EXISTS {0}.awsdms_status (
    server_name varchar(128) NOT NULL, task_name varchar(128) NOT NULL, task_status varchar(32), status_time timestamp,
    pending_changes bigint, disk_swap_size bigint, task_memory bigint, source_current_position varchar(128),
    source_current_timestamp timestamp, source_tail_position varchar(128), source_tail_timestamp timestamp,
    source_timestamp_applied timestamp
);
CREATE UNIQUE INDEX IF NOT EXISTS awsdms_status_task_status_index ON {0}.awsdms_status (server_name, task_name);
CREATE TABLE IF NOT EXISTS {0}.awsdms_suspended_tables (
    server_name varchar(128) NOT NULL, task_name varchar(128) NOT NULL, table_owner varchar(128) NOT NULL,
    table_name varchar(128) NOT NULL, suspend_reason varchar(32), suspend_timestamp timestamp
);
"""
"""Of DMS's own at a target [user guide, control table task settings]."""
_SERVER = "localhost.localdomain"
_LOBS = ("text", "json", "jsonb", "xml", "hstore", "tsvector", "path", "polygon")
_ROWS = 5000
"""Of one look into the slot."""


class _End:
    def __init__(self, conninfo: str, init: str = "", seconds: float = 10.0) -> None:
        """`init` runs in each session (AfterConnectScript)."""
        self._conninfo, self._init, self._seconds = conninfo, init, seconds
        self._connection: Any = None
        self._waiting: tuple[Any, float] | None = None

    def open(self) -> None:
        with self._speaking(None):
            self._connection = self._connected()
        threading.Thread(target=self._watch, args=(self._connection,), daemon=True).start()

    def _watch(self, connection: Any) -> None:
        """An answer that does not come within the time breaks its connection off: libpq would wait for ever."""
        while not connection.closed:
            waiting = self._waiting
            if waiting and time.monotonic() > waiting[1]:
                with (
                    contextlib.suppress(psycopg.Error, OSError),
                    socket.socket(fileno=os.dup(waiting[0].fileno())) as one,
                ):
                    one.shutdown(socket.SHUT_RDWR)
            time.sleep(min(0.5, self._seconds / 4))

    def _connected(self) -> Any:
        wait = max(2, int(self._seconds))
        made = psycopg.connect(self._conninfo, connect_timeout=wait, cursor_factory=psycopg.ClientCursor)
        made.execute("SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET DateStyle = 'ISO'")
        if self._init:
            made.execute(self._init)
        made.commit()
        return made

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                self._connection.close()

    @contextlib.contextmanager
    def _speaking(self, connection: Any) -> Iterator[None]:
        self._waiting = (connection, time.monotonic() + self._seconds) if connection is not None else None
        try:
            yield
        except (psycopg.errors.IntegrityError, psycopg.DataError) as error:
            raise Denied(_words(error), isinstance(error, psycopg.errors.UniqueViolation)) from None
        except (psycopg.OperationalError, psycopg.InterfaceError, OSError) as error:
            raise Cut(_words(error)) from None
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
            raise Missing(_words(error)) from None
        except psycopg.Error as error:
            raise Fatal(_words(error)) from None
        finally:
            self._waiting = None

    def _run(self, statement: Any, values: Sequence[Any] = ()) -> Any:
        with self._speaking(self._connection):
            return self._connection.execute(statement, values or None)

    def rows(self, table: Table) -> Iterator[Row]:
        names = [one.name for one in table.columns]
        # As text: what the log has, and what any type of the target takes.
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(one)) for one in names)
        keys = sql.SQL(", ").join(map(sql.Identifier, table.key))
        order = sql.SQL(" ORDER BY {}").format(keys) if table.key else sql.SQL("")
        asked = sql.SQL("SELECT {} FROM {}{}").format(columns, _named(table), order)
        # A connection of its own: the answer is read while another end writes.
        with self._speaking(None):
            one = self._connected()
        with contextlib.closing(one), psycopg.ServerCursor(one, "load") as cursor:
            with self._speaking(one):
                cursor.execute(asked)
            while True:
                with self._speaking(one):
                    some = cursor.fetchmany(_ROWS)
                if not some:
                    return
                for row in some:
                    yield dict(zip(names, row, strict=True))


class PostgresSource(_End):
    """Followed by a slot, which outlives the task that it was made for."""

    def __init__(self, conninfo: str, slot: str, heartbeat: bool = False, seconds: float = 10.0) -> None:
        super().__init__(conninfo, "", seconds)
        self._slot, self._heartbeat = slot, heartbeat
        self._publications = (slot, f"{slot}_keyless")

    def open(self) -> None:
        super().open()
        self._connection.autocommit = True
        level = self._run("SHOW wal_level").fetchone()[0]
        if level != "logical":
            raise Fatal(f"the source's wal_level is {level}, not logical")

    def tables(self) -> Sequence[Table]:
        columns: dict[tuple[str, str], list[Any]] = {}
        for schema, table, *row in self._run(_TABLES).fetchall():
            columns.setdefault((schema, table), []).append(row)
        return [
            Table(
                *place,
                tuple(Column(row[0], row[1] + " NOT NULL" * row[2], _lob(*row[3:5])) for row in rows),
                tuple(row[0] for row in rows if row[5]),
            )
            for place, rows in columns.items()
        ]

    def position(self, fresh: bool) -> str:
        if fresh and not self._run("SELECT FROM pg_replication_slots WHERE slot_name = %s", [self._slot]).rowcount:
            # Of a table without a key DMS ignores UPDATE and DELETE; published, they would fail at the source.
            for name, keyed, what in zip(self._publications, (True, False), ("", "insert, truncate"), strict=True):
                tables = [_named(one) for one in self.tables() if bool(one.key) == keyed]
                of = sql.SQL("FOR TABLE {}").format(sql.SQL(", ").join(tables)) if tables else sql.SQL("")
                only = sql.SQL("WITH (publish = {})").format(what) if what else sql.SQL("")
                self._run(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(name)))
                self._run(sql.SQL("CREATE PUBLICATION {} {} {}").format(sql.Identifier(name), of, only))
            self._run("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [self._slot])
        return str(self._run("SELECT pg_current_wal_insert_lsn()").fetchone()[0])

    def changes(self, after: str) -> Iterator[Transaction]:
        now = self.position(False)
        known = self._run("SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", [self._slot]).fetchone()
        if known is None or known[0] == "lost":
            raise Fatal(f"the source's slot {self._slot} is {'gone' if known is None else 'lost'}")
        asked = (
            "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, %s, 'proto_version', '1', "
            "'publication_names', %s)"
        )
        messages = self._run(asked, [self._slot, _ROWS, ",".join(self._publications)]).fetchall()
        reader = Reader()
        for (data,) in messages:
            done = reader.take(data)
            if done and number(done.position) > number(after):
                yield done
        if not messages and self._heartbeat and number(now) > number(after):
            # The row that DMS writes moves the slot on while nobody else writes.
            yield Transaction(now, 0.0, ())

    def applied(self, position: str) -> None:
        self._run("SELECT pg_replication_slot_advance(%s, %s)", [self._slot, lsn(number(position))])


class PostgresTarget(_End):
    """Written to by key; a value goes as text and becomes what its column is."""

    def exists(self, table: Table) -> bool:
        asked = "SELECT FROM pg_tables WHERE schemaname = %s AND tablename = %s"
        return bool(self._run(asked, [table.schema, table.name]).rowcount)

    def create(self, table: Table) -> None:
        columns = [sql.SQL("{} {}").format(sql.Identifier(one.name), _sql(one.type)) for one in table.columns]
        if table.key:
            columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key))))
        self._run(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(table.schema)))
        self._run(sql.SQL("CREATE TABLE {} ({})").format(_named(table), sql.SQL(", ").join(columns)))

    def drop(self, table: Table) -> None:
        self._run(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(_named(table)))

    def truncate(self, table: Table) -> None:
        self._run(sql.SQL("TRUNCATE {}").format(_named(table)))

    def alter(self, before: Table, after: Table) -> None:
        raise Fatal(f"{before.full}: a change of a table is not in PostgreSQL's log")

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        for at in range(0, len(rows), 500):
            some = rows[at : at + 500]
            self._run(_insert(table, tuple(some[0]), len(some)), [value for row in some for value in row.values()])

    def update(self, table: Table, row: Row, old: Row) -> int:
        # By the key that it has now: DMS does not follow a change of the key [limitations].
        new = {name: row[name] for name in row if name not in table.key} or dict(row)
        key = {name: (row if table.key else old)[name] for name in table.key or old}
        return int(self._run(_update(table, tuple(new), tuple(key)), [*new.values(), *key.values()]).rowcount)

    def delete(self, table: Table, old: Row) -> int:
        key = {name: old[name] for name in table.key or old}
        return int(self._run(_delete(table, tuple(key)), list(key.values())).rowcount)

    def tell(self, schema: str, task: str, status: str) -> None:
        self._run(_sql(_TOLD).format(sql.Identifier(schema)))
        asked = _sql(
            "INSERT INTO {}.awsdms_status (server_name, task_name, task_status, status_time) VALUES (%s, %s, %s, "
            "clock_timestamp() AT TIME ZONE 'UTC') ON CONFLICT (server_name, task_name) DO UPDATE SET task_status = "
            "excluded.task_status, status_time = excluded.status_time"
        )
        self._run(asked.format(sql.Identifier(schema)), [_SERVER, task, status])
        self.commit()

    def give_up(self, schema: str, task: str, table: Table, why: str) -> None:
        whose = [_SERVER, task, table.schema, table.name]
        gone = _sql(
            "DELETE FROM {}.awsdms_suspended_tables WHERE (server_name, task_name, table_owner, table_name) = "
            "(%s, %s, %s, %s)"
        )
        self._run(gone.format(sql.Identifier(schema)), whose)
        if why:
            now = _sql("INSERT INTO {}.awsdms_suspended_tables VALUES (%s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC')")
            self._run(now.format(sql.Identifier(schema)), [*whose, why])
        self.commit()

    def mark(self) -> None:
        self._run("SAVEPOINT mark")

    def back(self) -> None:
        self._run("ROLLBACK TO SAVEPOINT mark")

    def commit(self) -> None:
        with self._speaking(self._connection):
            self._connection.commit()

    def rollback(self) -> None:
        with self._speaking(self._connection):
            self._connection.rollback()


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _lob(kind: str, category: str) -> str:
    return "hex" if kind == "bytea" else "wide" if kind in _LOBS or category == "A" else ""


def _sql(text: str) -> sql.SQL:
    return sql.SQL(text)


@functools.cache
def _insert(table: Table, names: tuple[str, ...], rows: int) -> str:
    one = f"({', '.join(['%s'] * len(names))})"
    asked = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ")
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return _text(asked.format(_named(table), columns)) + ", ".join([one] * rows)


@functools.cache
def _update(table: Table, names: tuple[str, ...], key: tuple[str, ...]) -> str:
    sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in names)
    return _text(sql.SQL("UPDATE {} SET {} WHERE {}").format(_named(table), sets, _where(table, key)))


@functools.cache
def _delete(table: Table, key: tuple[str, ...]) -> str:
    return _text(sql.SQL("DELETE FROM {} WHERE {}").format(_named(table), _where(table, key)))


def _text(composed: sql.Composed) -> str:
    return str(composed.as_string(None))


def _where(table: Table, names: tuple[str, ...]) -> sql.Composed:
    # Of a key its index is used; NULL is equal to NULL where all columns have to say which row it is.
    same = sql.SQL("{} = %s" if table.key else "{}::text IS NOT DISTINCT FROM %s")
    return sql.SQL(" AND ").join(same.format(sql.Identifier(name)) for name in names)


def _named(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)
