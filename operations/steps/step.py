"""A step of an operation: one object that says what it needs and how it is undone, and does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

CONTROL, DATA = "control plane", "data plane"


@dataclass(frozen=True)
class Plane:
    """What a step needs to work: a part of a cloud or of a site."""

    kind: str
    """Creating and changing machines, and running a program on one by a cloud's own hand, is a control plane; the rest
    carries data."""
    what: str
    """In words, with where it is at home."""
    site: str = ""
    """The site with which it dies; "" none of the stack's."""
    region: str = ""
    """Where it is at home, as its provider spells it; "" nowhere, or not known."""


def control_plane(what: str, site: str = "", region: str = "") -> Plane:
    """One that changes things."""
    return Plane(CONTROL, what, site, region)


def data_plane(what: str, site: str = "", region: str = "") -> Plane:
    """One that carries data."""
    return Plane(DATA, what, site, region)


class StepFailed(Exception):
    """A step did not come to its end; the sentence says why and what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a step saw."""

    detail: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    """What a person must be told, for instance rows that were kept aside."""


Say = Callable[[str], None]
"""A word for the person who waits; not kept."""

Hands = TypeVar("Hands")
"""What the steps of one operation work with."""


class Step(Generic[Hands]):
    """One step. Subclasses are frozen dataclasses of what was decided for it, and say the rest.

    It may be done again: what is already so is left alone, and said. Before it replaces data or moves users it looks at
    the world once more: between plan and deed somebody else may have acted.
    """

    @property
    def name(self) -> str:
        """Stable: the journal speaks of it."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """For a person."""
        raise NotImplementedError

    @property
    def needs(self) -> str:
        """Precondition, as a sentence; the step itself checks it."""
        raise NotImplementedError

    @property
    def planes(self) -> tuple[Plane, ...]:
        """All that it needs to work."""
        raise NotImplementedError

    @property
    def undo(self) -> str:
        """How a person undoes it, or what this command does at its end."""
        return "none"

    @property
    def again(self) -> bool:
        """Done in every run, whatever the journal says: what was true before a kill need not be true after it."""
        return False

    @property
    def always(self) -> bool:
        """Done also after an earlier step has failed: it puts something back."""
        return False

    @property
    def final(self) -> bool:
        """There is no way back from here: the journal says that it is begun, before it is."""
        return False

    @property
    def phases(self) -> tuple[str, ...]:
        """Kinds of the estimate's steps (inventory, Expected) that happen while it is done, and had not before it."""
        return ()

    @property
    def anew(self) -> bool:
        """Whether its phases happen once more, though an earlier step has had them."""
        return False

    @property
    def back(self) -> str:
        """What this command itself does at its end, whatever happens: the title of `take_back`. "" nothing."""
        return ""

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        """Do it. StepFailed, or what the ways to the sites raise."""
        raise NotImplementedError

    def take_back(self, hands: Hands) -> str | None:
        """Undo it, as far as it was done; None when there was nothing to undo."""
        return None

    def told(self) -> dict[str, Any]:
        """For --plan, in plain JSON types."""
        kinds = {plane.kind for plane in self.planes}
        return {
            "name": self.name,
            "title": self.title,
            "needs": self.needs,
            "plane": CONTROL if CONTROL in kinds else DATA,
            "where": "; ".join(plane.what for plane in self.planes),
            "planes": [
                {"plane": one.kind, "what": one.what, "site": one.site or None, "region": one.region or None}
                for one in self.planes
            ],
            "undo": self.undo,
        }
