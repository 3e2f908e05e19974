"""A user-assigned managed identity."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.types import Call
from lab.services.azure import TENANT


class UserAssignedIdentity(AzureType):
    """Who a machine or a federated workload is."""

    token = "azure-native:managedidentity:UserAssignedIdentity"
    path = GROUP + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
    api = "2023-01-31"
    autoname = generated("resourceName", 128)
    provisioned = False

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "clientId": inputs.get("clientId") or str(uuid.uuid4()),
            "principalId": inputs.get("principalId") or str(uuid.uuid4()),
            "tenantId": call.config.get("tenantId") or TENANT,
        }
