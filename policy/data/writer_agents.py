"""Agents of one flow that would not shut each other's database."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from pulumi_policy import Severity

from ..judging import Resource, together

_AGENT = "twinsite:index:WriterAgent"


def problems(found: Sequence[Resource]) -> Iterator[str]:
    for one, other in combinations(found, 2):
        if one.get("intent.flow") == other.get("intent.flow"):
            yield from _pair(one, other)


def _pair(one: Resource, other: Resource) -> Iterator[str]:
    both = f"{one.name} and {other.name}"
    site = one.get("intent.site")
    if site == other.get("intent.site"):
        yield (
            f"{both} are both of site {site}, so both databases are open while the registers name it, and both take "
            "writes: give each the site that its own database is at"
        )
    if sorted(one.get("intent.places", [])) != sorted(other.get("intent.places", [])):
        yield (
            f"{both} ask different registers, so each may be told another writer, and both write: give both the same "
            "three places"
        )
    homes = [agent.get("intent.home") for agent in (one, other)]
    if homes[0] != homes[1]:
        yield (
            f"{both} have homes {homes[0]} and {homes[1]}, so each writes the first words into empty registers for its "
            "own: name the site at which the data were first in both"
        )


POLICY = together(
    "writer-agents-disagree",
    Severity.CRITICAL,
    "Agents of one flow have a site each, and ask the same three registers (K18, twinsite.rules.writer).",
    {_AGENT: ("intent",)},
    problems,
)
