"""Tables out of the way without losing a row: renamed into a schema of their own. And scratch schemas away again.

RENAME TABLE moves a table between schemas in one step, whatever its size, and all tables at once or none. Triggers,
views, routines and events hold no rows and would forbid the renaming: they are dropped, and are in the dump that was
taken before.
"""

import re
from typing import Any

from ..errors import Refused
from . import progress
from .client import Server, Session
from .config import Config, Secrets
from .privileges import aside_prefix
from .rows import identifier, literal

SCRATCH = re.compile(r"twinsite_drill_[a-z0-9_]{1,48}")
LONGEST_NAME = 64


def aside(config: Config, secrets: Secrets, place: str) -> "dict[str, Any]":
    """Move the target schema's tables into schema `place`: {"schema", "tables", "moved"}. Done again it changes
    nothing. Refused when `place` is not a name of ours for this schema."""
    schema = config.target.schema
    prefix = aside_prefix(schema)
    if not re.fullmatch(re.escape(prefix) + r"[a-z0-9_]+", place) or len(place) > LONGEST_NAME:
        raise Refused([f"{place!r} is no name for what is kept aside: {prefix}… of at most {LONGEST_NAME} letters"])
    with Server(config.target, secrets.target_password) as server, server.session() as session:
        session.ask(f"CREATE DATABASE IF NOT EXISTS {identifier(place)}")
        tables = _tables(session, schema)
        if tables:
            _drop_programs(session, schema)
            pairs = (
                f"{identifier(schema)}.{identifier(name)} TO {identifier(place)}.{identifier(name)}" for name in tables
            )
            session.ask(f"RENAME TABLE {', '.join(pairs)}")
        return {"schema": place, "tables": len(_tables(session, place)), "moved": len(tables)}


def drop(config: Config, secrets: Secrets, schema: str) -> "dict[str, Any]":
    """Remove a scratch schema, with what an unfinished restore into it has left. Refused for any other schema."""
    if not SCRATCH.fullmatch(schema):
        raise Refused([f"{schema!r} is no scratch schema (twinsite_drill_…): drop it by hand when you are sure"])
    with Server(config.target, secrets.target_password) as server, server.session() as session:
        there = session.value(
            f"(SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = {literal(schema)})"
        )
        if progress.look(session, schema).target_schema == schema:
            progress.discard(session, schema)
        session.ask(f"DROP DATABASE IF EXISTS {identifier(schema)}")
        return {"schema": schema, "dropped": there != "0"}


def _tables(session: Session, schema: str) -> "list[str]":
    return [
        row[0]
        for row in session.ask(
            "SELECT table_name FROM information_schema.tables "
            f"WHERE table_schema = {literal(schema)} AND table_type = 'BASE TABLE' ORDER BY table_name"
        )
    ]


def _drop_programs(session: Session, schema: str) -> None:
    here = literal(schema)
    kinds = (
        # Events first: they write.
        ("EVENT", f"SELECT event_name FROM information_schema.events WHERE event_schema = {here}"),
        ("TRIGGER", f"SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = {here}"),
        ("VIEW", f"SELECT table_name FROM information_schema.views WHERE table_schema = {here}"),
        (
            "PROCEDURE",
            "SELECT routine_name FROM information_schema.routines "
            f"WHERE routine_schema = {here} AND routine_type = 'PROCEDURE'",
        ),
        (
            "FUNCTION",
            "SELECT routine_name FROM information_schema.routines "
            f"WHERE routine_schema = {here} AND routine_type = 'FUNCTION'",
        ),
    )
    for kind, sql in kinds:
        for row in session.ask(sql):
            session.ask(f"DROP {kind} IF EXISTS {identifier(schema)}.{identifier(row[0])}")
