"""Steps of a recovery, one after the other or beside each other, and the way through them that takes longest."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .figures import Item


@dataclass(frozen=True)
class Serial:
    """One after the other."""

    parts: tuple["Path", ...]


@dataclass(frozen=True)
class Parallel:
    """All begin at once; what follows waits for the last."""

    branches: tuple["Path", ...]


Path = Item | Serial | Parallel


def serial(*parts: Path) -> Serial:
    """One after the other."""
    return Serial(parts)


def parallel(*branches: Path) -> Parallel:
    """Beside each other."""
    return Parallel(branches)


def steps(path: Path) -> Iterator[Item]:
    """Every step, in the order in which they are written."""
    if isinstance(path, Item):
        yield path
        return
    for part in path.parts if isinstance(path, Serial) else path.branches:
        yield from steps(part)


def critical(path: Path) -> tuple[Item, ...]:
    """The steps of the longest way. A step that nobody knows is on it: it may be longer than any other."""
    if isinstance(path, Item):
        return (path,)
    if isinstance(path, Serial):
        return tuple(one for part in path.parts for one in critical(part))
    return max((critical(branch) for branch in path.branches), key=_weight, default=())


def beside(path: Path) -> list[Item]:
    """The steps that nobody waits for."""
    waited = [id(one) for one in critical(path)]
    return [one for one in steps(path) if id(one) not in waited]


def _weight(way: tuple[Item, ...]) -> tuple[int, float]:
    known = math.fsum(one.value for one in way if one.value is not None)
    return sum(one.value is None for one in way), known
