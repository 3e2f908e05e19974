"""Who may do what with a bucket."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.api import Api
from lab.providers.aws.bucket_setting import BucketSetting
from lab.providers.aws.identity import as_text, document_problems
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class BucketPolicy(BucketSetting):
    """Kept and answered; the lab evaluates the policies of roles, not those of buckets."""

    token = "aws:s3/bucketPolicy:BucketPolicy"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return document_problems(inputs, "policy")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "policy": as_text(inputs["policy"])}

    def put(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        api.call("put_bucket_policy", Bucket=identity, Policy=record["policy"])
        return {}

    def look(self, call: Call, api: Api, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        found = api.maybe("get_bucket_policy", (*self.missing, "NoSuchBucketPolicy"), Bucket=identity)
        if found is None:
            return None
        same = json.loads(found["Policy"]) == json.loads(state["policy"])
        return {} if same else {"policy": found["Policy"]}

    def drop(self, call: Call, api: Api, identity: str, record: dict[str, Any]) -> None:
        api.maybe("delete_bucket_policy", self.missing, Bucket=identity)
