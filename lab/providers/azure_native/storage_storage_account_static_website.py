"""The static website of an account."""

from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType
from lab.providers.framework.types import Call


class StorageAccountStaticWebsite(AzureType):
    """Serves the container $web under the account's web host name."""

    token = "azure-native:storage:StorageAccountStaticWebsite"
    path = GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/staticWebsite"
    located = provisioned = False

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"containerName": "$web"}
