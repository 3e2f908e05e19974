"""What every subject can do."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol


class Subject(Protocol):
    """A frozen fact about one thing, from one look."""

    def problems(self) -> Iterator[str]:
        """What is wrong, each a sentence with its fix."""

    def shown(self) -> Mapping[str, Any]:
        """Its fields of `status --json`: lists go behind those of other subjects."""

    def lines(self) -> Iterator[str]:
        """For a terminal of 100 columns."""


class Trouble:
    """A subject that is seen only when something is wrong with it."""

    def shown(self) -> Mapping[str, Any]:
        return {}

    def lines(self) -> Iterator[str]:
        return iter(())


def line(kind: str, name: str, words: str) -> str:
    """One of them."""
    return f"  {kind:<8} {name:<16} {words}"
