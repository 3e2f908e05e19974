"""The acked-write ledger.

On the source: prepare, run, stop, status, ping, cleanup. On any server: pings, prefix, check, verify. run ends by
itself after --seconds, or on stop or SIGTERM. One JSON object on stdout; exit 0 done, 1 failed or (verify)
found something.
"""

import argparse
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from typing import Any

from ..errors import Failed
from . import ledger_check, ledger_writer

FOLDER = pathlib.Path("/var/lib/twinsite/drill")
ACKED = FOLDER / "acked.jsonl"
SUMMARY = FOLDER / "summary.json"
LOCK = pathlib.Path("/run/twinsite-ledger.lock")
PING_COMMENT = "made by a twinsite drill"


def sql(statements: str, *options: str, timeout: float = 60) -> list[list[str]]:
    """Run statements; the rows of all results, as text."""
    try:
        done = subprocess.run(
            ledger_writer.client("--skip-column-names", *options),
            input=statements,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"MySQL did not answer within {timeout:g} s") from None
    if done.returncode:
        raise Failed(done.stderr.strip())
    return [line.split("\t") for line in done.stdout.splitlines()]


def prepare(sessions: int) -> dict[str, Any]:
    """Empty tables, one row a session, and the three positive controls."""
    rows = ledger_check.control_rows()
    values = ", ".join(str(row) for row in rows)
    starts = ", ".join(f"({number}, 0, UTC_TIMESTAMP(6))" for number in range(1, sessions + 1))
    schema = (pathlib.Path(__file__).parent / "ledger.sql").read_text(encoding="utf-8")
    sql(
        f"DROP DATABASE IF EXISTS twinsite_drill; {schema}; USE twinsite_drill; INSERT INTO sessions VALUES {starts}; "
        f"INSERT INTO control_entries (session, seq, part) VALUES {values}; "
        f"DELETE FROM control_entries WHERE session = {ledger_check.LOST} AND seq = 3"
    )
    return {"sessions": sessions, "control_rows": len(rows) - ledger_check.PARTS}


def run(seconds: float, rate: float, sessions: int) -> dict[str, Any]:
    """Write until time is up or a stop comes; the counts."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(LOCK, "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed("a ledger already runs on this host: stop it with `ledger.py stop`") from None
        lock.write(str(os.getpid()))
        lock.flush()
        stopped: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda got, _frame: stopped.append(got))
        SUMMARY.unlink(missing_ok=True)
        book = ledger_writer.Book(str(ACKED))
        started = time.monotonic()
        ledger_writer.write(sessions, rate, lambda: bool(stopped) or time.monotonic() - started >= seconds, book)
        book.close()
        summary = {**book.counts, "seconds": round(time.monotonic() - started, 3), "stopped": bool(stopped)}
        SUMMARY.write_text(json.dumps(summary), encoding="utf-8")
    return {**summary, "file": str(ACKED)}


def _runner() -> int:
    """Process id of the running ledger, 0 when there is none."""
    try:
        with open(LOCK, "r+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return 0
            except BlockingIOError:
                return int(lock.read() or 0)
    except (FileNotFoundError, PermissionError):
        return 0


def stop(seconds: float = 40) -> dict[str, Any]:
    """End a running ledger; returns when its file is complete."""
    deadline = time.monotonic() + seconds
    runner = _runner()
    if runner:
        os.kill(runner, signal.SIGTERM)
    while _runner():
        if time.monotonic() > deadline:
            raise Failed(f"the ledger (process {runner}) did not end within {seconds:g} s")
        time.sleep(0.05)
    return status()


def status() -> dict[str, Any]:
    """Whether it runs, and how far it is."""
    counts = {"acked": 0, "in-doubt": 0}
    if ACKED.exists():
        for line in ACKED.read_text(encoding="utf-8").splitlines():
            counts[json.loads(line)["outcome"]] += 1
    return {"running": bool(_runner()), **counts, "file": str(ACKED)}


def ping(message: str) -> dict[str, Any]:
    """The document's own row (testdb.ping), by its own schema."""
    if not re.fullmatch(r"[\w .:-]{1,50}", message):
        raise Failed(f"{message!r}: a ping has 1 to 50 letters, digits, blanks, dots, colons or dashes")
    rows = sql(
        "CREATE DATABASE IF NOT EXISTS testdb; CREATE TABLE IF NOT EXISTS testdb.ping ("
        "id INT AUTO_INCREMENT PRIMARY KEY, msg VARCHAR(50), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP"
        f") COMMENT '{PING_COMMENT}'; INSERT INTO testdb.ping (msg) VALUES ('{message}'); SELECT LAST_INSERT_ID()"
    )
    return {"id": int(rows[-1][0]), "msg": message}


def pings() -> list[str]:
    """The messages in testdb.ping, oldest first; none when the table is not there."""
    try:
        return [row[0] for row in sql("SELECT msg FROM testdb.ping ORDER BY id")]
    except Failed as failure:
        if "ERROR 1146" in str(failure) or "ERROR 1049" in str(failure):
            return []
        raise


def check() -> dict[str, Any]:
    """Every row as one consistent snapshot shows it, for a checker elsewhere."""
    rows = sql(
        "START TRANSACTION WITH CONSISTENT SNAPSHOT; "
        "SELECT 'entry', session, seq, part FROM entries ORDER BY id; "
        "SELECT 'control', session, seq, part FROM control_entries ORDER BY id; "
        "SELECT 'session', id, last_seq, 0 FROM sessions; "
        "SELECT 'childless', e.session, e.seq, e.part FROM entries e LEFT JOIN details d ON d.entry = e.id "
        "WHERE d.id IS NULL; "
        "SELECT 'gtid', REPLACE(@@global.gtid_executed, '\\n', ''), 0, 0; COMMIT",
        "twinsite_drill",
    )
    found: dict[str, list[Any]] = {"entry": [], "control": [], "session": [], "childless": [], "gtid": []}
    for kind, *values in rows:
        found[kind].append(values[0] if kind == "gtid" else tuple(int(value) for value in values))
    return {**found, "pings": pings()}


def prefix() -> dict[str, Any]:
    """Order, seen while it happens: per session a gapless beginning, and no hole in the executed GTID set."""
    rows = sql(
        "START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT DISTINCT session, seq FROM entries; "
        "SELECT 'gtid', REPLACE(@@global.gtid_executed, '\\n', ''); COMMIT",
        "twinsite_drill",
    )
    sets = [row[1] for row in rows if row[0] == "gtid"]
    positions = [(int(row[0]), int(row[1])) for row in rows if row[0] != "gtid"]
    return {
        "sessions": [dataclasses.asdict(found) for found in ledger_check.prefixes(positions)],
        "gtid_holes": sum(max(0, member.count(":") - 1) for member in sets[0].split(",")) if sets else 0,
    }


def _outcomes(path: str) -> dict[str, list[ledger_check.Position]]:
    found: dict[str, list[ledger_check.Position]] = {"acked": [], "in-doubt": []}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        found[entry["outcome"]].append((entry["session"], entry["seq"]))
    return found


def verify(path: str) -> tuple[dict[str, Any], bool]:
    """Hold the file of acknowledgements against this server; (result, everything as promised)."""
    outcomes, there = _outcomes(path), check()
    found = ledger_check.compare(outcomes["acked"], there["entry"])
    last = {session: seq for session, seq, _ in there["session"]}
    promised: dict[int, int] = {}
    for session, seq in outcomes["acked"]:
        promised[session] = max(seq, promised.get(session, 0))
    updates_missing = sorted(session for session, seq in promised.items() if last.get(session, -1) < seq)
    controls = ledger_check.controls_found(there["control"])
    result = {
        "acked": len(outcomes["acked"]),
        "in_doubt": len(outcomes["in-doubt"]),
        "missing": found.missing,
        "duplicated": found.duplicated,
        "reordered": found.reordered,
        "unacknowledged": found.unacknowledged,
        "childless": there["childless"],
        "updates_missing": updates_missing,
        "controls_found": controls,
        "pings": there["pings"],
    }
    return result, found.clean and controls and not there["childless"] and not updates_missing


def cleanup() -> dict[str, Any]:
    """Drop what drills made: their schema, and testdb when a drill made its only table."""
    stop()
    sql("DROP DATABASE IF EXISTS twinsite_drill")
    tables = sql("SELECT table_name, table_comment FROM information_schema.tables WHERE table_schema = 'testdb'")
    dropped = tables == [["ping", PING_COMMENT]]
    if dropped:
        sql("DROP DATABASE testdb")
    for path in (ACKED, SUMMARY):
        path.unlink(missing_ok=True)
    return {"dropped": ["twinsite_drill", *(["testdb"] if dropped else [])]}


_VERBS = ["prepare", "run", "stop", "status", "ping", "pings", "check", "prefix", "verify", "cleanup"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ledger.py", description=__doc__)
    parser.add_argument("verb", choices=_VERBS)
    parser.add_argument("--seconds", type=float, default=60, help="run: at most this long (default 60)")
    parser.add_argument(
        "--rate", type=float, default=40, help="run: transactions a second, all sessions together (default 40)"
    )
    parser.add_argument("--sessions", type=int, default=4, help="prepare and run: how many (default 4)")
    parser.add_argument("--msg", default="", help="ping: the message")
    parser.add_argument("--acked", default=str(ACKED), help="verify: the file of acknowledgements")
    parser.add_argument("--json", action="store_true", help="accepted for symmetry; the answer always is JSON")
    return parser


def main(argv: list[str]) -> int:
    """Run a verb; one JSON object on stdout; the exit code."""
    options = _parser().parse_args(argv)
    plain = {"stop": stop, "status": status, "check": check, "prefix": prefix, "cleanup": cleanup}
    try:
        good = True
        answer: Any
        if options.verb == "verify":
            answer, good = verify(options.acked)
        elif options.verb == "prepare":
            answer = prepare(options.sessions)
        elif options.verb == "run":
            answer = run(options.seconds, options.rate, options.sessions)
        elif options.verb == "ping":
            answer = ping(options.msg)
        elif options.verb == "pings":
            answer = {"pings": pings()}
        else:
            answer = plain[options.verb]()
        print(json.dumps(answer))
        return 0 if good else 1
    except (Failed, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
