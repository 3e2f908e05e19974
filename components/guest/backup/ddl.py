"""Statements as values: what of a table is made before its rows and what after, definers, and the scripts of a backup.

A script is SQL that a person can feed to `mysql SCHEMA`, too. A boundary of its own, drawn at random, is the delimiter
and begins the line that says what a statement makes, so no text in a statement can be mistaken for either.
"""

import json
import re
import secrets
from dataclasses import dataclass, field

from ..errors import Failed
from .rows import identifier, literal

_KEY = re.compile(r"(UNIQUE |FULLTEXT |SPATIAL )?KEY `((?:[^`]|``)*)` \(`?((?:[^`]|``)*)")
_DEFINER = re.compile(r"^(CREATE\s+(?:ALGORITHM=\w+\s+)?)DEFINER=`((?:[^`]|``)*)`@`((?:[^`]|``)*)`\s+")


@dataclass(frozen=True)
class Statement:
    """One object of the schema. `settings`: session variables that it is made under."""

    kind: str
    """table, keys, foreign-keys, view, routine, trigger or event."""
    name: str
    sql: str
    table: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    """Run before it, so that it can be made twice."""
    adds: tuple[str, ...] = ()
    """Names of the keys that it adds: those that are there already are left out."""


@dataclass(frozen=True)
class Split:
    """A table's SHOW CREATE TABLE, in the order of a restore."""

    create: str
    keys: list[Statement]
    foreign_keys: list[Statement]


def split(name: str, text: str, auto_increment: str = "") -> Split:
    """Separate what is cheaper after the rows are in: secondary keys and foreign keys.

    Kept with the table: the primary key; unique keys when there is none (InnoDB clusters by one of them); a key that an
    AUTO_INCREMENT column needs. Failed when a line is of no known kind.
    """
    lines = text.split("\n")
    end = next((number for number, line in enumerate(lines) if line.startswith(")")), 0)
    if not lines[0].startswith("CREATE TABLE ") or not end:
        raise Failed(f"the definition of table {name!r} is not understood: {text[:200]}")
    body = [line.strip().removesuffix(",") for line in lines[1:end]]
    primary = [line for line in body if line.startswith("PRIMARY KEY")]
    counted = bool(primary) and f"(`{auto_increment.replace('`', '``')}`" in primary[0]
    kept: list[str] = []
    together: list[str] = []
    alone: list[str] = []
    foreign: list[str] = []
    for line in body:
        key = _KEY.match(line)
        if line.startswith(("`", "PRIMARY KEY")) or (line.startswith("CONSTRAINT") and " CHECK (" in line):
            kept.append(line)
        elif line.startswith("CONSTRAINT") and " FOREIGN KEY (" in line:
            foreign.append(line)
        elif key is None:
            raise Failed(f"a line of table {name!r} is not understood: {line}")
        elif (key[1] == "UNIQUE " and not primary) or (auto_increment and not counted and key[3] == auto_increment):
            kept.append(line)
        elif key[1] in ("FULLTEXT ", "SPATIAL "):
            alone.append(line)
        else:
            together.append(line)
    head = lines[0].replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
    create = "\n".join([head, ",\n".join(f"  {line}" for line in kept), *lines[end:]])
    # InnoDB makes one FULLTEXT key at a time (error 1795).
    groups = ([together] if together else []) + [[line] for line in alone]
    keys = [_add("keys", name, group) for group in groups]
    return Split(create, keys, [_add("foreign-keys", name, foreign)] if foreign else [])


def _add(kind: str, table: str, lines: list[str]) -> Statement:
    names = tuple(_added(line) for line in lines)
    joined = ",\n  ".join(f"ADD {line}" for line in lines)
    return Statement(kind, names[0], f"ALTER TABLE {identifier(table)}\n  {joined}", table, adds=names)


def _added(line: str) -> str:
    found = re.search(r"(?:KEY|CONSTRAINT) `((?:[^`]|``)*)`", line)
    return found[1].replace("``", "`") if found else ""


def without(statement: Statement, present: set[str]) -> str:
    """The ALTER TABLE without the keys in `present`; empty when nothing is left to add."""
    head, *lines = statement.sql.split("\n")
    wanted = [line.strip().removesuffix(",") for line in lines]
    left = [line for line in wanted if _added(line) not in present]
    return head + "\n  " + ",\n  ".join(left) if left else ""


def without_definer(text: str) -> tuple[str, str]:
    """(the statement without its DEFINER clause, the definer as user@host or empty). Only the clause, wherever else the
    words stand."""
    found = _DEFINER.match(text)
    if not found:
        return text, ""
    return found[1] + text[found.end() :], f"{found[2]}@{found[3]}"


def event(data: dict[str, str | None]) -> str:
    """CREATE EVENT, disabled: nothing may write to restored data before its site is the active one."""
    if data["type"] == "ONE TIME":
        schedule = f"AT {literal(data['at'] or '')}"
    else:
        every = data["interval"] or ""
        # As SHOW CREATE EVENT has it: 1 SECOND, but '1:30' MINUTE_SECOND.
        schedule = f"EVERY {every if every.isdecimal() else literal(every)} {data['unit']}"
        schedule += f" STARTS {literal(data['starts'])}" if data["starts"] else ""
        schedule += f" ENDS {literal(data['ends'])}" if data["ends"] else ""
    return (
        f"CREATE EVENT {identifier(data['name'] or '')} ON SCHEDULE {schedule} ON COMPLETION {data['completion']} "
        f"DISABLE COMMENT {literal(data['comment'] or '')} DO {data['body']}"
    )


def render(statements: list[Statement]) -> str:
    """A script of them."""
    # The mysql client takes delimiters of up to 15 characters.
    boundary = f"ts{secrets.token_hex(6)}"
    first = "SET NAMES utf8mb4, SESSION foreign_key_checks = 0"
    out = [f"-- twinsite script 1 {boundary}\nDELIMITER {boundary}\n{first}\n{boundary}\n"]
    for made in statements:
        about = {"kind": made.kind, "name": made.name, "table": made.table, "settings": made.settings}
        about |= {"drop": made.drop, "adds": list(made.adds)}
        if made.settings:
            out.append(f"{assignments(made.settings)}\n{boundary}\n")
        out.append(f"-- {boundary} {json.dumps(about)}\n{made.sql}\n{boundary}\n")
    return "".join(out)


def assignments(settings: dict[str, str]) -> str:
    """SET of session variables."""
    return "SET " + ", ".join(f"SESSION {name} = {literal(value)}" for name, value in sorted(settings.items()))


def parse(text: str) -> list[Statement]:
    """The statements of a script. Failed when it is none."""
    found = re.match(r"-- twinsite script 1 (ts[0-9a-f]{12})\n", text)
    if not found:
        raise Failed("the script of the backup is not understood: restore with the version that made it")
    head = f"-- {found[1]} "
    statements = []
    for piece in text.split(f"\n{found[1]}\n"):
        if not piece.startswith(head):
            continue
        about, _, sql = piece.removeprefix(head).partition("\n")
        said = json.loads(about)
        statements.append(Statement(sql=sql, **{**said, "adds": tuple(said["adds"])}))
    return statements
