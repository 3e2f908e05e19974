"""An operation whose command ended before it did."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..journal.document import Unfinished
from ..moves.words import TOLD_SITE
from .away import Away
from .sources import Sources
from .subject import Subject


@dataclass(frozen=True)
class OperationSeen:
    """The one that is unfinished, if any."""

    unfinished: Unfinished | None
    astray: str
    """Why the journal's pointer leads to none, and what to do; "" when it does, or there is none."""
    home: str
    away: str

    def problems(self) -> Iterator[str]:
        if self.astray:
            yield self.astray
        found = self.unfinished
        if found is not None:
            to = found.choices.get("to") or (self.home if found.command == "failback" else self.away)
            again = found.command + (f" --to {to}" if found.command in TOLD_SITE else "")
            yield f"{found.command} {found.id}, begun {found.began}, has not ended: `twinsite {again}`"

    def shown(self) -> Mapping[str, Any]:
        found = self.unfinished
        return {"operation": {"id": found.id, "command": found.command} if found else None}

    def lines(self) -> Iterator[str]:
        return iter(())


def seen(facts: Away) -> OperationSeen:
    """The operation of what is known."""
    return OperationSeen(facts.unfinished, facts.astray, facts.inventory.home, facts.inventory.away)


def read(sources: Sources) -> Sequence[Subject]:
    """One, where users can be moved and there is a place that says of it."""
    there = sources.inventory
    return [seen(sources.away("unfinished", "astray"))] if there.names and there.store else []
