"""A managed disk."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.model import Volume
from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, AzureType, generated, items, reference
from lab.providers.framework.box import Box
from lab.providers.framework.types import Busy, Call, Refusal


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

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.world("volumes", Volume(topology.short("disk", identity), int(record["diskSizeGB"])))
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        if int(record["diskSizeGB"]) < int(before["diskSizeGB"]):
            raise Refusal('Status=400 Code="OperationNotAllowed" Message="Disk size reduction is not supported."')
        self.make(call, box, identity, record)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for machine, one in box.records(topology.MACHINE).items():
            for disk in items((one.get("storageProfile") or {}).get("dataDisks")):
                if topology.same(reference(disk.get("managedDisk")), identity):
                    raise Busy(f'Status=409 Code="OperationNotAllowed" Message="{identity} is attached to {machine}"')

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.unworld("volumes", topology.short("disk", identity))
        box.apply()
