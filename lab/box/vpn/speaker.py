"""BGP of one router: FRR in its namespace. What a change of the router leaves alone keeps its sessions."""

import ipaddress
import json
from collections.abc import Iterable
from typing import Any

from lab.box import process
from lab.box.host import BoxError, run
from lab.box.vpn.room import Room, filled
from lab.model import TunnelEnd, VpnRouter


class Speaker:
    """zebra and bgpd of a router whose namespace is there."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._told: VpnRouter | None = None

    def apply(self, router: VpnRouter) -> None:
        """Start, or tell what differs; nobody is waited for but the daemons. BoxError when they do not start."""
        was, self._told = self._told, router
        if was is None or _core(was) != _core(router):
            self._start(router)
        else:
            self._change(was, router)

    @property
    def sessions(self) -> dict[str, dict[str, Any]]:
        """Neighbour → FRR's own words about its session."""
        found: dict[str, dict[str, Any]] = json.loads(self._ask("show bgp neighbors json"))
        return found

    @property
    def learnt(self) -> frozenset[str]:
        """Ranges that sessions brought and that the router uses."""
        shown = run("ip", "-n", self._room.namespace, "-j", "route", "show", "proto", "bgp", check=False)
        return frozenset(str(ipaddress.ip_network(one["dst"])) for one in json.loads(shown or "[]"))

    def _start(self, router: VpnRouter) -> None:
        room = self._room
        if room.runs:
            process.kill_and_wait(process.inside_of(room.namespace))
            room.reap()
        text = filled(
            "frr.conf",
            asn=router.asn,
            router=min(str(ipaddress.ip_interface(end.inside).ip) for end in router.ends),
            keepalive=router.keepalive_seconds,
            hold=router.hold_seconds,
            paths=router.paths,
            neighbours="\n".join(f" {line}" for line in (*_neighbours(router.ends), *_shut(router))),
            networks="\n".join(f"  network {one}" for one in router.advertised),
        )
        room.write("frr.conf", text)
        room.write("frr.sh", filled("frr.sh"))
        (room.folder / "frr.conf").chmod(0o644)  # nothing secret, and FRR gives up root's rights first
        room.start("/bin/sh", "/srv/frr.sh")
        room.wait(lambda: bool(room.ask("vtysh", "-c", "show bgp summary json", check=False).strip()))

    def _change(self, was: VpnRouter, now: VpnRouter) -> None:
        """Sessions of ends that are the same go on."""
        gone = [end.neighbour for end in was.ends if end not in now.ends]
        lines = [f"no neighbor {neighbour}" for neighbour in dict.fromkeys(gone)]
        kept = {end.neighbour for end in was.ends} - set(gone)
        lines += _neighbours([end for end in now.ends if end.neighbour not in kept])
        lines += [f"no {line}" for line in _shut(was) if line not in _shut(now)]
        lines += [line for line in _shut(now) if line not in _shut(was)]
        networks = [f"no network {one}" for one in was.advertised if one not in now.advertised]
        networks += [f"network {one}" for one in now.advertised if one not in was.advertised]
        if networks:
            lines += ["address-family ipv4 unicast", *networks]
        if lines:
            said = self._ask("configure terminal", f"router bgp {now.asn}", *lines)
            if "%" in said:
                raise BoxError(f"{now.id}: FRR does not take what it was told: {said.strip()}")

    def _ask(self, *lines: str) -> str:
        return self._room.ask("vtysh", *(word for line in lines for word in ("-c", line)))


def _core(router: VpnRouter) -> tuple[int, int, int, int]:
    """What all sessions of a router have in common."""
    return router.asn, router.paths, router.keepalive_seconds, router.hold_seconds


def _neighbours(ends: Iterable[TunnelEnd]) -> list[str]:
    return [
        line
        for end in ends
        for line in (
            f"neighbor {end.neighbour} remote-as {end.neighbour_asn}",
            f"neighbor {end.neighbour} timers connect 5",
        )
    ]


def _shut(router: VpnRouter) -> list[str]:
    """A peer is told by a CEASE [RFC 8203]."""
    return [f"neighbor {end.neighbour} shutdown" for end in router.ends if end.id in router.shut]
