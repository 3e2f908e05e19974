"""Routers of clouds' own VPNs, with the ends of their tunnels, on the box's internet.

An end is a namespace with its outside address and a charon. Its TUN device is moved to the router: one per tunnel, so
that a route chooses the tunnel, as with a route-based VPN. libipsec chooses an SA by selectors, and all of these are
0.0.0.0/0; so one charon never has two tunnels.
"""

import ipaddress
import json
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lab.box import process
from lab.box.host import BoxError, ip, namespaces, nft, run, sysctl
from lab.box.internet import QUIET
from lab.box.layout import BRIDGE, Names, mac
from lab.box.layout import port as port_name
from lab.box.vpn.room import Room, filled
from lab.model import TunnelEnd, VpnRouter

WAN = "wan"
MTU = 1399
"""Of a tunnel between AWS and Google: 1500 without the headers of ESP in UDP."""
SECONDS = 20.0
"""For a daemon's start, on a busy machine; one that takes longer hangs."""


_VICI = ("--uri", "unix:///srv/vici")


class CloudVpns:
    """All of one box. The internet's bridge must be there; `layout.Names.vpn` names everything else."""

    def __init__(self, names: Names, image: Path, folder: Path) -> None:
        """`image`: root file system of the machine image. `folder` holds configuration and keys; it is removed."""
        self._names = names
        self._image = image
        self._folder = folder
        self._routers: dict[str, VpnRouter] = {}
        self._rooms: dict[str, Room] = {}

    def up(self, routers: Sequence[VpnRouter]) -> None:
        """Make them, waiting for no tunnel. Nothing of it may be there. BoxError names the end that did not start."""
        for router in routers:
            self._routers[router.id] = router
            self._add_namespace(router.id, forward=True)
            for end in router.ends:
                self._add_namespace(end.id)
                self._plug(end)
                self._start_charon(end)
        for router in routers:
            for number, end in enumerate(router.ends, 1):
                self._join(router, end, f"tun{number}")
            nft(_guard(router), self._names.vpn(router.id))
            self._start_frr(router)
        for router in routers:
            for end in router.ends:
                try:
                    self._rooms[end.id].ask("swanctl", "--load-all", "--file", "/srv/swanctl.conf", *_VICI)
                except BoxError as error:
                    said = " / ".join(str(error).splitlines()[-2:])
                    raise BoxError(f"{end.id}: charon does not take what it was told: {said}") from error

    def down(self) -> None:
        """Take them away; fine when there is nothing."""
        own = [name for name in namespaces() if name.startswith(self._names.vpn(""))]
        for name in own:
            process.kill_and_wait(process.inside_of(name))
        for room in self._rooms.values():
            room.reap()
        for name in own:
            # The cable's other end goes with it at once; the kernel takes a namespace away a while after its name.
            run("ip", "-n", name, "link", "del", WAN, check=False)
            run("ip", "netns", "del", name)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._routers, self._rooms = {}, {}

    def cut(self, ways: Iterable[tuple[str, str]]) -> None:
        """Lose what goes from one outside address to another, and nothing else, until called again. Nobody is told."""
        rules = [f"        ip saddr {source} ip daddr {target} counter drop" for source, target in ways]
        nft(filled("cuts.nft", rules="\n".join(rules)), self._names.internet)

    def sessions(self, router: str) -> dict[str, dict[str, Any]]:
        """Ends of a router, each with FRR's words about its BGP session (`bgpState`, …); nothing where it has none."""
        said: dict[str, Any] = json.loads(self._rooms[router].ask("vtysh", "-c", "show bgp neighbors json"))
        return {end.id: dict(said.get(end.neighbour, {})) for end in self._routers[router].ends}

    def associations(self, end: str) -> int:
        """How many child SAs an end has; 0: the tunnel is down, over 1: a duplicate."""
        return self._rooms[end].ask("swanctl", "--list-sas", *_VICI).count(" INSTALLED,")

    def said(self, identity: str) -> str:
        """All that an end's, or a router's, daemons said."""
        return (self._rooms[identity].folder / "said").read_text(errors="replace")

    def _add_namespace(self, identity: str, forward: bool = False) -> None:
        name = self._names.vpn(identity)
        run("ip", "netns", "add", name)
        ip(["link set lo up"], name)
        sysctl(QUIET | {"net/ipv4/ip_forward": str(int(forward)), "net/ipv4/fib_multipath_hash_policy": "1"}, name)
        self._rooms[identity] = Room(name, self._image, self._folder / identity)

    def _plug(self, end: TunnelEnd) -> None:
        """Its cable. Google's interface has one address and two tunnels: whoever calls it is told which of the two is
        meant by the other end's address, as the interface itself would find it."""
        name, port = self._names.vpn(end.id), port_name(self._names.vpn(end.id))
        ip(
            [
                f"link add {port} type veth peer name {WAN} address {_mac(end.outside, end.peer)} netns {name}",
                f"link set {port} master {BRIDGE}",
                f"link set {port} up",
            ],
            self._names.internet,
        )
        ip(
            [
                f"addr add {end.outside}/32 dev {WAN}",
                f"link set {WAN} up",
                f"route add {end.peer}/32 dev {WAN} src {end.outside}",
                f"neigh replace {end.peer} lladdr {_mac(end.peer, end.outside)} nud permanent dev {WAN}",
            ],
            name,
        )

    def _start_charon(self, end: TunnelEnd) -> None:
        room = self._rooms[end.id]
        start, dpd = ("trap|start", "restart") if end.calls else ("none", "clear")
        room.write("strongswan.conf", filled("strongswan.conf"))
        words = {"outside": end.outside, "peer": end.peer, "ike": end.ike, "esp": end.esp, "key": end.key}
        room.write("swanctl.conf", filled("swanctl.conf", **words, start=start, dpd=dpd))
        room.start("/usr/sbin/charon-systemd", STRONGSWAN_CONF="/srv/strongswan.conf")

    def _join(self, router: VpnRouter, end: TunnelEnd, device: str) -> None:
        """The end's TUN device into the router. What stays under its name is for libipsec, which wants a route to a
        device of that name or makes no child SA."""
        room = self._rooms[end.id]
        self._wait(end.id, lambda: (room.folder / "vici").exists())
        ip(
            [
                f"link set ipsec0 netns {self._names.vpn(router.id)} name {device}",
                "link add ipsec0 type bridge",
                "link set ipsec0 up",
            ],
            room.namespace,
        )
        ip(
            [f"link set {device} mtu {MTU} up", f"addr add {end.inside} dev {device}"],
            self._names.vpn(router.id),
        )

    def _start_frr(self, router: VpnRouter) -> None:
        room = self._rooms[router.id]
        neighbours = {end.neighbour: end.neighbour_asn for end in router.ends}
        text = filled(
            "frr.conf",
            asn=router.asn,
            router=min(str(ipaddress.ip_interface(end.inside).ip) for end in router.ends),
            keepalive=router.keepalive_seconds,
            hold=router.hold_seconds,
            paths=router.paths,
            neighbours="\n".join(
                f" neighbor {address} remote-as {asn}\n neighbor {address} timers connect 5"
                for address, asn in neighbours.items()
            ),
            networks="\n".join(f"  network {one}" for one in router.advertised),
        )
        room.write("frr.conf", text)
        room.write("frr.sh", filled("frr.sh"))
        (room.folder / "frr.conf").chmod(0o644)  # nothing secret, and FRR gives up root's rights first
        room.start("/bin/sh", "/srv/frr.sh")
        self._wait(router.id, lambda: bool(room.ask("vtysh", "-c", "show bgp summary json", check=False).strip()))

    def _wait(self, identity: str, seen: Callable[[], bool]) -> None:
        room, deadline = self._rooms[identity], time.monotonic() + SECONDS
        while not seen():
            if not room.runs or time.monotonic() > deadline:
                raise BoxError(f"{identity} did not start; it said: {room.last_words()}")
            time.sleep(0.05)


def _guard(router: VpnRouter) -> str:
    """See router.nft."""
    rules = []
    for number, end in enumerate(router.ends, 1):
        own, device = ipaddress.ip_interface(end.inside).ip, f"tun{number}"
        rules += [
            f'        iifname "{device}" ip daddr 169.254.0.0/16 ip daddr != {own} counter drop',
            f'        iifname "{device}" ip saddr 169.254.0.0/16 ip saddr != {end.neighbour} counter drop',
        ]
    return filled("router.nft", rules="\n".join(rules))


def _mac(own: str, peer: str) -> str:
    return mac(f"{own} to {peer}")
