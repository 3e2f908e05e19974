"""Who may write, and whether that is where users are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .away import Away, Writer
from .sources import Sources
from .subject import Subject


@dataclass(frozen=True)
class WriterSeen:
    """The writer's document beside the latch."""

    writer: Writer
    problem: str
    """What is wrong with the document by itself."""
    latched: bool
    active_site: str
    home: str
    away: str

    def problems(self) -> Iterator[str]:
        found, active = self.writer, self.active_site
        parted = f"users are at {active} by the latch, and {found.site} is the writer (epoch {found.epoch})"
        parted += ": no backup of what they write there counts"
        back = f"`twinsite failback --to {self.home}`"
        if self.problem:
            mend = f"`twinsite failover --to {self.away}`" if self.latched else back
            yield f"{self.problem}: {mend} writes it anew, above every backup"
        elif active == self.away and found.site == self.home:
            yield f"{parted}; `twinsite failover --to {active}` makes it the writer, {back} goes on with that"
        elif active == self.home and found.site == self.away:
            yield (
                f"{parted}; {back} makes it the writer again, and moves nothing; `twinsite failover --to {found.site}` "
                "goes on with that"
            )

    def shown(self) -> Mapping[str, Any]:
        return {"writer": {"site": self.writer.site, "epoch": self.writer.epoch}}

    def lines(self) -> Iterator[str]:
        yield f"  writer   {self.writer.site or 'unknown'}, epoch {self.writer.epoch}"


def seen(facts: Away) -> WriterSeen:
    """The writer of what is known."""
    there = facts.inventory
    return WriterSeen(facts.writer, facts.writer_problem, facts.latched, facts.active_site(), there.home, there.away)


def read(sources: Sources) -> Sequence[Subject]:
    """One, where backups have epochs and a latch moves users: elsewhere no document of the store says who may write."""
    there = sources.inventory
    return [seen(sources.away("writer", "latch", "backups"))] if there.backups and there.latch else []
