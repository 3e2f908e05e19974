"""Versioning and soft delete of an account's blobs."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.azure_native.storage_management_policy import default_only
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class BlobServiceProperties(AzureType):
    """One an account, called default. It has no DELETE: the provider sets it back, which switches soft delete off."""

    token = "azure-native:storage:BlobServiceProperties"
    path = GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/blobServices/{blobServicesName}"
    api = "2024-01-01"
    autoname = copied("blobServicesName", 80)
    located = provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from default_only(inputs, "blobServicesName")
        for key in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            policy = inputs.get(key)
            if isinstance(policy, Mapping) and policy.get("enabled") is True:
                days = policy.get("days")
                if days is None or (isinstance(days, int) and not 1 <= days <= 365):
                    yield Problem(f"{key}.days", f"InvalidXmlNodeValue: 1 to 365 days, found {days}")
