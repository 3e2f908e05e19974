"""The world as a move of the writer needs to know it. Frozen values."""

from dataclasses import dataclass

from twinsite.inventory import DMS, POSTGRES_LOGICAL, Cluster, Flow, Inventory, Workload

from ...journal.document import Unfinished
from ...subjects.postgres_replica import Gate, Look
from ...subjects.registers import RegistersSeen
from ..vantage import Vantage


@dataclass(frozen=True)
class Databases:
    """Both ends, as the job has just seen them. The flow's source is at home, its target away."""

    home: str
    away: str
    problem: str = ""
    """Why the job saw neither."""
    look: Look | None = None
    answered: frozenset[str] = frozenset()
    """Sites whose server answered the job."""

    def gate(self, site: str) -> Gate | None:
        """None where none was put up, or the server did not answer."""
        if self.look is None:
            return None
        return self.look.source_gate if site == self.home else self.look.target_gate

    def other(self, site: str) -> str:
        """Of two."""
        return self.home if site == self.away else self.away

    @property
    def writers(self) -> tuple[str, ...]:
        """Sites that take writes. Before there are gates the end from which rows come is the writer; so is one that
        does not answer, as long as nobody took its place."""
        gates = {site: self.gate(site) for site in (self.home, self.away)}
        known = tuple(site for site, gate in gates.items() if gate is not None and gate.writes)
        if known == (self.away,) and self.home in self.answered and gates[self.home] is None:
            return (self.home, self.away)  # it was never told to stop
        if known or self.look is None:
            return known
        first = self.away if self.look.turned else self.home
        return (first,) if gates[first] is None else ()

    @property
    def epoch(self) -> int:
        """The highest that a gate has had."""
        return max((gate.epoch for site in (self.home, self.away) if (gate := self.gate(site))), default=0)

    def epoch_of(self, site: str) -> int:
        """Of its gate; 0 where none was put up."""
        gate = self.gate(site)
        return gate.epoch if gate else 0

    def follows(self, site: str) -> bool:
        """Whether `site` gets rows of the other one now."""
        return self.look is not None and self.look.running is True and (site == self.home) == self.look.turned


@dataclass(frozen=True)
class Facts:
    """Everything, read once."""

    inventory: Inventory
    now: float
    databases: Databases
    reported: Look | None = None
    """What the job had said before it was asked now: of a source that is gone the last of it."""
    vantages: tuple[Vantage, ...] = ()
    serving: str = ""
    """Who gets users by Cloudflare's pools; "" when that is not known."""
    tunnels: tuple[int, int] | None = None
    """How many are up of how many, as Google sees them; None when it does not say."""
    unfinished: Unfinished | None = None
    registers: RegistersSeen | None = None
    """Read for a repair only; None where there are none."""
    held: str = ""
    """Who holds the operation lock, in words."""

    @property
    def flow(self) -> Flow:
        """The one that the move is of."""
        return flow_of(self.inventory)


def flow_of(inventory: Inventory) -> Flow:
    """The first whose job moves the writer."""
    return next(one for kind in (POSTGRES_LOGICAL, DMS) for one in inventory.flows_of(kind) if one.through)


def workload_of(inventory: Inventory, site: str) -> Workload | None:
    """The application's pods there; None where nobody may tell them anything."""
    return next((one for one in inventory.workloads if one.site == site and one.exists), None)


def cluster_of(inventory: Inventory, site: str) -> Cluster | None:
    """The cluster whose nodes a move adds there; None where it adds none."""
    return next((one for one in inventory.clusters if one.site == site and one.exists), None)
