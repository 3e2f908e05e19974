"""A security group."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Busy, Call, Refusal
from lab.services.credentials import ACCOUNT


class SecurityGroup(AwsType):
    """The provider removes the rule that lets everything out, so a group without rules admits nothing either way."""

    token = "aws:ec2/securityGroup:SecurityGroup"
    prefix = "sg"
    arn_path = "security-group/"
    autoname = AutoName("name", 255)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        name = inputs.get("name")
        if isinstance(name, str) and name.lower().startswith("sg-"):
            yield Problem("name", f"invalid value for name (cannot begin with sg-): {name!r}; give another `name`")
        description = inputs.get("description")
        if isinstance(description, str) and len(description) > 255:
            yield Problem("description", "expected length of description to be in the range (0 - 255)")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "ownerId": ACCOUNT,
            "ingress": inputs.get("ingress") or [],
            "egress": inputs.get("egress") or [],
            "namePrefix": inputs.get("namePrefix") or "",
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if not record.get("vpcId"):
            raise Refusal("VPCIdNotSpecified: No default VPC for this user; give vpcId")
        exists(box, topology.VPC, record["vpcId"], "InvalidVpcID.NotFound", "vpc")
        for other in box.records(self.token).values():
            if other["vpcId"] == record["vpcId"] and other["name"] == record["name"]:
                raise Refusal(
                    f"creating Security Group ({record['name']}): InvalidGroup.Duplicate: The security group "
                    f"'{record['name']}' already exists for VPC '{record['vpcId']}'"
                )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_group(box, identity)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        topology.put_group(box, identity)
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        users = [face for face, one in box.records(topology.INTERFACE).items() if identity in one["securityGroups"]]
        for token in (topology.INGRESS, topology.EGRESS):
            users += [
                str(one["securityGroupId"])
                for one in box.records(token).values()
                if one.get("referencedSecurityGroupId") == identity and one["securityGroupId"] != identity
            ]
        if users:
            raise Busy(f"DependencyViolation: resource {identity} has a dependent object: {', '.join(sorted(users))}")

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.unworld("groups", identity)
        for token in (topology.INGRESS, topology.EGRESS):
            for other, one in box.records(token).items():
                if one["securityGroupId"] == identity:
                    box.forget(token, other)
        box.apply()
