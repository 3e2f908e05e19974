"""The kinds of cut, and what each is allowed to cost."""

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """How the tunnel is broken."""

    TERMINATE = "terminate"
    """A DELETE is sent, as `ipsec down` did: both ends know at once."""
    LINK_DOWN = "link-down"
    """Nothing passes between the gateways, nobody is told."""
    ONE_WAY = "one-way"
    """One direction is cut: one end still hears the other."""
    CRASH = "gateway-crash"
    """A gateway restarts without a word."""
    REBOOT = "gateway-reboot"
    """A gateway restarts in good order."""

    @property
    def restarts(self) -> bool:
        """Whether a gateway goes away."""
        return self in (How.CRASH, How.REBOOT)

    @property
    def cuts_link(self) -> bool:
        """Whether packets are dropped for a chosen time."""
        return self in (How.LINK_DOWN, How.ONE_WAY)


class Direction(StrEnum):
    """Which way is cut in a one-way cut, seen from the on-prem site."""

    TO_AWS = "to-aws"
    FROM_AWS = "from-aws"


@dataclass(frozen=True)
class Limits:
    """What a kind of cut may cost, in seconds."""

    tunnel_back: float
    """From the moment the path is back (a restarted gateway: answers again) to the first crossing packet."""
    replication_back: float
    """From the same moment to a receiver that runs and receives; after a short cut also to having caught up."""


DETECT_LIMIT_SECONDS = 15.0
"""A dead peer is detected in at most this (FACTS section 18); our timers compute 13.5 s (FACTS section 2.1)."""

CAUGHT_UP_SECONDS = 2.0
"""A replica whose newest heartbeat is younger has caught up: the source writes one each second."""

LIMITS = {
    How.TERMINATE: Limits(tunnel_back=5.0, replication_back=10.0),
    How.LINK_DOWN: Limits(tunnel_back=5.0, replication_back=10.0),
    How.ONE_WAY: Limits(tunnel_back=10.0, replication_back=15.0),
    # 15 s for the tunnel, then net timeout 5 s + connect retry 1 s (FACTS section 3.1), and MySQL's own catching up.
    How.CRASH: Limits(tunnel_back=15.0, replication_back=25.0),
    How.REBOOT: Limits(tunnel_back=15.0, replication_back=25.0),
}

DEFAULT_SECONDS = {How.LINK_DOWN: 30.0, How.ONE_WAY: 30.0}
RESTART_PATIENCE_SECONDS = 180.0
"""How long a restarted gateway may take to answer; a cloud machine's firmware alone takes half a minute."""

SHORT_CUT_SECONDS = 60.0
"""A cut of up to this leaves so little to apply that running again and having caught up have one limit."""

CATCH_UP_FACTOR = 20
"""A replica must apply what a longer cut left at least so many times as fast as it was written (assumption; 25 measured
at 20 transactions a second on two busy cores)."""


def catch_up_limit(how: How, cut_seconds: float) -> float:
    """Seconds from the path's return to a replica that has caught up, after a cut of this length."""
    return LIMITS[how].replication_back + max(0.0, cut_seconds - SHORT_CUT_SECONDS) / CATCH_UP_FACTOR
