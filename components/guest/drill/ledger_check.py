"""The ledger's verdict: which acknowledged transactions are missing, duplicated or reordered. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PARTS = 3
"""Rows that one transaction inserts; a transaction is there only with all of them."""

Position = tuple[int, int]
"""(session, seq)."""

Row = tuple[int, int, int]
"""(session, seq, part), in the order in which the database numbered them."""


@dataclass(frozen=True)
class Findings:
    """Positions, sorted. `unacknowledged` are there without an acknowledgement: allowed, the commit was in doubt."""

    missing: tuple[Position, ...]
    duplicated: tuple[Position, ...]
    reordered: tuple[Position, ...]
    unacknowledged: tuple[Position, ...]

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing twice, nothing out of order."""
        return not (self.missing or self.duplicated or self.reordered)


def compare(acked: Iterable[Position], rows: Iterable[Row]) -> Findings:
    """Hold what the source acknowledged against what a server has."""
    promised = set(acked)
    seen: dict[Position, dict[int, int]] = {}
    highest: dict[int, int] = {}
    reordered: set[Position] = set()
    for session, seq, part in rows:
        parts = seen.setdefault((session, seq), {})
        parts[part] = parts.get(part, 0) + 1
        # A session writes one transaction after the other, so its numbers only grow.
        if seq < highest.get(session, seq):
            reordered.add((session, seq))
        highest[session] = max(seq, highest.get(session, seq))
    whole = {position for position, parts in seen.items() if set(parts) >= set(range(1, PARTS + 1))}
    torn = {position for position in seen if position not in whole}
    return Findings(
        # A transaction of which a part is absent is lost, acknowledged or not: it can never be half there.
        missing=tuple(sorted((promised - whole) | torn)),
        duplicated=tuple(sorted(position for position, parts in seen.items() if max(parts.values()) > 1)),
        reordered=tuple(sorted(reordered)),
        unacknowledged=tuple(sorted(whole - promised)),
    )


@dataclass(frozen=True)
class Prefix:
    """One session as one consistent snapshot shows it. In order means: no gap below the highest number."""

    session: int
    count: int
    highest: int
    gaps: int


def prefixes(positions: Iterable[Position], skipped: Iterable[Position] = ()) -> tuple[Prefix, ...]:
    """Per session: how much is there, and how many numbers below the highest are not (`skipped` never committed)."""
    found: dict[int, set[int]] = {}
    for session, seq in positions:
        found.setdefault(session, set()).add(seq)
    absent: dict[int, set[int]] = {}
    for session, seq in skipped:
        absent.setdefault(session, set()).add(seq)
    result = []
    for session, numbers in sorted(found.items()):
        highest = max(numbers)
        excused = {seq for seq in absent.get(session, set()) if seq <= highest and seq not in numbers}
        result.append(Prefix(session, len(numbers), highest, highest - len(numbers) - len(excused)))
    return tuple(result)


CONTROL_SEQS = (1, 2, 3, 4, 5)
LOST, DUPLICATED, REORDERED = 901, 902, 903
"""Control sessions: one lost, one duplicated, one reordered transaction each."""


def control_rows() -> list[Row]:
    """What prepare inserts, in this order. Session 901 is whole here; prepare then deletes its third transaction."""
    orders = {LOST: CONTROL_SEQS, DUPLICATED: (1, 2, 3, 3, 4, 5), REORDERED: (1, 3, 2, 4, 5)}
    return [(session, seq, part) for session, order in orders.items() for seq in order for part in range(1, PARTS + 1)]


def controls_found(rows: Sequence[Row]) -> bool:
    """Whether the comparison finds exactly the three things that were spoilt on purpose."""
    acked = [(session, seq) for session in (LOST, DUPLICATED, REORDERED) for seq in CONTROL_SEQS]
    found = compare(acked, rows)
    spoilt = (found.missing, found.duplicated, found.reordered)
    return spoilt == (((LOST, 3),), ((DUPLICATED, 3),), ((REORDERED, 2),))
