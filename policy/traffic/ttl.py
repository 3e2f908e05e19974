"""Names that move, and answers that resolvers keep meanwhile."""

from collections.abc import Iterator

from pulumi_policy import Severity

from twinsite.rules.traffic import LARGEST_TTL_SECONDS

from ..judging import Problems, Resource, each
from .graph import RECORD

_MOVES = (
    "failoverRoutingPolicies", "weightedRoutingPolicies", "latencyRoutingPolicies", "geolocationRoutingPolicies",
    "multivalueAnswerRoutingPolicy", "geoproximityRoutingPolicy", "cidrRoutingPolicy",
)  # fmt: skip


def _longer(path: str, ttl: object) -> Iterator[str]:
    if isinstance(ttl, int | float) and ttl > LARGEST_TTL_SECONDS:
        yield (
            f"{path} is {ttl:g} s, and resolvers lead users to the dead site so long after a move: set "
            f"{LARGEST_TTL_SECONDS} or less"
        )


def _record(one: Resource) -> Iterator[str]:
    if any(one.get(policy) for policy in _MOVES):
        yield from _longer("ttl", one.get("ttl"))


def _at(path: str) -> Problems:
    return lambda one: _longer(path, one.get(path))


POLICY = each(
    "ttl-over-60",
    Severity.MEDIUM,
    "An answer that may change is kept for 60 s at most; the time of a move is the check's time and this (K32; Route "
    "53 developer guide, choosing between alias and non-alias records).",
    {
        RECORD: _record,
        "azure-native:trafficmanager:Profile": _at("dnsConfig.ttl"),
    },
)
