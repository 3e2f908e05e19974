"""Whether a site is dead: what places see of it, and how many must. Pure."""

from dataclasses import dataclass

ENOUGH = 2
"""Places that see it dead, and none that sees it alive."""


@dataclass(frozen=True)
class Vantage:
    """What one place sees of the primary's application. `alive` is None when it could not tell."""

    place: str
    alive: bool | None
    words: str

    def __str__(self) -> str:
        return f"{self.place}: {self.words}"
