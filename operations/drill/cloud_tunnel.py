"""What `twinsite drill tunnel` may do to the tunnels between two clouds, and what it may cost. Pure.

No cloud lets its customer cut a tunnel silently: AWS replaces an endpoint when its options are changed, which takes
minutes and an unsaid time [AWS, Tunnel endpoint replacements], and Google makes a tunnel anew. What is documented, at
once and reversible is a BGP session that Google's router shuts down: `WITHDRAWN`. It is told to the other end, so that
traffic moves at once; a silent cut and one that goes one way need a command of the operator's.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from twinsite.inventory import CloudVpn, Inventory
from twinsite.rules.vpn import HOLD_SECONDS

from .. import offers
from .expectations import Check

COMMAND = "drill tunnel"
SHORTEST_SECONDS, DEFAULT_SECONDS, LONGEST_SECONDS = 45.0, 60.0, 900.0
"""A silent cut is seen when the hold time is over, and one way later; above, the standby is late for nothing."""
LOST_SECONDS, LOST_ONE_WAY_SECONDS = HOLD_SECONDS + 2.0, HOLD_SECONDS + 10.0
BACK_SECONDS, BACK_ONE_WAY_SECONDS = 10.0, 35.0
"""One way: the end that was still heard asks 10 s after the last word, gives up after 5 × 4 s, and BGP tries every 5 s.
Google does not publish its own; these are the lab's: page benchmarks."""
CURRENT_SECONDS = 10.0
LATE_SECONDS = 30.0
"""Beyond a bound, so that what comes late is measured and not only called late."""


class Many(StrEnum):
    """How many tunnels of the four."""

    ONE = "one"
    THREE = "three"
    ALL = "all"


class Way(StrEnum):
    """What is lost of a one-way cut, seen from Google's end."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True)
class Request:
    """What a person asked for."""

    many: Many = Many.ONE
    first: str = ""
    """Name of the tunnel that is cut first; "" the first one."""
    one_way: Way | None = None
    seconds: float = DEFAULT_SECONDS
    fault_command: str = ""


@dataclass(frozen=True)
class Cut:
    """What will be done."""

    vpn: CloudVpn
    tunnels: tuple[str, ...]
    seconds: float
    one_way: Way | None
    command: str

    @property
    def all_(self) -> bool:
        """Whether nothing is left to go by."""
        return len(self.tunnels) == len(self.vpn.tunnels)

    @property
    def links(self) -> tuple[str, ...]:
        """As the operator's command is given them."""
        return tuple(f"{one}:{self.one_way}" if self.one_way else one for one in self.tunnels)

    @property
    def words(self) -> str:
        """For a person."""
        way = f", only what goes {self.one_way} at Google's end" if self.one_way else ""
        how = f"by `{self.command}`" if self.command else "by having Google's router shut their sessions down"
        return f"{', '.join(self.tunnels)} for {self.seconds:g} s {how}{way}"

    @property
    def back_seconds(self) -> float:
        """Until all sessions must be there again."""
        return BACK_ONE_WAY_SECONDS if self.one_way else BACK_SECONDS

    @property
    def watch_seconds(self) -> float:
        """Of the watch in the cluster: the cut, and all that may come after it."""
        return self.seconds + self.back_seconds + CURRENT_SECONDS + LATE_SECONDS


def plan(inventory: Inventory, asked: Request) -> tuple[Cut | None, list[str]]:
    """The cut, or every reason why there is none."""
    missing = offers.refusal(COMMAND, inventory)
    if missing:
        return None, [missing]
    vpn = next(one for one in inventory.vpns if one.tunnels)
    problems = []
    if asked.first and asked.first not in vpn.tunnels:
        problems.append(f"--first {asked.first}: its tunnels are {', '.join(vpn.tunnels)}")
    if not SHORTEST_SECONDS <= asked.seconds <= LONGEST_SECONDS:
        problems.append(
            f"--seconds {asked.seconds:g}: give {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g}; with a hold time of "
            f"{HOLD_SECONDS} s a shorter cut ends no session"
        )
    if asked.one_way and not asked.fault_command:
        problems.append(
            "--one-way: no call of AWS's or of Google's loses packets of one direction; give --fault-command a command "
            "of yours that does, or leave --one-way out"
        )
    if problems:
        return None, problems
    first = vpn.tunnels.index(asked.first) if asked.first else 0
    order = vpn.tunnels[first:] + vpn.tunnels[:first]
    number = {Many.ONE: 1, Many.THREE: len(order) - 1, Many.ALL: len(order)}[asked.many]
    return Cut(vpn, order[:number], asked.seconds, asked.one_way, asked.fault_command), []


@dataclass
class Seen:
    """Of one drill."""

    cut: Cut
    down: frozenset[str] = frozenset()
    """Sessions that were seen down while it was cut."""
    down_seconds: float | None = None
    """Until all that were cut were seen so."""
    back_seconds: float | None = None
    """From the cut's end until all sessions were there."""
    watched: dict[str, Any] | None = None
    """What the watch in the cluster says."""

    @property
    def figures(self) -> dict[str, Any]:
        """Under the house's names."""
        said = self.watched or {}
        return {
            "sessions_down_seconds": self.down_seconds,
            "tunnel_back_seconds": self.back_seconds,
            "replication_back_seconds": said.get("current_seconds"),
            "traffic_lost_seconds": said.get("lost_seconds"),
            "connections": said.get("connections"),
            "connections_lost": said.get("lost"),
            "heartbeat_late_seconds": said.get("late_seconds"),
        }

    @property
    def checks(self) -> list[Check]:
        """The first shows that something was cut; without it the others say nothing."""
        cut, said = self.cut, self.watched or {}
        lost = said.get("lost_seconds")
        beyond = max(0.0, lost - cut.seconds) if lost is not None and cut.all_ else lost
        bound = BACK_SECONDS if cut.all_ else LOST_ONE_WAY_SECONDS if cut.one_way else LOST_SECONDS
        made = [
            Check(
                "the cut was one",
                f"the sessions of {', '.join(cut.tunnels)} go down, and no other",
                ", ".join(sorted(self.down)) or "none went down",
                self.down == frozenset(cut.tunnels),
            ),
            _within("traffic, beyond the cut" if cut.all_ else "traffic lost", beyond, bound),
            _within("all sessions back", self.back_seconds, cut.back_seconds),
        ]
        if said.get("lost"):
            made.append(_within("replica current once there is a path", said.get("current_seconds"), CURRENT_SECONDS))
        else:
            late = said.get("late_seconds")
            made.append(_within("slowest heartbeat, nothing having been lost", late, CURRENT_SECONDS))
        if cut.all_:
            lost_all = lost is not None and lost >= cut.seconds / 2
            made.append(Check("nothing came while all were cut", "connections are lost", f"{lost} s", lost_all))
        return made


def _within(name: str, value: float | None, bound: float) -> Check:
    seen = "never" if value is None else f"{value:g} s"
    return Check(name, f"at most {bound:g} s", seen, value is not None and value <= bound)
