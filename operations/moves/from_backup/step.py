"""What the steps of a move from a backup have in common."""

from dataclasses import dataclass

from ...steps import Plane, Step
from .ground import Ground
from .hands import Hands


@dataclass(frozen=True)
class MoveStep(Step[Hands]):
    """One that is decided for one pair of sites."""

    ground: Ground


class AtStandby(MoveStep):
    """Runs programs on the standby machine."""

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.machine,)


class AtHome(MoveStep):
    """Runs programs on the primary's database."""

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.at_home,)


class InStore(MoveStep):
    """Reads and writes objects."""

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.store,)


class OnPages(MoveStep):
    """Asks what users ask."""

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.pages,)
