"""A key vault."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import vault_host

DELETED = "lab:azure:deleted-vault"
"""Records by host name: soft delete keeps a vault and its name for 7 to 90 days."""


class Vault(AzureType):
    """The lab's vaults decide by role assignments, not by access policies."""

    token = "azure-native:keyvault:Vault"
    path = GROUP + "/providers/Microsoft.KeyVault/vaults/{vaultName}"
    api = "2024-11-01"
    autoname = generated("vaultName", 24)
    completed: ClassVar[frozenset[str]] = frozenset({"properties"})
    provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        name = inputs.get("vaultName")
        if isinstance(name, str) and not re.fullmatch(r"[a-zA-Z0-9-]{3,24}", name):
            yield Problem("vaultName", "'vaultName' does not match expression '^[a-zA-Z0-9-]{3,24}$'")
        properties = inputs.get("properties")
        if isinstance(properties, Mapping) and properties.get("enableRbacAuthorization") is not True:
            yield Problem(
                "properties.enableRbacAuthorization",
                "the lab's vaults decide by role assignments: set enableRbacAuthorization (access policies are the "
                "older model, which Azure keeps for old vaults)",
            )
        if isinstance(properties, Mapping) and properties.get("enablePurgeProtection") is False:
            yield Problem(
                "properties.enablePurgeProtection",
                'BadRequest: The property "enablePurgeProtection" cannot be set to false: leave it out',
            )

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        name = identity.rpartition("/")[2]
        properties = {
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            **(inputs.get("properties") or {}),
            "vaultUri": f"https://{vault_host(name)}/",
            "provisioningState": "Succeeded",
        }
        return {"properties": properties}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        host = vault_host(identity.rpartition("/")[2])
        if any(vault_host(key.rpartition("/")[2]) == host for key in box.records(self.token)):
            raise Refusal(f'Status=409 Code="VaultAlreadyExists" Message="The vault name of {host} is already in use."')
        if host in box.records(DELETED) and record["properties"].get("createMode") != "recover":
            raise Refusal(
                'Status=409 Code="ConflictError" Message="A vault with the same name already exists in deleted state. '
                'You need to either recover or purge existing key vault." (`az keyvault purge`, another name, or '
                "createMode recover)"
            )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.forget(DELETED, vault_host(identity.rpartition("/")[2]))

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.put(DELETED, vault_host(identity.rpartition("/")[2]), {"of": identity})
