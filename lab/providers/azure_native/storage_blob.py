"""A blob whose content the program gives."""

import base64
import hashlib
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.api import blob_call
from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.azure_native.storage_blob_container import ACCOUNT
from lab.providers.framework.assets import asset_bytes
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import KEY, NO_KEYS, blob_host


class Blob(AzureType):
    """New content replaces it: the old one is deleted first, and the blob is missing for a moment.

    The provider writes, reads and deletes it with the account's key, whatever roles the caller has
    (pulumi/pulumi-azure-native#3719, #2015).
    """

    token = "azure-native:storage:Blob"
    path = (
        GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/blobServices/default"
        "/containers/{containerName}/blobs/{blobName}"
    )
    autoname = copied("blobName", 1024)
    located = provisioned = False

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

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        self._require_keys(call, self.identify(call, inputs), "retrieving blob properties")
        return super().create(call, inputs)

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        self._require_keys(call, identity, "updating properties for blob")
        return super().update(call, identity, state, new)

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        self._require_keys(call, identity, "deleting blob")
        super().delete(call, identity, state)

    @staticmethod
    def _require_keys(call: Call, identity: str, doing: str) -> None:
        """Refusal when the account takes no keys, in the provider's words; without a box by what passed by."""
        of = identity.rpartition("/blobServices/")[0]
        account = call.box.record(ACCOUNT, of) if call.box is not None else call.seen(ACCOUNT, of)
        if (account or {}).get("allowSharedKeyAccess") is False:
            container, _, blob = identity.partition("/containers/")[2].partition("/blobs/")
            raise Refusal(
                f'{doing} "{blob}" (container "{container}" / account "{of.rpartition("/")[2]}"): RESPONSE 403: 403 '
                f"{NO_KEYS} ERROR CODE: KeyBasedAuthenticationNotPermitted (the provider's Blob signs with the "
                "account's key: set allowSharedKeyAccess)"
            )

    @staticmethod
    def _key(box: Box, record: Mapping[str, Any]) -> bytes:
        """As the provider gets it: by the management plane's listKeys."""
        found = box.record(KEY, str(record["accountName"]))
        if found is None:
            raise Refusal(
                'Status=404 Code="ResourceNotFound" Message="The Resource \'Microsoft.Storage/storageAccounts/'
                f"{record['accountName']}' was not found.\""
            )
        return base64.b64decode(found["key"])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        kind = "BlockBlob" if record.get("type", "Block") == "Block" else "AppendBlob"
        key = self._key(box, record)
        headers = {"x-ms-blob-type": kind, "x-ms-blob-content-type": record["contentType"], **_metadata(record)}
        if record.get("accessTier"):
            headers["x-ms-access-tier"] = record["accessTier"]
        blob_call("PUT", record["url"], key, _body(record["__inputs"]), headers)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        key = self._key(box, record)
        if record.get("metadata") != before.get("metadata"):
            blob_call("PUT", f"{record['url']}?comp=metadata", key, b"", _metadata(record))
        if record.get("contentType") != before.get("contentType"):
            headers = {"x-ms-blob-content-type": record["contentType"]}
            blob_call("PUT", f"{record['url']}?comp=properties", key, b"", headers)

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = super().read(call, identity, state)
        if call.box is None or found is None:
            return found
        self._require_keys(call, identity, "retrieving blob properties")
        headers = blob_call("HEAD", found["url"], self._key(call.box, found), missing=True)
        if headers is None:
            return None
        kept = {key.lower(): value for key, value in headers.items()}
        return {**found, "contentMd5": kept.get("content-md5", found["contentMd5"])}

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        blob_call("DELETE", record["url"], self._key(box, record), missing=True)


def _metadata(record: Mapping[str, Any]) -> dict[str, str]:
    return {f"x-ms-meta-{key}": str(value) for key, value in (record.get("metadata") or {}).items()}


def _body(inputs: Mapping[str, Any]) -> bytes:
    return asset_bytes(inputs.get("source"), "reading blob source")
