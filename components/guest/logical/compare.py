"""Whether the rows of both ends are the same, table by table, while all goes on (ADR 73).

First in parts: one that no write touched from before a heartbeat went until after the follower's was read is judged,
for the follower has everything then. What is left, because somebody writes there or because it differs, is singled out
row by row. A row is said to differ when it does in each look; one that changes all the while is counted, not judged.
"""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ..errors import Failed
from . import facts, loads, parts
from .config import Config
from .facts import Named, Table, query
from .look import has_beat, write_beat
from .parts import COARSE, NONE, SINGLE, Columns, Part, Parts, Verdict
from .psql import PgError, Server
from .reseed import as_it_writes
from .rows import sizes
from .set_up import servers

LOOKS = 3
LACKING_LOOKS = 8
"""For a row that the writer has changed in each look and the follower never had. One that is taken away and given again
half of the time looks so once in 16, so once in 2^32."""
SINGLED = 20_000
"""So many rows of a table are looked at one by one, at most."""
NAMED = 3
"""Keys in a sentence."""
LATE_SECONDS = 60.0
"""Nobody waits for a comparison: a follower may take its time."""
_CANCELED = "57014"


class _Late(Exception):
    """The time is over."""


@dataclass
class Found:
    """Of one table."""

    equal: int = 0
    unjudged: int = 0
    differing: list[tuple[Part, Part]] = field(default_factory=list)
    """Writer's and follower's."""
    more: bool = False
    """Whether more parts differ than were singled out."""

    @property
    def rows(self) -> int:
        return self.equal + self.unjudged + len(self.differing)


def compare(config: Config, seconds: float, say: facts.Say) -> "dict[str, Any]":
    """{"rows", "unjudged", "equal", "divergent", "moving", "unread"}: rows that are equal; table → rows that changed
    all the while; names of tables: all rows equal, some that differ, equal but for `unjudged`, no time for them.
    `seconds`: for all of them, the smallest first."""
    config = as_it_writes(config)
    source, target = servers(config)
    size, known, until = sizes(source), _columns(config, source, target), time.monotonic() + seconds
    judge, mark = Comparison(config, source, target, until), loads.seen(target, config) if config.carrier else None
    named: dict[str, list[str]] = {"equal": [], "divergent": [], "moving": [], "unread": []}
    rows, unjudged, problems = 0, {}, []
    # A partitioned one has no rows but its partitions'.
    tables = [one for one in facts.tables(source, config) if not one.partitioned]
    for number, table in enumerate(sorted(tables, key=lambda one: (size.get(one.key, 0), one.key)), 1):
        found = judge.table(table, known[table.key])
        rows += found.equal if found else 0
        verdict = _verdict(found)
        named[verdict].append(table.words)
        if found is not None and found.differing:
            problems.append(f"{table.words} differs between {source.which} and {target.which}: {_words(config, found)}")
        if found is not None and found.unjudged:
            unjudged[table.words] = found.unjudged
        said = f"{found.equal} of {found.rows} rows are equal" if found else f"no time for it in {seconds:g} s"
        say(f"{number} of {len(tables)}: {table.words}: {verdict}, {said}")
    if config.carrier and rows and not named["divergent"] and not named["unread"]:
        loads.ended(target, config, mark)
    about = {"outcome": "done", "flow": config.name, "rows": rows, "unjudged": unjudged}
    return {**about, **{name: sorted(one) for name, one in named.items()}, "problems": problems}


def _verdict(found: "Found | None") -> str:
    if found is None:
        return "unread"
    if found.differing:
        return "divergent"
    return "moving" if found.unjudged else "equal"


def _words(config: Config, found: Found) -> str:
    here, there = config.called
    kinds = Counter(
        f"at the {here} only" if not follows.rows else f"at the {there} only" if not writes.rows else "not the same"
        for writes, follows in found.differing
    )
    counted = ", ".join(f"{number} {words}" for words, number in sorted(kinds.items()))
    keys = sorted((writes.rows and writes.key) or follows.key for writes, follows in found.differing)
    more = " and more" if len(keys) > NAMED else ""
    least = "at least " if found.more else ""
    return f"{least}{len(keys)} rows ({counted}), of key {', '.join(keys[:NAMED])}{more}"


def _columns(config: Config, source: Server, target: Server) -> "dict[Named, Columns]":
    """What one end alone has is told by `look`."""

    def of(server: Server) -> "dict[Named, list[str]]":
        found: dict[Named, list[str]] = {}
        for row in server.rows(query("columns.sql", config)):
            found.setdefault((row["schema"], row["name"]), []).append(row["column"])
        return found

    here, there = of(source), of(target)
    keys = {(row["schema"], row["name"]): row["columns"] for row in source.rows(query("keys.sql", config))}
    found = {}
    for name, columns in here.items():
        both = tuple(one for one in columns if one in there.get(name, columns))
        key = tuple(keys.get(name, both))
        found[name] = Columns(key, both)
    return found


class Comparison:
    """Of two ends, until a moment."""

    def __init__(self, config: Config, source: Server, target: Server, until: float) -> None:
        self._config, self._source, self._target, self._until = config, source, target, until

    def table(self, table: Table, columns: Columns) -> "Found | None":
        """None when there was no time for it."""
        try:
            return self._table(table, columns)
        except _Late:
            return None

    def _table(self, table: Table, columns: Columns) -> Found:
        found = Found()
        counts: dict[str, int] = {}
        """Rows of each part that is open."""
        differ: set[str] = set()
        for look in range(LOOKS):
            open_ = set(counts) if look else None
            before = self._read(self._source, table, columns, COARSE, open_, content=False)
            self._beat()
            there = self._read(self._target, table, columns, COARSE, open_)
            after = self._read(self._source, table, columns, COARSE, open_)
            verdicts = parts.judged(before, there, after)
            equal = {one for one, said in verdicts.items() if said is Verdict.EQUAL}
            now = {one for one, said in verdicts.items() if said is Verdict.DIFFERS}
            found.equal += sum(after.get(one, NONE).rows for one in equal)
            differ = differ & now if look else now
            left = verdicts.keys() - equal
            counts = {one: max(after.get(one, NONE).rows, there.get(one, NONE).rows) for one in left}
            if sum(counts.values()) <= SINGLED:
                break
        singled, rows = set[str](), 0
        for one in sorted(counts, key=lambda one: (one not in differ, one)):
            rows += counts[one]
            if rows > SINGLED and singled:
                break
            singled.add(one)
        found.unjudged = sum(counts[one] for one in counts.keys() - singled)
        found.more = bool(differ - singled)
        if singled:
            self._rows(table, columns, singled, found)
        return found

    def _rows(self, table: Table, columns: Columns, among: set[str], found: Found) -> None:
        last: dict[str, tuple[Part, Part]] = {}
        open_: dict[str, Verdict] = {}
        """Of each look so far."""
        asked: set[str] = set()
        for look in range(LACKING_LOOKS):
            (first, there), (second, at_last) = (self._both(table, columns, among) for _ in range(2))
            # Whoever came after the first look is nobody's difference.
            for key in asked or {*first, *there, *second, *at_last}:
                written, followed = (
                    (one.get(key, NONE), other.get(key, NONE)) for one, other in ((first, second), (there, at_last))
                )
                said = parts.judged_row(written, followed)
                if said in (Verdict.EQUAL, Verdict.GONE):
                    open_.pop(key, None)
                    found.equal += written[1].rows if said is Verdict.EQUAL else 0
                else:
                    open_[key] = parts.least(said, open_.get(key, said))
                    last[key] = written[1], followed[1]
            asked = {key for key, said in open_.items() if look + 1 < LOOKS or said is Verdict.LACKS}
            among = {key[:COARSE] for key in asked}
            if not asked:
                break
        found.differing += [last[key] for key, said in open_.items() if said is not Verdict.MOVING]
        found.unjudged += sum(said is Verdict.MOVING for said in open_.values())

    def _both(self, table: Table, columns: Columns, among: set[str]) -> "tuple[Parts, Parts]":
        here = self._read(self._source, table, columns, SINGLE, among)
        self._beat()
        return here, self._read(self._target, table, columns, SINGLE, among)

    def _read(
        self,
        server: Server,
        table: Table,
        columns: Columns,
        digits: int,
        among: "Collection[str] | None",
        content: bool = True,
    ) -> Parts:
        seconds = self._until - time.monotonic()
        if seconds <= 0:
            raise _Late
        try:
            return parts.read(server, table, columns, digits, among, seconds, content)
        except PgError as error:
            if error.state == _CANCELED and time.monotonic() >= self._until:
                raise _Late from None
            raise

    def _beat(self) -> None:
        """All that the writer had is at the follower."""
        config, source, target = self._config, self._source, self._target
        (beat, _), began = write_beat(config, source), time.monotonic()
        while not has_beat(config, target, beat):
            if time.monotonic() - began > LATE_SECONDS:
                raise Failed(f"a heartbeat of the {source.which} did not come to the {target.which}: `look` says why")
            time.sleep(0.05)
