"""The form of a breakage. A new kind of host: a module beside this one with its rows, and a program in ../guest."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

GUEST = Path(__file__).resolve().parent.parent / "guest"
NAMED_SECONDS = 60.0
"""In which `status` has to name it."""


class Mended(str, Enum):
    """Who makes it good again."""

    REPAIR = "twinsite repair"
    EMPTY = "twinsite repair --confirm empty-transactions"
    RESEED = "twinsite repair --confirm reseed"
    PERSON = "a person, as the sentence says"
    """The program's `undo` is what that person does."""

    @property
    def words(self) -> list[str]:
        """The command at the desk; empty for a person's work."""
        return [] if self is Mended.PERSON else self.value.split()


@dataclass(frozen=True)
class Breakage:
    """One row. The program is run as root on the host: `sh -s make NAME`, `sh -s undo NAME`."""

    name: str
    place: str
    """Which host: source, replica, initiator, responder or standby."""
    says: tuple[str, ...]
    """Words that one sentence of `status` must hold, all of them: the true cause, and its fix."""
    mended: Mended = Mended.REPAIR
    promises_nothing: bool = True
    """No sentence may say meanwhile that it comes back by itself. False: a receiver does go on trying, and says so."""

    @property
    def program(self) -> str:
        """Text of the shell program that breaks and undoes."""
        kind = {"initiator": "gateway", "responder": "gateway", "standby": "standby"}.get(self.place, "database")
        return (GUEST / f"breakages-{kind}.sh").read_text(encoding="utf-8")

    def named_in(self, problems: list[str]) -> str:
        """The sentence that names it, or nothing."""
        return next((one for one in problems if all(word in one for word in self.says)), "")


HEALS = "by itself"
"""What a sentence about a thing that needs somebody must not promise."""
