"""EC2's API: VPN connections as they live [EC2 API, DescribeVpnConnections, VgwTelemetry]; no other action is played.

A tunnel is UP when its session is, and its words say which part is not [Site-to-Site VPN, "Tunnel states"].
"""

import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from lab.services import aws_wire
from lab.services.api import Answer
from lab.services.cloud_vpn import Records
from lab.services.google.compute import GONE, Vpn
from lab.services.signature import Request, endpoint

CONNECTION = "aws:ec2/vpnConnection:VpnConnection"


class Ec2:
    """From records, and what runs of the VPN."""

    def __init__(self, records: Records, vpn: Callable[[], Vpn | None] = lambda: None) -> None:
        self._records, self._vpn = records, vpn

    def answer(self, request: Request) -> Answer:
        """Of a caller who may ask."""
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        action = form.get("Action", "")
        if action != "DescribeVpnConnections":
            words = f"the twinsite lab does not answer {action} of EC2"
            return aws_wire.answer("ec2", "", aws_wire.AwsError("InvalidAction", words))
        wanted = [value for name, value in form.items() if name.startswith("VpnConnectionId")]
        region = endpoint(request.host)[1]
        there = {
            identity: one
            for identity, one in self._records(CONNECTION).items()
            if str(one.get("region") or region) == region
        }
        lacking = [one for one in wanted if one not in there]
        if lacking:
            words = f"The vpnConnection ID '{lacking[0]}' does not exist"
            return aws_wire.answer("ec2", "", aws_wire.AwsError("InvalidVpnConnectionID.NotFound", words))
        known = [self._described(identity, there[identity]) for identity in wanted or sorted(there)]
        return aws_wire.answer("ec2", action, {"VpnConnections": known})

    def _described(self, identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "VpnConnectionId": identity,
            "State": "available",
            "Type": record.get("type") or "ipsec.1",
            "CustomerGatewayId": record.get("customerGatewayId"),
            "VpnGatewayId": record.get("vpnGatewayId"),
            "VgwTelemetry": [self._telemetry(identity, record, number) for number in (1, 2)],
            "Options": {
                "StaticRoutesOnly": bool(record.get("staticRoutesOnly")),
                "TunnelOptions": [
                    {
                        "OutsideIpAddress": record.get(f"tunnel{number}Address"),
                        "TunnelInsideCidr": record.get(f"tunnel{number}InsideCidr"),
                    }
                    for number in (1, 2)
                ],
            },
        }

    def _telemetry(self, identity: str, record: Mapping[str, Any], number: int) -> dict[str, Any]:
        end = f"{identity}-{number}"
        up, words, routes = end_state(self._vpn(), str(record.get("vpnGatewayId")), end)
        return {
            "OutsideIpAddress": record.get(f"tunnel{number}Address"),
            "Status": "UP" if up else "DOWN",
            "StatusMessage": words,
            "AcceptedRouteCount": routes,
            "LastStatusChange": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }


def end_state(vpn: Vpn | None, router: str, end: str) -> tuple[bool, str, int]:
    """(up, AWS's words, routes that the other side told)."""
    try:
        if vpn is None or not vpn.associations(end):
            return False, "IPSEC IS DOWN", 0
        said = vpn.sessions(router).get(end, {})
    except GONE:
        return False, "IPSEC IS DOWN", 0
    if said.get("bgpState") != "Established":
        return False, "IPSEC IS UP", 0
    families = said.get("addressFamilyInfo") or {}
    routes = int((families.get("ipv4Unicast") or {}).get("acceptedPrefixCounter") or 0)
    return True, f"{routes} BGP ROUTES", routes
