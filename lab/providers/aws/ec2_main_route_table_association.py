"""Which route table is a VPC's main one."""

from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import NetworkPart, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call


class MainRouteTableAssociation(NetworkPart):
    """Deleting it makes the VPC's first table the main one again."""

    token = "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation"
    prefix = "rtbassoc"

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        exists(box, topology.VPC, record["vpcId"], "InvalidVpcID.NotFound", "vpc")
        exists(box, topology.TABLE, record["routeTableId"], "InvalidRouteTableID.NotFound", "routeTable")
        record["originalRouteTableId"] = topology.main_table(box, record["vpcId"])

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        topology.put_subnets(box, record["vpcId"])
