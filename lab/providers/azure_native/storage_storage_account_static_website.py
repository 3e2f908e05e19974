"""The static website of an account."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call
from lab.services.azure import BACKING


class StorageAccountStaticWebsite(AzureType):
    """Serves the container $web under the account's web host name."""

    token = "azure-native:storage:StorageAccountStaticWebsite"
    path = GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/staticWebsite"
    located = provisioned = False

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"containerName": "$web"}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, "azure-native:storage:StorageAccount", identity.rpartition("/")[0])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        key = f"{record['accountName']}/$web"
        if box.record(BACKING, key) is None:  # it outlives the website
            box.put(BACKING, key, {"name": f"c{uuid.uuid4().hex}"})
