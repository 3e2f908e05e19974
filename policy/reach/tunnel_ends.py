"""A tunnel between Google and AWS of which each end was told something else."""

import ipaddress
from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import HIDDEN, Resource, among, called
from .gcp import CALLED, TUNNEL, is_named

_ROUTER = "gcp:compute/router:Router"
_INTERFACE = "gcp:compute/routerInterface:RouterInterface"
_PEER = "gcp:compute/routerPeer:RouterPeer"
_EXTERNAL = "gcp:compute/externalVpnGateway:ExternalVpnGateway"
_CONNECTION = "aws:ec2/vpnConnection:VpnConnection"
_GATEWAY = "aws:ec2/vpnGateway:VpnGateway"
_CUSTOMER = "aws:ec2/customerGateway:CustomerGateway"


def problems(tunnel: Resource, found: Sequence[Resource]) -> Iterator[str]:
    connections = [one for one in found if one.type == _CONNECTION]
    if not connections or not tunnel.get("vpnGateway"):
        return
    address = _address(tunnel, found)
    for connection in connections if address else ():
        for number in (1, 2):
            if connection.get(f"tunnel{number}Address") == address:
                yield from _differences(tunnel, connection, number, found)


def _address(tunnel: Resource, found: Sequence[Resource]) -> object:
    """Of the peer's interface that the tunnel goes to."""
    gateway = called(tunnel.get("peerExternalGateway"), found, CALLED, _EXTERNAL)
    wanted = int(tunnel.number("peerExternalGatewayInterface", 0))
    parts = gateway.parts("interfaces") if gateway else []
    return next((one.get("ipAddress") for at, one in enumerate(parts) if int(one.number("id", at)) == wanted), None)


def _differences(tunnel: Resource, connection: Resource, number: int, found: Sequence[Resource]) -> Iterator[str]:
    end = f"tunnel {number} of {connection.name}"
    keys = [tunnel.get("sharedSecret", hidden=True), connection.get(f"tunnel{number}PresharedKey", hidden=True)]
    if all(key and key != HIDDEN for key in keys) and keys[0] != keys[1]:
        yield (
            f"its sharedSecret is another key than that of {end}, so the two never trust each other: give both the same"
        )
    gateway = called(connection.get("vpnGatewayId"), found, ("id",), _GATEWAY)
    inside = connection.get(f"tunnel{number}InsideCidr")
    ours = [one for one in found if one.type == _INTERFACE and is_named(tunnel, one.get("vpnTunnel"))]
    for interface in ours:
        told = interface.get("ipRange")
        if told and inside and ipaddress.ip_interface(told).network != ipaddress.ip_network(inside):
            yield (
                f"{interface.name} is at {told}, and {end} is inside {inside}, so that no session comes up: set "
                f"ipRange to tunnel{number}_cgw_inside_address with the range's prefix"
            )
        for peer in (one for one in found if one.type == _PEER and is_named(interface, one.get("interface"))):
            yield from _other_number(peer, "peerAsn", gateway, "amazonSideAsn", f"the gateway of {end} has")
    router = called(tunnel.get("router"), found, CALLED, _ROUTER)
    customer = called(connection.get("customerGatewayId"), found, ("id",), _CUSTOMER)
    yield from _other_number(customer, "bgpAsn", router, "bgp.asn", "the tunnel's router has")


def _other_number(one: Resource | None, told: str, other: Resource | None, own: str, whose: str) -> Iterator[str]:
    if one is None or other is None or other.get(own) is None or one.get(told) is None:
        return
    if int(one.number(told, 0)) != int(other.number(own, 0)):
        yield (
            f"{one.name} has {told} {int(one.number(told, 0))}, and {whose} {int(other.number(own, 0))}, so that the "
            "session is refused: set the other side's number"
        )


POLICY = among(
    "tunnel-ends-differ",
    Severity.HIGH,
    "Both ends of a tunnel between Google and AWS have the same key and range, and each the other's number (K7; AWS "
    "Site-to-Site VPN user guide, tunnel options).",
    {TUNNEL: problems},
    (_ROUTER, _INTERFACE, _PEER, _EXTERNAL, _CONNECTION, _GATEWAY, _CUSTOMER),
)
