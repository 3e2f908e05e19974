"""Who owns what others put into a bucket."""

from typing import Any

from lab.providers.aws.api import Api
from lab.providers.aws.bucket_setting import BucketSetting
from lab.providers.framework.types import Call


class BucketOwnershipControls(BucketSetting):
    """One rule."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        rules = [{"ObjectOwnership": record["rule"]["objectOwnership"]}]
        api.call("put_bucket_ownership_controls", Bucket=identity, OwnershipControls={"Rules": rules})
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        gone = (*self.missing, "OwnershipControlsNotFoundError")
        return None if api.maybe("get_bucket_ownership_controls", gone, Bucket=identity) is None else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe("delete_bucket_ownership_controls", self.missing, Bucket=identity)
