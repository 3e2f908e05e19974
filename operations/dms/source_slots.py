"""Slots at a task's PostgreSQL source, through the job that sees both ends: no desk reaches that database."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Flow, Inventory, Pod

from ..moves.logical.facts import flow_of
from ..steps import Say, StepFailed
from ..transport import RemoteFailed, Unreachable
from ..worker import START_SECONDS, ClusterWorker, Worker, answer
from .command import circling

PROGRAM = "logical"
VERB_SECONDS = START_SECONDS + 120.0
KEPT = ("reserved", "extended")
"""Of wal_status: the source has all that nobody has read [PostgreSQL, pg_replication_slots]."""


@dataclass(frozen=True)
class Slot:
    """A logical one of the flow's database that is not the flow's own subscription's."""

    name: str
    active: bool
    held_bytes: int | None
    wal_status: str = KEPT[0]

    @property
    def words(self) -> str:
        """For a person."""
        return self.name if self.held_bytes is None else f"{self.name}, which holds {self.held_bytes / 2**20:.0f} MiB"


@dataclass(frozen=True)
class SourceSlots:
    """Of one source. Each call is a Job of some seconds, and up to VERB_SECONDS."""

    worker: Callable[[Say], Worker]
    at: str
    """source or target, as the job's document calls it."""

    def read(self, say: Say) -> tuple[Slot, ...]:
        """StepFailed with the job's words."""
        return self._asked(say)

    def drop(self, name: str, say: Say) -> tuple[Slot, ...]:
        """What is left. StepFailed while somebody reads it, or where there is none of that name."""
        return self._asked(say, "--drop", name)

    def row_seconds(self, say: Say) -> float | None:
        """How long a row that the job writes now takes to the other end; None where it did not come."""
        found = self._answer(say, ["look"])
        seconds = (found.get("lag") or {}).get("seconds")
        return None if seconds is None else float(seconds)

    def _asked(self, say: Say, *more: str) -> tuple[Slot, ...]:
        found = self._answer(say, ["slots", "--at", self.at, *more])
        if found.get("outcome") != "done":
            raise StepFailed("; ".join(map(str, found.get("problems") or [found])))
        return tuple(
            Slot(str(one["name"]), bool(one["active"]), one.get("held_bytes"), str(one.get("wal_status") or ""))
            for one in found["slots"]
        )

    def _answer(self, say: Say, words: list[str]) -> dict[str, Any]:
        try:
            found: dict[str, Any] = answer(self.worker(say), words, VERB_SECONDS, frozenset({0, 1}))
        except (RemoteFailed, Unreachable) as problem:
            raise StepFailed(f"slots of the {self.at} are not known: {problem}") from None
        return found


def of(inventory: Inventory, flow: Flow) -> SourceSlots | None:
    """None where the source has no slots, or no job sees it."""
    host = next((one for one in inventory.hosts if one.name == flow.through), None)
    if flow.engine != "postgres" or host is None or not isinstance(host.way, Pod):
        return None
    way = host.way
    at = "target" if circling(flow, flow_of(inventory)) else "source"
    return SourceSlots(lambda say: ClusterWorker(way, program=PROGRAM, say=say), at)
