"""An object in a bucket."""

import base64
import hashlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.api import Api, ApiType
from lab.providers.framework.assets import asset_bytes
from lab.providers.framework.types import AutoName, Call

_HEADERS = {
    "cacheControl": "CacheControl", "contentDisposition": "ContentDisposition", "contentEncoding": "ContentEncoding",
    "contentLanguage": "ContentLanguage", "contentType": "ContentType", "kmsKeyId": "SSEKMSKeyId",
    "metadata": "Metadata",
    "serverSideEncryption": "ServerSideEncryption", "storageClass": "StorageClass",
    "websiteRedirect": "WebsiteRedirectLocation", "bucketKeyEnabled": "BucketKeyEnabled",
}  # fmt: skip


class BucketObjectv2(ApiType):
    """New content is put in place, as a new version where the bucket keeps them."""

    token = "aws:s3/bucketObjectv2:BucketObjectv2"
    service = "s3"
    autoname = AutoName("key", 1024)
    unstable = frozenset({"etag", "versionId"})

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        # since provider 6 the id is bucket and key
        return f"{inputs['bucket']}/{inputs['key']}"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        etag = hashlib.md5(body_of(inputs), usedforsecurity=False).hexdigest()
        return {
            "arn": f"arn:aws:s3:::{inputs['bucket']}/{inputs['key']}",
            "etag": etag,
            "storageClass": inputs.get("storageClass") or "STANDARD",
            "contentType": inputs.get("contentType") or "application/octet-stream",
            "serverSideEncryption": inputs.get("serverSideEncryption") or "AES256",
            "versionId": inputs.get("versionId") or "",
            "tagsAll": inputs.get("tags") or {},
        }

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        headers = {name: record[key] for key, name in _HEADERS.items() if record.get(key) not in (None, "", {})}
        answer = api.call(
            "put_object",
            Bucket=record["bucket"],
            Key=record["key"],
            Body=body_of(record),
            Tagging=urllib.parse.urlencode(record["tags"]) if record.get("tags") else None,
            **headers,
        )
        return {"etag": answer["ETag"].strip('"'), "versionId": answer.get("VersionId") or ""}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        gone = (*self.missing, "NoSuchKey", "NotFound")
        found = api.maybe("head_object", gone, Bucket=state["bucket"], Key=state["key"])
        if found is None:
            return None
        return {"etag": found["ETag"].strip('"'), "versionId": found.get("VersionId") or ""}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        """All versions of the key, as the provider does where the bucket keeps versions."""
        gone = self.missing
        found = api.maybe("list_object_versions", gone, Bucket=record["bucket"], Prefix=record["key"])
        for one in [*((found or {}).get("Versions") or []), *((found or {}).get("DeleteMarkers") or [])]:
            if one["Key"] == record["key"]:
                version = one["VersionId"]
                api.maybe("delete_object", gone, Bucket=record["bucket"], Key=record["key"], VersionId=version)


def body_of(record: Mapping[str, Any]) -> bytes:
    """The object's bytes."""
    if record.get("contentBase64") is not None:
        return base64.b64decode(record["contentBase64"])
    if record.get("content") is not None:
        return str(record["content"]).encode()
    return asset_bytes(record.get("source"), "opening S3 object source")
