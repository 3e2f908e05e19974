"""What a component has published is judged by the rule of its own kind."""

from collections.abc import Iterator

from pulumi_policy import Severity

from twinsite.rules.intents import INTENTS, read

from .judging import Resource, each


def problems(one: Resource) -> Iterator[str]:
    published = one.get("intent")
    if published is None:
        yield (
            "it has no `intent`, so a twinsite from before that was published made it, and nobody can judge it: "
            "`pulumi up` with this one"
        )
        return
    try:
        yield from read(one.type, published).problems()
    except ValueError as other_version:
        yield str(other_version)


POLICY = each(
    "component-intent",
    Severity.HIGH,
    "A component is what its own rule allows, whoever wrote its state: rules of the library, each with its source "
    "(twinsite.rules).",
    dict.fromkeys(INTENTS, problems),
)
