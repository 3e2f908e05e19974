"""The clouds' own VPN on real charons and BGP: what the program asks for comes up, what is told wrongly does not."""

import contextlib
import dataclasses
import ipaddress
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.box import Box, BoxError, process
from lab.box.host import ip, namespaces, nft, run
from lab.box.image import ensure_image
from lab.model import VpnRouter
from lab.paths import TREE, cache
from twinsite.rules.vpn import one_way_cut_seconds, silent_cut_seconds

from .box_world import eventually
from .cloud_vpn_flows import Flows
from .cloud_vpn_world import INTERFACE, PEER, SERVICES, SUBNET, TUNNEL, VPC, Records, routers, told
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

PREFIX = "tc"
UP_SECONDS = 40
"""For what takes two seconds on a quiet machine."""
IN_VPC, IN_SUBNET, IN_SERVICES = (str(ipaddress.ip_network(one)[7]) for one in (VPC, SUBNET, SERVICES))


@dataclass(frozen=True)
class Bed:
    """A box with both routers, up."""

    box: Box
    aws: VpnRouter
    google: VpnRouter

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

    def meets(self, tunnel: str) -> str:
        """AWS's end of one of Google's tunnels."""
        one = next(end for end in self.google.ends if end.id == tunnel)
        return next(end.id for end in self.aws.ends if (end.outside, end.peer) == (one.peer, one.outside))

    def up_but(self, *tunnels: str) -> bool:
        """All sessions but those of these tunnels are established, seen from both."""
        return self.down == {"aws": {self.meets(one) for one in tunnels}, "google": set(tunnels)}

    def namespace(self, router: VpnRouter) -> str:
        return self.box.names.vpn(router.id)


@pytest.fixture(scope="module")
def records() -> Records:
    return told()


@contextlib.contextmanager
def joined(folder: Path, aws: VpnRouter, google: VpnRouter) -> Iterator[Bed]:
    box = Box(folder, ensure_image(cache(), print), print, prefix=PREFIX)
    box.down()
    bed = Bed(box, aws, google)
    try:
        box.up_site({})
        box.vpns.up([aws, google])
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


def test_four_tunnels_come_up_from_what_the_program_asked_for(records: Records, tmp_path: Path) -> None:
    with joined(tmp_path, *routers(records)) as bed:
        took = eventually(bed.up_but, UP_SECONDS, "four sessions")
        print(f"4 x BGP {took:.1f} s after the last daemon's start")
        ends = [end.id for end in (*bed.aws.ends, *bed.google.ends)]
        assert associations(bed, ends) == dict.fromkeys(ends, 1)
        for target in (IN_SUBNET, IN_SERVICES):
            eventually(lambda target=target: answers(bed, target), 10, f"an answer of {target}")
        eventually(lambda: bed.paths == (1, 4), 10, "one path at the VPN gateway, four at the Cloud Router")
        bed.box.vpns.cut([(end.outside, end.peer) for end in bed.aws.ends])
        assert not answers(bed, IN_SUBNET), "there is no other way than through the tunnels"


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


@pytest.mark.parametrize("name", WRONG)
def test_what_is_told_wrongly_stays_down_and_the_others_carry_on(records: Records, tmp_path: Path, name: str) -> None:
    wrong = WRONG[name]
    with joined(tmp_path, *routers(wrong.change(records))) as bed:
        eventually(lambda: bed.up_but(*wrong.tunnels), UP_SECONDS, "the others' sessions")
        ends = [end for tunnel in wrong.tunnels for end in (tunnel, bed.meets(tunnel))]
        known = dict.fromkeys(ends, wrong.associations)
        eventually(
            lambda: associations(bed, ends) == known, UP_SECONDS, f"{wrong.associations} associations of each end"
        )
        eventually(lambda: wrong.refused(bed), 60, "two refusals")
        assert bed.up_but(*wrong.tunnels)
        assert associations(bed, ends) == known
        eventually(lambda: answers(bed, IN_SUBNET), 10, "an answer through the others")


def test_without_the_routers_filter_exchanged_ranges_would_look_right(records: Records, tmp_path: Path) -> None:
    with joined(tmp_path, *routers(exchanged_ranges(records))) as bed:
        for router in (bed.aws, bed.google):
            nft("delete table ip inside\n", bed.namespace(router))
        eventually(bed.up_but, UP_SECONDS, "four sessions that must not be")


LONG = pytest.mark.long


@pytest.mark.parametrize(("hold", "ways"), [(30, 2), pytest.param(30, 1, marks=LONG), pytest.param(60, 2, marks=LONG)])
def test_a_tunnel_that_is_cut_silently_loses_its_traffic_for_the_hold_time(
    records: Records, tmp_path: Path, hold: int, ways: int
) -> None:
    aws, google = routers(records)
    aws = dataclasses.replace(aws, hold_seconds=hold, keepalive_seconds=hold // 3)
    with joined(tmp_path, aws, google) as bed:
        eventually(lambda: bed.paths == (1, 4), UP_SECONDS, "all paths")
        here, there = (bed.namespace(aws), IN_VPC), (bed.namespace(google), IN_SUBNET)
        with Flows(here, there, 8) as out, Flows(there, here, 32) as back:
            eventually(lambda: out.whole and back.whole, 20, "traffic both ways")
            shown = run("ip", "-n", here[0], "route", "get", IN_SUBNET)
            cut = aws.ends[int(shown.partition(" dev tun")[2].split()[0]) - 1]
            bed.box.vpns.cut([(cut.outside, cut.peer), (cut.peer, cut.outside)][:ways])
            (met,) = (end.id for end in google.ends if bed.meets(end.id) == cut.id)
            eventually(lambda: bed.up_but(met), hold * 1.5 + 20, "the end of the session that was cut, and of no other")
            eventually(lambda: out.whole and back.whole, 20, "traffic both ways by the others")
            bed.box.vpns.cut([])
            again = eventually(bed.up_but, 40, "four sessions after the tunnel's return")
        out_lost, back_lost = out.lost_seconds(), back.lost_seconds()
        lost = f"lost {max(out_lost):.1f} s out, {max(back_lost):.1f} s back"
        print(f"cut {ways} way(s), hold {hold} s: {lost}; 4 x BGP {again:.1f} s after its return")
        assert min(out_lost) > hold / 2, "AWS uses one tunnel, and it was this"
        assert max(out_lost + back_lost) <= (one_way_cut_seconds if ways == 1 else silent_cut_seconds)(hold)
        if ways == 2:
            hit = [lost for lost in back_lost if lost > 1]
            assert 0 < len(hit) < len(back_lost), f"some of Google's flows were in it, and some were not: {back_lost}"
            assert min(hit) > hold / 2


MAKE = """
import json, sys
from pathlib import Path
from lab.box import Box
from lab.model import VpnRouter
from lab.state import read_record
prefix, folder, image, text = sys.argv[1:]
box = Box(Path(folder), Path(image), print, prefix=prefix)
try:
    box.up_site({})
    box.vpns.up([read_record(VpnRouter, one, "router") for one in json.loads(text)])
    print("ready", flush=True)
    sys.stdin.read()
finally:
    box.down()
"""


def ours() -> dict[int, str]:
    """Processes in the box's namespaces, with their names."""
    found = {}
    for name in namespaces():
        for pid in process.inside_of(name) if name.startswith(PREFIX) else ():
            with contextlib.suppress(OSError):  # gone meanwhile
                found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
    return found


def state(pid: int) -> str:
    """In the kernel's letters; X when it is gone. Whoever adopted what a killed process left reaps it some time."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def left() -> dict[str, set[str]]:
    """Of a box of ours, without asking it."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "namespaces": {name for name in namespaces() if name.startswith(PREFIX)},
        "links": {line for line in links.splitlines() if "ipsec" in line or "tun" in line.split(":")[1]},
        "files": {str(path) for path in (cache() / "lab").glob(f"run-{PREFIX}*")},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if f"run-{PREFIX}" in line},
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["while they start", "when they are up"])
def test_nothing_is_left_after_ctrl_c_and_of_a_killed_process_after_the_next_down(
    records: Records, tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    image = ensure_image(cache(), print)
    Box(tmp_path, image, print, prefix=PREFIX).down()
    before = left()
    text = json.dumps([dataclasses.asdict(one) for one in routers(records)])
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKE, PREFIX, str(tmp_path), str(image), text],
        cwd=TREE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    box = Box(tmp_path, image, print, prefix=PREFIX)
    try:
        assert maker.stdout is not None
        if moment == "when they are up":
            assert maker.stdout.readline() == "ready\n"
            assert sorted(ours().values()) == sorted(["charon-systemd"] * 8 + ["zebra", "bgpd"] * 2)
        else:
            eventually(lambda: list(ours().values()).count("charon-systemd") >= 3, 60, "three charons")
        running = set(ours())
        maker.send_signal(number)
        maker.wait(60)
        if number == signal.SIGKILL:
            assert set(ours()) & running, "what it started lives on"
            assert box.leftovers() != []
            box.down()
        assert left() == before
        assert {pid: how for pid in running if (how := state(pid)) not in "ZX"} == {}
        assert box.leftovers() == []
    finally:
        maker.kill()
        maker.communicate()
        box.down()


def test_an_end_that_does_not_start_is_named_and_nothing_is_left(records: Records, tmp_path: Path) -> None:
    aws, google = routers(records)
    broken = dataclasses.replace(google.ends[1], ike="rot13-md5")
    google = dataclasses.replace(google, ends=(google.ends[0], broken, *google.ends[2:]))
    before = left()
    said = "twinsite-tunnel-2: charon does not take what it was told: .*invalid value for: proposals"
    with pytest.raises(BoxError, match=said), joined(tmp_path, aws, google):
        pass
    assert left() == before
