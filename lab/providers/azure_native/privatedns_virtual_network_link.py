"""A link that lets a virtual network resolve a private zone's names."""

from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.framework.types import Call


class VirtualNetworkLink(AzureType):
    """Global, as its zone."""

    token = "azure-native:privatedns:VirtualNetworkLink"
    path = (
        GROUP + "/providers/Microsoft.Network/privateDnsZones/{privateZoneName}"
        "/virtualNetworkLinks/{virtualNetworkLinkName}"
    )
    api = "2024-06-01"
    autoname = copied("virtualNetworkLinkName", 80)
    located = False

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"location": "global", "virtualNetworkLinkState": "Completed"}
