"""Whether a bucket keeps old versions."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.api import Api
from lab.providers.aws.bucket_setting import BucketSetting
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class BucketVersioning(BucketSetting):
    """Deleting it suspends versioning, as the provider does."""

    token = "aws:s3/bucketVersioning:BucketVersioning"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        status = (inputs.get("versioningConfiguration") or {}).get("status")
        if isinstance(status, str) and status not in ("Enabled", "Suspended", "Disabled"):
            yield Problem(
                "versioningConfiguration.status",
                f"expected status to be one of [Enabled Suspended Disabled], got {status}",
            )

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        status = record["versioningConfiguration"]["status"]
        if status != "Disabled":  # the state of a bucket that never had versioning; there is no call for it
            api.call("put_bucket_versioning", Bucket=identity, VersioningConfiguration={"Status": status})
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = api.maybe("get_bucket_versioning", self.missing, Bucket=identity)
        if found is None:
            return None
        return {
            "versioningConfiguration": {**state["versioningConfiguration"], "status": found.get("Status", "Disabled")}
        }

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe(
            "put_bucket_versioning", self.missing, Bucket=identity, VersioningConfiguration={"Status": "Suspended"}
        )
