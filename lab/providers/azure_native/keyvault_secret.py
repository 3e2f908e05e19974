"""A secret of a vault."""

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.api import vault_delete
from lab.providers.azure_native.cloud import GROUP, AzureType, block, copied, exists
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import SECRET, vault_host


class Secret(AzureType):
    """A new value is a new version; Azure never gives the value back here.

    Made and changed by the management plane, deleted at the vault itself, where the caller needs a role for data.
    """

    token = "azure-native:keyvault:Secret"
    path = GROUP + "/providers/Microsoft.KeyVault/vaults/{vaultName}/secrets/{secretName}"
    api = "2024-11-01"
    autoname = copied("secretName", 127)
    completed: ClassVar[frozenset[str]] = frozenset({"properties"})
    provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        value = block(inputs.get("properties")).get("value")
        if isinstance(value, str) and len(value) > 25600:
            yield Problem("properties.value", f"BadParameter: a secret has 25 KiB at most, found {len(value)} bytes")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        name = identity.rpartition("/")[2]
        address = f"https://{vault_host(str(inputs['vaultName']))}/secrets/{name}"
        given = inputs.get("properties") or {}
        properties = {
            "attributes": {"enabled": True},
            **{key: value for key, value in given.items() if key != "value"},
            "secretUri": address,
            "secretUriWithVersion": f"{address}/{uuid.uuid4().hex}",
        }
        return {"properties": properties}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, "azure-native:keyvault:Vault", identity.rpartition("/secrets/")[0])
        if (box.record(SECRET, self._key(record)) or {}).get("deleted"):
            raise Refusal(
                f'Status=409 Code="Conflict" Message="Secret {record["name"]} is currently in a deleted but '
                'recoverable state, and its name cannot be reused; it can only be recovered or purged."'
            )

    @staticmethod
    def _key(record: Mapping[str, Any]) -> str:
        return f"{str(record['vaultName']).lower()}/{record['name']}"

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        found = box.record(SECRET, self._key(record)) or {"versions": []}
        version = record["properties"]["secretUriWithVersion"].rpartition("/")[2]
        value = str((record["__inputs"].get("properties") or {}).get("value") or "")
        one = {"id": version, "value": value, "created": int(time.time())}
        box.put(SECRET, self._key(record), {"versions": [*found["versions"], one]})

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self.make(call, box, identity, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        vault_delete(f"https://{vault_host(str(record['vaultName']))}/secrets/{record['name']}?api-version=7.4")
