"""An IPsec tunnel: both ends, as their gateways report them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Tunnel

from ..host_facts import End, HostFacts
from ..stack import age_words
from .complaint import complaints
from .sources import Sources
from .subject import Subject, line


@dataclass(frozen=True)
class TunnelSeen:
    """One tunnel."""

    tunnel: Tunnel
    ends: tuple[End, End]
    """Initiator's, responder's."""
    unreachable: frozenset[str]
    delivery: Mapping[str, str]
    """Host → what brings it its guest."""

    @property
    def known(self) -> list[End]:
        return [end for end in self.ends if end.known]

    @property
    def up(self) -> bool | None:
        """None when neither end says anything."""
        known = self.known
        return None if not known else all(end.up for end in known) and any(end.crosses for end in known)

    def problems(self) -> Iterator[str]:
        yield from _key_problems(self.tunnel, *self.ends)
        heals = not any(end.complaints for end in self.ends)
        for end in self.ends:
            if end.known:
                yield from _end_problems(self.tunnel, end, heals)
                yield from complaints(end)
            elif end.host not in self.unreachable:
                yield f"{self.tunnel.name}: {end.host} does not report ({end.words}): {self.delivery[end.host]}"

    def _values(self) -> dict[str, Any]:
        rtts = [end.rtt_ms for end in self.known if end.rtt_ms is not None]
        ages = [end.established_seconds for end in self.known if end.established_seconds is not None]
        return {
            "name": self.tunnel.name,
            "initiator": self.tunnel.initiator,
            "responder": self.tunnel.responder,
            "up": self.up,
            "ike_sas": max((end.established for end in self.known), default=None),
            "child_sas": max((end.installed for end in self.known), default=None),
            "established_seconds": min(ages, default=None),
            "rtt_ms": min(rtts, default=None),
            "unknown_ends": [end.host for end in self.ends if not end.known],
        }

    def shown(self) -> Mapping[str, Any]:
        return {"tunnels": [self._values()]}

    def lines(self) -> Iterator[str]:
        found = self._values()
        state = {True: "up", False: "DOWN", None: "unknown"}[self.up]
        age = found["established_seconds"]
        since = f" for {'unknown' if age is None else age_words(age)}" if self.up else ""
        rtt = f", {found['rtt_ms']:.1f} ms" if found["rtt_ms"] is not None else ""
        children = "" if found["child_sas"] is None else f", {found['child_sas']} CHILD SA"
        yield line("tunnel", self.tunnel.name, f"{state}{since}{rtt}{children}")


def _key_problems(tunnel: Tunnel, *ends: End) -> Iterator[str]:
    """Keys by their fingerprints: each end can only say that it holds what it was told."""
    one, other = (end.keys for end in ends)
    both = sorted(one.keys() & other.keys(), key=int)
    if one and other and not both:
        yield (
            f"{tunnel.name}: the ends were told keys of no common generation ({', '.join(one)} and "
            f"{', '.join(other)}): the next authentication fails: run `pulumi up`, which tells both"
        )
    if differ := [generation for generation in both if one[generation] != other[generation]]:
        yield (
            f"{tunnel.name}: the ends were told different keys of generation {', '.join(differ)}: the next "
            "authentication fails: run `pulumi up`, which tells both the same"
        )


def _end_problems(tunnel: Tunnel, end: End, heals: bool) -> Iterator[str]:
    """`heals`: neither end has found anything on itself that keeps the tunnel down."""
    fix = "run `twinsite repair`"
    where = f"{tunnel.name}: {end.host}"
    if end.charon_problem:
        yield f"{where}: charon does not answer ({end.charon_problem}): {fix}, which starts it"
    elif end.established == 0:
        states = f" (IKE SAs: {', '.join(end.ike_states)})" if end.ike_states else ""
        last = f"; charon's last words: {end.last_words[-1]}" if end.last_words else ""
        advice = {
            "keys": "the peer's key or identity is refused, and will be each time: "
            f"{fix}, and where both ends hold what they were told `pulumi up`, which tells both",
            "connection": f"the peer knows no such connection, and will not each time: {fix}",
        }.get(end.cause, f"it comes back by itself when the path does; if it does not, {fix}")
        if not heals and end.cause not in ("keys", "connection"):
            advice = f"it stays so until what is named beside this is mended: {fix}"
        yield f"{where} has no established IKE SA{states}{last}: {advice}"
    elif end.installed == 0:
        yield f"{where} has an IKE SA but no installed CHILD SA, so nothing crosses: {fix}"
    elif end.installed > 1 or end.established > 1:
        yield (
            f"{where} has {end.established} IKE and {end.installed} CHILD SAs instead of one each: {fix}, which "
            "ends the older ones"
        )
    elif not end.crosses:
        yield f"{where} has its SAs, but no packet crosses: check routes and firewalls behind the peer, then {fix}"
    if not end.guarded and not end.complaints:
        yield (
            f"{where} lacks the rules that keep clear text in: run `sudo twinsite-guest gateway apply` there, "
            "or `pulumi up`"
        )


def seen(facts: HostFacts) -> list[TunnelSeen]:
    """Each tunnel of what the hosts report."""
    unreachable = frozenset(facts.unreachable)
    delivery = {host.name: host.delivery for host in facts.inventory.hosts}
    return [TunnelSeen(one, facts.tunnel_ends(one), unreachable, delivery) for one in facts.inventory.tunnels]


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    return seen(sources.hosts()) if sources.inventory.tunnels else []
