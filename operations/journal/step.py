"""Taking the operation lock, as a step of an operation that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..steps import Outcome, Plane, Say, Step, data_plane
from ..store import NoStore
from .lock import Hold


@dataclass(frozen=True)
class TakeLock(Step[Hold]):
    """Nobody else works on the stack until it is given back."""

    force: bool = False
    site: str = ""
    """Where the store is."""

    name = "take-lock"
    title = "take the operation lock"
    needs = "the store answers, and nobody else holds the lock"
    undo = back = "give the lock back"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (data_plane("the operations' store", self.site),)

    def do(self, hands: Hold, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.take(self.force))

    def take_back(self, hands: Hold) -> str | None:
        try:
            return "unlocked" if hands.give_back() else None
        except NoStore:
            return None
