"""What the steps of a move of the writer have in common."""

from dataclasses import dataclass

from ...steps import Plane, Step
from .ground import Ground
from .hands import Hands


@dataclass(frozen=True)
class MoveStep(Step[Hands]):
    """One that is decided for a pair of sites, and about one of them."""

    ground: Ground
    site: str
    """That is to write, or whose pods and nodes it is about."""

    @property
    def old(self) -> str:
        """The other one."""
        return self.ground.home if self.site == self.ground.away else self.ground.away


class ByJob(MoveStep):
    """A verb that asks both databases."""

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.job, *self.ground.databases)


class InCluster(MoveStep):
    """Tells the site's pods something."""

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.api(self.site),)
