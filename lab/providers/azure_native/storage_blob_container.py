"""A container of blobs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


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
