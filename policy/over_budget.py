"""A stack that is over a limit of its own for RTO, RPO or cost."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from .judging import Resource, among


def problems(one: Resource, beside: Sequence[Resource]) -> Iterator[str]:
    """The program's own sentences, with the critical path: of a mode that was raised it only warns."""
    for sentence in one.get("estimate.over_budget", []):
        yield str(sentence)


# Of several resources together: with a single one the engine shows its inputs, and a stack has outputs only.
POLICY = among(
    "over-budget",
    Severity.MEDIUM,
    "A stack keeps its own budget_rto_seconds, budget_rpo_seconds and budget_usd_month, in a raised mode, too: "
    "objectives that the design cannot meet are fiction (K54; ADR 41). Judged on its output `estimate`.",
    {"pulumi:pulumi:Stack": problems},
)
