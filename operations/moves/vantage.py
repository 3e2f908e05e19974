"""Whether a site is dead: what places see of it, and how many must. Pure."""

from collections.abc import Iterable
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


def evidence(
    home: str, seen: Iterable[Vantage], on_word: bool, although: str, instead: str
) -> tuple[list[str], list[str]]:
    """(what a person should know, why it is refused): two places that see a dead primary and none that sees it live, or
    a person's word. `although`: what is lost, or to do, when it answers and is given up; `instead`: what to do then in
    place of a failover. Pure."""
    every = list(seen)
    words = "; ".join(map(str, every)) or "nobody looked"
    alive = [one for one in every if one.alive]
    dead = [one for one in every if one.alive is False]
    if on_word:
        given = f"{home} is taken for dead on your word (--source-is-dead); seen: {words}"
        return [given, *([f"but {home} answers: {although}"] if alive else [])], []
    if alive:
        return [], [
            f"{home} is alive ({'; '.join(map(str, alive))}): {instead}; if it answers and yet does not work, say so "
            "with --source-is-dead"
        ]
    if len(dead) < ENOUGH:
        return [], [
            f"that {home} is dead is seen from {len(dead)} of the two places that are needed ({words}): look yourself, "
            "then say so with --source-is-dead"
        ]
    return [f"{home} is dead as seen from {len(dead)} places: {words}"], []
