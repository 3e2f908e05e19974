"""How Route 53 decides: pure functions from what checkers saw to the record that is answered.

Written from the service's documentation (developer guide: 'How Route 53 determines whether an endpoint is healthy',
'How Amazon Route 53 chooses records when health checking is configured'), and from nothing of the product: tests
compare the two. Not here: asking endpoints (health_checks.py), DNS messages (names.py).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

AGREEMENT = 0.18
"""An endpoint is healthy while more than this share of the checkers find it healthy."""

ENDPOINTS = frozenset({"HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP"})


@dataclass(frozen=True)
class Check:
    """A health check as far as its verdict goes."""

    kind: str
    inverted: bool = False
    disabled: bool = False
    children: tuple[str, ...] = ()
    child_threshold: int = 0
    insufficient: str = "LastKnownStatus"
    """For CLOUDWATCH_METRIC: Healthy, Unhealthy or LastKnownStatus, which is healthy for one that never had data."""


@dataclass(frozen=True)
class Target:
    """What an alias leads to. `healthy` is None for what has no health of its own (CloudFront)."""

    healthy: bool | None = None


@dataclass(frozen=True)
class Record:
    """One record of a name and type. `role` is PRIMARY, SECONDARY or empty."""

    identity: str
    role: str = ""
    check: str = ""
    alias: bool = False
    evaluate_target: bool = False


def agreed(opinions: Iterable[bool]) -> bool:
    """Whether checkers that have this to say make an endpoint healthy. A checker without data says True."""
    said = list(opinions)
    return not said or sum(said) / len(said) > AGREEMENT


def check_healthy(identity: str, checks: Mapping[str, Check], endpoint: Callable[[str], bool | None]) -> bool:
    """A check's status, with inversion. `endpoint` is what the checkers agree on for a leaf, None before any data.

    A new check is healthy until there is data, so a new inverted one is unhealthy. A disabled check is healthy,
    inverted or not. A check that does not exist any more is healthy: records that name it are answered as if they had
    none.
    """
    check = checks.get(identity)
    if check is None or check.disabled:
        return True
    if check.kind == "CALCULATED":
        healthy = sum(check_healthy(child, checks, endpoint) for child in check.children)
        raw = healthy >= check.child_threshold
    elif check.kind in ENDPOINTS:
        seen = endpoint(identity)
        raw = True if seen is None else seen
    else:
        raw = check.insufficient != "Unhealthy"  # the lab has no metrics: there are never data
    return raw != check.inverted


def record_healthy(record: Record, healthy: Callable[[str], bool], target: Target) -> bool:
    """FACTS §6.1: a record without a check is healthy; an alias that evaluates its target needs both."""
    if record.check and not healthy(record.check):
        return False
    if record.alias and record.evaluate_target and target.healthy is not None:
        return target.healthy
    return True


def chosen(records: Iterable[tuple[Record, bool]]) -> Record | None:
    """The record of a name and type that is answered, from each with its health. None when there is none.

    PRIMARY while it is healthy; else SECONDARY while that is healthy; else PRIMARY again, because Route 53 always
    answers something.
    """
    pairs = list(records)
    for role in ("PRIMARY", "SECONDARY"):
        for record, healthy in pairs:
            if record.role == role and healthy:
                return record
    ranked = sorted(pairs, key=lambda pair: ("PRIMARY", "SECONDARY", "").index(pair[0].role))
    return ranked[0][0] if ranked else None
