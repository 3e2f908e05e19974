"""What Route 53's health checks cost: of the latch, and of each name, by what each check does."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..rules.traffic import LATCH_INTERVAL_SECONDS, Check, Route53FailoverPairIntent
from .figures import USD_MONTH, Basis, Item, bases, total, unknown
from .prices import HOURS_PER_MONTH, Prices

GLOBAL = "global"
"""Route 53 has no region."""
CHECKERS = 15
"""Around the world; each asks once an interval [Route 53 developer guide: about 15, with 8 regions]."""
ANSWER_KIB = 6.0
"""A TLS handshake with the store's chain of certificates, and a short answer."""
ANSWERS_SOURCE = f"{CHECKERS} checkers ask each check once an interval; {ANSWER_KIB:g} KiB an answer, assumed"
STORE_INTERVAL_SECONDS = 30
STORES = 2
"""Objects of a latch."""


@dataclass(frozen=True)
class Checked:
    """One health check."""

    foreign: bool
    """Whether it asks something outside AWS."""
    options: int
    """HTTPS, an interval of 10 s, a text that is looked for."""
    interval_seconds: int
    """0 for one that is calculated from others and asks nothing."""


def latch_checks() -> list[Checked]:
    """Of each object whether it is absent, whether present, and whether its store answers; and what follows of them."""
    fast, slow = Checked(True, 2, LATCH_INTERVAL_SECONDS), Checked(True, 1, STORE_INTERVAL_SECONDS)
    clear_and_set = [Checked(False, 0, 0)] * 2
    return [one for _ in range(STORES) for one in (fast, fast, slow)] + clear_and_set


def pair_checks(pair: Route53FailoverPairIntent) -> Iterator[Checked]:
    """Of one name. A calculated one for each end that its page decides on together with the latch."""
    if pair.primary_check is not None:
        yield _asked(pair.primary_check, foreign=False)
        if not pair.stateful:
            yield Checked(False, 0, 0)
    if pair.secondary_check is not None:
        yield _asked(pair.secondary_check, foreign=pair.secondary.kind == "address")
        yield Checked(False, 0, 0)


def _asked(check: Check, foreign: bool) -> Checked:
    options = 1 + (check.interval_seconds == 10) + bool(check.text)
    return Checked(foreign, options, check.interval_seconds)


def check_costs(prices: Prices, checks: Iterable[Checked]) -> list[Item]:
    """A month of them, where they ask and whether they do."""
    checks = list(checks)
    groups = {
        "health checks inside AWS, and calculated ones": [one for one in checks if not one.foreign],
        "health checks of what is outside AWS": [one for one in checks if one.foreign],
    }
    return [_checks(prices, name, group) for name, group in groups.items() if group]


def _checks(prices: Prices, name: str, checks: list[Checked]) -> Item:
    where = "foreign" if checks[0].foreign else "aws"
    options = sum(one.options for one in checks)
    parts = [
        prices.cost(name, f"route53/check-{where}", GLOBAL, len(checks)),
        prices.cost(name, f"route53/option-{where}", GLOBAL, options),
    ]
    return added(name, parts)


def added(name: str, parts: list[Item]) -> Item:
    """One line of several prices; as weak as the weakest, unknown when one is."""
    sources = "; ".join(part.source for part in parts if part.value != 0)
    value = total(parts)
    if value is None:
        return unknown(name, USD_MONTH, "; ".join(part.source for part in parts if part.value is None))
    weakest = [basis for basis in Basis if basis.value in bases(parts)][-1]
    return Item(name, value, USD_MONTH, weakest, sources or parts[0].source)


def answers_a_month(checks: Iterable[Checked]) -> float:
    """How often what they ask answers them."""
    asked = (CHECKERS / one.interval_seconds for one in checks if one.interval_seconds)
    return sum(asked) * HOURS_PER_MONTH * 3600


def gib(answers: float) -> float:
    """Size of so many answers."""
    return answers * ANSWER_KIB / 2**20
