"""A storage account."""

import base64
import datetime
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated, location_of
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import BACKING, KEY, blob_host, web_host

_KINDS = ("StorageV2", "BlockBlobStorage", "BlobStorage", "FileStorage", "Storage")


class StorageAccount(AzureType):
    """Its name is unique in the world, and part of its host names."""

    token = "azure-native:storage:StorageAccount"
    path = GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}"
    api = "2024-01-01"
    autoname = generated("accountName", 24)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        name = inputs.get("accountName")
        if isinstance(name, str) and not re.fullmatch(r"[a-z0-9]+", name):
            yield Problem("accountName", "'accountName' does not match expression '^[a-z0-9]+$'")
        if isinstance(name, str) and not 3 <= len(name) <= 24:
            yield Problem("accountName", f"'accountName' has {len(name)} characters: 3 to 24 are allowed")
        if isinstance(inputs.get("kind"), str) and inputs["kind"] not in _KINDS:
            yield Problem("kind", f"InvalidValuesForProperty: kind is one of {', '.join(_KINDS)}")
        if inputs.get("isHnsEnabled"):
            yield Problem("isHnsEnabled", "the lab's accounts have flat names only (Azurite has no other)")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        name, location = str(inputs["accountName"]), location_of(call, inputs)
        now = datetime.datetime.now(datetime.UTC).isoformat()
        return {
            "primaryEndpoints": {
                "blob": f"https://{blob_host(name)}/",
                "dfs": f"https://{name}.dfs.core.windows.net/",
                "file": f"https://{name}.file.core.windows.net/",
                "queue": f"https://{name}.queue.core.windows.net/",
                "table": f"https://{name}.table.core.windows.net/",
                "web": f"https://{web_host(name, location)}/",
            },
            "primaryLocation": location,
            "statusOfPrimary": "available",
            "creationTime": inputs.get("creationTime") or now,
            "accessTier": inputs.get("accessTier") or "Hot",
            "enableHttpsTrafficOnly": inputs.get("enableHttpsTrafficOnly", True),
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        if any(one["accountName"] == record["accountName"] for one in box.records(self.token).values()):
            raise Refusal(
                f'Status=409 Code="StorageAccountAlreadyTaken" Message="The storage account named '
                f'{record["accountName"]} is already taken."'
            )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.put(KEY, record["accountName"], {"key": base64.b64encode(secrets.token_bytes(64)).decode()})

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.forget(KEY, record["accountName"])
        for key in box.records(BACKING):
            if key.startswith(f"{record['accountName']}/"):
                box.forget(BACKING, key)
