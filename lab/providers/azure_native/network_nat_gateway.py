"""A NAT gateway: a subnet's way out under a public address."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, exists, generated, items, reference
from lab.providers.azure_native.networks import NetworkType, not_used
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call


class NatGateway(NetworkType):
    """Its addresses change in place."""

    token = "azure-native:network:NatGateway"
    path = GROUP + "/providers/Microsoft.Network/natGateways/{natGatewayName}"
    api = "2024-05-01"
    autoname = generated("natGatewayName", 80)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "idleTimeoutInMinutes": inputs.get("idleTimeoutInMinutes") or 4,
            "resourceGuid": inputs.get("resourceGuid") or str(uuid.uuid4()),
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        for one in items(record.get("publicIpAddresses")):
            exists(box, topology.ADDRESS, reference(one))

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        not_used(box, topology.SUBNET, "natGateway", identity, "InUseNatGatewayCannotBeDeleted")
