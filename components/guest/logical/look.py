"""How the flow is: the first copy, the lag, the slot, and how the definitions of both ends differ."""

import time
from typing import Any

from . import check, difference, facts, gate, movable
from .config import HEARTBEAT, Config
from .facts import Facts, query
from .psql import PgError, Server, identifier, literal
from .set_up import STATES, all_copied, facing, servers

BEAT_SECONDS = 10.0
"""How long a heartbeat may take."""
_TABLE = identifier(*HEARTBEAT)


def look(config: Config) -> dict[str, Any]:
    """`healthy` with what was found; `problems` are sentences, and so is what is `in_the_way` of a move, with which a
    flow may be well. Writes one heartbeat at the source."""
    let_go = [] if config.target_bounds_slots else _let_go(config, servers(config)[1])
    config = facing(config)
    source, target = servers(config)
    there = facts.of_target(target, config)
    found: dict[str, Any] = {"flow": config.name, "from": source.which, "to": target.which}
    found["subscription"] = _subscription(config, there, target)
    found["gate"] = {target.which: gate_of(config, target)}
    states = {".".join(key): STATES.get(state, state) for key, state in sorted(there.subscribed.items())}
    found |= {"copied": all_copied(states), "tables": states}
    problems = [*let_go, *_target_problems(config, there, found)]
    try:
        here = facts.of_source(source, config)
    except PgError as error:
        if not error.unreachable:
            raise
        problems.insert(0, f"the source does not answer ({error.words}): rows are as old as its outage, and longer")
        return {**found, "slot": None, "lag": None, "differences": [], "healthy": False, "problems": problems}
    found["slot"] = _slot(config, source, here)
    found["gate"][source.which] = gate_of(config, source)
    different = differences(config, source, target)
    found["differences"] = [one.plain for one in different]
    found["lag"] = beaten(config, source, target) if there.subscription is not None else None
    problems += [*_source_problems(config, here, there, found)]
    problems += [one.words for one in different]
    problems += gate_problems(found["gate"])
    stops = [one.words for one in different if one.stops or one.missing]
    found["in_the_way"] = movable.in_the_way(config, source, target, stops)
    return {**found, "healthy": not problems, "problems": problems}


def differences(config: Config, source: Server, target: Server) -> "list[difference.Difference]":
    """Of all definitions in the schemas."""
    columns, objects = query("columns.sql", config), query("objects.sql", config)
    tables = difference.tables(source.rows(columns), target.rows(columns))
    missing = frozenset(one.object for one in tables if one.missing)
    return [*tables, *difference.objects(source.rows(objects), target.rows(objects), missing)]


def _subscription(config: Config, there: Facts, target: Server) -> "dict[str, Any] | None":
    if there.subscription is None:
        return None
    name = literal(config.name)
    running = target.rows(
        f"SELECT pid, latest_end_lsn FROM pg_stat_subscription WHERE subname = {name} AND relid IS NULL AND pid IS "
        "NOT NULL"
    )
    counts: dict[str, Any] = {}
    if there.version >= 15:
        rows = target.rows(f"SELECT to_jsonb(s) AS counts FROM pg_stat_subscription_stats s WHERE subname = {name}")
        counts = rows[0]["counts"] if rows else {}
    errors = {name: counts.get(f"{name}_count", 0) for name in ("apply_error", "sync_error")}
    return {"enabled": there.subscription["enabled"], "running": bool(running), "errors": errors}


def gate_of(config: Config, server: Server) -> "dict[str, Any] | None":
    """As the report has it; None where none was put up."""
    found = gate.read(server, config)
    if found is None:
        return None
    gated = server.row(query("end.sql", config))["gated"] or {}
    without = [one.words for one in facts.tables(server, config) if one.words not in gated]
    return {
        "epoch": found.epoch,
        "writes": found.writes,
        "handed": found.handed == found.epoch,
        "taken": found.taken == found.epoch,
        "without": without,
    }


def _slot(config: Config, source: Server, here: Facts) -> "dict[str, Any] | None":
    if here.slot is None:
        return None
    behind = source.row(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS behind_bytes, "
        "pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS held_bytes "
        f"FROM pg_replication_slots WHERE slot_name = {literal(config.name)}"
    )
    names = ("active", "wal_status", "safe_wal_size", "failover")
    return {**{name: here.slot.get(name) for name in names}, **behind}


def _let_go(config: Config, server: Server) -> "list[str]":
    """The way back's slot is dropped where nobody reads it, its server has no bound of its own, and it holds more than
    the source keeps: else it fills the disk of whoever writes. What it says of that."""
    name = literal(config.name)
    rows = server.rows(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS held FROM pg_replication_slots WHERE "
        f"slot_name = {name} AND NOT active AND current_setting('max_slot_wal_keep_size') = '-1'"
    )
    if not rows or int(rows[0]["held"] or 0) <= config.slot_wal_keep_mib * 2**20:
        return []
    server.script(f"SELECT pg_drop_replication_slot({name});")
    return [
        f"slot {config.name} at the {server.which} was dropped: nobody read it, it held {rows[0]['held']} bytes of "
        f"WAL, the bound is {config.slot_wal_keep_mib} MiB and the server keeps none itself: the source follows again "
        "after a copy anew (`rejoin --anew`, or `reseed`)"
    ]


def write_beat(config: Config, source: Server) -> "tuple[int, str]":
    """Count the heartbeat up at the source, and say how far; and where the WAL is that is safe there, with the beat."""
    told = source.script(
        f"INSERT INTO {_TABLE} AS h VALUES ({literal(config.name)}, 1, clock_timestamp()) ON CONFLICT (flow) DO UPDATE "
        "SET beat = h.beat + 1, stamp = clock_timestamp() RETURNING beat;\nSELECT pg_current_wal_flush_lsn();"
    )
    beat, lsn = told.split()
    return int(beat), lsn


def has_beat(config: Config, target: Server, beat: int) -> bool:
    """Whether it came that far."""
    rows = target.rows(f"SELECT beat FROM {_TABLE} WHERE flow = {literal(config.name)}")
    return bool(rows) and int(rows[0]["beat"]) >= beat


def beaten(config: Config, source: Server, target: Server) -> dict[str, Any]:
    """A heartbeat's way, measured here: `seconds` is too long by one call of the client at most; None when it did not
    come. `newest_seconds` is the age of the newest that is there, by the source's clock alone."""
    flow = literal(config.name)
    (beat, _), began = write_beat(config, source), time.monotonic()
    stamp = ""
    while time.monotonic() - began < BEAT_SECONDS:
        rows = target.rows(f"SELECT beat, stamp::text FROM {_TABLE} WHERE flow = {flow}")
        stamp = rows[0]["stamp"] if rows else ""
        if rows and rows[0]["beat"] >= beat:
            return {"seconds": round(time.monotonic() - began, 3), "newest_seconds": 0.0}
        time.sleep(0.05)
    if not stamp:
        return {"seconds": None, "newest_seconds": None}
    age = source.row(f"SELECT extract(epoch FROM clock_timestamp() - {literal(stamp)}::timestamptz) AS age")["age"]
    return {"seconds": None, "newest_seconds": round(float(age), 1)}


def _target_problems(config: Config, there: Facts, found: dict[str, Any]) -> "list[str]":
    about, shut = found["subscription"], found["gate"][found["to"]]
    if about is None and shut and shut["writes"]:
        return [
            f"the {found['to']} writes since epoch {shut['epoch']} and nothing follows it: when the {found['from']} is "
            "back, `rejoin`"
        ]
    if about is None:
        return [f"the target has no subscription {config.name}: run `set-up`"]
    problems = []
    if not about["enabled"]:
        problems.append(f"subscription {config.name} is disabled: `set-up` enables it")
    elif not about["running"]:
        count = about["errors"]["apply_error"]
        problems.append(
            f"nothing is applied at the target now ({count} errors so far): its log has PostgreSQL's words; a "
            "difference that is named here, or a row that is there already, is the usual reason"
        )
    if late := [f"{name} {state}" for name, state in found["tables"].items() if state != "ready"]:
        problems.append(f"the first copy is not there: {', '.join(late)}: wait, or see the target's log")
    return problems


def gate_problems(gates: "dict[str, dict[str, Any] | None]") -> "list[str]":
    """Of both ends' gates: exactly one is open, and every table asks its own. Pure."""
    known = {which: one for which, one in gates.items() if one is not None}
    problems = [
        f"{', '.join(one['without'])} of the {which} ask no gate: `prepare` puts them behind it"
        for which, one in known.items()
        if one["without"]
    ]
    epochs = {which: one["epoch"] for which, one in known.items()}
    if len(known) < 2:
        return problems
    open_ = [which for which, one in known.items() if one["writes"]]
    newest = max(epochs, key=lambda which: epochs[which])
    if not open_:
        problems.append(
            f"neither end takes writes: a move in epoch {epochs[newest]} was ended in the middle: run it again with "
            "that epoch, it goes on; before it was `handed over`, `back-out` lets the old writer write again"
        )
    elif len(open_) == 2:
        other = next(which for which in known if which != newest)
        problems.append(
            f"both ends take writes, the {newest} since epoch {epochs[newest]}: run `rejoin --to {newest} --epoch "
            f"{epochs[newest]}` now, which shuts the {other}"
        )
    return problems


def _source_problems(config: Config, here: Facts, there: Facts, found: dict[str, Any]) -> "list[str]":
    problems = []
    slot = found["slot"]
    if slot is None:
        problems.append(f"the source has no slot {config.name}: changes since it went are kept nowhere")
    elif slot["wal_status"] == "lost":
        problems.append(check.lost(config))
    elif slot["wal_status"] == "unreserved":
        problems.append(
            f"slot {config.name} is about to be lost, it holds {slot['held_bytes']} bytes of WAL: bring the target "
            "back now, or raise max_slot_wal_keep_size at the source"
        )
    elif not slot["active"]:
        problems.append(
            f"nobody reads slot {config.name}: it holds {slot['held_bytes']} bytes of WAL, and "
            + (
                f"is dropped by a look above {config.slot_wal_keep_mib} MiB"
                if config.looked_after
                else f"is lost after {slot['safe_wal_size']} more"
            )
        )
    roots = {one.key for one in here.tables if not one.is_partition}
    if unknown := sorted(".".join(key) for key in roots - (here.published or frozenset())):
        problems.append(f"{', '.join(unknown)} of the source are not published: `set-up` adds them")
    return [*problems, *late(found["lag"])]


def late(lag: "dict[str, Any] | None") -> "list[str]":
    """Of a heartbeat that did not come. Pure."""
    if lag is None or lag["seconds"] is not None:
        return []
    age = lag["newest_seconds"]
    since = f"the newest is {age:g} s old" if age is not None else "none ever did"
    return [f"a heartbeat did not arrive within {BEAT_SECONDS:g} s, {since}: run `look` again"]
