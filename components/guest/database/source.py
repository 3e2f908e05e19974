"""The source's contents besides its accounts: heartbeat, and what a replica must know about its history."""

import uuid

from ..errors import Refused, SqlError
from . import server
from .server import quote
from .settings import FOLDER

SYSTEM_SCHEMAS = ("information_schema", "mysql", "performance_schema", "sys")
OURS = ("twinsite", "twinsite_drill")
# Part of the event's comment: a changed definition is created again.
HEARTBEAT_VERSION = "twinsite heartbeat 1"


def schemas(besides: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the schemas that are not the system's nor in `besides`."""
    rows = server.sql("SELECT schema_name AS s FROM information_schema.schemata ORDER BY 1")[0]
    return tuple(str(row["s"]) for row in rows if row["s"] not in SYSTEM_SCHEMAS + besides)


def refuse_unfit() -> None:
    """Refuse what replicates wrongly or clones emptily."""
    problems = unfit()
    if server.value("@@global.super_read_only") == "1":
        problems.insert(
            0,
            "this server is read-only: it was fenced, or it was a replica; make sure that no other source is in use, "
            "then run `SET PERSIST super_read_only = OFF; SET PERSIST read_only = OFF` here",
        )
    if problems:
        raise Refused(problems)


def unfit() -> list[str]:
    """What of its settings and tables replicates wrongly or clones emptily, each with its fix."""
    problems = []
    if server.value("@@global.log_bin") != "1":
        problems.append("binary logging is off here: remove skip_log_bin / disable_log_bin from MySQL's configuration")
    if server.value("@@global.binlog_format") != "ROW":
        problems.append("binlog_format is not ROW: remove the setting (ROW is the default) and restart MySQL")
    rows = server.sql(
        "SELECT CONCAT(table_schema, '.', table_name) AS t, engine AS e FROM information_schema.tables "
        "WHERE table_type = 'BASE TABLE' AND engine <> 'InnoDB' "
        f"AND table_schema NOT IN ({', '.join(quote(name) for name in SYSTEM_SCHEMAS)})"
    )[0]
    problems += [
        f"table {row['t']} uses {row['e']}: a crash or a clone loses rows; run ALTER TABLE {row['t']} ENGINE = InnoDB"
        for row in rows
    ]
    return problems


def baseline() -> list[str]:
    """Data from before GTIDs is in no binary log that a replica could follow; say so in the way that MySQL checks.

    A transaction number that was "purged" makes every replica without it ask for a copy of the data (clone); no log is
    deleted. Only where user data exist and not one GTID does, so a new server is not concerned.
    """
    if server.value("@@global.gtid_executed") or not schemas():
        return []
    marker = f"{uuid.uuid4()}:1"
    server.sql(f"SET GLOBAL gtid_purged = {quote('+' + marker)}")
    return [f"data from before GTIDs is marked by {marker}: a new replica starts with a clone"]


def heartbeat_difference() -> str:
    """What of the heartbeat is not as `heartbeat` makes it; empty when nothing is."""
    event, table = server.sql(
        "SELECT status AS s, event_comment AS c, CONCAT(interval_value, ' ', interval_field) AS i "
        "FROM information_schema.events WHERE event_schema = 'twinsite' AND event_name = 'heartbeat'; "
        "SELECT 1 AS t FROM information_schema.tables WHERE table_schema = 'twinsite' AND table_name = 'heartbeat'"
    )
    if not table:
        return "table twinsite.heartbeat is missing"
    if not event:
        return "event twinsite.heartbeat is missing"
    found = event[0]
    if found["s"] != "ENABLED":
        return f"event twinsite.heartbeat is {found['s']}"
    if found["c"] != HEARTBEAT_VERSION or found["i"] != "1 SECOND":
        return f"event twinsite.heartbeat is not the one that twinsite made ({found['c']}, each {found['i']})"
    return ""


def heartbeat() -> list[str]:
    """The row that is written each second, so that lag is true also while the link is cut."""
    if not heartbeat_difference():
        return []
    server.sql((FOLDER / "heartbeat.sql").read_text(encoding="utf-8").replace("$version", HEARTBEAT_VERSION))
    return ["heartbeat twinsite.heartbeat, each second"]


def heartbeat_age() -> float | None:
    """Seconds since the newest heartbeat that this server has was written, by its own clock; None without any."""
    try:
        rows = server.sql(
            "SELECT TIMESTAMPDIFF(MICROSECOND, ts, UTC_TIMESTAMP(6)) / 1e6 AS a FROM twinsite.heartbeat WHERE id = 1", 5
        )[0]
    except SqlError as error:
        if error.number in (1146, 1049):
            return None
        raise
    return float(rows[0]["a"] or 0) if rows else None


def tell(digest: str) -> list[str]:
    """Write down which documents this source has applied. It replicates, so the replica's gate can wait for it."""
    if not digest or told_here() == digest:
        return []
    server.sql(
        "CREATE TABLE IF NOT EXISTS twinsite.applied (id TINYINT UNSIGNED PRIMARY KEY, digest CHAR(16) NOT NULL);"
        f"REPLACE INTO twinsite.applied VALUES (1, {quote(digest)})"
    )
    return [f"told the replica that {digest} is applied"]


def told_here() -> str:
    """Digest of what the source has applied, as far as this server knows; "" when it knows nothing."""
    try:
        rows = server.sql("SELECT digest AS d FROM twinsite.applied WHERE id = 1")[0]
    except SqlError as error:
        if error.number in (1146, 1049):
            return ""
        raise
    return str(rows[0]["d"]) if rows else ""
