"""A bucket."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.api import Api, ApiType, tag_list
from lab.providers.aws.cloud import region_of
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Call, Refusal

_GONE = ("NoSuchBucket", "404", "NotFound")
_ELSEWHERE = ("accelerationStatus", "acl", "corsRules", "grants", "lifecycleRules", "logging", "policy",
              "replicationConfiguration", "requestPayer", "serverSideEncryptionConfiguration", "versioning", "website",
              "objectLockConfiguration")  # fmt: skip


class Bucket(ApiType):
    """The bucket itself; its settings are resources of their own (the provider deprecates the arguments)."""

    token = "aws:s3/bucket:Bucket"
    service = "s3"
    arn_path = ""
    autoname = AutoName("bucket", 63, lower=True)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        for key in _ELSEWHERE:
            if inputs.get(key):
                yield Problem(key, f"the lab's buckets take {key} as a resource of its own, as the provider advises")

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["bucket"])

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        region = region_of(call, inputs)
        return {
            "arn": f"arn:aws:s3:::{identity}",
            "bucketDomainName": f"{identity}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{identity}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
            "objectLockEnabled": bool(inputs.get("objectLockEnabled")),
            "tagsAll": inputs.get("tags") or {},
        }

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        elsewhere = record["region"] != "us-east-1"  # whose constraint is to give none
        api.call(
            "create_bucket",
            Bucket=identity,
            CreateBucketConfiguration={"LocationConstraint": record["region"]} if elsewhere else None,
            ObjectLockEnabledForBucket=True if record.get("objectLockEnabled") else None,
        )
        self._tag(api, identity, record)
        return {}

    def alter(
        self, call: Call, api: Api, identity: str, before: dict[str, Any], record: dict[str, Any]
    ) -> dict[str, Any]:
        self._tag(api, identity, record)
        return {}

    @staticmethod
    def _tag(api: Api, identity: str, record: dict[str, Any]) -> None:
        if record.get("tags"):
            api.call("put_bucket_tagging", Bucket=identity, Tagging={"TagSet": tag_list(record["tags"])})
        else:
            api.call("delete_bucket_tagging", Bucket=identity)

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        return None if api.maybe("head_bucket", _GONE, Bucket=identity) is None else {}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        if record.get("forceDestroy"):
            self._empty(api, identity)
        try:
            api.maybe("delete_bucket", _GONE, Bucket=identity)
        except Refusal as error:
            raise Refusal(
                f"deleting S3 Bucket ({identity}): {error}; set forceDestroy to delete it with its content"
            ) from None

    @staticmethod
    def _empty(api: Api, identity: str) -> None:
        while True:
            found = api.maybe("list_object_versions", _GONE, Bucket=identity) or {}
            objects = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in [*(found.get("Versions") or []), *(found.get("DeleteMarkers") or [])]
            ]
            if not objects:
                return
            api.call("delete_objects", Bucket=identity, Delete={"Objects": objects, "Quiet": True})
