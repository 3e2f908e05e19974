"""Failover by courier: the bag is taken from the boat, and the shore goes on with the logbook that is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from twinsite.inventory import Inventory

from ..parts import Needs, Part
from ..stack import Stack
from ..steps import Outcome, Plane, Say, Step, StepFailed, data_plane
from ..store import DirectoryStore
from ..transport import Transport
from .users import Watch
from .words import Command, Intent, Plan, Refusal

COURIER = Part("courier", lambda found: found.flows_of("courier"))
COMMANDS: Mapping[str, Needs] = {Command.FAILOVER.value: ((COURIER,),)}
LOGBOOK = Path("logbook")


@dataclass(frozen=True)
class TakeBag(Step[Path]):
    """Where the boat lies: at the shore's quay, or still at the island's."""

    boat: str
    site: str
    name = "take-bag"
    needs = "a bag is on board"

    @property
    def title(self) -> str:
        return f"take the bag from {self.boat}, which lies at the {self.site}"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (data_plane(f"the quay of the {self.site}", self.site),)

    def do(self, hands: Path, choices: Mapping[str, str], say: Say) -> Outcome:
        bag = (hands / self.boat).read_text()
        if not bag:
            raise StepFailed(f"{self.boat} has no bag: `echo WORDS > {self.boat}`")
        return Outcome(f"{len(bag)} characters", {"bag": bag})


@dataclass(frozen=True)
class OpenLogbook(Step[Path]):
    """The last step: from here on the shore writes."""

    site: str
    name = "open-logbook"
    title = "open the logbook"
    needs = "the bag was taken"
    undo = f"`rm {LOGBOOK}`"
    final = True

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (data_plane(f"a desk at the {self.site}", self.site),)

    def do(self, hands: Path, choices: Mapping[str, str], say: Say) -> Outcome:
        (hands / LOGBOOK).write_text(choices["bag"])
        return Outcome(figures={"rto_seconds": 0.0})


@dataclass(frozen=True)
class CourierWorld:
    """The present folder is the quay: a boat is there when a file says so."""

    inventory: Inventory
    store: DirectoryStore
    here: Path

    def plan(self, intent: Intent, owner: str) -> Plan | Refusal:
        """Two steps; of a boat that is not at the shore the bag is still at the island."""
        home, away = self.inventory.home, self.inventory.away
        (flow,) = self.inventory.flows_of("courier")
        if intent.to != away:
            return Refusal((f"--to {intent.to}: a failover of this stack goes to {away}: `--to {away}`",))
        if (self.here / LOGBOOK).exists():
            return Refusal((f"the logbook is open at the {away} already: `rm {LOGBOOK}` closes it",))
        bag = TakeBag(flow.name, away if (self.here / flow.name).exists() else home)
        return Plan(intent.command, away, (bag, OpenLogbook(away)), ("lost: what was written since the boat left",))

    def hands(self, identity: str, began: float) -> Path:
        """The quay."""
        return self.here

    def watch(self, intent: Intent) -> Watch | None:
        """No name leads anywhere."""
        return None

    def lead(self, command: Command) -> str:
        """What was done."""
        return "The shore went on with the logbook that came by boat."

    def left(self, command: Command, to: str) -> list[str]:
        """Nothing."""
        return []


def connect(stack: Stack, hosts: Transport) -> CourierWorld:
    """At the present folder."""
    folder = stack.inventory.store.removeprefix("file://")
    return CourierWorld(stack.inventory, DirectoryStore(Path(folder)), Path.cwd())
