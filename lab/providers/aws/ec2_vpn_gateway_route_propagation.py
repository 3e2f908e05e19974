"""What a VPN gateway learns, in a route table."""

from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import NetworkPart
from lab.providers.framework.box import Box
from lab.providers.framework.recorded import Recorded


class VpnGatewayRoutePropagation(Recorded, NetworkPart):
    """The table has a route as long as a session brings it."""

    token = "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation"
    live = True
    named = "{vpnGatewayId}_{routeTableId}"

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        topology.put_table(box, record["routeTableId"])
