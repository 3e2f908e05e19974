"""Why a flow must not be set up, or would not hold: all reasons at once, from what both ends say. Pure."""

import re
from collections.abc import Iterator

from . import difference
from .config import HEARTBEAT, Config
from .facts import Facts, Table

OLDEST_SOURCE = 13
"""Before it a forgotten slot fills the source's disk: there is no max_slot_wal_keep_size."""
SYSTEM_SINCE = 16
"""Since when libpq takes `sslrootcert=system`; before, it is a file's name."""
LONGEST_TIMEOUT_MS = 60_000
WORKERS = 3
"""One that applies and two that copy (max_sync_workers_per_subscription)."""
_UNIT_MS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def problems(config: Config, source: Facts, target: Facts, client: int) -> list[str]:
    """Sentences, each with its fix."""
    return [
        *_versions(config, source, target, client),
        *_authority(config, target),
        *_source_server(config, source, target),
        *_slot(config, source, target),
        *_timeouts(config, source, target),
        *_replication_user(config, source),
        *_tables(config, source),
        *_target_server(config, target),
        *_contents(config, source, target),
    ]


def carried_problems(config: Config, source: Facts, target: Facts, client: int) -> list[str]:
    """Where another carries the rows: why definitions need not load, or nothing could be read."""
    return [
        *_versions(config, source, target, client),
        *_source_log(config, source),
        *_replication_user(config, source),
        *_readable(config, source),
        *_creates(config, target),
        *_databases(config, source, target),
    ]


def back_problems(config: Config, source: Facts, target: Facts) -> list[str]:
    """Of a way back, `config` being that: whether rows could go there too, both ends having the same already."""
    return [
        *_authority(config, target),
        *_source_server(config, source, target),
        *_somebody_elses(config, source, target),
        *_timeouts(config, source, target),
        *_replication_user(config, source),
        *_tables(config, source),
        *_target_server(config, target),
    ]


def _versions(config: Config, source: Facts, target: Facts, client: int) -> Iterator[str]:
    if source.version < OLDEST_SOURCE:
        yield (
            f"the source is PostgreSQL {source.version}, which keeps WAL for a forgotten slot without end: upgrade it "
            f"to {OLDEST_SOURCE} or later"
        )
    lacking = {one.key for one in source.tables} - {one.key for one in target.tables}
    if target.version < source.version and (lacking or not config.turned):
        yield (
            f"the target is PostgreSQL {target.version} and the source {source.version}: definitions of a newer "
            "version need not load into an older one: make the target's version the source's or a later one"
        )
    if client < source.version:
        yield (
            f"this job's client is PostgreSQL {client} and the source {source.version}, which its pg_dump refuses: put "
            "a client of the target's version into the image"
        )


def _authority(config: Config, target: Facts) -> Iterator[str]:
    if config.authority_at_target == "system" and target.version < SYSTEM_SINCE:
        yield (
            f"authority_at_target is system, which PostgreSQL {target.version} does not know: name a file of the "
            f"target's machine, or make the target {SYSTEM_SINCE} or later"
        )


def _source_log(config: Config, source: Facts) -> Iterator[str]:
    if source.server["standby"]:
        yield "the source is a standby: name its primary, where publication and slot are made"
    if source.setting("wal_level") != "logical":
        yield (
            f"wal_level of the source is {source.setting('wal_level')}: set it to logical, at RDS by "
            "rds.logical_replication=1 in its parameter group, and restart it (the parameter is static)"
        )
    keep = source.number("max_slot_wal_keep_size")
    if keep == -1 and not config.looked_after:
        yield (
            "max_slot_wal_keep_size of the source is -1: a slot that nobody reads any more would fill its disk: set it "
            f"to {config.slot_wal_keep_mib} (MB)"
        )
    elif source.version >= OLDEST_SOURCE and -1 < keep < config.slot_wal_keep_mib:
        yield (
            f"max_slot_wal_keep_size of the source is {keep} MB, which does not hold the outage that is to heal by "
            f"itself: set it to {config.slot_wal_keep_mib}"
        )
    if int(source.server["large_objects"]):
        yield (
            f"the source has {source.server['large_objects']} large objects, which logical replication leaves behind "
            "without a word: move them into bytea columns, and `SELECT lo_unlink(oid) FROM pg_largeobject_metadata`"
        )


def _source_server(config: Config, source: Facts, target: Facts) -> Iterator[str]:
    yield from _source_log(config, source)
    for name, used, what in (
        ("max_replication_slots", "slots", "replication slots"),
        ("max_wal_senders", "senders", "WAL senders"),
    ):
        free = source.number(name) - int(source.server[used])
        if target.subscription is None and free < WORKERS:
            yield (
                f"the source has {max(free, 0)} free {what}, and the copy takes {WORKERS}: raise {name} by "
                f"{WORKERS - free} and restart it (the parameter is static)"
            )
    if not source.server["creates"]:
        yield (
            f"{config.source.user} may make nothing in database {config.source.database} of the source: "
            f"GRANT CREATE ON DATABASE {config.source.database} TO {config.source.user}"
        )
    if not source.server["replicates"] and "rds_replication" not in (source.server["roles"] or ()):
        yield (
            f"{config.source.user} may make no slot at the source: ALTER ROLE {config.source.user} REPLICATION, or at "
            f"RDS GRANT rds_replication TO {config.source.user}"
        )


def _slot(config: Config, source: Facts, target: Facts) -> Iterator[str]:
    slot = source.slot
    if slot is None:
        if target.subscription is not None and target.subscription["slot"] is not None:
            yield (
                f"subscription {config.name} at the target has lost its slot at the source, where nobody kept the "
                "changes since: `take-away`, empty the target's tables, and `set-up` again, which copies anew"
            )
        return
    if slot["wal_status"] == "lost":
        yield lost(config)
    yield from _somebody_elses(config, source, target)


def _somebody_elses(config: Config, source: Facts, target: Facts) -> Iterator[str]:
    slot = source.slot
    if slot is None:
        return
    if slot["plugin"] != "pgoutput" or slot["database"] != config.source.database:
        yield (
            f"slot {config.name} at the source is of {slot['plugin'] or 'a standby'} in database {slot['database']}, "
            "somebody else's: choose another name for this flow (K43)"
        )
    elif target.subscription is None and slot["active"]:
        yield (
            f"slot {config.name} at the source is read by somebody, and the target has no subscription {config.name}: "
            f"end who reads it (`SELECT pg_terminate_backend({slot['active_pid']})`), or choose another name (K43)"
        )


def lost(config: Config) -> str:
    """The sentence about a slot whose WAL is gone."""
    return (
        f"slot {config.name} is lost: the source has removed WAL that the target has not read, because an outage was "
        "longer than max_slot_wal_keep_size holds: `reseed` empties the target and copies anew"
    )


def _timeouts(config: Config, source: Facts, target: Facts) -> Iterator[str]:
    role = source.role or {}
    sender = source.number("wal_sender_timeout")
    for one in role.get("overrides") or ():
        name, _, value = str(one).partition("=")
        if name == "wal_sender_timeout":
            sender = milliseconds(value)
    fix_sender = f"ALTER ROLE {config.replication_user} SET wal_sender_timeout = '10s' at the source"
    fix_receiver = "set it to 10000 at the target (a flag at Cloud SQL)"
    receiver = target.number("wal_receiver_timeout")
    for name, found, fix in (
        (f"wal_sender_timeout for {config.replication_user} at the source", sender, fix_sender),
        ("wal_receiver_timeout of the target", receiver, fix_receiver),
    ):
        if not found:
            yield f"{name} is 0, so that a dead peer is never seen and keeps the slot: {fix} (K42)"
        elif found > LONGEST_TIMEOUT_MS:
            yield f"{name} is {found / 1000:g} s: {fix}; from 60 s on an outage is seen too late (K42)"


def milliseconds(value: str) -> int:
    """Of a setting's text as a role has it, `10s` or `10000`; 0 for what is none."""
    found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", value)
    return int(found[1]) * _UNIT_MS.get(found[2], 0) if found else 0


def _replication_user(config: Config, source: Facts) -> Iterator[str]:
    user, role = config.replication_user, source.role
    if role is None or not role["logs_in"]:
        yield (
            f"the source has no role {user} that logs in: CREATE ROLE {user} LOGIN PASSWORD '…', with REPLICATION, or "
            f"at RDS GRANT rds_replication TO {user}"
        )
    elif not role["replicates"]:
        yield (
            f"{user} may not replicate: ALTER ROLE {user} REPLICATION at the source, or at RDS GRANT rds_replication "
            f"TO {user}"
        )


def _tables(config: Config, source: Facts) -> Iterator[str]:
    if not source.tables:
        yield f"schemas {', '.join(config.schemas)} of the source have no tables: name those with the data"
    for what, found, fix in (
        (
            "without replica identity, whose UPDATE and DELETE would fail at the source once they are published",
            [one for one in source.tables if not one.identified and not one.partitioned],
            "add a primary key, or ALTER TABLE … REPLICA IDENTITY USING INDEX, or FULL for a small one",
        ),
        (
            "that are unlogged and never reach the WAL",
            [one for one in source.tables if one.unlogged],
            "ALTER TABLE … SET LOGGED, or move them into a schema that is not replicated",
        ),
        (
            f"that {config.source.user} does not own and so cannot publish",
            [one for one in source.tables if not one.owned],
            f"GRANT their owner's role TO {config.source.user}",
        ),
    ):
        if found:
            yield f"the source has tables {what}, {_named(found)}: {fix}"
    yield from _readable(config, source)


def _readable(config: Config, source: Facts) -> Iterator[str]:
    if source.role and (closed := [one for one in source.tables if not one.readable]):
        schemas = ", ".join(config.schemas)
        yield (
            f"{config.replication_user} may not read {_named(closed)}: GRANT USAGE ON SCHEMA {schemas} TO "
            f"{config.replication_user}; GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO {config.replication_user}; "
            f"and ALTER DEFAULT PRIVILEGES IN SCHEMA {schemas} GRANT SELECT ON TABLES TO {config.replication_user}"
        )


def _named(tables: "list[Table]") -> str:
    names = [one.words for one in tables]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _target_server(config: Config, target: Facts) -> Iterator[str]:
    if target.server["standby"]:
        yield "the target is a standby and takes no subscription: name its primary"
    workers = target.number("max_logical_replication_workers")
    if workers < WORKERS:
        yield (
            f"max_logical_replication_workers of the target is {workers}: set it to {WORKERS + 1} or more, one applies "
            "and two copy"
        )
    if target.number("max_replication_slots") < WORKERS:
        yield (
            f"max_replication_slots of the target is {target.setting('max_replication_slots')}: set it to 10, a "
            "subscription keeps how far it is in one, and each copy in another"
        )
    roles = set(target.server["roles"] or ())
    if not target.server["super"] and not roles & {"cloudsqlsuperuser", "rds_superuser", "pg_create_subscription"}:
        yield (
            f"{config.target.user} may make no subscription: GRANT pg_create_subscription TO {config.target.user} at "
            "the target"
        )
    yield from _creates(config, target)
    if target.setting("log_statement") in ("ddl", "all"):
        yield (
            f"log_statement of the target is {target.setting('log_statement')}: CREATE SUBSCRIPTION would leave the "
            "source's password in its log: set it to none or mod"
        )


def _creates(config: Config, target: Facts) -> Iterator[str]:
    if not target.server["creates"]:
        yield (
            f"{config.target.user} may make nothing in database {config.target.database} of the target: "
            f"GRANT CREATE ON DATABASE {config.target.database} TO {config.target.user}"
        )


def _databases(config: Config, source: Facts, target: Facts) -> Iterator[str]:
    if target.server["encoding"] not in (source.server["encoding"], "UTF8"):
        yield (
            f"the target's database is in {target.server['encoding']} and the source's in {source.server['encoding']}: "
            "make the target's with ENCODING 'UTF8'"
        )
    if lacking := sorted(set(source.extensions(config)) - target.available):
        yield (
            f"the target lacks the extensions {', '.join(lacking)}: do without them at the source, or list in "
            "left_out_extensions those that no table needs"
        )


def _contents(config: Config, source: Facts, target: Facts) -> Iterator[str]:
    yield from _databases(config, source, target)
    ours = {one.key for one in source.tables} | {HEARTBEAT}
    if filled := sorted(".".join(key) for key in target.filled & ours):
        yield (
            f"the target has rows in {', '.join(filled[:10])}, which the copy would meet: TRUNCATE what is not needed "
            "there, or bring it to the source first"
        )
    if target.subscription is not None and target.subscription["slot"] is None:
        yield (
            f"subscription {config.name} at the target has no slot, somebody has cut it off: `take-away` and `set-up` "
            "again"
        )


def schema_problems(found: "list[difference.Difference]") -> list[str]:
    """What set-up does not repair: tables that are at both ends and differ in what rows need."""
    return [one.words for one in found if one.stops]
