"""A table's rows in parts by their key, each part as a few sums: how two ends are compared while one is written.

What is judged is what stayed the same for long enough, part by part or row by row; by xmin, which every change of a row
raises (PostgreSQL, System Columns), so that a change and its reverse are seen as well. Pure, but for `read`.
"""

import enum
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .facts import Table
from .psql import Server, identifier

COARSE = 4
"""Hexadecimal digits of the key's MD5: 65,536 parts."""
SINGLE = 32
"""All of them: each key is a part."""
_SAME_TEXT = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; "
    "SET extra_float_digits = 1;"
)
"""A role or a database may have its own, and the same value would be another text."""
_IN_MEMORY = "SET work_mem = '64MB'; SET enable_sort = off;"
"""The planner takes every row for a part of its own, and would sort them all on disk: the sums of all parts are some
30 MiB, and a row is read once."""
_SUMS = """
SELECT left(hash, {digits}) AS part,
    count(*) AS rows,
    sum(('x' || substr(hash, 5, 15))::bit(60)::bigint)::text AS keys,
    sum(changed)::text AS changed{more}
FROM (
    SELECT md5({key}) AS hash, t.xmin::text::bigint AS changed, ROW({whole})::text AS whole, {key} AS key
    FROM {table} t
) r
{among}
GROUP BY 1
"""
_CONTENT = ",\n    sum(('x' || left(md5(whole), 15))::bit(60)::bigint)::text AS content"
_KEY = ",\n    left(min(key), 100) AS key"


@dataclass(frozen=True)
class Columns:
    """Of one table, those that both ends have."""

    key: tuple[str, ...]
    whole: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Sums of some rows of one end."""

    rows: int = 0
    keys: str = "0"
    changed: str = "0"
    """Of this end alone."""
    content: str = "0"
    key: str = ""
    """As people read it; of the first row."""

    def still(self, later: "Part") -> bool:
        """Whether no row of it was touched until `later`, at the same end."""
        return (self.rows, self.keys, self.changed) == (later.rows, later.keys, later.changed)

    def same(self, other: "Part") -> bool:
        """Whether the other end has the same rows."""
        return (self.rows, self.keys, self.content) == (other.rows, other.keys, other.content)


NONE = Part()
Parts = Mapping[str, Part]


def read(
    server: Server,
    table: Table,
    columns: Columns,
    digits: int,
    among: "Collection[str] | None",
    seconds: float,
    content: bool = True,
) -> Parts:
    """One statement, so that all parts are of one moment. `among`: of these parts (COARSE) alone; without `content` it
    is said what was touched, at a third of the work. PgError."""
    listed = "" if among is None else f"WHERE left(hash, {COARSE}) = ANY ('{{{','.join(sorted(among))}}}')"
    more = (_CONTENT if content else "") + (_KEY if digits == SINGLE else "")
    whole = _listed(columns.whole)
    # A key of one column has no NULL, and a row's text takes the server longer.
    single = len(columns.key) == 1 and columns.key != columns.whole
    key = f"t.{identifier(columns.key[0])}::text" if single else f"ROW({_listed(columns.key)})::text"
    asked = _SUMS.format(digits=digits, key=key, whole=whole, table=table.sql, among=listed, more=more)
    told = server.script(
        f"{_SAME_TEXT} {_IN_MEMORY} SET statement_timeout = {max(1, int(seconds * 1000))};\n"
        f"SELECT coalesce(json_agg(q), '[]') FROM ({asked}) q;",
        seconds + server.patience.connect,
    )
    return {row.pop("part"): Part(**row) for row in json.loads(told)}


def _listed(columns: "tuple[str, ...]") -> str:
    return ", ".join(f"t.{identifier(one)}" for one in columns)


class Verdict(enum.Enum):
    """Of a part, or of a row."""

    EQUAL = "equal"
    DIFFERS = "differs"
    LACKS = "lacks"
    MOVING = "moving"
    GONE = "gone"


def judged(before: Parts, there: Parts, after: Parts) -> dict[str, Verdict]:
    """Of parts: the writer's, the follower's with all of that, the writer's again. One that differs may have had rows
    that came and went in between."""
    found = {}
    for name in {*before, *there, *after}:
        last = after.get(name, NONE)
        if not before.get(name, NONE).still(last):
            found[name] = Verdict.MOVING
        else:
            found[name] = Verdict.EQUAL if there.get(name, NONE).same(last) else Verdict.DIFFERS
    return found


def judged_row(written: "tuple[Part, Part]", followed: "tuple[Part, Part]") -> Verdict:
    """Of one key, read in turns: writer, follower, writer, follower, a heartbeat that went after each of the writer's
    having come before each of the follower's.

    A row that the writer had unchanged from its first to its second is at the follower in between. A row that the
    follower had unchanged from its first to its second is, in between, what the writer's second says.
    """
    (first, last), (here, at_last) = written, followed
    if (first.rows and first.still(last)) or (here.rows and here.still(at_last)):
        return Verdict.EQUAL if here.same(last) else Verdict.DIFFERS
    if not last.rows and not at_last.rows:
        return Verdict.GONE
    if first.rows and last.rows and not here.rows and not at_last.rows:
        # Changed all the while, and never there. A key that is taken away and given again may look so, too.
        return Verdict.LACKS
    return Verdict.MOVING


def least(now: Verdict, so_far: Verdict) -> Verdict:
    """Of a row that was not equal in any look: what is least certain of it."""
    return max(now, so_far, key=(Verdict.DIFFERS, Verdict.LACKS, Verdict.MOVING).index)
