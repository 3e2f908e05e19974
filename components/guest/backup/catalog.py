"""What a schema consists of, read from a server: tables with their columns, and the statements that make it again."""

from dataclasses import dataclass, field

from ..errors import Refused
from . import ddl
from .client import Session
from .ddl import Statement
from .rows import Column, form_of, identifier, literal


@dataclass(frozen=True)
class Table:
    """A base table. `split_by`: an integer column that the primary key begins with, or empty."""

    name: str
    columns: list[Column]
    has_key: bool
    split_by: str
    data_bytes: int


@dataclass
class Catalog:
    """A schema."""

    character_set: str
    collation: str
    tables: list[Table] = field(default_factory=list)
    schema: list[Statement] = field(default_factory=list)
    """Made before the rows."""
    after: list[Statement] = field(default_factory=list)
    """Made after them, in this order."""
    definers: dict[str, str] = field(default_factory=dict)
    """kind and name to the account that the object was defined by."""
    events: dict[str, str] = field(default_factory=dict)
    """Name to status at the source."""


_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


def table_names(session: Session, schema: str) -> list[tuple[str, str]]:
    """(name, engine) of the base tables."""
    where = f"FROM information_schema.tables WHERE table_schema = {literal(schema)} AND table_type = 'BASE TABLE'"
    rows = session.objects({"name": "table_name", "engine": "engine"}, f"{where} ORDER BY table_name")
    return [(row["name"], row["engine"] or "") for row in rows]


def refuse_unfit(tables: list[tuple[str, str]], schema: str) -> None:
    """A table that no snapshot covers would be in the backup as of another moment."""
    problems = [
        f"table {name!r} is {engine or 'of no'} engine, which has no snapshot: ALTER TABLE {name} ENGINE=InnoDB"
        for name, engine in tables
        if engine != "InnoDB"
    ]
    if not tables:
        problems = [f"schema {schema!r} has no tables that this user sees: name the application's database"]
    if problems:
        raise Refused(problems)


def read(session: Session, schema: str) -> Catalog:
    """Everything. The session must use the schema."""
    about = session.objects(
        {"set": "default_character_set_name", "collation": "default_collation_name"},
        f"FROM information_schema.schemata WHERE schema_name = {literal(schema)}",
    )[0]
    found = Catalog(about["set"], about["collation"])
    sizes = {
        row["name"]: int(row["bytes"] or 0)
        for row in session.objects(
            {"name": "table_name", "bytes": "data_length"},
            f"FROM information_schema.tables WHERE table_schema = {literal(schema)}",
        )
    }
    keys: list[Statement] = []
    foreign: list[Statement] = []
    for name, _ in table_names(session, schema):
        table, auto = _table(session, schema, name, sizes.get(name, 0))
        parts = ddl.split(name, session.ask(f"SHOW CREATE TABLE {identifier(name)}")[0][1], auto)
        found.tables.append(table)
        found.schema.append(Statement("table", name, parts.create, name))
        keys += parts.keys
        foreign += parts.foreign_keys
    found.after = [*keys, *foreign]
    _programs(session, schema, found)
    return found


def _table(session: Session, schema: str, name: str, data_bytes: int) -> tuple[Table, str]:
    where = f"table_schema = {literal(schema)} AND table_name = {literal(name)}"
    rows = session.objects(
        {
            "name": "column_name",
            "type": "data_type",
            "set": "character_set_name",
            "nullable": "is_nullable = 'YES'",
            "generated": "extra LIKE '%VIRTUAL GENERATED%' OR extra LIKE '%STORED GENERATED%'",
            "auto": "extra LIKE '%auto_increment%'",
        },
        f"FROM information_schema.columns WHERE {where} ORDER BY ordinal_position",
    )
    key = session.objects(
        {"name": "column_name"},
        f"FROM information_schema.statistics WHERE {where} AND index_name = 'PRIMARY' ORDER BY seq_in_index",
    )
    first = key[0]["name"] if key else ""
    integers = {row["name"] for row in rows if row["type"].lower() in _INTEGERS}
    columns = [
        Column(row["name"], form_of(row["type"], row["set"] or ""), bool(row["nullable"]))
        for row in rows
        if not row["generated"]
    ]
    auto = next((row["name"] for row in rows if row["auto"]), "")
    return Table(name, columns, bool(key), first if first in integers else "", data_bytes), auto


def _programs(session: Session, schema: str, found: Catalog) -> None:
    """Routines, views, triggers, events: after the rows, so that no trigger fires while they are loaded."""
    here = literal(schema)

    def add(kind: str, name: str, text: str, settings: dict[str, str], drop: str, table: str = "") -> None:
        if not text or text == "NULL":
            raise Refused([f"the text of {kind} {name!r} is not shown to this user: grant it SHOW_ROUTINE"])
        sql, definer = ddl.without_definer(text)
        if definer:
            found.definers[f"{kind} {name}"] = definer
        found.after.append(Statement(kind, name, sql, table, settings, drop))

    for row in session.objects(
        {"name": "routine_name", "type": "routine_type"},
        f"FROM information_schema.routines WHERE routine_schema = {here} ORDER BY routine_type, routine_name",
    ):
        if row["type"] not in ("FUNCTION", "PROCEDURE"):
            raise Refused([f"{row['type'].lower()} {row['name']!r} cannot be backed up: twinsite knows no such object"])
        kind, name = row["type"], identifier(row["name"])
        _, mode, text, _, collation, _ = session.ask(f"SHOW CREATE {kind} {name}")[0]
        add("routine", row["name"], text, _under(mode, collation), f"DROP {kind} IF EXISTS {name}")
    for row in session.objects(
        {"name": "table_name"}, f"FROM information_schema.views WHERE table_schema = {here} ORDER BY table_name"
    ):
        name = identifier(row["name"])
        _, text, _, collation = session.ask(f"SHOW CREATE VIEW {name}")[0]
        add("view", row["name"], text, {"collation_connection": collation}, f"DROP VIEW IF EXISTS {name}")
    for row in session.objects(
        {"name": "trigger_name", "table": "event_object_table"},
        f"FROM information_schema.triggers WHERE trigger_schema = {here} "
        "ORDER BY event_object_table, action_timing, event_manipulation, action_order",
    ):
        _, mode, text, _, collation, *_ = session.ask(f"SHOW CREATE TRIGGER {identifier(row['name'])}")[0]
        drop = f"DROP TRIGGER IF EXISTS {identifier(row['name'])}"
        add("trigger", row["name"], text, _under(mode, collation), drop, row["table"])
    for row in session.objects(
        {
            "name": "event_name",
            "type": "event_type",
            "at": "DATE_FORMAT(execute_at, '%Y-%m-%d %T')",
            # Binary there, and a JSON object would hold it in base 64.
            "interval": "CONVERT(interval_value USING utf8mb4)",
            "unit": "interval_field",
            "starts": "DATE_FORMAT(starts, '%Y-%m-%d %T')",
            "ends": "DATE_FORMAT(ends, '%Y-%m-%d %T')",
            "completion": "on_completion",
            "comment": "event_comment",
            "body": "event_definition",
            "status": "status",
            "mode": "sql_mode",
            "zone": "time_zone",
            "collation": "collation_connection",
            "definer": "definer",
        },
        f"FROM information_schema.events WHERE event_schema = {here} ORDER BY event_name",
    ):
        # Shown in the event's own zone, and made again under it.
        settings = _under(row["mode"], row["collation"]) | {"time_zone": row["zone"]}
        add("event", row["name"], ddl.event(row), settings, f"DROP EVENT IF EXISTS {identifier(row['name'])}")
        found.definers[f"event {row['name']}"] = row["definer"]
        found.events[row["name"]] = row["status"]


def _under(mode: str, collation: str) -> dict[str, str]:
    return {"sql_mode": mode, "collation_connection": collation}
