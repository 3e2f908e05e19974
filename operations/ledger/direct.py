"""An end that is asked from here by SQL: a managed server, a pod's service, whatever a driver reaches.

Its sessions are threads of this process, so they see what a client here sees: a way that is cut leaves a commit in
doubt, and is noted so. The tables, the transaction, the file and the verdict are those of the ledger on a host.
"""

import contextlib
import json
import pathlib
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from twinsite.guest.drill import ledger_check, ledger_writer

from .. import sql
from ..sql import Gone, Place, Refused, Session

SCHEMA = "twinsite_drill"
TABLES = pathlib.Path(ledger_check.__file__).parent / "ledger.sql"
PING_COMMENT = "made by a twinsite drill"
_UNKNOWN_DATABASE, _NO_TABLE = 1049, 1146
AGAIN_SECONDS = 0.2
"""A session that lost its server waits so long before it connects anew."""


class DirectEnd:
    """A MySQL server. What is acknowledged goes to `file`, line by line; without one to a file of its own."""

    here = True

    def __init__(self, name: str, place: Place, file: pathlib.Path | None = None) -> None:
        self.name, self.place = name, place
        self._folder = tempfile.TemporaryDirectory(prefix="twinsite-ledger-")
        self._file = file or pathlib.Path(self._folder.name) / "acked.jsonl"
        self._book: ledger_writer.Book | None = None
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self._rows: dict[str, list[threading.Timer]] = {}
        self._kept: Session | None = None
        self._asking = threading.Lock()

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows of a question, over a connection that is kept and made anew after it was lost."""
        with self._asking:
            self._kept = self._kept or sql.connect(self.place)
            try:
                return self._kept.ask(statement, *values)
            except Gone:
                self._kept.close()
                self._kept = None
                raise

    def _script(self, statements: str) -> list[Sequence[Any]]:
        with contextlib.closing(sql.connect(self.place, 60)) as session:
            return session.script(statements)

    def prepare(self, sessions: int) -> None:
        """Empty tables, controls."""
        controls = ", ".join(str(row) for row in ledger_check.control_rows())
        starts = ", ".join(f"({number}, 0, UTC_TIMESTAMP(6))" for number in range(1, sessions + 1))
        self._script(
            f"DROP DATABASE IF EXISTS {SCHEMA};\n{TABLES.read_text(encoding='utf-8')}\nUSE {SCHEMA};\n"
            f"INSERT INTO sessions VALUES {starts};\n"
            f"INSERT INTO control_entries (session, seq, part) VALUES {controls};\n"
            f"DELETE FROM control_entries WHERE session = {ledger_check.LOST} AND seq = 3"
        )

    def start(self, identity: str, seconds: float, rate: float, sessions: int) -> None:
        """The writing sessions; `identity` names their threads."""
        self._book = ledger_writer.Book(str(self._file))
        self._stopped.clear()
        ends = time.monotonic() + seconds
        self._threads = [
            threading.Thread(
                target=self._drive,
                args=(number, sessions / rate, ends, self._book),
                name=f"{identity} session {number}",
                daemon=True,
            )
            for number in range(1, sessions + 1)
        ]
        for thread in self._threads:
            thread.start()

    def _drive(self, number: int, interval: float, ends: float, book: ledger_writer.Book) -> None:
        session: Session | None = None
        seq, due = 0, time.monotonic()
        while not self._stopped.is_set() and time.monotonic() < ends:
            seq += 1  # a number is never used twice: a repeat of a commit in doubt would itself be a duplicate
            try:
                if session is None:
                    session = sql.connect(self.place)
                    session.script(f"USE {SCHEMA}")
                answer = session.script(ledger_writer.transaction(number, seq))
                words = "" if answer and answer[-1][0] == f"ack {seq}" else f"another answer: {answer!r}"
            except (Gone, Refused) as problem:
                words = str(problem)
            book.note(number, seq, "in-doubt" if words else "acked", words)
            if words:
                if session is not None:
                    session.close()
                session = None
                self._stopped.wait(AGAIN_SECONDS)
            # A stall is not made up for by a burst: the load is a rate, not a count.
            due = max(due + interval, time.monotonic() - interval)
            self._stopped.wait(max(0.0, due - time.monotonic()))
        if session is not None:
            session.close()

    def acked(self) -> int:
        """So far."""
        return self._book.counts["acked"] if self._book else 0

    def stop(self) -> None:
        """Waits for the transactions that are on their way: each has its time."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        if self._threads and self._book is not None:
            self._book.close()
        self._threads = []

    def acknowledgements(self) -> str:
        """The file."""
        return self._file.read_text(encoding="utf-8") if self._file.exists() else ""

    def write(self, identity: str, message: str, after_seconds: float = 0.0) -> None:
        """Later: by a timer of this process, which loses what it cannot deliver."""
        if not after_seconds:
            self._write(message)
            return

        def later() -> None:
            with contextlib.suppress(Gone, Refused):  # the row is missing then, and the drill says so
                self._write(message)

        timer = threading.Timer(after_seconds, later)
        timer.daemon = True
        self._rows.setdefault(identity, []).append(timer)
        timer.start()

    def _write(self, message: str) -> None:
        self._script(
            "CREATE DATABASE IF NOT EXISTS testdb; CREATE TABLE IF NOT EXISTS testdb.ping ("
            "id INT AUTO_INCREMENT PRIMARY KEY, msg VARCHAR(50), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP"
            f") COMMENT '{PING_COMMENT}'"
        )
        self.ask("INSERT INTO testdb.ping (msg) VALUES (%s)", message)

    def forget(self, identity: str) -> None:
        """Cancel its timers; one that is at work is waited for."""
        for timer in self._rows.pop(identity, []):
            timer.cancel()
            timer.join()

    def rows(self) -> list[str]:
        """The document's rows, oldest first; none when the table is not there."""
        try:
            return [str(row["msg"]) for row in self.ask("SELECT msg FROM testdb.ping ORDER BY id")]
        except Refused as refused:
            if refused.number in (_UNKNOWN_DATABASE, _NO_TABLE):
                return []
            raise

    def gaps(self) -> int:
        """Of all sessions."""
        found = self.ask(f"SELECT DISTINCT session, seq FROM {SCHEMA}.entries")
        return sum(one.gaps for one in ledger_check.prefixes((row["session"], row["seq"]) for row in found))

    def check(self) -> dict[str, Any]:
        """Every row as one consistent snapshot shows it."""
        with contextlib.closing(sql.connect(self.place, 60)) as session:
            session.script(f"USE {SCHEMA}; START TRANSACTION WITH CONSISTENT SNAPSHOT")
            kinds = {
                "entry": "SELECT session, seq, part FROM entries ORDER BY id",
                "control": "SELECT session, seq, part FROM control_entries ORDER BY id",
                "session": "SELECT id, last_seq, 0 FROM sessions",
                "childless": "SELECT e.session, e.seq, e.part FROM entries e LEFT JOIN details d ON d.entry = e.id "
                "WHERE d.id IS NULL",
            }
            found: dict[str, Any] = {kind: [tuple(row) for row in session.script(text)] for kind, text in kinds.items()}
        return {**found, "gtid": [self.executed()], "pings": self.rows()}

    def verify(self, acknowledgements: str) -> dict[str, Any]:
        """By the same comparison as on a host."""
        outcomes: dict[str, list[ledger_check.Position]] = {"acked": [], "in-doubt": []}
        for line in acknowledgements.splitlines():
            entry = json.loads(line)
            outcomes[entry["outcome"]].append((entry["session"], entry["seq"]))
        there = self.check()
        found = ledger_check.compare(outcomes["acked"], there["entry"])
        last = {session: seq for session, seq, _ in there["session"]}
        promised: dict[int, int] = {}
        for session, seq in outcomes["acked"]:
            promised[session] = max(seq, promised.get(session, 0))
        return {
            "acked": len(outcomes["acked"]),
            "in_doubt": len(outcomes["in-doubt"]),
            "missing": found.missing,
            "duplicated": found.duplicated,
            "reordered": found.reordered,
            "unacknowledged": found.unacknowledged,
            "childless": there["childless"],
            "updates_missing": sorted(session for session, seq in promised.items() if last.get(session, -1) < seq),
            "controls_found": ledger_check.controls_found(there["control"]),
            "pings": there["pings"],
        }

    def executed(self) -> str:
        """On one line."""
        return str(self.ask("SELECT @@GLOBAL.gtid_executed AS gtids")[0]["gtids"] or "").replace("\n", "")

    def lacking(self, gtids: str) -> str:
        """By the server's own arithmetic."""
        row = self.ask("SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS missing", gtids)[0]
        return str(row["missing"] or "").replace("\n", "")

    def look(self, role: str, heartbeat_table: str) -> dict[str, Any]:
        """One look, as the probe on a host has it: `role` is source or replica."""
        if not re.fullmatch(r"\w+\.\w+", heartbeat_table):
            raise Refused(f"{heartbeat_table!r} is no SCHEMA.TABLE of a heartbeat")
        row = self.ask("SELECT @@GLOBAL.super_read_only AS closed")[0]
        common = {
            "gtid": self.executed(),
            "writable": not row["closed"],
            "heartbeat": self._heartbeat(heartbeat_table),
        }
        return common if role == "source" else {**self._receiver(), **common}

    def _heartbeat(self, table: str) -> float | None:
        """The newest one, seconds since 1970 on the source's clock; None where there is none, or no table of it."""
        try:
            row = self.ask(f"SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(ts)) AS heartbeat FROM {table}")[0]
        except Refused as refused:
            if refused.number in (_UNKNOWN_DATABASE, _NO_TABLE):
                return None
            raise
        return row["heartbeat"] / 1e6 if row["heartbeat"] else None

    def _receiver(self) -> dict[str, Any]:
        rows = self.ask("SHOW REPLICA STATUS")
        if not rows:
            return {"error": "this server is no replica: SHOW REPLICA STATUS is empty"}
        found = self.ask("SELECT SERVICE_STATE AS state FROM performance_schema.replication_connection_status")
        return {
            "io": rows[0].get("Replica_IO_Running"),
            "sql": rows[0].get("Replica_SQL_Running"),
            "lag": rows[0].get("Seconds_Behind_Source"),
            "receiver": found[0]["state"] if found else None,
            "error_number": int(rows[0].get("Last_IO_Errno") or 0),
            "io_error": rows[0].get("Last_IO_Error") or "",
            "applier_error": rows[0].get("Last_SQL_Error") or "",
        }

    def report(self, role: str, heartbeat_table: str) -> dict[str, Any]:
        """What its host would report of it, as far as SQL shows it."""
        version = str(self.ask("SELECT VERSION() AS version")[0]["version"])
        seen, now = self.look(role, heartbeat_table), self.clock()
        found = {
            "version": version,
            "super_read_only": not seen["writable"],
            "gtid_executed": seen["gtid"],
            "heartbeat_age_seconds": None if seen["heartbeat"] is None else now - seen["heartbeat"],
        }
        if role == "source":
            return found
        if "error" in seen:
            return {**found, "problem": seen["error"]}
        return {
            **found,
            "show_replica_status": {
                "Replica_IO_Running": seen["io"],
                "Replica_SQL_Running": seen["sql"],
                "Seconds_Behind_Source": seen["lag"],
            },
            "receiver": {"state": seen["receiver"], "error_number": seen["error_number"], "error": seen["io_error"]},
            "applier": {"state": "ON" if seen["sql"] == "Yes" else "OFF", "error": seen["applier_error"]},
        }

    def clock(self) -> float:
        """The server's, seconds since 1970."""
        return float(self.ask("SELECT UNIX_TIMESTAMP(SYSDATE(6)) AS now")[0]["now"])

    def clean(self) -> list[str]:
        """Stopped first; testdb goes when a drill made its only table."""
        self.stop()
        self._script(f"DROP DATABASE IF EXISTS {SCHEMA}")
        tables = self.ask(
            "SELECT table_name AS name, table_comment AS said FROM information_schema.tables "
            "WHERE table_schema = 'testdb'"
        )
        mine = [(row["name"], row["said"]) for row in tables] == [("ping", PING_COMMENT)]
        if mine:
            self._script("DROP DATABASE testdb")
        return [SCHEMA, *(["testdb"] if mine else [])]

    def close(self) -> None:
        """End the connection; a file of its own goes."""
        self.stop()
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._folder.cleanup()
