"""What both ends say of themselves, read once into plain values; the SQL is in the files beside."""

import pathlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .config import GATE, HEARTBEAT, Config
from .psql import APPLICATION, Server, identifier, literal

FOLDER = pathlib.Path(__file__).parent
Say = Callable[[str], None]
Named = tuple[str, str]
"""Schema and name."""


def query(file: str, config: Config) -> str:
    """A file's SELECT, for this flow's schemas and role."""
    schemas = ", ".join(literal(one) for one in config.schemas)
    text = (FOLDER / file).read_text(encoding="utf-8")
    for name, value in (
        ("$schemas", f"ARRAY[{schemas}]::text[]"),
        ("$role", literal(config.replication_user)),
        ("$gate", literal(GATE)),
        ("$slot", literal(config.name)),
        ("$application", literal(APPLICATION)),
    ):
        text = text.replace(name, value)
    return text


@dataclass(frozen=True)
class Table:
    """A table, and what of it decides whether its rows can be replicated."""

    schema: str
    name: str
    partitioned: bool
    is_partition: bool
    unlogged: bool
    identified: bool
    """Whether UPDATE and DELETE can say which row they mean."""
    owned: bool
    readable: bool
    """For the role that the subscription logs in as."""

    @property
    def key(self) -> Named:
        """Its name in a dictionary."""
        return self.schema, self.name

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Its name in a statement."""
        return identifier(self.schema, self.name)


@dataclass(frozen=True)
class Facts:
    """One end."""

    server: dict[str, Any]
    tables: tuple[Table, ...]
    slot: dict[str, Any] | None
    """At the source: this flow's row of pg_replication_slots, whoever made it."""
    published: frozenset[Named] | None
    """At the source: what the publication lists, the roots of partitioned tables; None without one."""
    subscription: dict[str, Any] | None
    """At the target."""
    subscribed: dict[Named, str]
    """At the target: the state of each table (i, d, f, s, r)."""
    role: dict[str, Any] | None
    """At the source: the role that the subscription logs in as."""
    available: frozenset[str]
    """At the target: extensions that could be created."""
    filled: frozenset[Named]
    """At the target: tables with rows."""

    @property
    def version(self) -> int:
        """Major."""
        return int(self.server["version"])

    def extensions(self, config: Config) -> dict[str, str]:
        """Extensions that the tables may need → the schema of each."""
        found: dict[str, str] = self.server["extensions"] or {}
        return {name: schema for name, schema in found.items() if name not in config.left_out_extensions}

    def setting(self, name: str) -> str:
        """As pg_settings has it; "" where the version has none."""
        return str((self.server["settings"] or {}).get(name, ""))

    def number(self, name: str) -> int:
        """A setting that is one."""
        return int(self.setting(name) or 0)


def of_source(server: Server, config: Config) -> Facts:
    """Read the source."""
    name = literal(config.name)
    slots = server.rows(f"SELECT to_jsonb(s) AS slot FROM pg_replication_slots s WHERE slot_name = {name}")
    roles = server.rows(query("role.sql", config))
    there = server.rows(f"SELECT 1 AS one FROM pg_publication WHERE pubname = {name}")
    listed = server.rows(
        "SELECT n.nspname AS schema, c.relname AS name FROM pg_publication_rel r "
        "JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = {name}"
    )
    return Facts(
        server=server.row(query("server.sql", config)),
        tables=tables(server, config),
        slot=slots[0]["slot"] if slots else None,
        published=frozenset((row["schema"], row["name"]) for row in listed) if there else None,
        subscription=None,
        subscribed={},
        role=roles[0] if roles else None,
        available=frozenset(),
        filled=frozenset(),
    )


def subscription(server: Server, config: Config) -> "dict[str, Any] | None":
    """This flow's at that server."""
    found = server.rows(
        "SELECT s.oid::bigint AS id, s.subenabled AS enabled, s.subslotname AS slot, "
        "obj_description(s.oid, 'pg_subscription') AS about "
        f"FROM pg_subscription s WHERE {_OURS} AND s.subname = {literal(config.name)}"
    )
    return found[0] if found else None


def of_target(server: Server, config: Config) -> Facts:
    """Read the target."""
    name = literal(config.name)
    found = tables(server, config)
    subscribed = server.rows(
        "SELECT n.nspname AS schema, c.relname AS name, r.srsubstate AS state FROM pg_subscription_rel r "
        "JOIN pg_subscription s ON s.oid = r.srsubid JOIN pg_class c ON c.oid = r.srrelid "
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OURS} AND s.subname = {name}"
    )
    states = {(row["schema"], row["name"]): str(row["state"]) for row in subscribed}
    return Facts(
        server=server.row(query("server.sql", config)),
        tables=found,
        slot=None,
        published=None,
        subscription=subscription(server, config),
        subscribed=states,
        role=None,
        available=frozenset(row["name"] for row in server.rows("SELECT name FROM pg_available_extensions")),
        filled=_filled(server, [one for one in found if not one.partitioned and one.key not in states]),
    )


_OURS = "s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
"""pg_subscription is shared by all databases of a server."""


def has_heartbeat(server: Server) -> bool:
    """Whether the table is there."""
    return bool(server.row(f"SELECT to_regclass({literal('.'.join(HEARTBEAT))}) IS NOT NULL AS there")["there"])


def tables(server: Server, config: Config) -> tuple[Table, ...]:
    """Of the schemas."""
    return tuple(Table(**row) for row in server.rows(query("tables.sql", config)))


def _filled(server: Server, found: list[Table]) -> frozenset[Named]:
    if not found:
        return frozenset()
    asked = " UNION ALL ".join(
        f"SELECT {literal(one.schema)} AS schema, {literal(one.name)} AS name, EXISTS (SELECT FROM {one.sql}) AS filled"
        for one in found
    )
    return frozenset((row["schema"], row["name"]) for row in server.rows(asked) if row["filled"])
