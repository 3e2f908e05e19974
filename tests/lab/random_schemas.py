"""Schemas of any types, character sets, names and values, as statements that make them. For Hypothesis.

Not among them: members of ENUM beyond the BMP, which MySQL does not show (a backup says so; there is a case for it).
"""

import dataclasses
import datetime
import json
from typing import Any

from hypothesis import strategies as st

CHARACTER_SETS = {
    "ascii": "a",
    "latin1": "aé",
    "utf8mb3": "aé語",
    "utf8mb4": "aé語😀",
    "gbk": "a签",
    "sjis": "aソ",
    "cp1251": "aЖ",
    "ucs2": "aé語",
    "utf16": "aé語😀",
    "utf32": "aé語😀",
    "gb18030": "a签𠀀",
}
"""Each with letters that it has."""

SPECIAL = ["\\", "'", '"', "`", "\n", "\r\n", "\t", "\0", "\x1a", "%", "_", ",", "\\N", "NULL", " ", "--", "/*", ";"]

names = st.text(
    st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=10
) | st.sampled_from(["", ".", "a`b", "it's", "select", "x y", "%s", "\\", "a/b", "$", "-- ", "Ü" * 20])


@dataclasses.dataclass(frozen=True)
class Kind:
    """A column's type, and its values as SQL."""

    sql: str
    values: st.SearchStrategy[str]
    counts: bool = False
    """Whether it is a whole number."""
    is_json: bool = False


def text_in(letters: str) -> st.SearchStrategy[str]:
    """Text of a character set's letters and of what is special somewhere on the way."""
    return st.lists(st.sampled_from([*letters, *SPECIAL]), max_size=6).map("".join)


def quoted(text: str) -> str:
    return f"_utf8mb4 X'{text.encode().hex()}'"


def _number(kind: str, bits: int) -> list[Kind]:
    signed = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).map(str)
    unsigned = st.integers(0, 2**bits - 1).map(str)
    return [
        Kind(kind, signed, True),
        Kind(f"{kind} UNSIGNED", unsigned, True),
        Kind(f"{kind} ZEROFILL", unsigned, True),
    ]


def _double(value: float) -> str:
    return f"{value!r}e0" if "e" not in repr(value) else repr(value)


doubles = st.floats(allow_nan=False, allow_infinity=False).map(_double)
decimals = st.decimals(-(10**9), 10**9, places=3).map(str)
binary = st.binary(max_size=12).map(lambda value: f"X'{value.hex()}'")
dates = st.builds(
    "{:04}-{:02}-{:02}".format, st.integers(1000, 9999), st.integers(0, 12), st.integers(0, 31)
) | st.just("0000-00-00")
times = st.builds(
    "{:02}:{:02}:{:02}.{:06}".format, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999999)
)
moments = st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2038, 1, 18)).map(str)

json_leaves = st.one_of(
    doubles,
    decimals,
    st.integers(-(10**25), 10**25).map(str),
    text_in("aé😀").map(quoted),
    st.sampled_from(["NULL", "CAST('true' AS JSON)", "0.00", "-0e0", "1e22", "0.10"]),
)
json_values = st.recursive(
    json_leaves,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda several: f"JSON_ARRAY({', '.join(several)})")
        | st.dictionaries(text_in("aé😀"), inner, max_size=3).map(
            lambda pairs: f"JSON_OBJECT({', '.join(f'{quoted(key)}, {value}' for key, value in pairs.items())})"
        )
    ),
    max_leaves=8,
).map(lambda value: f"JSON_EXTRACT(JSON_ARRAY({value}), '$[0]')") | st.recursive(
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
).map(lambda value: quoted(json.dumps(value).replace("\\ud", "x")))

angles = st.integers(0, 80)
shapes = st.sampled_from(["GEOMETRYCOLLECTION EMPTY", "LINESTRING(0 0,1 1)"]).map("ST_GeomFromText('{}')".format)
PLAIN: list[Kind] = [
    *_number("TINYINT", 8),
    *_number("SMALLINT", 16),
    *_number("INT", 32),
    *_number("BIGINT", 64),
    Kind("DECIMAL(12,3)", decimals),
    Kind("DECIMAL(65,30)", st.decimals(-(10**30), 10**30, places=20).map(str)),
    Kind("FLOAT", doubles),
    Kind("FLOAT(7,3)", st.floats(-(10**4), 10**4).map(_double)),
    Kind("DOUBLE", doubles),
    Kind("DOUBLE(12,4)", st.floats(-(10**8), 10**8).map(_double)),
    Kind("BIT(1)", st.sampled_from(["b'0'", "b'1'"])),
    Kind("BIT(64)", st.integers(0, 2**64 - 1).map(str)),
    Kind("DATE", dates.map("'{}'".format)),
    Kind("DATETIME(6)", st.builds("'{} {}'".format, dates, times)),
    Kind("DATETIME", st.builds("'{} {}'".format, dates, times)),
    Kind("TIMESTAMP(3) NULL", moments.map("'{}'".format) | st.just("0")),
    Kind("TIME(6)", times.map("'{}'".format) | st.sampled_from(["'-838:59:59'", "'838:59:59.0'", "'-00:00:00.1'"])),
    Kind("YEAR", st.integers(1901, 2155).map(str) | st.just("0")),
    Kind("BINARY(5)", binary),
    Kind("VARBINARY(12)", binary),
    Kind("BLOB", binary),
    Kind("JSON", json_values, is_json=True),
    Kind("POINT", st.builds("ST_GeomFromText('POINT({} {})', {})".format, angles, angles, st.sampled_from([0, 4326]))),
    Kind("GEOMETRY", shapes),
    Kind("VECTOR(2)", st.builds("TO_VECTOR('[{},{}]')".format, st.floats(-9, 9, width=32), st.integers(-9, 9))),
]


SHAPES = ("POINT", "GEOMETRY")


@st.composite
def texts(draw: st.DrawFn) -> Kind:
    """Text of a character set."""
    name = draw(st.sampled_from(sorted(CHARACTER_SETS)))
    letters = CHARACTER_SETS[name]
    values = text_in(letters).map(lambda text: f"CONVERT({quoted(text)} USING {name})")
    kind = draw(st.sampled_from(["CHAR(9)", "VARCHAR(40)", "TEXT", "LONGTEXT"]))
    return Kind(f"{kind} CHARACTER SET {name}", values)


@st.composite
def choices(draw: st.DrawFn) -> Kind:
    """An ENUM or SET, with the values that have no member."""
    name = draw(st.sampled_from(sorted(CHARACTER_SETS)))
    several = ["", "x", "it's", "back\\slash", "A B", *(one for one in CHARACTER_SETS[name] if one < "\U00010000")]
    members = draw(st.lists(st.sampled_from(several), min_size=1, max_size=5, unique_by=str.lower))
    words = ", ".join("'" + one.replace("\\", "\\\\").replace("'", "''") + "'" for one in members)
    if draw(st.booleans()):
        return Kind(f"ENUM({words}) CHARACTER SET {name}", st.integers(0, len(members)).map(str))
    return Kind(f"SET({words}) CHARACTER SET {name}", st.integers(0, 2 ** len(members) - 1).map(str))


@dataclasses.dataclass(frozen=True)
class Table:
    """Statements that make one, and whether its stored bytes are comparable (JSON's are not: text decides)."""

    name: str
    statements: tuple[str, ...]
    has_json: bool


@st.composite
def tables(draw: st.DrawFn, number: int) -> Table:
    name = f"{draw(names)}{number}"
    kinds = draw(st.lists(st.one_of(st.sampled_from(PLAIN), texts(), choices()), min_size=1, max_size=7))
    columns = [f"{draw(names)}{place}" for place in range(len(kinds))]
    lines, given = [], []
    for column, kind in zip(columns, kinds, strict=True):
        null = "" if "NULL" in kind.sql or draw(st.booleans()) else " NOT NULL"
        # Of other types IGNORE makes NULL their implicit default; a shape has none (error 3673).
        given.append(bool(null) and kind.sql in SHAPES)
        comment = f" COMMENT {literal(draw(text_in('aé語😀')))}" if draw(st.booleans()) else ""
        lines.append(f"{name_of(column)} {kind.sql}{null}{comment}")
    counting = [column for column, kind in zip(columns, kinds, strict=True) if kind.counts]
    if draw(st.booleans()) and counting:
        stored = draw(st.sampled_from(["STORED", "VIRTUAL"]))
        lines.append(f"`made` DECIMAL(30,0) AS ({name_of(counting[0])} * 2) {stored}")
    key: str = draw(st.sampled_from(["none", "own", "first"]))
    if key == "own":
        lines.append("`own key` BIGINT AUTO_INCREMENT PRIMARY KEY")
    elif key == "first" and counting:
        lines.append(f"PRIMARY KEY ({name_of(counting[0])})")
    if len(counting) > 1:
        lines.append(f"KEY {name_of(draw(names) + 'k')} ({name_of(counting[1])}, {name_of(counting[0])})")
    listed = ", ".join(map(name_of, columns))
    make = f"CREATE TABLE {name_of(name)} ({', '.join(lines)}) COMMENT {literal(draw(text_in('aé語😀')))}"
    inserts = []
    for _ in range(draw(st.integers(0, 4))):
        values = ", ".join(
            "NULL" if draw(st.integers(0, 5)) == 0 and not must else draw(kind.values)
            for kind, must in zip(kinds, given, strict=True)
        )
        # Of what a server would not take, it takes what it can.
        inserts.append(f"INSERT IGNORE INTO {name_of(name)} ({listed}) VALUES ({values})")
    return Table(name, (make, *inserts), any(kind.is_json for kind in kinds))


@st.composite
def schemas(draw: st.DrawFn) -> list[Table]:
    """Several tables, so that a backup of a random schema is worth its seconds."""
    return [draw(tables(number)) for number in range(draw(st.integers(2, 6)))]


def name_of(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0")
    return f"'{escaped}'"


def script(made: list[Table]) -> str:
    """All of it, as the mysql client reads it."""
    statements: list[Any] = ["SET sql_mode = 'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"]
    return "DELIMITER ~~~\n" + "".join(
        f"{one}\n~~~\n" for one in [*statements, *(s for t in made for s in t.statements)]
    )
