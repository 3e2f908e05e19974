"""The ledger's writer: sessions that commit transactions and note, outside the database, what was acknowledged."""

import contextlib
import datetime
import getpass
import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from .ledger_check import PARTS
from .sql import LOCAL

SOCKET = "/run/mysqld/mysqld.sock"
# A transaction that takes longer than this is in doubt: its session is given up and opened anew.
_ANSWER_SECONDS = 20


def client(*options: str) -> list[str]:
    """The mysql client's command line: by socket, as the user that we are (auth_socket), no password."""
    return ["mysql", *LOCAL, f"--socket={SOCKET}", f"--user={getpass.getuser()}", "--batch", *options]


class Book:
    """The file of outcomes, one JSON object a line. Lines are whole: one write each, appended."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
        self.counts = {"acked": 0, "in-doubt": 0}
        self._lock = threading.Lock()

    def note(self, session: int, seq: int, outcome: str, words: str = "") -> None:
        """Write down the outcome of one transaction with the present time."""
        entry: dict[str, Any] = {
            "session": session,
            "seq": seq,
            "outcome": outcome,
            "monotonic": time.monotonic(),
            "utc": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        }
        if words:
            entry["error"] = words
        os.write(self._file, (json.dumps(entry) + "\n").encode())
        with self._lock:
            self.counts[outcome] += 1

    def close(self) -> None:
        """On disk when this returns."""
        os.fsync(self._file)
        os.close(self._file)


def transaction(session: int, seq: int) -> str:
    """Multi-row insert, child rows by foreign key, update of the session's row; its answer is the acknowledgement."""
    rows = ", ".join(f"({session}, {seq}, {part})" for part in range(1, PARTS + 1))
    return (
        "START TRANSACTION; "
        f"INSERT INTO entries (session, seq, part) VALUES {rows}; "
        "INSERT INTO details (entry, payload) SELECT id, CONCAT('row ', part, ' ', REPEAT('x', 100)) FROM entries "
        f"WHERE session = {session} AND seq = {seq}; "
        f"UPDATE sessions SET last_seq = {seq}, touched = UTC_TIMESTAMP(6) WHERE id = {session}; "
        f"COMMIT; SELECT 'ack {seq}';\n"
    )


class Session:
    """One connection that commits transaction after transaction and reconnects when it is lost."""

    def __init__(self, number: int, book: Book) -> None:
        self.number = number
        self._book = book
        self._client: subprocess.Popen[bytes] | None = None

    def commit(self, seq: int) -> bool:
        """Commit one transaction; True when the source acknowledged it."""
        try:
            words = self._exchange(transaction(self.number, seq), f"ack {seq}")
        except OSError as error:
            words = f"{type(error).__name__}: {error}"
        if not words:
            self._book.note(self.number, seq, "acked")
            return True
        # The commit may or may not have happened before the connection went: nobody was told, nobody was promised.
        self._book.note(self.number, seq, "in-doubt", words)
        self.close()
        return False

    def _exchange(self, statements: str, expected: str) -> str:
        """Send and wait for the expected line; "" when it came, else what came instead."""
        process = self._connected()
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(statements.encode())
        process.stdin.flush()
        line = _read_line(process.stdout, _ANSWER_SECONDS)
        if line == expected:
            return ""
        return line or f"no answer within {_ANSWER_SECONDS} s"

    def _connected(self) -> "subprocess.Popen[bytes]":
        if self._client is None or self._client.poll() is not None:
            self._client = subprocess.Popen(
                client("--skip-column-names", "--unbuffered", "--connect-timeout=5", "twinsite_drill"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        return self._client

    def close(self) -> None:
        """End the connection; an open transaction is rolled back by the server."""
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.kill()
                self._client.communicate()
            self._client = None


def _read_line(stream: IO[bytes], seconds: float) -> str:
    """One line from an unbuffered pipe, or what there is when it ends or time is up."""
    deadline = time.monotonic() + seconds
    found = b""
    descriptor = stream.fileno()
    while not found.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(descriptor, 4096) if ready else b""
        if not piece:
            return found.decode(errors="replace").strip() or ("the connection was lost" if ready else "")
        found += piece
    return found.decode(errors="replace").strip()


def write(sessions: int, rate: float, stop: Callable[[], bool], book: Book) -> None:
    """Drive `sessions` sessions at `rate` transactions a second in all until `stop()`."""
    threads = [
        threading.Thread(target=_drive, args=(Session(number, book), sessions / rate, stop), name=f"session {number}")
        for number in range(1, sessions + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _drive(session: Session, interval: float, stop: Callable[[], bool]) -> None:
    seq = 0
    due = time.monotonic()
    while not stop():
        seq += 1
        if not session.commit(seq):
            time.sleep(0.2)
        # A stall is not made up for by a burst: the load is a rate, not a count.
        due = max(due + interval, time.monotonic() - interval)
        pause = due - time.monotonic()
        if pause > 0:
            time.sleep(pause)
    session.close()
