"""What a database must be before DMS follows it, and what DMS leaves behind: statements to ask, and what they mean.

A statement is data here, with `%s` for a schema that goes; somebody else asks (operations/sql) and hands the rows in,
by the statement's own column names. MySQL's are here, PostgreSQL's in dms_postgres.py; all ran on real servers. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import dms_postgres
from .dms_task import lob

Row = Mapping[str, Any]

MYSQL_VARIABLES = (
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('log_bin', 'binlog_format', 'binlog_row_image', 'binlog_checksum', "
    "'binlog_row_value_options', 'binlog_transaction_compression', 'binlog_expire_logs_seconds', "
    "'log_replica_updates', 'log_slave_updates', 'server_id')"
)
MYSQL_RDS_RETENTION = "CALL mysql.rds_show_configuration"
"""Of RDS, whose `binlog_expire_logs_seconds` decides nothing."""
MYSQL_GRANTS = "SHOW GRANTS"
MYSQL_FOLLOWS = "SELECT CHANNEL_NAME AS name FROM performance_schema.replication_connection_configuration"
"""Rows when the source is a replica itself."""

MYSQL_LOBS = (
    "SELECT TABLE_SCHEMA AS `schema`, TABLE_NAME AS `table`, COLUMN_NAME AS `column` FROM information_schema.COLUMNS "
    "JOIN information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA "
    "= %s AND DATA_TYPE IN ('tinyblob', 'blob', 'mediumblob', 'longblob', 'tinytext', 'text', 'mediumtext', "
    "'longtext', 'json', 'geometry', 'point', 'linestring', 'polygon') ORDER BY 1, 2, ORDINAL_POSITION"
)
MYSQL_KEYLESS = (
    "SELECT TABLE_SCHEMA AS `schema`, TABLE_NAME AS `table` FROM information_schema.TABLES t WHERE TABLE_TYPE = "
    "'BASE TABLE' AND TABLE_SCHEMA = %s AND NOT EXISTS (SELECT 1 FROM information_schema.TABLE_CONSTRAINTS c WHERE "
    "c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME AND CONSTRAINT_TYPE = 'PRIMARY KEY') ORDER BY 1, 2"
)

MYSQL_KEYS = (
    "SELECT TABLE_SCHEMA AS `schema`, TABLE_NAME AS `table`, COLUMN_NAME AS `column` FROM "
    "information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = %s AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY 1, 2, "
    "ORDINAL_POSITION"
)
MYSQL_TABLES = (
    "SELECT TABLE_SCHEMA AS `schema`, TABLE_NAME AS `table` FROM information_schema.TABLES WHERE TABLE_TYPE = "
    "'BASE TABLE' AND TABLE_SCHEMA = %s ORDER BY 1, 2"
)

WAL_SENDER_MS = range(10_000, 300_001)
"""Of wal_sender_timeout; 0 is allowed for DMS (FACTS 5), less than 10 s breaks it off, five minutes hide its death."""


_GRANTS = " UNION ALL ".join(
    f"SELECT GRANTEE, TABLE_SCHEMA, PRIVILEGE_TYPE FROM information_schema.{level}_PRIVILEGES"
    for level in ("SCHEMA", "TABLE", "COLUMN")
)
"""Of accounts with rights to a schema or in it; those with rights to everything are administrators."""


@dataclass(frozen=True)
class Left:
    """Something that DMS does not carry."""

    what: str
    when: str
    """schema: at the target natively before the task starts. cut-over: when the task has stopped."""
    mysql: str
    """Lists what the source has of it in a schema: one column, `name`. "" where MySQL has none."""
    postgres: str = ""
    """The same of PostgreSQL."""


LEFT = (
    Left(
        "secondary index",
        "schema",
        "SELECT DISTINCT CONCAT(TABLE_NAME, '.', INDEX_NAME) AS name FROM information_schema.STATISTICS WHERE "
        "TABLE_SCHEMA = %s AND INDEX_NAME <> 'PRIMARY' ORDER BY 1",
        dms_postgres.INDEXES,
    ),
    Left(
        "foreign key",
        "schema",
        "SELECT CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME) AS name FROM information_schema.TABLE_CONSTRAINTS WHERE "
        "TABLE_SCHEMA = %s AND CONSTRAINT_TYPE = 'FOREIGN KEY' ORDER BY 1",
        dms_postgres.FOREIGN_KEYS,
    ),
    Left(
        "check constraint",
        "schema",
        "SELECT CONCAT(TABLE_NAME, '.', CONSTRAINT_NAME) AS name FROM information_schema.TABLE_CONSTRAINTS WHERE "
        "TABLE_SCHEMA = %s AND CONSTRAINT_TYPE = 'CHECK' ORDER BY 1",
        dms_postgres.CHECKS,
    ),
    Left(
        "default",
        "schema",
        "SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS JOIN "
        "information_schema.TABLES USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = "
        "'BASE TABLE' AND COLUMN_DEFAULT IS NOT NULL ORDER BY 1",
        dms_postgres.DEFAULTS,
    ),
    Left(
        "AUTO_INCREMENT",
        "schema",
        "SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s "
        "AND EXTRA LIKE '%%auto_increment%%' ORDER BY 1",
    ),
    Left("identity", "schema", "", dms_postgres.IDENTITIES),
    Left("sequence", "schema", "", dms_postgres.SEQUENCE_NAMES),
    Left("type", "schema", "", dms_postgres.TYPES),
    Left("extension", "schema", "", dms_postgres.EXTENSIONS),
    Left(
        "view",
        "schema",
        "SELECT TABLE_NAME AS name FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s ORDER BY 1",
        dms_postgres.VIEWS,
    ),
    Left(
        "routine",
        "schema",
        "SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s ORDER BY 1",
        dms_postgres.ROUTINES,
    ),
    Left(
        "account",
        "schema",
        f"SELECT DISTINCT GRANTEE AS name FROM ({_GRANTS}) g WHERE TABLE_SCHEMA = %s ORDER BY 1",
        dms_postgres.ACCOUNTS,
    ),
    Left(
        "trigger",
        "cut-over",
        "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s ORDER BY 1",
        dms_postgres.TRIGGERS,
    ),
    Left(
        "event",
        "cut-over",
        "SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s ORDER BY 1",
    ),
)
"""What stays behind (FACTS 5). Before the start it is made natively; a trigger earlier than the cut-over would do its
work twice. A sequence has its number at the cut-over: `sequence_problems`."""

WRITERS = (
    f"SELECT DISTINCT GRANTEE AS name FROM ({_GRANTS}) g WHERE TABLE_SCHEMA = %s AND "
    "PRIVILEGE_TYPE IN ('INSERT', 'UPDATE', 'DELETE', 'DROP', 'ALTER') ORDER BY 1"
)
"""Of the target, MySQL: who else may write (K44)."""

FRESH, RESUME, RELOAD = "start-replication", "resume-processing", "reload-target"
"""How the API starts a task."""


def mysql_source_problems(
    variables: Iterable[Row],
    grants: Iterable[str],
    log_retention_hours: int,
    rds: Iterable[Row] = (),
    follows: Iterable[Row] = (),
) -> Iterator[str]:
    """Why DMS cannot follow this MySQL [DMS user guide, using MySQL as a source]. `rds` are the rows of
    MYSQL_RDS_RETENTION, of RDS only."""
    found = {str(row["Variable_name"]): str(row["Value"]) for row in variables}
    for name, wanted, harm in (
        ("log_bin", "ON", "there is nothing to follow"),
        ("binlog_format", "ROW", "statements say no rows"),
        ("binlog_row_image", "FULL", "a row comes without the columns that did not change"),
        ("binlog_checksum", "NONE", "DMS does not read the log"),
        ("binlog_row_value_options", "", "a changed JSON comes as a part of itself"),
        ("binlog_transaction_compression", "OFF", "DMS does not read compressed transactions"),
    ):
        if name in found and found[name].upper() != wanted:
            yield f"{name} is {found[name]!r}, and {harm}: set it to {wanted or 'nothing'!r} at the source"
    updates = found.get("log_replica_updates", found.get("log_slave_updates", ""))
    if list(follows) and updates.upper() != "ON":
        yield (
            "the source is a replica itself, and log_replica_updates is off, so that what it follows is not in its "
            "log: set it to ON"
        )
    yield from _retention(found, list(rds), log_retention_hours)
    held = " ".join(grants).upper()
    lacking = [name for name in ("REPLICATION CLIENT", "REPLICATION SLAVE", "SELECT") if name not in held]
    if lacking and "ALL PRIVILEGES ON *.*" not in held:
        yield f"DMS's account at the source lacks {', '.join(lacking)}: let its administrator grant that"


def _retention(found: Mapping[str, str], rds: Sequence[Row], hours: int) -> Iterator[str]:
    if rds:
        kept = next((row["value"] for row in rds if row["name"] == "binlog retention hours"), None)
        if kept is None or float(kept) < hours:
            said = "not set, so that RDS purges at once" if kept is None else f"{kept}"
            yield (
                f"binlog retention hours is {said}, and log_retention_hours {hours}: let its administrator "
                f"`CALL mysql.rds_set_configuration('binlog retention hours', {hours})`"
            )
        return
    seconds = float(found.get("binlog_expire_logs_seconds") or 0)
    if 0 < seconds < hours * 3600:
        yield (
            f"binlog_expire_logs_seconds is {seconds:g}, less than log_retention_hours {hours}: set it to "
            f"{hours * 3600} or more at the source"
        )


def postgres_source_problems(
    settings: Iterable[Row], slots: Iterable[Row], replica: bool, own_slot: str = ""
) -> Iterator[str]:
    """Why DMS cannot follow this PostgreSQL [DMS user guide, using PostgreSQL as a source]."""
    rows = {str(row["name"]): row for row in settings}
    found = {name: str(row["setting"]) for name, row in rows.items()}
    if replica:
        yield "the source is a read replica, from which DMS carries no changes: use its primary as the source"
    managed = "rds.logical_replication"
    if found.get(managed, "on") != "on":
        yield f"{managed} is {found[managed]}: set it to 1 in the parameter group, and let the server be rebooted"
    elif found.get("wal_level") != "logical":
        yield (
            f"wal_level is {found.get('wal_level')}, so that the log says no rows: set "
            f"{f'{managed} to 1' if managed in found else 'it to logical'}, and let the server be restarted"
        )
    if waiting := sorted(name for name, row in rows.items() if row.get("pending_restart") in (True, "t", "on")):
        yield f"{', '.join(waiting)} wait for a reboot: let the server be rebooted"
    known = list(slots)
    free = int(found.get("max_replication_slots", 0)) - len(known)
    if free < 1 and own_slot not in {row["name"] for row in known}:
        yield (
            f"max_replication_slots is {found.get('max_replication_slots', 0)}, and {len(known)} are taken: raise it, "
            "and let the server be restarted"
        )
    if int(found.get("max_wal_senders", 0)) <= sum(row["active"] in (True, "t") for row in known):
        yield f"max_wal_senders is {found.get('max_wal_senders', 0)}, and all are taken: raise it"
    timeout = int(found.get("wal_sender_timeout", 60_000))
    if timeout and timeout not in WAL_SENDER_MS:
        yield (
            f"wal_sender_timeout is {timeout} ms: set {WAL_SENDER_MS.start} to {WAL_SENDER_MS.stop - 1}, between a "
            "pause of DMS's and a dead one whose slot fills the disk"
        )
    for row in known:
        if row["active"] in (False, "f") and row["name"] != own_slot:
            yield (
                f"slot {row['name']} is inactive and keeps the log until the disk is full: let its owner drop it, if "
                "nobody comes back for it"
            )


def postgres_account_problems(account: Row, unreadable: Iterable[Row]) -> Iterator[str]:
    """What DMS's account may not do: the row of ACCOUNT, and the rows of UNREADABLE."""
    if account["replicates"] not in (True, "t"):
        yield (
            f"DMS's account {account['name']} may not replicate: let its administrator ALTER ROLE {account['name']} "
            "REPLICATION, on RDS GRANT rds_replication to it"
        )
    if names := [f"{row['schema']}.{row['table']}" for row in unreadable]:
        yield (
            f"DMS's account {account['name']} may not read {', '.join(names)}: let its administrator grant USAGE on "
            "the schema and SELECT, or exclude them"
        )


_UNCARRIED = {
    "partitioned": "is partitioned, which DMS does not follow: use LogicalReplica, or let each partition be a table of "
    "its own at the target and have a task of its own",
    "unlogged": "is unlogged, so that its changes are in no log: let it be SET LOGGED, or exclude it",
    "type": "is {type}, which DMS does not carry: use LogicalReplica, or exclude the table",
    "numeric": "is {type} without a precision, of which DMS carries 28 digits with six behind the point: let it be "
    "given a precision up to 38, or use LogicalReplica",
}


def uncarried_problems(found: Iterable[Row]) -> Iterator[str]:
    """What a PostgreSQL source has and DMS does not carry [DMS user guide, limitations]: rows of UNCARRIED."""
    for row in found:
        yield f"{row['name']} {_UNCARRIED[str(row['what'])].format(type=row['type'])}"


def sequence_problems(source: Iterable[Row], target: Iterable[Row]) -> Iterator[str]:
    """Which sequences would give a number a second time after the cut-over: rows of SEQUENCES at both ends, the source
    written to no more."""
    there = {str(row["name"]): row["last"] for row in target}
    for row in source:
        name, last, up = str(row["name"]), row["last"], int(row["step"]) > 0
        if last is None or name not in there:
            continue
        now = there[name]
        if now is None or (int(now) < int(last) if up else int(now) > int(last)):
            of = f"{dms_postgres.quoted(str(row['schema']))}.{dms_postgres.quoted(name)}".replace("'", "''")
            yield (
                f"sequence {row['schema']}.{name} is at {'its beginning' if now is None else now} at the target and at "
                f"{last} at the source: use `SELECT setval('{of}', {last})` there before anybody writes"
            )


def keyless_problems(tables: Iterable[Row]) -> Iterator[str]:
    """`tables` are the rows of MYSQL_KEYLESS, or of PostgreSQL's KEYLESS."""
    if names := [f"{row['schema']}.{row['table']}" for row in tables]:
        yield (
            f"{', '.join(names)} has no primary key, so that nothing is compared there and a changed row is found by "
            "all its columns or not at all: let it get one, or exclude it"
        )


def mysql_largest(columns: Iterable[Row]) -> dict[str, str]:
    """Statement by table, from the rows of MYSQL_LOBS: the largest value of its columns in bytes, as `bytes`. It reads
    the whole table, and takes no values."""
    by_table: dict[tuple[str, str], list[str]] = {}
    for row in columns:
        by_table.setdefault((str(row["schema"]), str(row["table"])), []).append(str(row["column"]))
    return {
        f"{schema}.{table}": "SELECT COALESCE(GREATEST("
        # GREATEST takes two at least, and is NULL with one NULL.
        + ", ".join(["0", *(f"COALESCE(MAX(LENGTH({_quoted(column)})), 0)" for column in names)])
        + f"), 0) AS bytes FROM {_quoted(schema)}.{_quoted(table)}"
        for (schema, table), names in by_table.items()
    }


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def largest_kib(measured: Mapping[str, int]) -> int:
    """What `largest_lob_kib` is to be, from bytes by table."""
    return -(-max(measured.values(), default=0) // 1024)


GIB_OF = {"micro": 1, "small": 2, "medium": 4, "large": 8}
"""Memory of a dms.t3 by size [DMS user guide, replication instance types]; c classes have half of it and r classes
twice as much from large on."""


def memory_gib(instance_class: str) -> int | None:
    """Of a replication instance; None of a class that is not known here."""
    _, _, rest = instance_class.partition(".")
    family, _, size = rest.partition(".")
    if size in ("micro", "small", "medium"):
        return GIB_OF[size] if family.startswith("t") else None
    times = {"large": 1, "xlarge": 2}.get(size) or (2 * int(size[:-6]) if size[:-6].isdecimal() else 0)
    each = {"t": 8, "c": 4, "r": 16}.get(family[:1])
    return each * times if each and times else None


def instance_problems(instance_class: str, lob_kib: int, commit_rows: int, tables_at_once: int) -> Iterator[str]:
    """Whether a load fits: limited mode reserves the largest LOB for each row of a commit of each table [DMS user
    guide, best practices]. `lob_kib` 0 where nothing is reserved."""
    memory = memory_gib(instance_class)
    wanted = lob_kib * commit_rows * tables_at_once / (1024 * 1024)
    if memory is not None and memory < 2:
        yield f"instance_class {instance_class} has {memory} GiB, which is for trials: choose dms.t3.medium or larger"
    elif memory is not None and wanted > memory:
        yield (
            f"instance_class {instance_class} has {memory} GiB, and {tables_at_once} tables at once, {commit_rows} "
            f"rows each with a LOB of {lob_kib} KiB, may take {wanted:.0f}: choose a larger one, or set "
            "MaxFullLoadSubTasks lower"
        )


def cut_problems(measured: Mapping[str, int], max_kib: int) -> Iterator[str]:
    """What a task that carries LOBs of `max_kib` in limited mode would cut off; `measured` is bytes by table."""
    for table, found in sorted(measured.items()):
        kib = -(-found // 1024)
        if kib > max_kib:
            yield (
                f"{table} holds a value of {kib} KiB, and the task cuts off what is longer than {max_kib} KiB "
                f"(K40): set largest_lob_kib to {kib}, with the task stopped, and reload this table"
            )


def lob_problems(measured: Mapping[str, int], largest_lob_kib: int) -> Iterator[str]:
    """Why the task would cut off values, or soon will: `measured` is bytes by table, now; asked before the start and
    while it runs."""
    size = lob(largest_lob_kib)
    if size.full:
        return
    yield from cut_problems(measured, size.max_kib)
    for table, found in sorted(measured.items()):
        kib = -(-found // 1024)
        if largest_lob_kib < kib <= size.max_kib:
            yield (
                f"{table} holds a value of {kib} KiB, more than largest_lob_kib {largest_lob_kib} and not yet more "
                f"than the {size.max_kib} KiB that are carried: raise it at the next stop"
            )


def left_problems(what: Left, source: Iterable[Row], target: Iterable[Row]) -> Iterator[str]:
    """What of the source's the target lacks; rows of `what.mysql`, or of `what.postgres`, at both ends."""
    have = {str(row["name"]) for row in target}
    lacking = [name for name in dict.fromkeys(str(row["name"]) for row in source) if name not in have]
    if lacking:
        when = "before the task starts" if what.when == "schema" else "at the cut-over"
        yield f"the target lacks {what.what} {', '.join(lacking)}, which DMS does not carry: let it be made {when}"


def early_trigger_problems(target: Iterable[Row]) -> Iterator[str]:
    """Triggers that are at the target while the task runs, and `fires` in its sessions where an engine says so: their
    rows come from the source already."""
    if names := [str(row["name"]) for row in target if row.get("fires", True) in (True, "t")]:
        yield (
            f"the target has trigger {', '.join(names)} while the task runs, and would do its work a second time: "
            "remove it, and let it be made at the cut-over"
        )


def writer_problems(target: Iterable[Row], own: str) -> Iterator[str]:
    """Who may write to the target beside DMS's account (`own`, as the server spells it): rows of WRITERS."""
    if names := [str(row["name"]) for row in target if str(row["name"]) != own]:
        yield (
            f"{', '.join(names)} may write to the target while the task runs (K44), and what is written there is lost "
            "or stops the task: let INSERT, UPDATE, DELETE, DROP and ALTER be revoked until the promotion"
        )


def start_problems(
    how: str, status: str, target_only: Mapping[str, int], target_rows: Mapping[str, int]
) -> Iterator[str]:
    """Why the task must not be started in this way. `target_only`: rows of a table that the source lacks;
    `target_rows`: all rows of it at the target."""
    if how not in (FRESH, RESUME, RELOAD):
        yield f"{how!r} is no way to start a task: use {FRESH}, {RESUME} or {RELOAD}"
        return
    if how == RESUME:
        if status == "ready":
            yield f"the task was never started, and there is nothing to resume: use {FRESH}"
        return
    if alone := {table: rows for table, rows in target_only.items() if rows}:
        held = ", ".join(f"{table} ({rows})" for table, rows in sorted(alone.items()))
        yield (
            f"{how} would lose rows that the target alone has: {held}: use {RESUME}, or let these rows be brought to "
            "the source first"
        )
    if how == FRESH and status not in ("ready", "created"):
        yield f"the task is {status}, and {FRESH} would load everything again: use {RESUME}"
    if how == FRESH and (full := sorted(table for table, rows in target_rows.items() if rows)):
        yield (
            f"the target's {', '.join(full)} hold rows already, which a load would meet again: use empty tables, or "
            "cdc with the seed's position"
        )
