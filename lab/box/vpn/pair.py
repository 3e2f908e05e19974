"""Routers of clouds' own VPNs, with the ends of their tunnels, on the box's internet.

An end is a namespace with its outside address and a charon. Its TUN device is moved to the router: one per tunnel, so
that a route chooses the tunnel, as with a route-based VPN. libipsec chooses an SA by selectors, and all of these are
0.0.0.0/0; so one charon never has two tunnels.
"""

import dataclasses
import ipaddress
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lab.box import process
from lab.box.host import BoxError, ip, namespaces, nft, run, sysctl
from lab.box.internet import QUIET
from lab.box.layout import BRIDGE, VPN_ATTACHMENT, Names, mac
from lab.box.layout import port as port_name
from lab.box.vpn.room import Room, filled
from lab.box.vpn.speaker import Speaker
from lab.model import TunnelEnd, VpnRouter

WAN = "wan"
VPC = "vpc"
"""The router's cable to the network that it is attached to."""
MTU = 1399
"""Of a tunnel between AWS and Google: 1500 without the headers of ESP in UDP."""

_VICI = ("--uri", "unix:///srv/vici")


class CloudVpns:
    """All of one box. The internet's bridge must be there; `layout.Names.vpn` names everything else."""

    def __init__(self, names: Names, image: Path, folder: Path, relearnt: Callable[[], None] = lambda: None) -> None:
        """`image`: root file system of the machine image. `folder` holds configuration and keys; it is removed.
        `relearnt` is called, in a thread of its own, when what an attached router learnt may have changed."""
        self._names = names
        self._image = image
        self._folder = folder
        self._relearnt = relearnt
        self._routers: dict[str, VpnRouter] = {}
        self._devices: dict[str, str] = {}
        self._rooms: dict[str, Room] = {}
        self._speakers: dict[str, Speaker] = {}
        self._monitors: dict[str, subprocess.Popen[str]] = {}

    def apply(self, routers: Sequence[VpnRouter]) -> None:
        """Make these and no others, waiting for no tunnel; an end that is as it was keeps its tunnel. A network that
        one is attached to must be there. BoxError names the end that did not start."""
        wanted = {router.id: router for router in routers}
        for router in [one for one in self._routers.values() if one.id not in wanted]:
            self._forget(router)
        made = []
        for router in routers:
            before = self._routers.get(router.id)
            if before is not None and before.vpc != router.vpc:
                self._forget(before)
                before = None
            if before is None:
                self._add_namespace(router.id, forward=True)
                self._speakers[router.id] = Speaker(self._rooms[router.id])
            kept = tuple(end for end in before.ends if end in router.ends) if before else ()
            for end in before.ends if before else ():
                if end not in kept:
                    self._remove_end(end)
            # What is made from here on is taken away again by whoever comes next, also after a failure half-way.
            self._routers[router.id] = dataclasses.replace(router, ends=kept)
            for end in router.ends:
                if end not in kept:
                    self._routers[router.id] = dataclasses.replace(router, ends=(*self._routers[router.id].ends, end))
                    self._add_namespace(end.id)
                    self._plug(end)
                    self._start_charon(end)
                    made.append((router, end))
        for router, end in made:
            self._join(router, end)
        for router in routers:
            nft(_guard(router, self._devices), self._names.vpn(router.id))
            self._attach(router)
            self._speakers[router.id].apply(router)
            self._routers[router.id] = router
        for _, end in made:
            try:
                self._rooms[end.id].ask("swanctl", "--load-all", "--file", "/srv/swanctl.conf", *_VICI)
            except BoxError as error:
                said = " / ".join(str(error).splitlines()[-2:])
                raise BoxError(f"{end.id}: charon does not take what it was told: {said}") from error

    def down(self) -> None:
        """Take them away; fine when there is nothing."""
        self._take([name for name in namespaces() if name.startswith(self._names.vpn(""))])
        for monitor in self._monitors.values():
            monitor.wait()
        for room in self._rooms.values():
            room.reap()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._routers, self._devices, self._rooms, self._speakers, self._monitors = {}, {}, {}, {}, {}

    def cut(self, ways: Iterable[tuple[str, str]]) -> None:
        """Lose what goes from one outside address to another, and nothing else, until called again. Nobody is told."""
        rules = [f"        ip saddr {source} ip daddr {target} counter drop" for source, target in ways]
        nft(filled("cuts.nft", rules="\n".join(rules)), self._names.internet)

    def sessions(self, router: str) -> dict[str, dict[str, Any]]:
        """Ends of a router, each with FRR's words about its BGP session (`bgpState`, …); nothing where it has none."""
        said = self._speakers[router].sessions
        return {end.id: dict(said.get(end.neighbour, {})) for end in self._routers[router].ends}

    def associations(self, end: str) -> int:
        """How many child SAs an end has; 0: the tunnel is down, over 1: a duplicate."""
        return self._rooms[end].ask("swanctl", "--list-sas", *_VICI).count(" INSTALLED,")

    def learnt(self, router: str) -> frozenset[str]:
        """Ranges that a router's sessions brought; none of a router that is not there."""
        return self._speakers[router].learnt if router in self._speakers else frozenset()

    def said(self, identity: str) -> str:
        """All that an end's, or a router's, daemons said."""
        return (self._rooms[identity].folder / "said").read_text(errors="replace")

    def _forget(self, router: VpnRouter) -> None:
        for end in router.ends:
            self._remove_end(end)
        self._take([self._names.vpn(router.id)])
        if router.id in self._monitors:
            self._monitors.pop(router.id).wait()
        self._rooms.pop(router.id).reap()
        del self._speakers[router.id], self._routers[router.id]

    def _remove_end(self, end: TunnelEnd) -> None:
        """Its TUN device goes with its charon."""
        self._take([self._names.vpn(end.id)])
        self._devices.pop(end.id, None)
        room = self._rooms.pop(end.id)
        room.reap()
        shutil.rmtree(room.folder, ignore_errors=True)

    def _take(self, own: list[str]) -> None:
        for name in own:
            process.kill_and_wait(process.inside_of(name))
        for name in own:
            # A cable's other end goes with it at once; the kernel takes a namespace away a while after its name.
            for cable in (WAN, VPC):
                run("ip", "-n", name, "link", "del", cable, check=False)
            run("ip", "netns", "del", name)

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

    def _join(self, router: VpnRouter, end: TunnelEnd) -> None:
        """The end's TUN device into the router. What stays under its name is for libipsec, which wants a route to a
        device of that name or makes no child SA."""
        room = self._rooms[end.id]
        room.wait(lambda: (room.folder / "vici").exists())
        taken = {self._devices[one.id] for one in router.ends if one.id in self._devices}
        device = next(name for number in range(1, 100) if (name := f"tun{number}") not in taken)
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
        self._devices[end.id] = device

    def _attach(self, router: VpnRouter) -> None:
        """The cable to its network, and the way there; what it learns is told from then on."""
        if not router.vpc:
            return
        name, (here, there) = self._names.vpn(router.id), VPN_ATTACHMENT
        if router.id not in self._monitors:
            port = port_name(router.id)
            inside = self._names.vpc(router.vpc)
            ip([f"link add {port} type veth peer name {VPC} netns {name}"], inside)
            ip([f"addr add {there}/32 dev {port}", f"link set {port} up"], inside)
            ip([f"addr add {here}/32 dev {VPC}", f"link set {VPC} up"], name)
            self._monitors[router.id] = self._watch(name)
        ip([f"route flush dev {VPC} proto static", *_ways(router, there)], name)

    def _watch(self, namespace: str) -> "subprocess.Popen[str]":
        """The kernel says each route that comes or goes; so nobody polls."""
        monitor = subprocess.Popen(
            ["ip", "-n", namespace, "monitor", "route"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

        def listen() -> None:
            assert monitor.stdout is not None
            for line in monitor.stdout:
                if " proto bgp " in line:
                    self._relearnt()

        threading.Thread(target=listen, name=f"routes-{namespace}", daemon=True).start()
        return monitor


def _ways(router: VpnRouter, gateway: str) -> list[str]:
    return [f"route add {one} via {gateway} dev {VPC} onlink proto static" for one in dict.fromkeys(router.advertised)]


def _guard(router: VpnRouter, devices: dict[str, str]) -> str:
    """See router.nft."""
    rules = []
    for end in router.ends:
        own, device = ipaddress.ip_interface(end.inside).ip, devices[end.id]
        rules += [
            f'        iifname "{device}" ip daddr 169.254.0.0/16 ip daddr != {own} counter drop',
            f'        iifname "{device}" ip saddr 169.254.0.0/16 ip saddr != {end.neighbour} counter drop',
        ]
    return filled("router.nft", rules="\n".join(rules))


def _mac(own: str, peer: str) -> str:
    return mac(f"{own} to {peer}")
