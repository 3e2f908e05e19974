"""The latch: whether its objects are set, and so where users are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .away import Away, LatchObject
from .sources import Sources
from .subject import Subject

WORDS = {True: "set", False: "not set", None: "unknown: its store does not answer"}


@dataclass(frozen=True)
class LatchSeen:
    """Both objects."""

    objects: tuple[LatchObject, ...]
    set: bool | None
    active_site: str
    """Where users are by it; "" when that cannot be told."""
    away: str

    def problems(self) -> Iterator[str]:
        for one in self.objects:
            if one.set is None:
                yield f"latch store {one.store} does not answer ({one.words}): see runbook latch-store-gone"
        if self.objects and self.set is None:
            yield (
                "where users are is not known: no latch object is seen to be set, and one that cannot be read may be: "
                "bring its store back; until then go by where the stateful name leads"
            )
        if self.set and any(one.set is False for one in self.objects):
            yield f"one latch object of two is set: `twinsite failover --to {self.away}` sets the other as well"

    def shown(self) -> Mapping[str, Any]:
        objects = tuple({"store": one.store, "set": one.set} for one in self.objects)
        return {"active_site": self.active_site or None, "latch": {"set": self.set, "objects": list(objects)}}

    def lines(self) -> Iterator[str]:
        return (f"  latch    {WORDS[one.set]} in {one.store}" for one in self.objects)


def seen(facts: Away) -> LatchSeen:
    """The latch of what is known."""
    now = True if facts.latched else False if facts.unlatched else None
    return LatchSeen(facts.latch, now, facts.active_site(), facts.inventory.away)


def read(sources: Sources) -> Sequence[Subject]:
    """One, where names are steered by it."""
    return [seen(sources.away("latch"))] if sources.inventory.latch else []
