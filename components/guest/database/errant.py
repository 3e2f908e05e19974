"""What a replica's own transactions hold, read from its own binary log.

A FLUSH is written to the binary log also under super_read_only (seen with MySQL 9.7: TABLES, PRIVILEGES, STATUS, …),
and so gets a GTID that the source never had. Whether a transaction changes anything is decided by a list of what may be
in it: whatever else mysqlbinlog prints counts as a change.
"""

import re
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import Failed
from . import server
from .gtid import GtidSet, parse

MOST = 100
"""Transactions; nobody's stray statements are more."""
MOST_BYTES = 4 << 20
SECONDS = 300

_HEADER = re.compile(r"^#\d{6} +\d+:\d\d:\d\d server id \d+ +end_log_pos \d+ (?:CRC32 0x[0-9a-f]+ )?\t([A-Za-z_-]+)")
_NEXT = re.compile(r"^SET @@SESSION\.GTID_NEXT= '([^']+)'/\*!\*/;$", re.MULTILINE)
_END = "/*!*/;"
# What mysqlbinlog puts before a statement. MySQL writes no SET of a session variable to the binary log.
_BEFORE = re.compile(
    r"(/\*!\d{5} )?SET (TIMESTAMP=|TRANSACTION ISOLATION LEVEL |@@session\.)[^;]*"
    r"|SET @@SESSION\.GTID_NEXT= 'AUTOMATIC' /\* added by mysqlbinlog \*/"
    r"|/\*!\\C \w+ \*/|use `(?:[^`]|``)+`|DELIMITER ;.*",
    re.DOTALL,
)
# Neither changes what a table holds or is: MySQL's manual, read_only ("analysis … do not qualify as such changes").
_IDLE = re.compile(r"(FLUSH|ANALYZE)\s[^;]*", re.IGNORECASE | re.DOTALL)
_AROUND = ("BEGIN", "COMMIT")


@dataclass(frozen=True)
class Transaction:
    """One of the replica's own."""

    gtid: str
    says: str
    """Its statements, shortened; empty for a transaction without any."""
    holds: str
    """What it changes, in words; empty when it holds neither rows nor DDL."""


def decoded(text: str) -> dict[str, Transaction]:
    """mysqlbinlog's output by GTID. Pure."""
    found: dict[str, Transaction] = {}
    gtid, events = "", list[tuple[str, str]]()
    for kind, body in [*_events(text), ("GTID", "")]:
        if kind != "GTID":
            events.append((kind, body))
            continue
        if gtid:
            one = _judged(gtid, events)
            # Twice the same number is nothing that MySQL writes.
            found[gtid] = one if gtid not in found else Transaction(gtid, one.says, "something unreadable")
        named = _NEXT.search(body)
        gtid, events = (named[1].lower() if named else ""), []
    return found


def _events(text: str) -> list[tuple[str, str]]:
    """(kind, text) of each event."""
    events: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        header = _HEADER.match(line)
        if header:
            events.append((header[1], ""))
        elif events and not line.startswith("#"):
            events[-1] = (events[-1][0], events[-1][1] + line)
    return events


def _judged(gtid: str, events: list[tuple[str, str]]) -> Transaction:
    says: list[str] = []
    # Also an empty transaction says BEGIN.
    holds = [] if any(kind == "Query" for kind, _ in events) else ["something unreadable"]
    for kind, body in events:
        if kind in ("Rotate", "Stop", "Start", "Previous-GTIDs", "Transaction_Payload"):
            continue  # between transactions, or the wrapping of events that follow
        if kind not in ("Query", "Xid"):
            holds.append(f"rows ({kind})" if kind.endswith("rows") else f"an event {kind}")
            continue
        for statement in (piece.strip() for piece in body.split(_END)):
            if not statement or _BEFORE.fullmatch(statement) or statement in _AROUND:
                continue
            says.append(" ".join(statement.split())[:80])
            if kind != "Query" or not _IDLE.fullmatch(statement):
                holds.append(f"`{says[-1]}`")
    return Transaction(gtid, "; ".join(says), ", ".join(dict.fromkeys(holds)))


def look(own: GtidSet) -> dict[str, Any]:
    """{"transactions": [{"gtid", "says", "holds"}], "problem": why they cannot be told, or ""}."""
    if own.count() > MOST:
        return {"transactions": [], "problem": f"they are {own.count()}, more than the {MOST} that are looked at"}
    files = _files(own)
    said = decoded(_printed(files, own)) if files else {}
    found = [
        said.get(gtid) or Transaction(gtid, "", "what nobody knows any more: its binary log is gone")
        for gtid in own.members()
    ]
    return {"transactions": [asdict(one) for one in found], "problem": ""}


def _files(own: GtidSet) -> list[str]:
    """Binary logs that hold these, oldest first. A log says at its start what all before it hold."""
    names = [str(row["Log_name"]) for row in server.sql("SHOW BINARY LOGS")[0]]
    after, found = parse(server.value("@@global.gtid_executed")), []
    for name in reversed(names):
        events = server.sql(f"SHOW BINLOG EVENTS IN {server.quote(name)} LIMIT 2")[0]
        before = parse(next((row["Info"] or "" for row in events if row["Event_type"] == "Previous_gtids"), ""))
        if (own - (after - before)) != own:
            found.append(name)
        if (own - before) == own:
            break
        after = before
    return found[::-1]


def _printed(files: list[str], own: GtidSet) -> str:
    """What mysqlbinlog prints of them: asked of the server, which also reads encrypted logs; rows as headers only."""
    command = ["mysqlbinlog", "--no-defaults", "--read-from-remote-server", "--protocol=socket"]
    command += [f"--socket={server.SOCKET}", "--user=root", "--base64-output=DECODE-ROWS", f"--include-gtids={own}"]
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run([*command, *files], stdout=printed, stderr=said, timeout=SECONDS, check=False)
        except FileNotFoundError:
            raise Failed("mysqlbinlog is not installed: it comes with the distribution's MySQL server") from None
        except subprocess.TimeoutExpired:
            raise Failed(f"mysqlbinlog took longer than {SECONDS} s for {', '.join(files)}") from None
        said.seek(0)
        if done.returncode:
            raise Failed(f"mysqlbinlog failed: {said.read(2000).decode('utf-8', 'replace').strip()}")
        if printed.tell() > MOST_BYTES:
            raise Failed(f"mysqlbinlog prints more than {MOST_BYTES >> 20} MiB of these: no stray statements")
        printed.seek(0)
        return printed.read().decode("utf-8", "replace")
