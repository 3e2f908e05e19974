"""One moment of the schema in several connections, with the GTID set that it contains.

First choice: a read lock on the schema's own tables, for as long as the connections open their snapshots, which is
milliseconds (LOCK TABLES and SELECT on the schema suffice; managed services forbid FLUSH TABLES WITH READ LOCK).
Without that privilege: nothing was committed on the whole server between two looks at `gtid_executed`.
"""

import time
from dataclasses import dataclass

from ..errors import Refused, SqlError
from . import catalog
from .client import Server, Session
from .config import Say
from .rows import identifier

LOCK_WAIT_SECONDS = 5  # behind a long transaction of the application; its other writers wait behind us meanwhile
LOCK_TRIES = 3
QUIET_TRIES = 20
# A transaction is visible in InnoDB a moment before its GTID is in the set (bugs.mysql.com 84478).
SETTLE_SECONDS = 0.1
DENIED = (1044, 1142, 1227)
BUSY = (1205,)


@dataclass(frozen=True)
class Snapshot:
    """How it was taken, and which transactions it contains (empty without GTIDs)."""

    method: str
    gtid_executed: str


def take(server: Server, streams: list[Session], schema: str, say: Say) -> Snapshot:
    """Open one snapshot in all `streams`. Refused when no way is open, SqlError when the server fails."""
    tries, words = 0, ""
    while tries < LOCK_TRIES:
        tries += 1
        try:
            with server.session(schema) as control:
                taken = _locked(control, streams, schema, say)
        except SqlError as error:
            if error.number in DENIED:
                return _quiet(server, streams, schema, say)
            if error.number not in BUSY:
                raise
            words = f"a transaction held the tables for over {LOCK_WAIT_SECONDS} s"
            renew(server, streams, schema)
            continue
        if taken:
            return taken
        words = "tables were made or dropped meanwhile"
    raise Refused([f"no snapshot in {LOCK_TRIES} tries: {words}; see SHOW PROCESSLIST, or take the backup later"])


def _locked(control: Session, streams: list[Session], schema: str, say: Say) -> Snapshot | None:
    names = _names(control, schema)
    control.ask(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}")
    control.ask("LOCK TABLES " + ", ".join(f"{identifier(name)} READ" for name in names))
    began = time.monotonic()
    if _names(control, schema) != names:
        return None
    _open(streams, names)
    taken = Snapshot("read-lock", _gtids(control))
    control.ask("UNLOCK TABLES")
    say({"event": "snapshot", "method": taken.method, "locked_seconds": round(time.monotonic() - began, 3)})
    return taken


def _quiet(server: Server, streams: list[Session], schema: str, say: Say) -> Snapshot:
    with server.session(schema) as control:
        if control.value("@@GLOBAL.gtid_mode") != "ON":
            raise Refused(
                [
                    f"this user has no LOCK TABLES on schema {schema!r} and the server no GTIDs, so no snapshot can be "
                    f"shown to be one moment: GRANT LOCK TABLES ON `{schema}`.* TO this user"
                ]
            )
        for number in range(QUIET_TRIES):
            before, names = _gtids(control), _names(control, schema)
            _open(streams, names)
            time.sleep(SETTLE_SECONDS)
            if _gtids(control) == before and _names(control, schema) == names:
                say({"event": "snapshot", "method": "equal-gtid-sets", "tries": number + 1})
                return Snapshot("equal-gtid-sets", before)
    raise Refused(
        [
            f"in {QUIET_TRIES} tries there was always a transaction while the snapshot was opened: "
            f"GRANT LOCK TABLES ON `{schema}`.* TO this user, or take the backup at a quieter time"
        ]
    )


def renew(server: Server, streams: list[Session], schema: str) -> None:
    """Other connections in their place: a client ends with its first error, and its locks with it."""
    for stream in streams:
        stream.close()
    streams[:] = [server.session(schema) for _ in streams]


def _open(streams: list[Session], tables: list[str]) -> None:
    for stream in streams:
        # Ends the transaction of an attempt before.
        stream.ask(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}")
        stream.ask("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        stream.ask("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    # From here on no table's definition changes before the transaction ends. In every one of them: somebody's ALTER
    # TABLE that waits for the first would hold the others up, and so itself, for ever.
    touch = "; ".join(f"SELECT 1 FROM {identifier(name)} LIMIT 0" for name in tables)
    for stream in streams:
        stream.ask(touch)


def _gtids(control: Session) -> str:
    return control.value("@@GLOBAL.gtid_executed").replace("\n", "")


def _names(control: Session, schema: str) -> list[str]:
    found = catalog.table_names(control, schema)
    catalog.refuse_unfit(found, schema)
    return [name for name, _ in found]
