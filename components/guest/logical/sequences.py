"""Sequences are carried over, for logical replication leaves them where they were when the schema came."""

from typing import Any

from ..errors import Failed
from . import facts
from .config import Config
from .facts import query
from .psql import PgError, Server, identifier
from .set_up import servers

Row = dict[str, Any]


def ahead(row: Row, margin: int) -> "int | None":
    """Where the target's sequence must stand: the source's last number and `margin` steps more, within its bounds; None
    when nobody has taken one. Pure."""
    if row["last"] is None:
        return None
    wanted = int(row["last"]) + margin * int(row["step"])
    return max(int(row["least"]), min(int(row["most"]), wanted))


def behind(there: Row, wanted: int) -> bool:
    """Whether the target's sequence has to move; it never goes back. Pure."""
    if there["last"] is None:
        return True
    return int(there["last"]) < wanted if int(there["step"]) > 0 else int(there["last"]) > wanted


def sequences(config: Config, without_source: bool) -> dict[str, Any]:
    """Move the target's on. `without_source`: by the largest value in each sequence's column, for a source that is
    gone; a sequence of no column is then named and left."""
    return carry(config, *servers(config), without_source)


def carry(
    config: Config, source: Server, target: Server, without_source: bool, known: "list[Row] | None" = None
) -> dict[str, Any]:
    """The same, of servers that somebody asks already. `known`: the target's, which has been read."""
    known = target.rows(query("sequences.sql", config)) if known is None else known
    there = {(row["schema"], row["name"]): row for row in known}
    problems: list[str] = []
    wanted = _by_columns(config, target, there, problems) if without_source else _by_source(config, source)
    lacking = sorted(".".join(key) for key in wanted if key not in there)
    if lacking:
        raise Failed(f"the target lacks the sequences {', '.join(lacking)}: `look` says what else differs")
    moved = {key: value for key, value in wanted.items() if behind(there[key], value)}
    if moved:
        target.script("".join(f"SELECT setval('{_regclass(key)}', {value});\n" for key, value in moved.items()))
    for key, value in wanted.items():
        row = there[key]
        if not row["cycles"] and value in (int(row["most"]) if int(row["step"]) > 0 else int(row["least"]),):
            problems.append(f"sequence {'.'.join(key)} is at its end, {value}: give it another type or bound")
    plain = {".".join(key): value for key, value in sorted(moved.items())}
    return {"outcome": "done", "flow": config.name, "moved": plain, "known": len(there), "problems": problems}


def _regclass(key: facts.Named) -> str:
    return identifier(*key).replace("'", "''")


def _by_source(config: Config, source: Server) -> "dict[facts.Named, int]":
    try:
        rows = source.rows(query("sequences.sql", config))
    except PgError as error:
        if error.unreachable:
            raise Failed(
                f"the source does not answer ({error.words}): when it is gone, `sequences --without-source` goes by "
                "the rows at the target"
            ) from None
        raise
    found = {(row["schema"], row["name"]): ahead(row, config.margin) for row in rows}
    return {key: value for key, value in found.items() if value is not None}


def _by_columns(
    config: Config, target: Server, there: "dict[facts.Named, Row]", problems: "list[str]"
) -> "dict[facts.Named, int]":
    found = {}
    for key, row in there.items():
        if row["column"] is None:
            problems.append(
                f"sequence {'.'.join(key)} belongs to no column: set it by hand, above the largest number that was "
                "given"
            )
            continue
        most = "max" if int(row["step"]) > 0 else "min"
        table = identifier(row["table_schema"], row["table"])
        last = target.row(f"SELECT {most}({identifier(row['column'])}) AS last FROM {table}")["last"]
        if (value := ahead({**row, "last": last}, config.margin)) is not None:
            found[key] = value
    return found
