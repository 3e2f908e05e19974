"""How a column's values become text and come back exactly. Pure: statements and bytes, no server.

A chunk is what `LOAD DATA` reads by default: one row a line, fields between tabs, `\\` escapes, NULL as `\\N`. The
client's batch output is the same except for NULL, which it prints like the text NULL. So the server is asked for a
random mark in its place (`NULL_MARK_BYTES` of it: no value holds it), and the mark is replaced as the bytes pass.
Bytes are never converted: results and LOAD DATA are both `binary`, each value in its column's own character set.

A table's sum is over values, so it is the same from the text on its way (`summed`) and from a server (`checksum`).
"""

import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Any

NULL_MARK_BYTES = 12
SUMMED_NULL = "NULL 5a1c7be2"
"""NULL in a checksum: part of the manifest's format. A sum takes it and a text of just these letters for the same."""

SHORT_BYTES = 2 << 20
"""So long a row every server can add up: the smallest default of max_allowed_packet has been 4 MiB since MySQL 5.6."""

EVERY_BYTE = b"".join(bytes((byte, ord("\\"), byte)) for byte in range(256))
"""A value to see a client's escapes by: each byte by itself and after a backslash."""

# Forms: how the server is asked for a value, and what LOAD DATA does with it.
PLAIN = "plain"
FLOAT = "float"  # as text a FLOAT has 6 digits; as a DOUBLE all that it holds
NUMBER = "number"  # BIT; ENUM and SET with a member '', which prints like no member at all
JSON = "json"  # LOAD DATA takes no JSON from binary text
HEX = "hex"  # VECTOR is neither text nor NULL-able together with text
WIDE = "wide"  # UTF-16 and its kind, as bytes: a mark put among them would be padded
_FORMS = {"float": FLOAT, "bit": NUMBER, "json": JSON, "vector": HEX}


@dataclass(frozen=True)
class Column:
    """A column whose values are stored (generated ones are not in a backup)."""

    name: str
    form: str = PLAIN
    nullable: bool = True

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "form": self.form, "nullable": self.nullable}


def column(data: dict[str, Any]) -> Column:
    """From a manifest. ValueError for a form that this version does not know."""
    form = str(data["form"])
    if form not in (PLAIN, FLOAT, NUMBER, JSON, HEX, WIDE):
        raise ValueError(f"column {data['name']!r} has form {form!r}: restore with the version that made the backup")
    return Column(str(data["name"]), form, bool(data["nullable"]))


def form_of(data_type: str, character_set: str, column_type: str) -> str:
    """The form of a column, by information_schema's DATA_TYPE, CHARACTER_SET_NAME ("" for what is no text) and
    COLUMN_TYPE."""
    if data_type.lower() in ("enum", "set") and "" in re.findall("'((?:[^']|'')*)'", column_type):
        return NUMBER
    if character_set in ("ucs2", "utf16", "utf16le", "utf32"):
        return WIDE
    return _FORMS.get(data_type.lower(), PLAIN)


def identifier(name: str) -> str:
    """A quoted name."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A quoted string, for a session where the backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def _value(wanted: Column) -> str:
    name = identifier(wanted.name)
    asked = {
        FLOAT: f"CAST({name} AS DOUBLE)",
        NUMBER: f"CAST({name} AS UNSIGNED)",
        HEX: f"HEX({name})",
        WIDE: f"CAST({name} AS BINARY)",
    }
    return asked.get(wanted.form, name)


def _told(wanted: Column, null: str) -> str:
    """A column's value, or `null` in its place."""
    return f"IFNULL({_value(wanted)}, _binary'{null}')" if wanted.nullable else _value(wanted)


def new_mark() -> bytes:
    """A mark for NULL: letters and digits only, so that neither client nor LOAD DATA escapes it."""
    return b"N" + secrets.token_hex(NULL_MARK_BYTES).encode()


def select(table: str, columns: list[Column], mark: bytes, where: str = "", by_key: bool = True) -> str:
    """The statement that reads rows as text."""
    fields = [_told(wanted, mark.decode()) for wanted in columns]
    key = " FORCE INDEX (PRIMARY)" if by_key else ""
    condition = f" WHERE {where}" if where else ""
    return f"SELECT {', '.join(fields)} FROM {identifier(table)}{key}{condition}"


def load(table: str, columns: list[Column], path: str = "/dev/stdin") -> str:
    """The statement that writes them."""
    names, settings = [], []
    for number, wanted in enumerate(columns):
        if (told := stored(wanted, f"@v{number}")) == f"@v{number}":
            names.append(identifier(wanted.name))
        else:
            names.append(f"@v{number}")
            settings.append(f"{identifier(wanted.name)} = {told}")
    tail = f" SET {', '.join(settings)}" if settings else ""
    return (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {identifier(table)} CHARACTER SET binary "
        f"FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({', '.join(names)}){tail}"
    )


def stored(wanted: Column, text: str) -> str:
    """What is stored of a field's text, an expression of binary text."""
    asked = {
        JSON: f"CONVERT({text} USING utf8mb4)",
        NUMBER: f"CAST({text} AS UNSIGNED)",
        # A vector of no numbers is what NULL becomes in a column that has none, and cannot be given otherwise.
        HEX: f"UNHEX(NULLIF({text}, ''))",
    }
    return asked.get(wanted.form, text)


def checksum(table: str, columns: list[Column], where: str = "") -> str:
    """The statement that counts rows and adds up their CRC-32: the same at any order, storage format and version.

    The sum is not reduced, so that equal rows do not cancel each other as under XOR; sums of ranges add up.
    """
    separator = r"_binary'\t' COLLATE `binary`"
    fields = f", {separator}, ".join(_told(wanted, SUMMED_NULL) for wanted in columns)
    condition = f" WHERE {where}" if where else ""
    # Nothing is NULL here, and CONCAT takes an eighth less of the server than CONCAT_WS. The first text has an explicit
    # collation, so none is converted to another's character set, also where there is one column.
    added = f"COALESCE(SUM(CRC32(CONCAT(_binary'' COLLATE `binary`, {fields}))), 0)"
    return f"SELECT COUNT(*), {added} FROM {identifier(table)}{condition}"


def summed(lines: bytes, mark: bytes) -> int:
    """What that statement says of the rows that the client has printed, with `mark` for NULL, as these whole lines."""
    several = lines.replace(mark, SUMMED_NULL.encode()).split(b"\n")
    # What follows the last line's end is empty, and its CRC-32 is 0.
    return sum(map(zlib.crc32, map(cell, several) if b"\\" in lines else several))


def longest(lines: bytes) -> int:
    """Bytes of the longest row's values in whole lines; 0 for lines that are short together (SHORT_BYTES)."""
    return 0 if len(lines) <= SHORT_BYTES else max(len(cell(line)) for line in lines.split(b"\n"))


def count(table: str, where: str = "") -> str:
    """The statement that counts rows."""
    return f"SELECT COUNT(*) FROM {identifier(table)}" + (f" WHERE {where}" if where else "")


_ESCAPES = {ord("n"): b"\n", ord("t"): b"\t", ord("0"): b"\0", ord("\\"): b"\\"}


def cell(raw: bytes) -> bytes:
    """The value of one field of the client's batch output."""
    if b"\\" not in raw:
        return raw
    parts = raw.split(b"\\")
    out = [parts[0]]
    following = iter(parts[1:])
    for part in following:
        if part:
            out.append(_ESCAPES.get(part[0], part[:1]) + part[1:])
        else:  # two backslashes in a row: an escaped one, and what follows is plain
            out.append(b"\\" + next(following, b""))
    return b"".join(out)


def escaped(value: bytes | None) -> bytes:
    """One field of a chunk, as LOAD DATA reads it."""
    if value is None:
        return b"\\N"
    return value.replace(b"\\", b"\\\\").replace(b"\0", b"\\0").replace(b"\n", b"\\n").replace(b"\t", b"\\t")


def field(raw: bytes) -> bytes | None:
    """The value of one field of a chunk."""
    return None if raw == b"\\N" else cell(raw)


def ranges(low: int, high: int, count: int) -> list[tuple[int, int]]:
    """At most `count` closed ranges of nearly equal width that cover low..high, in order."""
    count = max(1, min(count, high - low + 1))
    starts = [low + (high - low + 1) * number // count for number in range(count)]
    ends = [*(start - 1 for start in starts[1:]), high]
    return list(zip(starts, ends, strict=True))
