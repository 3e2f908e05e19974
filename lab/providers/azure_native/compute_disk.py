"""A managed disk."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.types import Call


class Disk(AzureType):
    """Grows in place."""

    token = "azure-native:compute:Disk"
    path = GROUP + "/providers/Microsoft.Compute/disks/{diskName}"
    api = "2024-03-02"
    autoname = generated("diskName", 80)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        gib = inputs.get("diskSizeGB") or 4
        return {
            "diskSizeGB": gib,
            "diskSizeBytes": gib * 2**30,
            "diskState": "Unattached",
            "uniqueId": inputs.get("uniqueId") or str(uuid.uuid4()),
        }
