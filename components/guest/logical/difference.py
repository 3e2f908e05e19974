"""How the definitions of both ends differ, each difference named; DDL does not replicate. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Difference:
    """One object that is not the same at both ends."""

    object: str
    """`schema.table`, or the schema and name of what else it is."""
    words: str
    stops: bool
    """Whether rows stop arriving by it, sooner or later."""
    missing: bool = False
    """A table that the target lacks: set-up makes it."""

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"object": self.object, "words": self.words, "stops": self.stops}


def tables(source: Rows, target: Rows) -> list[Difference]:
    """`source`, `target`: rows of columns.sql."""
    here, there = _columns(source), _columns(target)
    found = []
    for table, columns in here.items():
        if table not in there:
            words = f"{table} is missing at the target: `set-up` makes it, copies its rows and replicates it"
            found.append(Difference(table, words, True, missing=True))
            continue
        found += _table(table, columns, there[table])
    found += [
        Difference(
            table, f"{table} is at the target only: it gets no rows; drop it there, or make it at the source", False
        )
        for table in there
        if table not in here
    ]
    return found


def _columns(rows: Rows) -> "dict[str, dict[str, Mapping[str, Any]]]":
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(f"{row['schema']}.{row['name']}", {})[str(row["column"])] = row
    return found


def _table(
    table: str, source: "dict[str, Mapping[str, Any]]", target: "dict[str, Mapping[str, Any]]"
) -> Iterator[Difference]:
    for name, column in source.items():
        other = target.get(name)
        if other is None:
            yield Difference(
                table,
                f"{table} has the column {name} {column['type']} at the source only: rows stop arriving until "
                f"`ALTER TABLE {table} ADD COLUMN {name} {column['type']}` has run at the target",
                not column["computed"],
            )
            continue
        if other["type"] != column["type"]:
            yield Difference(
                table,
                f"{table}.{name} is {column['type']} at the source and {other['type']} at the target: a value that "
                "does not fit stops the rows: "
                f"`ALTER TABLE {table} ALTER COLUMN {name} TYPE {column['type']}` at the target",
                True,
            )
        if other["computed"] != column["computed"]:
            yield Difference(
                table,
                f"{table}.{name} is computed at one end only: make it the same at both, or rows may stop arriving",
                True,
            )
        elif other["required"] and not column["required"]:
            yield Difference(
                table,
                f"{table}.{name} may be NULL at the source and not at the target, where such a row stops all: "
                f"`ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL` at the target",
                True,
            )
        elif column["required"] and not other["required"]:
            yield Difference(
                table,
                f"{table}.{name} is NOT NULL at the source only: "
                f"`ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL` at the target before it takes over",
                False,
            )
    for name, column in target.items():
        if name not in source:
            stops = bool(column["required"] and not column["filled"] and not column["computed"])
            after = "where no row fills it and each stops" if stops else "where rows get its default"
            yield Difference(
                table,
                f"{table} has the column {name} {column['type']} at the target only, {after}: add it at the source, "
                "too, "
                f"or `ALTER TABLE {table} DROP COLUMN {name}` at the target",
                stops,
            )


def objects(source: Rows, target: Rows, without: "frozenset[str]" = frozenset()) -> list[Difference]:
    """`source`, `target`: rows of objects.sql. `without`: tables that are missing, with all that is theirs."""
    here = {(row["kind"], row["schema"], row["name"]): row for row in source}
    there = {(row["kind"], row["schema"], row["name"]): row for row in target}
    found = []
    for key in sorted(here.keys() | there.keys()):
        kind, schema, name = key
        one, other = here.get(key), there.get(key)
        if f"{schema}.{name.partition('.')[0]}" in without:
            continue
        words = f"{kind} {schema}.{name}"
        if one is not None and other is not None:
            comparable = one["version"] == other["version"]
            if one["says"] != other["says"] and comparable:
                now = "is defined otherwise at the target than at the source"
                found.append(Difference(words, f"{words} {now}: change it there as it was changed here", False))
            continue
        where = "source" if other is None else "target"
        rejects = other is not None and (kind == "constraint" or str(other["says"]).startswith("CREATE UNIQUE"))
        after = ", and rows that it rejects stop all" if rejects else ""
        found.append(
            Difference(words, f"{words} is at the {where} only{after}: make or drop it at the other end", False)
        )
    return found
