"""How a bucket encrypts what is put into it."""

from typing import Any

from lab.providers.aws.api import Api
from lab.providers.aws.bucket_setting import BucketSetting
from lab.providers.framework.types import Call


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """Nothing is encrypted in the lab; the setting is kept and answered."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        rules = []
        for rule in record["rules"]:
            given = rule.get("applyServerSideEncryptionByDefault") or {}
            default = {"SSEAlgorithm": given.get("sseAlgorithm"), "KMSMasterKeyID": given.get("kmsMasterKeyId")}
            one: dict[str, Any] = {"BucketKeyEnabled": bool(rule.get("bucketKeyEnabled"))}
            if given:
                one["ApplyServerSideEncryptionByDefault"] = {key: value for key, value in default.items() if value}
            rules.append(one)
        api.call(
            "put_bucket_encryption", Bucket=identity, ServerSideEncryptionConfiguration={"Rules": rules}
        )  # fmt: skip
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        gone = (*self.missing, "ServerSideEncryptionConfigurationNotFoundError")
        return None if api.maybe("get_bucket_encryption", gone, Bucket=identity) is None else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe("delete_bucket_encryption", self.missing, Bucket=identity)
