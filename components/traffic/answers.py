"""What Route 53 answers: health of a check and of a record, a failover pair, and this library's pairs. Pure, no imports
beyond the standard library.

Rules are those of the Route 53 developer guide (health checks, failover records). The model gives the answer that holds
once checkers and servers have caught up; how long that takes is rules.traffic.route_seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

AGREEING_SHARE = 0.18
"""An endpoint is healthy when more than this share of the checkers see it healthy."""


class Role(str, Enum):
    """Which record of a pair is answered."""

    PRIMARY = "PRIMARY"
    SECONDARY = "SECONDARY"


@dataclass(frozen=True)
class Check:
    """An endpoint check. `share` of checkers that see it healthy, from 0 to 1; None until the first data."""

    share: float | None
    inverted: bool = False
    disabled: bool = False

    @property
    def healthy(self) -> bool:
        """As Route 53 reports it. ValueError for disabled and inverted: nothing says what that means."""
        if self.disabled:
            if self.inverted:
                raise ValueError("a check that is disabled and inverted has no documented status: never build on one")
            return True
        # Without data a check counts as healthy, and an inverted one therefore as unhealthy.
        plain = True if self.share is None else self.share > AGREEING_SHARE
        return plain != self.inverted


def of_children(healthy: Sequence[bool], threshold: int) -> bool:
    """A calculated check: at least `threshold` children are healthy."""
    return sum(healthy) >= threshold


def every(*healthy: bool) -> bool:
    """A calculated check over all of its children."""
    return of_children(healthy, len(healthy))


def some(*healthy: bool) -> bool:
    """A calculated check over any of its children."""
    return of_children(healthy, 1)


def after(results: Sequence[bool], failures: int, healthy: bool = True) -> bool:
    """What a checker says after these results, oldest first: `failures` equal ones in a row change its mind."""
    streak = 0
    for result in results:
        streak = streak + 1 if result != healthy else 0
        if streak >= failures:
            healthy, streak = result, 0
    return healthy


@dataclass(frozen=True)
class Record:
    """One record. `check` is the health of its check, None without one."""

    check: bool | None = None
    alias: bool = False
    evaluates_target: bool = False
    """For an alias: evaluate-target-health."""
    target_healthy: bool = True
    """For such an alias: the target's health. A load balancer is healthy when each target group that has targets has a
    healthy one; a group with no registered targets is unhealthy."""

    @property
    def healthy(self) -> bool:
        """Whether Route 53 may answer it."""
        if self.alias and self.evaluates_target:
            return self.target_healthy and self.check is not False
        return self.check is not False


def answer(primary: Record, secondary: Record) -> Role:
    """The answer of a failover pair. When both are unhealthy Route 53 answers the primary."""
    if primary.healthy or not secondary.healthy:
        return Role.PRIMARY
    return Role.SECONDARY


@dataclass(frozen=True)
class Store:
    """One of the two latch stores."""

    there: bool
    """Whether the latch object exists."""
    reachable: bool = True
    """Whether checkers get an answer. Unreachable cannot be told from absent."""

    @property
    def present(self) -> bool:
        """Status of the plain check."""
        return Check(1.0 if self.there and self.reachable else 0.0).healthy

    @property
    def absent(self) -> bool:
        """Status of the inverted check."""
        return Check(1.0 if self.there and self.reachable else 0.0, inverted=True).healthy


@dataclass(frozen=True)
class World:
    """What the checkers can see."""

    primary: bool
    """The primary's page answers."""
    standby: bool
    """The standby's page answers."""
    stores: tuple[Store, Store]


def stateful_answer(world: World) -> Role:
    """A name whose site writes: it moves by the latch only, and a set latch holds whatever goes red."""
    first, second = world.stores
    return answer(
        Record(check=every(first.absent, second.absent), alias=True),
        Record(check=some(world.standby, first.present, second.present)),
    )


def stateless_answer(world: World) -> Role:
    """A name whose standby is a notice: it moves when the primary fails, too."""
    first, second = world.stores
    return answer(
        Record(check=every(world.primary, first.absent, second.absent), alias=True),
        Record(check=some(world.standby, first.present, second.present)),
    )


def health_only_answer(world: World) -> Role:
    """The design of the source document, without a latch: one check a record."""
    return answer(Record(check=world.primary, alias=True), Record(check=world.standby))
