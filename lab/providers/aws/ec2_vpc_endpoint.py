"""A VPC endpoint."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.types import Call
from lab.services.credentials import ACCOUNT


class VpcEndpoint(AwsType):
    """Recorded: in the lab the APIs answer at one address that every subnet's own route out leads to."""

    token = "aws:ec2/vpcEndpoint:VpcEndpoint"
    live = False
    prefix = "vpce"
    arn_path = "vpc-endpoint/"
    replaces = frozenset({"serviceName", "vpcEndpointType", "vpcId", "serviceRegion", "resourceConfigurationArn",
                          "serviceNetworkArn"})  # fmt: skip
    updates = frozenset({"autoAccept", "dnsOptions", "ipAddressType", "policy", "privateDnsEnabled", "routeTableIds",
                         "securityGroupIds", "subnetConfigurations", "subnetIds"})  # fmt: skip
    sets = frozenset({"routeTableIds", "securityGroupIds", "subnetIds"})
    keeps = frozenset({"policy", "routeTableIds", "securityGroupIds", "subnetIds", "ipAddressType"})
    defaults: ClassVar[Mapping[str, Any]] = {"vpcEndpointType": "Gateway"}

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "state": "available",
            "ownerId": ACCOUNT,
            "requesterManaged": False,
            "prefixListId": f"pl-{identity[-8:]}" if inputs["vpcEndpointType"] == "Gateway" else "",
            "cidrBlocks": [],
            "dnsEntries": [],
            "networkInterfaceIds": [],
        }
