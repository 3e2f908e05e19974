"""The world as a move from a backup needs to know it: what status knows, and what only a move asks. Frozen values."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from ...subjects.away import Away
from ..vantage import Vantage as Vantage


@dataclass(frozen=True)
class Home:
    """The primary site's side of a failback."""

    worker: bool = False
    """Whether programs of package `backup` can run there."""
    words: str = ""
    problems: tuple[str, ...] = ()
    """Why its database cannot take the data back; each with its fix."""
    holds_data: bool = True
    """False: its tables were moved aside by a failback that did not end, and nothing whole came in their place."""


@dataclass(frozen=True)
class ProgramFound:
    """The Pulumi program here, for the one activation that needs it."""

    problems: tuple[str, ...] = ("not looked for",)
    """Why it cannot be used; each with its fix."""


@dataclass(frozen=True)
class Facts(Away):
    """All of it, read once."""

    vantages: tuple[Vantage, ...] = ()
    home: Home = Home()
    program: ProgramFound = ProgramFound()

    @classmethod
    def of(cls, away: Away, **more: Any) -> "Facts":
        """What is known from the away site on, and more."""
        return cls(**{one.name: getattr(away, one.name) for one in dataclasses.fields(away)}, **more)
