"""A blob whose content the program gives."""

import base64
import hashlib
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.api import blob_call
from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.framework.assets import asset_bytes
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.services.azure import blob_host


class Blob(AzureType):
    """New content replaces it: the old one is deleted first, and the blob is missing for a moment."""

    token = "azure-native:storage:Blob"
    path = (
        GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/blobServices/default"
        "/containers/{containerName}/blobs/{blobName}"
    )
    autoname = copied("blobName", 1024)
    live = True
    replaces: ClassVar[frozenset[str]] = frozenset({"source", "contentMd5", "type"})
    located = provisioned = False
    defaults: ClassVar[Mapping[str, Any]] = {"type": "Block", "metadata": {}}

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        if inputs.get("type") == "Append" and inputs.get("source"):
            yield Problem("source", "an append blob takes no source")

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": inputs["blobName"]}

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        place = urllib.parse.quote(f"{inputs['containerName']}/{inputs['blobName']}", safe="/$")
        return {
            "url": f"https://{blob_host(str(inputs['accountName']))}/{place}",
            "contentType": inputs.get("contentType") or "application/octet-stream",
            "contentMd5": base64.b64encode(hashlib.md5(_body(inputs), usedforsecurity=False).digest()).decode(),
        }

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        kind = "BlockBlob" if record.get("type", "Block") == "Block" else "AppendBlob"
        headers = {"x-ms-blob-type": kind, "x-ms-blob-content-type": record["contentType"], **_metadata(record)}
        if record.get("accessTier"):
            headers["x-ms-access-tier"] = record["accessTier"]
        blob_call("PUT", record["url"], _body(record["__inputs"]), headers)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        if record.get("metadata") != before.get("metadata"):
            blob_call("PUT", f"{record['url']}?comp=metadata", b"", _metadata(record))
        if record.get("contentType") != before.get("contentType"):
            headers = {"x-ms-blob-content-type": record["contentType"]}
            blob_call("PUT", f"{record['url']}?comp=properties", b"", headers)

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = super().read(call, identity, state)
        if call.box is None or found is None:
            return found
        headers = blob_call("HEAD", found["url"], missing=True)
        if headers is None:
            return None
        kept = {key.lower(): value for key, value in headers.items()}
        return {**found, "contentMd5": kept.get("content-md5", found["contentMd5"])}

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        blob_call("DELETE", record["url"], missing=True)


def _metadata(record: Mapping[str, Any]) -> dict[str, str]:
    return {f"x-ms-meta-{key}": str(value) for key, value in (record.get("metadata") or {}).items()}


def _body(inputs: Mapping[str, Any]) -> bytes:
    return asset_bytes(inputs.get("source"), "reading blob source")
