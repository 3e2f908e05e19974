"""GTID sets as values: parse, subtract, print. Pure, so that seeding is decided without a server."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
# A tag (MySQL 8.3 and later) is a letter or underscore and up to 31 more word characters.
_TAG = re.compile(r"^[a-z_][a-z0-9_]{0,31}$")
_INTERVAL = re.compile(r"^(\d+)(?:-(\d+))?$")

Intervals = tuple[tuple[int, int], ...]
"""Closed, sorted, disjoint and not adjacent."""


def _merged(intervals: list[tuple[int, int]]) -> Intervals:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _without(left: Intervals, right: Intervals) -> Intervals:
    rest = list(left)
    for cut_first, cut_last in right:
        kept: list[tuple[int, int]] = []
        for first, last in rest:
            if cut_last < first or last < cut_first:
                kept.append((first, last))
                continue
            if first < cut_first:
                kept.append((first, cut_first - 1))
            if cut_last < last:
                kept.append((cut_last + 1, last))
        rest = kept
    return tuple(rest)


@dataclass(frozen=True)
class GtidSet:
    """What `gtid_executed` and its kind hold: per originator (uuid, tag) the transaction numbers."""

    parts: tuple[tuple[str, str, Intervals], ...] = ()
    """(uuid, tag or "", intervals), sorted; no empty interval lists."""

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __sub__(self, other: "GtidSet") -> "GtidSet":
        there = {(uuid, tag): intervals for uuid, tag, intervals in other.parts}
        rest = ((uuid, tag, _without(own, there.get((uuid, tag), ()))) for uuid, tag, own in self.parts)
        return GtidSet(tuple(part for part in rest if part[2]))

    def __add__(self, other: "GtidSet") -> "GtidSet":
        together: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for uuid, tag, intervals in self.parts + other.parts:
            together.setdefault((uuid, tag), []).extend(intervals)
        return GtidSet(tuple((uuid, tag, _merged(found)) for (uuid, tag), found in sorted(together.items())))

    def count(self) -> int:
        """How many transactions the set holds."""
        return sum(last - first + 1 for _, _, intervals in self.parts for first, last in intervals)

    def members(self) -> Iterator[str]:
        """Each transaction by itself, as GTID_NEXT takes it."""
        for uuid, tag, intervals in self.parts:
            for first, last in intervals:
                for number in range(first, last + 1):
                    yield ":".join((uuid, *([tag] if tag else []), str(number)))

    def __str__(self) -> str:
        words: dict[str, str] = {}
        for uuid, tag, intervals in self.parts:
            numbers = ":".join(str(first) if first == last else f"{first}-{last}" for first, last in intervals)
            words[uuid] = words.get(uuid, uuid) + (f":{tag}" if tag else "") + f":{numbers}"
        return ",".join(words.values())


def parse(text: str) -> GtidSet:
    """A set as MySQL prints it (`uuid:1-5:7,uuid:tag:1`, with line breaks). ValueError names what is malformed."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for member in text.replace("\n", "").split(","):
        words = [word.strip().lower() for word in member.split(":")]
        if words == [""]:
            continue
        uuid, tag = words[0], ""
        if not _UUID.match(uuid) or len(words) == 1:
            raise ValueError(f"{member.strip()!r} is no GTID: expected UUID:NUMBER or UUID:FIRST-LAST")
        for word in words[1:]:
            interval = _INTERVAL.match(word)
            if interval is None and _TAG.match(word):
                tag = word
                continue
            first = int(interval[1]) if interval else 0
            last = int(interval[2] or interval[1]) if interval else 0
            if first < 1 or last < first:
                raise ValueError(f"{word!r} in {member.strip()!r} is no transaction number or range of them")
            found.setdefault((uuid, tag), []).append((first, last))
    return GtidSet(tuple((uuid, tag, _merged(intervals)) for (uuid, tag), intervals in sorted(found.items())))
