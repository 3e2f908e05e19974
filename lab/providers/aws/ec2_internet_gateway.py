"""An internet gateway."""

from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Busy, Call, Refusal
from lab.services.credentials import ACCOUNT


class InternetGateway(AwsType):
    """Attached to at most one VPC; changing it detaches and attaches in place."""

    token = "aws:ec2/internetGateway:InternetGateway"
    prefix = "igw"
    arn_path = "internet-gateway/"

    def computed(self, call: Call, identity: str, inputs: Any) -> dict[str, Any]:
        return {"ownerId": ACCOUNT}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        vpc = record.get("vpcId")
        if not vpc:
            return
        exists(box, topology.VPC, vpc, "InvalidVpcID.NotFound", "vpc")
        for other, one in box.records(self.token).items():
            if one.get("vpcId") == vpc and other != identity:
                raise Refusal(
                    f"Resource.AlreadyAssociated: resource {other} is already attached to network {vpc}, which "
                    "takes one internet gateway"
                )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        if before.get("vpcId") != record.get("vpcId"):
            self.verify(call, box, identity, record)
            self._put(box, before, record)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        subnets = {
            one for one, subnet in box.records(topology.SUBNET).items() if subnet["vpcId"] == record.get("vpcId")
        }
        for face, one in box.records(topology.INTERFACE).items():
            if one["subnetId"] in subnets and topology.public_address(box, face):
                raise Busy(
                    f"DependencyViolation: Network {record.get('vpcId')} has some mapped public address(es). Please "
                    f"unmap those public address(es) before detaching the gateway ({face})."
                )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    @staticmethod
    def _put(box: Box, *records: dict[str, Any]) -> None:
        for record in records:
            if record.get("vpcId"):
                topology.put_vpc(box, record["vpcId"])
                topology.put_subnets(box, record["vpcId"])
        box.apply()
