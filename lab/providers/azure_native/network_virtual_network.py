"""A virtual network."""

import ipaddress
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, block, generated, items
from lab.providers.azure_native.networks import NetworkType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call


class VirtualNetwork(NetworkType):
    """Its ranges change in place. Subnets are resources of their own here."""

    token = "azure-native:network:VirtualNetwork"
    path = GROUP + "/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}"
    api = "2024-05-01"
    autoname = generated("virtualNetworkName", 64)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        if inputs.get("subnets"):
            yield Problem(
                "subnets",
                "the lab takes subnets as resources of their own, as the provider advises: both together take "
                "each other's subnets away",
            )
        for at, cidr in enumerate(items(block(inputs.get("addressSpace")).get("addressPrefixes"))):
            if isinstance(cidr, str):
                yield from prefix_problems(f"addressSpace.addressPrefixes[{at}]", cidr)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "resourceGuid": inputs.get("resourceGuid") or str(uuid.uuid4()),
            "subnets": inputs.get("subnets") or [],
            "enableDdosProtection": bool(inputs.get("enableDdosProtection")),
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        topology.range_of(record)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for subnet in box.records(topology.SUBNET):
            if topology.same(topology.vnet_of(subnet), identity):
                raise Busy(f'Status=400 Code="InUseVirtualNetworkCannotBeDeleted" Message="{subnet} is in {identity}"')

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self.remove(box, ("vpcs", topology.short("vnet", identity)))


def prefix_problems(path: str, cidr: str) -> Iterable[Problem]:
    """What Azure would say of a range that is none."""
    try:
        ipaddress.IPv4Network(cidr)
    except ValueError:
        yield Problem(
            path,
            f"InvalidAddressPrefixFormat: Address prefix {cidr} has an invalid format: a range begins at its first "
            "address",
        )
