"""BGP over HA VPN that meets itself, or nobody."""

import ipaddress
from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, together
from .gcp import CALLED, TUNNEL, is_named

_INTERFACE = "gcp:compute/routerInterface:RouterInterface"
_PEER = "gcp:compute/routerPeer:RouterPeer"


def problems(found: Sequence[Resource]) -> Iterator[str]:
    interfaces = [one for one in found if one.type == _INTERFACE and one.get("vpnTunnel")]
    peers = [one for one in found if one.type == _PEER]
    for one in found:
        if one.type != TUNNEL or not one.get("vpnGateway"):
            continue  # of a classic gateway, which has static routes
        if not one.get("router"):
            yield f"{one.name}: a tunnel of an HA gateway without a router has no routes: set router"
        if not any(is_named(one, interface.get("vpnTunnel")) for interface in interfaces):
            yield f"{one.name}: no RouterInterface is on this tunnel, so no session runs in it: add one, and a peer"
    for one in interfaces:
        ours = [peer for peer in peers if is_named(one, peer.get("interface"))]
        if not ours:
            yield f"{one.name}: no RouterPeer is on this interface, so nobody is spoken to: add one with the peer's ASN"
        for peer in ours:
            yield from _addresses(one, peer)


def _addresses(interface: Resource, peer: Resource) -> Iterator[str]:
    told, theirs = interface.get("ipRange"), peer.get("peerIpAddress")
    if not told or not theirs:
        return  # Google chooses; which the other side must then have, no graph shows
    own, other = ipaddress.ip_interface(told), ipaddress.ip_address(theirs)
    fix = "set it to the other side's address in the tunnel, for AWS tunnelN_vgw_inside_address"
    if other == own.ip:
        yield f"{peer.name}: peerIpAddress {theirs} is the address of its own interface, a session with itself: {fix}"
    elif other not in own.network:
        yield f"{peer.name}: peerIpAddress {theirs} is outside {own.network}, so no session comes up: {fix}"


POLICY = together(
    "bgp-session-cannot-come-up",
    Severity.HIGH,
    "Each tunnel of an HA gateway has a router, an interface and a peer, and the peer is the other side (K7; Cloud "
    "Router manual, BGP sessions).",
    {
        TUNNEL: (*CALLED, "vpnGateway", "router"),
        _INTERFACE: (*CALLED, "vpnTunnel", "ipRange"),
        _PEER: ("interface", "peerIpAddress"),
    },
    problems,
)
