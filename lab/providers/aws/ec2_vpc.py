"""A virtual private cloud."""

import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call
from lab.services.credentials import ACCOUNT


class Vpc(AwsType):
    """Comes with a main route table, a default group and a default ACL, as on AWS."""

    token = "aws:ec2/vpc:Vpc"
    prefix = "vpc"
    arn_path = "vpc/"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from cidr_problems(inputs, "cidrBlock", 16, 28)
        if not inputs.get("cidrBlock") and not inputs.get("ipv4IpamPoolId"):
            yield Problem("cidrBlock", 'one of "cidrBlock", "ipv4IpamPoolId" must be specified')

    def forces(self, change: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
        # "instance_tenancy" replaces unless it goes from dedicated to default (provider's CustomizeDiff)
        if change.rule == "instanceTenancy":
            return not (
                old.get("instanceTenancy") == "dedicated" and new.get("instanceTenancy", "default") == "default"
            )
        return None

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        table = f"rtb-0{secrets.token_hex(8)}"
        return {
            "mainRouteTableId": table,
            "defaultRouteTableId": table,
            "defaultSecurityGroupId": f"sg-0{secrets.token_hex(8)}",
            "defaultNetworkAclId": f"acl-0{secrets.token_hex(8)}",
            "dhcpOptionsId": f"dopt-0{secrets.token_hex(8)}",
            "ownerId": ACCOUNT,
            "enableDnsHostnames": bool(inputs.get("enableDnsHostnames")),
            "enableNetworkAddressUsageMetrics": bool(inputs.get("enableNetworkAddressUsageMetrics")),
        }

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.put(topology.TABLE, record["mainRouteTableId"], {"vpcId": identity, "routes": []})
        everywhere = {"protocol": "-1", "fromPort": 0, "toPort": 0}
        box.put(
            topology.GROUP,
            record["defaultSecurityGroupId"],
            {
                "vpcId": identity,
                "name": "default",
                "ingress": [{**everywhere, "self": True}],
                "egress": [{**everywhere, "cidrBlocks": ["0.0.0.0/0"]}],
            },
        )
        topology.put_vpc(box, identity)
        topology.put_group(box, record["defaultSecurityGroupId"])
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        own = {record["mainRouteTableId"], record["defaultSecurityGroupId"]}
        for token in (topology.SUBNET, topology.GATEWAY, topology.TABLE, topology.GROUP):
            for other, one in box.records(token).items():
                if one.get("vpcId") == identity and other not in own:
                    raise Busy(
                        f"DependencyViolation: The vpc '{identity}' has dependencies and cannot be deleted: {other}"
                    )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.forget(topology.TABLE, record["mainRouteTableId"])
        box.forget(topology.GROUP, record["defaultSecurityGroupId"])
        box.unworld("groups", record["defaultSecurityGroupId"])
        box.unworld("vpcs", identity)
        box.apply()


def cidr_problems(inputs: Mapping[str, Any], key: str, low: int, high: int) -> Iterable[Problem]:
    """An IPv4 range that is none, has host bits, or is too large or small."""
    text = inputs.get(key)
    if not isinstance(text, str) or not text:
        return
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError as error:
        yield Problem(key, f'expected "{key}" to be a valid IPv4 CIDR: {error}')
        return
    if not low <= found.prefixlen <= high:
        yield Problem(
            key,
            f'expected "{key}" to contain a network Value with between {low} and {high} significant bits, got: {text}',
        )
