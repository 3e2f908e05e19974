"""A subnet."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists, region_of
from lab.providers.aws.ec2_vpc import cidr_problems
from lab.providers.aws.offers import zones
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal
from lab.services.credentials import ACCOUNT


class Subnet(AwsType):
    """Its routes are those of the associated, else of the main route table."""

    token = "aws:ec2/subnet:Subnet"
    prefix = "subnet"
    arn_path = "subnet/"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return cidr_problems(inputs, "cidrBlock", 16, 28)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        zone = inputs.get("availabilityZone") or zones(region_of(call, inputs))[-1]
        return {
            "availabilityZone": zone,
            "availabilityZoneId": inputs.get("availabilityZoneId") or f"lab1-az{1 + ord(zone[-1]) % 3}",
            "privateDnsHostnameTypeOnLaunch": inputs.get("privateDnsHostnameTypeOnLaunch") or "ip-name",
            "ownerId": ACCOUNT,
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        known = zones(record["region"])
        if record["availabilityZone"] not in known:
            raise Refusal(
                f"creating EC2 Subnet: InvalidParameterValue: Value ({record['availabilityZone']}) for parameter "
                f"availabilityZone is invalid. Subnets can currently only be created in the following availability "
                f"zones: {', '.join(known)}."
            )
        vpc = exists(box, topology.VPC, record["vpcId"], "InvalidVpcID.NotFound", "vpc")
        if not record.get("cidrBlock"):
            raise Refusal("the lab's subnets need a cidrBlock: it has no IPAM and no IPv6")
        cidr = ipaddress.IPv4Network(record["cidrBlock"])
        if not cidr.subnet_of(ipaddress.IPv4Network(vpc["cidrBlock"])):
            raise Refusal(f"creating EC2 Subnet: InvalidSubnet.Range: The CIDR '{cidr}' is invalid.")
        for other in box.records(self.token).values():
            if other["vpcId"] == record["vpcId"] and ipaddress.IPv4Network(other["cidrBlock"]).overlaps(cidr):
                raise Refusal(
                    f"creating EC2 Subnet: InvalidSubnet.Conflict: The CIDR '{cidr}' conflicts with another subnet"
                )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_subnet(box, identity)
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for other, one in box.records(topology.INTERFACE).items():
            if one["subnetId"] == identity:
                raise Busy(
                    f"DependencyViolation: The subnet '{identity}' has dependencies and cannot be deleted: {other}"
                )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.unworld("subnets", identity)
        box.apply()
