"""What a manifest says of where its data came from: who it is, its settings, what its tables need elsewhere."""

import re
from typing import Any

from .client import Session
from .config import Database
from .privileges import Held
from .rows import identifier, literal
from .target import TRAVELS

_TABLESPACE = re.compile(r"^\) .*?TABLESPACE `((?:[^`]|``)*)`", re.MULTILINE)
_OFFSET = re.compile(r"[+-]\d\d:\d\d|SYSTEM")


def variables(session: Session) -> "dict[str, str]":
    """Its settings by name, without those that its version has not. The time zone is the one that SYSTEM means."""
    found = {row[0]: row[1] if len(row) > 1 else "" for row in session.ask("SHOW GLOBAL VARIABLES")}
    if found.get("time_zone") == "SYSTEM":
        found["time_zone"] = found.get("system_time_zone", "")
    return found


def held(session: Session, known: "dict[str, str]") -> Held:
    """The rights of this session's user."""
    lines = tuple(row[0] for row in session.ask("SHOW GRANTS"))
    return Held(lines, wildcards=known.get("partial_revokes") != "ON")


def read(address: str, known: "dict[str, str]") -> "dict[str, Any]":
    """`source` of a manifest."""
    return {
        "server_uuid": known["server_uuid"],
        "version": known["version"],
        "address": address,
        "settings": {name: known[name] for name in sorted(TRAVELS & known.keys())},
    }


SOME = 20
"""Of each kind in a description, which travels as an argument: a refusal names three."""


def describe(session: Session, database: Database) -> "dict[str, Any]":
    """What a target has to be fit for, in the form of a manifest, without rows and with a few names of each kind."""
    schema = database.schema
    here = literal(schema)
    programs = [
        {"kind": kind, "name": name}
        for kind, name in session.ask(
            f"SELECT 'routine', routine_name FROM information_schema.routines WHERE routine_schema = {here} UNION "
            f"SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema = {here}"
        )
    ]
    some = {
        name: dict(sorted(found.items())[:SOME]) if isinstance(found, dict) else found[:SOME]
        for name, found in needs(session, schema).items()
    }
    return {
        "source": read(database.address, variables(session)),
        "needs": some,
        "tables": [],
        "objects": programs[:SOME],
    }


def tables(session: Session, schema: str) -> "list[str]":
    """The base tables."""
    return _names(
        session,
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = {literal(schema)} "
        "AND table_type = 'BASE TABLE'",
    )


def needs(session: Session, schema: str) -> "dict[str, Any]":
    """`needs` of a manifest: what a target must have or allow beyond the tables' columns."""
    here = literal(schema)
    known = tables(session, schema)
    keyed = set(
        _names(
            session,
            "SELECT table_name FROM information_schema.table_constraints "
            f"WHERE table_schema = {here} AND constraint_type = 'PRIMARY KEY'",
        )
    )
    counted = _names(
        session,
        f"SELECT table_name FROM information_schema.columns WHERE table_schema = {here} "
        "AND extra LIKE '%auto_increment%'",
    )
    partitioned = _names(
        session,
        f"SELECT DISTINCT table_name FROM information_schema.partitions WHERE table_schema = {here} "
        "AND partition_name IS NOT NULL",
    )
    stamps = _names(
        session,
        f"SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = {here} "
        "AND data_type = 'timestamp'",
    )
    zones = _names(session, f"SELECT DISTINCT time_zone FROM information_schema.events WHERE event_schema = {here}")
    spaces = {name: space for name in known if (space := _tablespace(session, schema, name))}
    bare = sorted(set(known) - keyed)
    return {
        "without_primary_key": bare,
        "no_invisible_key": sorted(set(bare) & {*counted, *partitioned}),
        "loose_foreign_keys": _loose(session, here),
        "timestamps": sorted(set(stamps) & set(known)),
        "tablespaces": spaces,
        "time_zones": sorted(zone for zone in zones if not _OFFSET.fullmatch(zone)),
    }


def _names(session: Session, sql: str) -> "list[str]":
    return [row[0] for row in session.ask(sql)]


def _tablespace(session: Session, schema: str, table: str) -> str:
    """The general tablespace that a table is in; empty for one in a file of its own."""
    text = session.ask(f"SHOW CREATE TABLE {identifier(schema)}.{identifier(table)}")[0][1]
    found = _TABLESPACE.search(text)
    name = found[1].replace("``", "`") if found else ""
    return "" if name == "innodb_file_per_table" else name


def _loose(session: Session, here: str) -> "list[str]":
    """Foreign keys that lead to no unique key of exactly these columns (an extension of InnoDB's)."""
    unique: dict[tuple[str, str], dict[str, set[str]]] = {}
    for place, table, key, column in session.ask(
        "SELECT table_schema, table_name, index_name, column_name FROM information_schema.statistics "
        "WHERE non_unique = 0 AND (table_schema, table_name) IN (SELECT referenced_table_schema, referenced_table_name "
        f"FROM information_schema.key_column_usage WHERE table_schema = {here})"
    ):
        unique.setdefault((place, table), {}).setdefault(key, set()).add(column.lower())
    wanted: dict[str, tuple[tuple[str, str], set[str]]] = {}
    for name, place, table, column in session.ask(
        "SELECT constraint_name, referenced_table_schema, referenced_table_name, referenced_column_name "
        f"FROM information_schema.key_column_usage WHERE table_schema = {here} AND referenced_table_name IS NOT NULL"
    ):
        wanted.setdefault(name, ((place, table), set()))[1].add(column.lower())
    # A parent that this user does not see, or that is not there, is another matter.
    seen = set(unique) | {
        (row[0], row[1])
        for row in session.ask(
            f"SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = {here}"
        )
    }
    return sorted(
        name
        for name, (where, columns) in wanted.items()
        if where in seen and columns not in unique.get(where, {}).values()
    )
