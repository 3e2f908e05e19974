"""What a schema consists of, read from a server: tables with their columns, and the definitions of it all."""

from dataclasses import dataclass, field

from ..errors import Refused
from . import ddl, definitions
from .client import Session
from .ddl import Statement
from .definitions import Concern, Program
from .rows import JSON, Column, form_of, literal


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
    """The tables' definitions, whole."""
    programs: list[Program] = field(default_factory=list)
    """Routines, views, triggers and events, in the order in which they are made after the rows."""
    concerns: list[Concern] = field(default_factory=list)
    """What of it a restore may have to leave out."""


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
    """Its tables. The session must use the schema; from here on its results are bytes."""
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
    definitions.as_bytes(session)
    for name, _ in table_names(session, schema):
        text, concerns = definitions.enumerations(session, name, definitions.table(session, name))
        found.tables.append(_table(session, schema, name, sizes.get(name, 0)))
        found.schema.append(Statement("table", name, text))
        found.concerns += concerns
        for key, place, other in ddl.references_outside(name, text):
            words = f"foreign key {key!r} of table {name!r} leads to {place}.{other}, which this backup does not hold"
            words += ": a restore leaves it out where the target has no such table"
            found.concerns.append(Concern("foreign-key", key, name, words))
    return found


def _table(session: Session, schema: str, name: str, data_bytes: int) -> Table:
    where = f"table_schema = {literal(schema)} AND table_name = {literal(name)}"
    rows = session.objects(
        {
            "name": "column_name",
            "type": "data_type",
            "whole": "column_type",
            "set": "character_set_name",
            "nullable": "is_nullable = 'YES'",
            "generated": "extra LIKE '%VIRTUAL GENERATED%' OR extra LIKE '%STORED GENERATED%'",
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
        Column(row["name"], form_of(row["type"], row["set"] or "", row["whole"]), bool(row["nullable"]))
        for row in rows
        if not row["generated"]
    ]
    columns.sort(key=lambda column: column.form == JSON)  # last, where exact.parted looks for them
    return Table(name, columns, bool(key), first if first in integers else "", data_bytes)
