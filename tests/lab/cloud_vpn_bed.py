"""Both routers of a VPN between AWS and Google in a box of their own, and what can be told to them wrongly."""

import contextlib
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.box import Box
from lab.box.host import ip, run
from lab.box.image import ensure_image
from lab.model import TunnelEnd, VpnRouter
from lab.paths import cache

from .cloud_vpn_world import INTERFACE, PEER, SERVICES, SUBNET, TUNNEL, VPC, Records

IN_VPC, IN_SUBNET, IN_SERVICES = (str(ipaddress.ip_network(one)[7]) for one in (VPC, SUBNET, SERVICES))


@dataclass(frozen=True)
class Bed:
    """A box with both routers, up."""

    box: Box
    aws: VpnRouter
    google: VpnRouter
    image: Path
    """Root file system of the machine image."""

    @property
    def down(self) -> dict[str, set[str]]:
        """Ends whose session is not established, of each cloud."""
        found = {"aws": self.aws.id, "google": self.google.id}
        return {
            cloud: {
                end for end, said in self.box.vpns.sessions(router).items() if said.get("bgpState") != "Established"
            }
            for cloud, router in found.items()
        }

    @property
    def paths(self) -> tuple[int, int]:
        """Over how many tunnels at once AWS, and Google, sends to the other."""
        out, back = (
            run("ip", "-n", self.namespace(router), "route", "show", learnt).count(" dev tun")
            for router, learnt in ((self.aws, SUBNET), (self.google, VPC))
        )
        return out, back

    @property
    def used(self) -> TunnelEnd:
        """AWS's end of the one tunnel that it sends by."""
        shown = run("ip", "-n", self.namespace(self.aws), "route", "get", IN_SUBNET)
        return self.aws.ends[int(shown.partition(" dev tun")[2].split()[0]) - 1]

    def meets(self, tunnel: str) -> str:
        """AWS's end of one of Google's tunnels."""
        one = next(end for end in self.google.ends if end.id == tunnel)
        return next(end.id for end in self.aws.ends if (end.outside, end.peer) == (one.peer, one.outside))

    def up_but(self, *tunnels: str) -> bool:
        """All sessions but those of these tunnels are established, seen from both."""
        return self.down == {"aws": {self.meets(one) for one in tunnels}, "google": set(tunnels)}

    def namespace(self, router: VpnRouter) -> str:
        return self.box.names.vpn(router.id)


@contextlib.contextmanager
def joined(folder: Path, prefix: str, aws: VpnRouter, google: VpnRouter) -> Iterator[Bed]:
    """Up, waiting for no session. `prefix`: of what the box makes on this machine."""
    image = ensure_image(cache(), print)
    box = Box(folder, image, print, prefix=prefix)
    box.down()
    bed = Bed(box, aws, google, image)
    try:
        box.up_site({})
        box.vpns.apply([aws, google])
        ip([f"addr add {IN_VPC}/32 dev lo"], bed.namespace(aws))
        ip([f"addr add {one}/32 dev lo" for one in (IN_SUBNET, IN_SERVICES)], bed.namespace(google))
        yield bed
    finally:
        box.down()


def associations(bed: Bed, ends: list[str]) -> dict[str, int]:
    """Security associations of each end."""
    return {end: bed.box.vpns.associations(end) for end in ends}


def answers(bed: Bed, target: str) -> bool:
    words = ("ping", "-c", "1", "-W", "5", "-I", IN_VPC, target)
    return "1 received" in run("ip", "netns", "exec", bed.namespace(bed.aws), *words, check=False)


def changed(records: Records, kind: str, tunnel: str, **values: Any) -> Records:
    """With other values in the record of that type and name."""
    found = {identity: {**one, **values} if one["name"] == tunnel else one for identity, one in records[kind].items()}
    assert found != records[kind]
    return {**records, kind: found}


def wrong_key(records: Records) -> Records:
    return changed(records, TUNNEL, "twinsite-tunnel-1", sharedSecret="of somebody else")


def wrong_asn(records: Records) -> Records:
    return changed(records, PEER, "twinsite-tunnel-2", peerAsn=64999)


def own_address(records: Records) -> Records:
    own = next(one["ipAddress"] for one in records[PEER].values() if one["name"] == "twinsite-tunnel-3")
    return changed(records, PEER, "twinsite-tunnel-3", peerIpAddress=own)


def exchanged_ranges(records: Records) -> Records:
    """Tunnel 3 inside 4's range, and the reverse, at Google."""
    names = ("twinsite-tunnel-3", "twinsite-tunnel-4")
    interfaces = {one["name"]: one for one in records[INTERFACE].values()}
    peers = {one["name"]: one for one in records[PEER].values()}
    for name, other in (names, names[::-1]):
        records = changed(records, INTERFACE, name, ipRange=interfaces[other]["ipRange"])
        theirs = {key: peers[other][key] for key in ("ipAddress", "peerIpAddress")}
        records = changed(records, PEER, name, **theirs)
    return records


def refused(bed: Bed, tunnel: str) -> bool:
    """Whether Google's router closed the tunnel's session twice, for the other's number."""
    said = bed.box.vpns.sessions(bed.google.id)[tunnel]
    why = said.get("lastNotificationReason")
    return why == "OPEN Message Error/Bad Peer AS" and said["messageStats"]["notificationsSent"] >= 2


def dropped(bed: Bed) -> int:
    """Packets that arrived in the wrong tunnel, at either cloud."""
    shown = "".join(
        run("ip", "netns", "exec", bed.namespace(one), "nft", "list", "table", "ip", "inside")
        for one in (bed.aws, bed.google)
    )
    return sum(int(line.split(" packets ")[1].split()[0]) for line in shown.splitlines() if " packets " in line)


@dataclass(frozen=True)
class Wrong:
    """What is told wrongly, what of it stays down, and how one sees that this was tried, and refused, twice."""

    change: Callable[[Records], Records]
    tunnels: tuple[str, ...]
    associations: int
    refused: Callable[[Bed], bool]


WRONG = {
    "a wrong key": Wrong(
        wrong_key,
        ("twinsite-tunnel-1",),
        0,
        lambda bed: bed.box.vpns.said(bed.meets("twinsite-tunnel-1")).count("MAC mismatched") >= 2,
    ),
    "a wrong ASN": Wrong(
        wrong_asn,
        ("twinsite-tunnel-2",),
        1,
        lambda bed: refused(bed, "twinsite-tunnel-2"),
    ),
    "its own address as the peer": Wrong(
        own_address,
        ("twinsite-tunnel-3",),
        1,
        lambda bed: refused(bed, "twinsite-tunnel-3"),  # of itself
    ),
    "exchanged inside ranges": Wrong(
        exchanged_ranges, ("twinsite-tunnel-3", "twinsite-tunnel-4"), 1, lambda bed: dropped(bed) >= 4
    ),
}
