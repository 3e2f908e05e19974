"""A container of blobs."""

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied, exists
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import BACKING

ACCOUNT = "azure-native:storage:StorageAccount"


class BlobContainer(AzureType):
    """Its access level and metadata change in place."""

    token = "azure-native:storage:BlobContainer"
    path = (
        GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/blobServices/default"
        "/containers/{containerName}"
    )
    api = "2024-01-01"
    autoname = copied("containerName", 63)
    located = provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        name = inputs.get("containerName")
        if isinstance(name, str) and not re.fullmatch(r"\$web|\$root|\$logs|(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", name):
            yield Problem(
                "containerName",
                f"InvalidResourceName: {name!r}: 3 to 63 lower-case letters, digits and single hyphens",
            )

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "publicAccess": inputs.get("publicAccess") or "None",
            "hasImmutabilityPolicy": False,
            "hasLegalHold": False,
            "leaseState": "Available",
            "leaseStatus": "Unlocked",
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        self._public(box, identity, record)

    def _public(self, box: Box, identity: str, record: dict[str, Any]) -> None:
        account = exists(box, ACCOUNT, identity.rpartition("/blobServices/")[0])
        if record["publicAccess"] != "None" and not account.get("allowBlobPublicAccess"):
            raise Refusal(
                'Status=409 Code="PublicAccessNotPermitted" Message="Public access is not permitted on this storage '
                'account." (the account has allowBlobPublicAccess off)'
            )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        key = f"{record['accountName']}/{record['containerName']}"
        if box.record(BACKING, key) is not None:
            raise Refusal(f'Status=409 Code="ContainerAlreadyExists" Message="{key} already exists."')
        box.put(BACKING, key, {"name": f"c{uuid.uuid4().hex}"})

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self._public(box, identity, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.forget(BACKING, f"{record['accountName']}/{record['containerName']}")
