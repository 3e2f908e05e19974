"""HA VPN between Google Cloud and AWS with fewer tunnels than the promise of both needs."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, together
from .gcp import CALLED, TUNNEL, is_named

_GATEWAY = "gcp:compute/haVpnGateway:HaVpnGateway"
_PEER = "gcp:compute/externalVpnGateway:ExternalVpnGateway"
_CONNECTION = "aws:ec2/vpnConnection:VpnConnection"
_FOUR = "FOUR_IPS_REDUNDANCY"
_OWN_INTERFACES = {0, 1}


def problems(found: Sequence[Resource]) -> Iterator[str]:
    tunnels = [one for one in found if one.type == TUNNEL]
    connections = [one for one in found if one.type == _CONNECTION]
    gateways = [one for one in found if one.type == _GATEWAY]
    for one in gateways:
        ours = [tunnel for tunnel in tunnels if is_named(one, tunnel.get("vpnGateway"))]
        lacking = _OWN_INTERFACES - {int(tunnel.number("vpnGatewayInterface", 0)) for tunnel in ours}
        if ours and lacking:
            yield (
                f"{one.name}: no tunnel leaves by interface {_listed(lacking)}, so one failure cuts the sites and the "
                "SLA does not hold: give each of the two interfaces a tunnel to each of the peer's addresses it is for"
            )
    for one in (one for one in found if one.type == _PEER):
        kind = one.get("redundancyType")
        if connections and kind != _FOUR:
            yield (
                f"{one.name}: redundancyType is {kind}, and AWS has two addresses for each of two connections: set "
                f"{_FOUR} with the four of two VpnConnections"
            )
        ours = [tunnel for tunnel in tunnels if is_named(one, tunnel.get("peerExternalGateway"))]
        reached = {int(tunnel.number("peerExternalGatewayInterface", 0)) for tunnel in ours}
        there = {int(part.number("id", at)) for at, part in enumerate(one.parts("interfaces"))}
        if ours and there - reached:
            yield (
                f"{one.name}: no tunnel goes to interface {_listed(there - reached)}, so AWS's maintenance of the "
                "other tunnels cuts the sites: add a VPNTunnel to each"
            )
    for one in connections if gateways else ():
        if one.get("staticRoutesOnly") is True:
            yield (
                f"{one.name}: staticRoutesOnly is true, so no route moves when a tunnel dies: set it to false, and let "
                "BGP do it"
            )


def _listed(numbers: set[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


POLICY = together(
    "vpn-without-sla",
    Severity.HIGH,
    "Two clouds are joined by both interfaces of the gateway, four tunnels and BGP (K6; Cloud VPN manual, topologies; "
    "AWS Site-to-Site VPN user guide, tunnel options).",
    {
        _GATEWAY: CALLED,
        _PEER: (*CALLED, "redundancyType", "interfaces.id"),
        TUNNEL: ("vpnGateway", "vpnGatewayInterface", "peerExternalGateway", "peerExternalGatewayInterface"),
        _CONNECTION: ("staticRoutesOnly",),
    },
    problems,
)
