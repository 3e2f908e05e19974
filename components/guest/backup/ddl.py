"""Statements as values: what of a table is made before its rows and what after, definers, and the scripts of a backup.

Text is what a server shows, byte by byte: a routine's body is in the character set that its author's client had, so
text here holds what is no UTF-8 as surrogates (`surrogateescape`), and is never re-encoded on the way.

A script is SQL that a person can feed to `mysql --binary-mode SCHEMA`, too. A boundary of its own, drawn at random, is
the delimiter and begins the line that says what a statement makes, so no text in it can be mistaken for either.
"""

import dataclasses
import json
import re
import secrets
from dataclasses import dataclass, field

from ..errors import Failed
from .rows import identifier, literal

_STRING = r"'(?:[^'\\]|\\.|'')*'"
_QUOTED = r"`(?:[^`]|``)*`"
# A routine that was made under ANSI_QUOTES is shown with them.
_NAME = rf'(?:{_QUOTED}|"(?:[^"]|"")*")'
_TOKEN = re.compile(rf"{_STRING}|{_QUOTED}|[(),]", re.DOTALL)
_KEY = re.compile(rf"(UNIQUE |FULLTEXT |SPATIAL )?KEY ({_QUOTED}) \(({_QUOTED})?", re.DOTALL)
_FOREIGN = re.compile(
    rf"CONSTRAINT ({_QUOTED}) FOREIGN KEY (?:{_QUOTED} )?\((?:{_QUOTED}(?:, ?)?)+\) "
    rf"REFERENCES (?:({_QUOTED})\.)?({_QUOTED})",
    re.DOTALL,
)
_DEFINER = re.compile(rf"^(CREATE\s+(?:ALGORITHM=\w+\s+)?)DEFINER=({_NAME})@({_NAME})\s+", re.DOTALL)
_EVENT = re.compile(
    rf"(CREATE EVENT {_NAME} ON SCHEDULE (?:AT|EVERY) (?:{_STRING}|[^'`\"])*? ON COMPLETION (?:NOT )?PRESERVE )"
    rf"(?:ENABLE|DISABLE ON SLAVE|DISABLE ON REPLICA|DISABLE)(?: COMMENT ({_STRING}))?( DO )(.*)",
    re.DOTALL,
)
_ENDS = re.compile(rf"CREATE EVENT {_NAME} ON SCHEDULE (?:AT '([^']*)'|EVERY .*? ENDS '([^']*)') ON COMPLETION NOT")
_ROUTINE = re.compile(
    rf"(CREATE (?:FUNCTION|PROCEDURE) {_NAME})(\(.*?)(\)(?: RETURNS [^\n]+)?\n(?:    (?:NO SQL|READS SQL DATA|"
    rf"MODIFIES SQL DATA|DETERMINISTIC|SQL SECURITY INVOKER|LANGUAGE \w+|COMMENT {_STRING})\n)*)(.*)",
    re.DOTALL,
)
_EVERYWHERE = ("information_schema", "mysql", "performance_schema", "sys")
_TRIGGER = re.compile(rf"(CREATE TRIGGER {_NAME} \w+ \w+ ON {_NAME} FOR EACH ROW )(.*)", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """One object of the schema, as a restore makes it: without a definer, an event disabled."""

    kind: str
    """table, function, procedure, view, trigger or event."""
    name: str
    sql: str
    table: str = ""
    """Of a trigger."""
    settings: dict[str, str] = field(default_factory=dict)
    """Session variables that it is made under."""
    collation: str = ""
    """The schema's default collation when it was made: what a routine's undeclared texts have. Empty: of no effect."""

    @property
    def drop(self) -> str:
        """Run before it, so that it can be made twice."""
        return f"DROP {self.kind.upper()} IF EXISTS {identifier(self.name)}"

    @property
    def label(self) -> str:
        """Unique within a schema."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Added:
    """Keys, or foreign keys, of one table, to be added in one statement."""

    kind: str
    """keys or foreign-keys."""
    table: str
    clauses: tuple[tuple[str, str], ...]
    """Name and clause."""

    def sql(self, present: set[str]) -> str:
        """The ALTER TABLE without what is `present`; empty when nothing is left to add."""
        left = [f"ADD {clause}" for name, clause in self.clauses if name not in present]
        return f"ALTER TABLE {identifier(self.table)}\n  " + ",\n  ".join(left) if left else ""


@dataclass(frozen=True)
class Split:
    """A table's SHOW CREATE TABLE, in the order of a restore."""

    create: str
    keys: list[Added]
    foreign_keys: list[Added]


def _unquoted(name: str) -> str:
    return name[1:-1].replace(name[0] * 2, name[0])


def _parts(name: str, text: str) -> tuple[str, list[str], str]:
    """(up to and with the opening bracket, columns and keys, the closing bracket and what follows)."""
    depth, start, head, items = 0, 0, "", []
    for token in _TOKEN.finditer(text):
        if token[0] == "(":
            depth += 1
            if depth == 1:
                head, start = text[: token.end()], token.end()
        elif token[0] == ")":
            depth -= 1
        if (token[0] == "," and depth == 1) or (token[0] == ")" and depth == 0):
            items.append(text[start : token.start()].strip())
            start = token.end()
        if token[0] == ")" and depth == 0:
            return head, items, text[token.start() :]
    raise Failed(f"the definition of table {name!r} is not understood: {text[:200]}")


def _plain(item: str) -> str:
    """Without what is quoted."""
    return re.sub(rf"{_STRING}|{_QUOTED}", "``", item, flags=re.DOTALL)


def split(name: str, text: str) -> Split:
    """Separate what is cheaper after the rows are in: secondary keys and foreign keys.

    Kept with the table: the primary key; unique keys when there is none (InnoDB clusters by one of them); a key that an
    AUTO_INCREMENT column needs; whatever is of no kind known here.
    """
    head, items, tail = _parts(name, text)
    if not head.startswith("CREATE TABLE "):
        raise Failed(f"the definition of table {name!r} is not understood: {text[:200]}")
    auto = next((item for item in items if item.startswith("`") and "AUTO_INCREMENT" in _plain(item).split()), "")
    counted = re.match(_QUOTED, auto)
    primary = next((item for item in items if item.startswith("PRIMARY KEY")), "")
    # A key that begins with the counted column, unless the primary key does.
    needed = counted[0] if counted and not primary.startswith(f"PRIMARY KEY ({counted[0]}") else None
    kept: list[str] = []
    together: list[tuple[str, str]] = []
    alone: list[tuple[str, str]] = []
    foreign: list[tuple[str, str]] = []
    for item in items:
        key, other = _KEY.match(item), _FOREIGN.match(item)
        if other:
            foreign.append((_unquoted(other[1]), item))
        elif not key or (key[1] == "UNIQUE " and not primary) or (needed and key[3] == needed):
            kept.append(item)
        elif key[1] in ("FULLTEXT ", "SPATIAL "):
            alone.append((_unquoted(key[2]), item))
        else:
            together.append((_unquoted(key[2]), item))
    head = head.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
    create = head + "\n" + ",\n".join(f"  {item}" for item in kept) + "\n" + tail
    # InnoDB makes one FULLTEXT key at a time (error 1795).
    groups = ([tuple(together)] if together else []) + [(one,) for one in alone]
    keys = [Added("keys", name, group) for group in groups]
    return Split(create, keys, [Added("foreign-keys", name, tuple(foreign))] if foreign else [])


def references_outside(name: str, text: str) -> list[tuple[str, str, str]]:
    """(foreign key, schema, table) of each that leads out of the table's schema."""
    found = [_FOREIGN.match(item) for item in _parts(name, text)[1]]
    return [(_unquoted(one[1]), _unquoted(one[2]), _unquoted(one[3])) for one in found if one and one[2]]


def comparable(name: str, text: str, without: "set[str] | None" = None) -> list[str]:
    """A table's definition for a comparison: no counter, which goes on; no foreign keys named in `without`."""
    head, items, tail = _parts(name, text)
    kept = [item for item in items if not ((one := _FOREIGN.match(item)) and _unquoted(one[1]) in (without or ()))]
    return [head, *kept, re.sub(r"^(\)[^']*?) AUTO_INCREMENT=\d+", r"\1", tail)]


def enumerations(text: str, name: str) -> list[tuple[str, str, list[str]]]:
    """(column, ENUM or SET, members as shown) of a table's columns of these types."""
    found = []
    for item in _parts(name, text)[1]:
        column = re.match(rf"({_QUOTED}) (enum|set)\(((?:{_STRING},?)*)\)", item, re.DOTALL)
        if column:
            found.append((_unquoted(column[1]), column[2].upper(), re.findall(_STRING, column[3], re.DOTALL)))
    return found


def with_members(text: str, name: str, column: str, members: list[str]) -> str:
    """The definition with these members, quoted, in an ENUM's or SET's place."""
    for item in _parts(name, text)[1]:
        told = re.match(rf"({re.escape(identifier(column))} (?:enum|set)\()(?:{_STRING},?)*\)", item, re.DOTALL)
        if told:
            return text.replace(item, told[1] + ",".join(members) + ")" + item[told.end() :], 1)
    return text


def without_definer(text: str) -> tuple[str, str]:
    """(the statement without its DEFINER clause, the definer as user@host or empty). Only the clause, wherever else the
    words stand."""
    found = _DEFINER.match(text)
    if not found:
        return text, ""
    return found[1] + text[found.end() :], f"{_unquoted(found[2])}@{_unquoted(found[3])}"


def disabled(text: str, sql_mode: str) -> str:
    """CREATE EVENT, disabled: nothing may write to restored data before its site is the active one.

    Its comment is shown with backslashes also where the event's own mode takes them for letters.
    """
    found = _EVENT.fullmatch(text)
    if not found:
        raise Failed(f"the definition of an event is not understood: {text[:200]}")
    comment = found[2] or ""
    if "NO_BACKSLASH_ESCAPES" in sql_mode and comment:
        escapes = {"n": "\n", "r": "\r", "0": "\0"}
        comment = re.sub(r"\\(.)", lambda one: escapes.get(one[1], one[1]), comment, flags=re.DOTALL)
    return f"{found[1]}DISABLE{f' COMMENT {comment}' if comment else ''}{found[3]}{found[4]}"


def ends(text: str) -> str:
    """The time, in its own zone, after which an event is gone: MySQL makes none of the past. Empty: it stays."""
    found = _ENDS.match(text)
    return (found[1] or found[2]) if found else ""


def pieces(kind: str, text: str) -> list[tuple[bool, str]]:
    """A program's text in order: (whether it is the server's wording, in UTF-8; or its author's, as it came), text."""
    if kind in ("function", "procedure") and (found := _ROUTINE.fullmatch(text)):
        return [(True, found[1]), (False, found[2]), (True, found[3]), (False, found[4])]
    if kind == "trigger" and (found := _TRIGGER.fullmatch(text)):
        return [(True, found[1]), (False, found[2])]
    if kind == "event" and (found := _EVENT.fullmatch(text)):
        return [(True, text[: found.start(4)]), (False, found[4])]
    return [(False, text)]


def _qualified(schema: str) -> "re.Pattern[str]":
    """In a view's text, which is the server's wording: strings and names to be passed over, or a name in the schema."""
    place = re.escape(identifier(schema))
    named = rf"(?P<before>\b(?:from|join) \(*)?{place}\.(?P<name>{_QUOTED})(?P<after>[(.]?)"
    return re.compile(rf"{_STRING}|{named}|{_QUOTED}", re.DOTALL)


def view_uses(text: str) -> set[str]:
    """Tables and views of its own schema that a view reads, and perhaps some names more."""
    return {_unquoted(name) for name in re.findall(rf"\b(?:from|join) \(*({_QUOTED})(?!\.)", text)}


def same_columns(text: str) -> str:
    """A view's text with its columns by table and name alone: MySQL shows the schema before some, and not again when
    the view is made from what it has shown."""
    named = rf"{_QUOTED}\.(?P<rest>{_QUOTED}\.{_QUOTED})"
    return re.sub(rf"{_STRING}|{named}|{_QUOTED}", lambda found: found["rest"] or found[0], text, flags=re.DOTALL)


def view_reads(text: str, schema: str) -> list[str]:
    """What a view names outside of its schema, as schema.name."""
    named = rf"(?P<before>\b(?:from|join) \(*)?(?P<place>{_QUOTED})\.(?P<name>{_QUOTED})(?P<after>\()?"
    pattern = re.compile(rf"{_STRING}|{named}|{_QUOTED}", re.DOTALL)
    found = [one for one in pattern.finditer(text) if one["before"] or one["after"]]
    names = {(_unquoted(one["place"]), _unquoted(one["name"])) for one in found}
    return sorted(f"{place}.{name}" for place, name in names if place not in (schema, *_EVERYWHERE))


_WORD = rf"({_QUOTED}|[^\W\d][\w$]*)"
_USED = re.compile(rf"\b(?:into|from|join|update|call)\s+{_WORD}\s*\.\s*{_WORD}", re.IGNORECASE)
_NO_TABLE = re.compile(
    r"\b(?:extract|trim|substr|substring|mid)\s*\((?:[^()]|\([^()]*\))*?\bfrom\b|\bkey\s+update\b", re.IGNORECASE
)
_SAID = re.compile(rf"/\*(?!!).*?\*/|(?:#|--\s)[^\n]*|{_STRING}|{_QUOTED}", re.DOTALL)


def program_uses(text: str, schema: str) -> list[str]:
    """What a program of its author's wording reads, writes or calls outside of its schema, as schema.name; as far as
    that can be seen without reading it as a server does."""
    plain = _NO_TABLE.sub(" ", _SAID.sub(lambda found: found[0] if found[0][0] == "`" else " ", text))
    names = {tuple(name.strip("`") for name in found.groups()) for found in _USED.finditer(plain)}
    own = (schema.lower(), "new", "old", *_EVERYWHERE)
    # What stands anywhere without a dot behind it is a table's name or alias, and what came after the dot a column.
    return sorted(
        f"{place}.{name}"
        for place, name in names
        if place.lower() not in own
        and not re.search(rf"(?<![\w$.]){re.escape(place)}(?![\w$])(?:`|(?!`))(?!\s*\.)", plain)
    )


def moved(statement: Statement, schema: str, into: str) -> Statement:
    """A view of a schema that is restored under another name: it reads that one."""
    if statement.kind != "view" or schema == into:
        return statement

    def renamed(found: "re.Match[str]") -> str:
        # `schema`.`x` may also be the column of a table that goes by the schema's name.
        if found["name"] and (found["before"] or found["after"]):
            return f"{found['before'] or ''}{identifier(into)}.{found['name']}{found['after']}"
        return found[0]

    return dataclasses.replace(statement, sql=_qualified(schema).sub(renamed, statement.sql))


def names(statement: Statement, schema: str) -> bool:
    """Whether a program's text names a schema, be it in a comment: restored elsewhere it would work there."""
    name = re.escape(schema)
    return bool(re.search(rf"(?<![\w$])[`\"]?{name}[`\"]?\s*\.", statement.sql, re.IGNORECASE))


def render(statements: list[Statement], collation: str = "") -> str:
    """A script of them; `collation` is the schema's."""
    # The mysql client takes delimiters of up to 15 characters.
    boundary = f"ts{secrets.token_hex(6)}"
    first = "SET NAMES utf8mb4, SESSION foreign_key_checks = 0"
    out = [f"-- twinsite script 2 {boundary}\nDELIMITER {boundary}\n{first}\n{boundary}\n"]
    present = collation
    for made in statements:
        about = {name: value for name, value in dataclasses.asdict(made).items() if name != "sql"}
        if made.collation and made.collation != present:
            present = made.collation
            out.append(f"ALTER DATABASE COLLATE {present}\n{boundary}\n")
        if made.settings:
            out.append(f"{assignments(made.settings)}\n{boundary}\n")
        out.append(f"-- {boundary} {json.dumps(about)}\n{made.sql}\n{boundary}\n")
    if present != collation:
        out.append(f"ALTER DATABASE COLLATE {collation}\n{boundary}\n")
    return "".join(out)


def assignments(settings: dict[str, str]) -> str:
    """SET of session variables."""
    return "SET " + ", ".join(f"SESSION {name} = {literal(value)}" for name, value in sorted(settings.items()))


def parse(text: str) -> list[Statement]:
    """The statements of a script. Failed when it is none."""
    found = re.match(r"-- twinsite script 2 (ts[0-9a-f]{12})\n", text)
    if not found:
        raise Failed("the script of the backup is not understood: restore with the version that made it")
    head = f"-- {found[1]} "
    statements = []
    for piece in text.split(f"\n{found[1]}\n"):
        if not piece.startswith(head):
            continue
        about, _, sql = piece.removeprefix(head).partition("\n")
        statements.append(Statement(sql=sql, **json.loads(about)))
    return statements
