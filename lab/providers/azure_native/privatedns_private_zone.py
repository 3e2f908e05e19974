"""A private DNS zone."""

from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.types import Call


class PrivateZone(AzureType):
    """Global: its location is always "global"."""

    token = "azure-native:privatedns:PrivateZone"
    path = GROUP + "/providers/Microsoft.Network/privateDnsZones/{privateZoneName}"
    api = "2024-06-01"
    autoname = generated("privateZoneName", 253)
    located = False

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"location": "global", "numberOfRecordSets": 1, "maxNumberOfRecordSets": 25000}
