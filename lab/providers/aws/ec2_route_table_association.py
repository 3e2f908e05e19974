"""Which route table a subnet uses."""

from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import NetworkPart, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call, Refusal


class RouteTableAssociation(NetworkPart):
    """Another table for the same subnet is an update; another subnet replaces."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    prefix = "rtbassoc"

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        exists(box, topology.TABLE, record["routeTableId"], "InvalidRouteTableID.NotFound", "routeTable")
        if not record.get("subnetId"):
            raise Refusal("the lab associates route tables with subnets only (subnetId)")
        exists(box, topology.SUBNET, record["subnetId"], "InvalidSubnetID.NotFound", "subnet")
        for other, one in box.records(self.token).items():
            if one["subnetId"] == record["subnetId"] and other != identity:
                raise Refusal(
                    f"Resource.AlreadyAssociated: the specified association for route table {one['routeTableId']} "
                    f"conflicts with an existing association ({other})"
                )

    def find(self, call: Call, box: Box, identity: str) -> str:
        """Imported as SUBNET/TABLE."""
        for key, one in box.records(self.token).items():
            if f"{one['subnetId']}/{one['routeTableId']}" == identity:
                return key
        return identity

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        topology.put_subnet(box, record["subnetId"])
