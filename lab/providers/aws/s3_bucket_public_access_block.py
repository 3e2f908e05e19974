"""Keeps a bucket from becoming public."""

from typing import Any

from lab.providers.aws.api import Api
from lab.providers.aws.bucket_setting import BucketSetting, upper
from lab.providers.framework.types import Call

_SETTINGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


class BucketPublicAccessBlock(BucketSetting):
    """Four switches."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        settings = upper({key: bool(record.get(key)) for key in _SETTINGS})
        api.call("put_public_access_block", Bucket=identity, PublicAccessBlockConfiguration=settings)
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        gone = (*self.missing, "NoSuchPublicAccessBlockConfiguration")
        found = api.maybe("get_public_access_block", gone, Bucket=identity)
        if found is None:
            return None
        said = found["PublicAccessBlockConfiguration"]
        return {key: bool(said.get(key[:1].upper() + key[1:])) for key in _SETTINGS}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        if not record.get("skipDestroy"):
            api.maybe("delete_public_access_block", self.missing, Bucket=identity)
