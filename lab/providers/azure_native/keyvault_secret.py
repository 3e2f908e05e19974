"""A secret of a vault."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, block, copied
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.services.azure import vault_host


class Secret(AzureType):
    """A new value is a new version; Azure never gives the value back here."""

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
