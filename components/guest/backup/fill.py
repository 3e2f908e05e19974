"""Rows, keys and proof of every table, side by side: a table's keys are built and its rows proved while others load.

A proof reads in ranges of the primary key, so that the largest table does not leave all cores but one idle at the end.
Proofs come last: they fill what is left of the machine while the last keys are built.
"""

import subprocess
import threading
from collections.abc import Callable
from typing import Any

from ..errors import Failed, SqlError
from . import exact, progress, prove, rows
from .board import Board
from .client import Server, Session, feed, load
from .config import Say
from .ddl import Added
from .fetch import Parts
from .parallel import Stopped, in_parallel
from .rows import identifier

KEYS_AT_ONCE = 2
"""Each builds with several threads and a large buffer of its own."""
DDL_BUFFER_BYTES = 64 * 1024 * 1024
# A dead restore's chunk is rolled back first, however large.
ROLLBACK_SECONDS = 300


class _Table:
    """One table on its way."""

    def __init__(self, number: int, about: dict[str, Any], keys: list[Added], left: list[dict[str, Any]]) -> None:
        self.number, self.about, self.keys = number, about, keys
        self.chunks = left
        self.columns = [rows.column(data) for data in about["columns"]]
        self.loading = len(left)
        self.proving = 0
        self.warned = ""
        """What MySQL said of a chunk's rows that it may have altered."""
        self.seen = prove.Sums()
        self.left: set[str] = {"proof"}
        """What is still to be done once the rows are in."""

    @property
    def left_behind(self) -> tuple[int, int]:
        """How much is left once its rows are in: entries of keys, which are built while other tables load, so the most
        come first. Then bytes."""
        keys = sum(len(made.clauses) for made in self.keys)
        return keys * int(self.about["rows"]), sum(chunk["bytes"] for chunk in self.chunks)


class Fill:
    """Between the making of the tables and of their foreign keys; every step can be done twice."""

    def __init__(self, server: Server, schema: str, chosen: dict[str, Any], parts: Parts, say: Say) -> None:
        self._server, self._schema, self._chosen = server, schema, chosen
        self._parts, self._say = parts, say
        self._lock = threading.Lock()
        self._board: Board[Session] = Board({"keys": KEYS_AT_ONCE, "load": 0, "prove": 0})

    def run(self, control: Session, keys: list[Added], streams: int) -> None:
        """All tables that are not proved yet. Failed when one cannot be what the manifest promises."""
        done, proved = progress.loaded(control), progress.proved(control)
        tables = []
        for number, about in enumerate(self._chosen["tables"]):
            if number not in proved:
                left = [chunk for chunk in about["chunks"] if chunk["blob"] not in done]
                mine = [made for made in keys if made.table == about["name"]]
                tables.append(_Table(number, about, mine, left))
        for table in sorted(tables, key=lambda table: table.left_behind, reverse=True):
            for chunk in table.chunks:
                self._board.add("load", self._loading(table, chunk))
            if not table.chunks:
                self._board.add("load", self._loading(table, None))

        def work(stopped: Stopped) -> None:
            with self._server.session(self._schema) as session:
                session.ask(f"SET SESSION innodb_ddl_buffer_size = {DDL_BUFFER_BYTES}, innodb_ddl_threads = 2")
                self._board.work(session, stopped)

        in_parallel([work] * streams)

    def _loading(self, table: _Table, chunk: "dict[str, Any] | None") -> Callable[[Session], None]:
        def task(session: Session) -> None:
            if chunk:
                self._load(table, chunk)
            with self._lock:
                table.loading -= 1 if chunk else 0
                whole = table.loading == 0
            if whole:
                self._rows_are_in(session, table)

        return task

    def _rows_are_in(self, session: Session, table: _Table) -> None:
        conditions = prove.conditions(session, table.about)
        table.proving = len(conditions)
        if table.keys:
            table.left.add("keys")
            self._board.add("keys", lambda session: self._build(session, table))
        for condition in conditions:
            self._board.add("prove", self._proving(table, condition))

    def _load(self, table: _Table, chunk: dict[str, Any]) -> None:
        name, blob = table.about["name"], chunk["blob"]
        try:
            with self._parts.stream(blob) as content:
                warned = (self._insert if chunk.get("exact") else self._load_data)(table, chunk, content)
        except SqlError as error:
            if error.number == progress.DUPLICATE:
                return  # a client that outlived its restore has brought this chunk in meanwhile
            raise _explained(error, name, blob) from error
        with self._lock:
            table.warned = table.warned or warned
        self._say({"event": "loaded", "table": name, "rows": chunk["rows"]})

    def _load_data(self, table: _Table, chunk: dict[str, Any], content: "subprocess.Popen[bytes]") -> str:
        statements = [
            rows.load(table.about["name"], table.columns),
            "GET DIAGNOSTICS @loaded = ROW_COUNT",
            "SHOW WARNINGS LIMIT 3",  # for the message, when it comes to that
        ]
        return load(self._server, [*self._before(chunk), *statements, *progress.settle(chunk["blob"])], content)

    def _insert(self, table: _Table, chunk: dict[str, Any], content: "subprocess.Popen[bytes]") -> str:
        """A chunk whose rows LOAD DATA would not bring in exactly."""
        assert content.stdout
        inserts = exact.inserts(table.about["name"], table.columns, iter(content.stdout))
        before = [*self._before(chunk), "SET @loaded = 0"]
        return feed(self._server, before, inserts, progress.settle(chunk["blob"]))

    def _before(self, chunk: dict[str, Any]) -> list[str]:
        return [
            f"SET SESSION innodb_lock_wait_timeout = {ROLLBACK_SECONDS}",
            f"USE {identifier(self._schema)}",
            *progress.claim(chunk["blob"], chunk["rows"]),
        ]

    def _build(self, session: Session, table: _Table) -> None:
        for statement in table.keys:
            add(session, self._schema, statement, self._say)
        self._complete(session, table, "keys")

    def _proving(self, table: _Table, condition: str) -> Callable[[Session], None]:
        def task(session: Session) -> None:
            seen = prove.sums(session, table.about, condition)
            with self._lock:
                table.seen += seen
                table.proving -= 1
                last = table.proving == 0
            if last:
                if words := prove.difference(table.about, table.seen):
                    altered = f"; MySQL said when the rows came in: {table.warned}" if table.warned else ""
                    fix = "stop who writes to the target, drop its schema and twinsite_restore, restore again"
                    raise Failed(f"{words}{altered}: {fix}")
                self._complete(session, table, "proof")

        return task

    def _complete(self, session: Session, table: _Table, what: str) -> None:
        """Whoever is last remembers both."""
        with self._lock:
            table.left.discard(what)
            if table.left:
                return
        progress.remember_proved(session, table.number)
        self._say({"event": "proved", "table": table.about["name"], "problem": ""})


def add(session: Session, schema: str, wanted: Added, say: Say) -> None:
    """Keys or foreign keys that are not there yet (a killed ALTER TABLE leaves all or nothing)."""
    where = f"table_schema = {rows.literal(schema)} AND table_name = {rows.literal(wanted.table)}"
    what = "SELECT DISTINCT index_name FROM information_schema.statistics WHERE "
    if wanted.kind == "foreign-keys":
        what = "SELECT constraint_name FROM information_schema.table_constraints WHERE constraint_type = "
        what += "'FOREIGN KEY' AND "
    sql = wanted.sql({row[0] for row in session.ask(what + where)})
    if sql:
        session.ask(sql)
        say({"event": wanted.kind, "table": wanted.table})


def _explained(error: SqlError, table: str, blob: str) -> Failed:
    where = f"table {table!r}, {blob}"
    if error.number == progress.CHECK_VIOLATED:
        return Failed(f"{where}: MySQL did not take every row as it was ({error}); nothing of this chunk was kept")
    return Failed(f"{where}: {no_space(error) or error}")


DISK_FULL = (3, 28, 1021, 1026, 1114, 3675)
"""Of MySQL and of its operating system: writing, no space, disk full, writing, table full, a new tablespace."""


def no_space(error: SqlError) -> str:
    """What to do where the target's disk is full, at whatever it was met (rows, keys, a table); "" where it is not."""
    if error.number in DISK_FULL or "No space left on device" in error.words:
        return f"no space left at the target ({error}); give it more and run restore again: it goes on"
    return ""
