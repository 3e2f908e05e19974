"""Limits that a stack file sets for RTO, RPO and cost, judged against the estimate before the first resource."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from twinsite.estimate.answer import Estimate, Mode, money, time, way_words
from twinsite.estimate.figures import Item, total
from twinsite.estimate.path import critical
from twinsite.rules import require

from .declared import BUDGETS
from .settings import Reader


@dataclass(frozen=True)
class Budget:
    """In the order of BUDGETS. None: no limit."""

    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    usd_month: float | None = None


def read(reader: Reader) -> Budget:
    """Of the stack's configuration; every topology has these keys."""
    return Budget(*(reader.limit(key) for key in BUDGETS))


def problems(found: Mode, mode: str, allowed: Budget) -> list[str]:
    """What is over a limit, and what nobody can say whether it is; the way to service, step by step, for the RTO."""
    way = critical(found.path)
    judged = (
        (allowed.rto_seconds, way, f"RTO of {mode} is {time(way)} ({way_words(way)})"),
        (allowed.rpo_seconds, found.lost, f"RPO of {mode} is {time(found.lost)} ({way_words(found.lost)})"),
        (allowed.usd_month, found.costs, f"{mode} costs {money(found.costs)} a month"),
    )
    return [
        f"{words}; {key} allows {limit:g}: make it less, or `pulumi config set {key} NUMBER`"
        for key, (limit, items, words) in zip(BUDGETS, judged, strict=True)
        if limit is not None and _over(items, limit)
    ]


def _over(items: Sequence[Item], limit: float) -> bool:
    """What is unknown is over every limit: nobody could promise it."""
    known = total(items)
    return known is None or round(known, 2) > limit


def judge(stack: str, found: Estimate, mode: str, allowed: Budget) -> None:
    """Refused when the stack's mode is over a limit. A mode that was raised may be a recovery, in whose way no budget
    stands: there it is a warning, and refused by the policy pack where a team wants that."""
    over = problems(found.modes[mode], mode, allowed)
    if mode != next(iter(found.modes)):
        for words in over:
            pulumi.log.warn(words)
        return
    require(stack, over)
