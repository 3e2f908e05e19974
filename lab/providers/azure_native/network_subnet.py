"""A subnet of a virtual network."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, copied, exists, items, reference
from lab.providers.azure_native.network_virtual_network import prefix_problems
from lab.providers.azure_native.networks import NetworkType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal


class Subnet(NetworkType):
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

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        vnet = exists(box, topology.VNET, topology.vnet_of(identity))
        cidr, outer = (ipaddress.IPv4Network(one) for one in (topology.cidr_of(record), topology.range_of(vnet)))
        if not cidr.subnet_of(outer):
            raise Refusal(
                f'Status=400 Code="NetcfgInvalidSubnet" Message="Subnet \'{record["name"]}\' is not valid: {cidr} is '
                f'not inside {outer}"'
            )
        for other, one in box.records(self.token).items():
            inside = topology.same(topology.vnet_of(other), topology.vnet_of(identity))
            if inside and ipaddress.IPv4Network(topology.cidr_of(one)).overlaps(cidr):
                raise Refusal(
                    f'Status=400 Code="NetcfgSubnetRangesOverlap" Message="Subnet \'{record["name"]}\' is not valid '
                    f'because its IP address range overlaps with that of {other}"'
                )
        for key, token in (
            ("networkSecurityGroup", topology.GROUP),
            ("routeTable", topology.TABLE),
            ("natGateway", topology.NAT),
        ):
            if reference(record.get(key)):
                exists(box, token, reference(record[key]))

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for face, one in box.records(topology.INTERFACE).items():
            if topology.same(topology.subnet_of(one), identity):
                raise Busy(f'Status=400 Code="InUseSubnetCannotBeDeleted" Message="{identity} is in use by {face}"')

        for server, one in box.records(topology.SERVER).items():
            if topology.same(topology.server_subnet(one), identity):
                raise Busy(f'Status=400 Code="InUseSubnetCannotBeDeleted" Message="{identity} is in use by {server}"')

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self.remove(box, ("subnets", topology.short("subnet", identity)))
