"""A VPN connection: two tunnels of a VPN gateway, with a BGP session in each."""

import ipaddress
import secrets
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lab.providers.aws import topology
from lab.providers.aws.cloud import NetworkPart
from lab.providers.framework.box import Box
from lab.providers.framework.recorded import Recorded


def _given(name: str, otherwise: str) -> Callable[[Mapping[str, Any]], str]:
    """What the program said, else what AWS takes."""
    return lambda record: record.get(name) or otherwise


def _inside(number: int, at: int) -> Callable[[Mapping[str, Any]], str]:
    """An end of a tunnel inside it: AWS's own is the first address."""
    taken = f"169.254.{99 + number}.0/30"
    return lambda record: str(ipaddress.ip_network(record.get(f"tunnel{number}InsideCidr") or taken)[at])


def _outside(record: Mapping[str, Any]) -> str:
    """Of a tunnel: each has an address that no other has."""
    return f"13.124.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"


def _tunnel(number: int) -> dict[str, Any]:
    """What AWS says of one of a connection's two."""
    found = {
        "InsideCidr": _given(f"tunnel{number}InsideCidr", f"169.254.{99 + number}.0/30"),
        "Address": _outside,
        "BgpAsn": "64512",
        "BgpHoldtime": 30,
        "VgwInsideAddress": _inside(number, 1),
        "CgwInsideAddress": _inside(number, 2),
    }
    return {f"tunnel{number}{name}": value for name, value in found.items()}


class VpnConnection(Recorded, NetworkPart):
    """Options of a tunnel change in place; AWS replaces its end meanwhile, and no other."""

    token = "aws:ec2/vpnConnection:VpnConnection"
    live = True
    prefix = "vpn"
    arn_path = "vpn-connection/"
    outputs: ClassVar[dict[str, Any]] = {
        "customerGatewayConfiguration": "",
        "routes": [],
        "vgwTelemetries": [],
        **_tunnel(1),
        **_tunnel(2),
    }

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        topology.put_vpns(box)
