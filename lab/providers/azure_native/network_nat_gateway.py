"""A NAT gateway: a subnet's way out under a public address."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.types import Call


class NatGateway(AzureType):
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
