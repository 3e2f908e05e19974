"""A route table."""

from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Busy, Call
from lab.services.credentials import ACCOUNT


class RouteTable(AwsType):
    """Routes in its own blocks change in place; Route resources add theirs."""

    token = "aws:ec2/routeTable:RouteTable"
    prefix = "rtb"
    arn_path = "route-table/"

    def computed(self, call: Call, identity: str, inputs: Any) -> dict[str, Any]:
        return {"ownerId": ACCOUNT, "routes": inputs.get("routes") or [], "propagatingVgws": []}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        exists(box, topology.VPC, record["vpcId"], "InvalidVpcID.NotFound", "vpc")
        for block in record.get("routes") or []:
            topology.route_of(box, block, str(block.get("cidrBlock") or ""))

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self.verify(call, box, identity, record)
        topology.put_table(box, identity)
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for other, one in box.records(topology.ASSOCIATION).items():
            if one["routeTableId"] == identity:
                raise Busy(
                    f"DependencyViolation: The routeTable '{identity}' has dependencies and cannot be deleted: {other}"
                )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for other, one in box.records(topology.ROUTE).items():
            if one["routeTableId"] == identity:
                box.forget(topology.ROUTE, other)
