"""A subnet of a virtual network."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied, items
from lab.providers.azure_native.network_virtual_network import prefix_problems
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class Subnet(AzureType):
    """Everything changes in place, also its security group, route table and NAT gateway."""

    token = "azure-native:network:Subnet"
    path = GROUP + "/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}/subnets/{subnetName}"
    api = "2024-05-01"
    autoname = copied("subnetName", 80)
    located = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        cidrs = [inputs.get("addressPrefix"), *items(inputs.get("addressPrefixes"))]
        for cidr in cidrs:
            if isinstance(cidr, str):
                yield from prefix_problems("addressPrefix", cidr)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "privateEndpointNetworkPolicies": inputs.get("privateEndpointNetworkPolicies") or "Disabled",
            "privateLinkServiceNetworkPolicies": inputs.get("privateLinkServiceNetworkPolicies") or "Enabled",
        }
