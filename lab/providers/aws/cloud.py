"""What all types of this package share: ids, ARNs and tags."""

import os
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.box import Box
from lab.providers.framework.recorded import form
from lab.providers.framework.records import RecordType
from lab.providers.framework.types import Call, Refusal
from lab.services.credentials import ACCOUNT

WORLDWIDE = ("iam", "route53", "cloudfront")
"""Services without regions: nothing of theirs has a `region`, and their ARNs have none."""


class AwsType(RecordType):
    """A record with an id, an ARN, a region and tags."""

    secret_from: ClassVar[Mapping[str, tuple[str, ...]]] = {"tagsAll": ("tags",)}

    prefix: ClassVar[str] = ""
    """Of ids, for instance vpc."""
    service: ClassVar[str] = "ec2"
    arn_path: ClassVar[str] = ""
    """The part of the ARN between account and id, with its separator; no ARN when empty."""

    named: ClassVar[str] = ""
    """The form of ids that are no prefix and 17 digits (framework/recorded.py says what it may hold)."""

    # What a type says

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        """A new id."""
        if self.named:
            return form(self.named, {"account": ACCOUNT, "region": region_of(call, inputs), **inputs})
        return f"{self.prefix}-0{secrets.token_hex(8)}"

    # What all have in common

    def reach(self, call: Call, operation: str, record: Mapping[str, Any]) -> None:
        region = "us-east-1" if self.service in WORLDWIDE else region_of(call, record)
        if call.box is not None and call.box.dark("aws", region):
            raise Refusal(
                f"operation error {self.service}: {operation}: https response error StatusCode: 0, request send "
                "failed: dial tcp: i/o timeout (AWS is dark in this lab: `./scripts/lab dark off`)"
            )

    def renewed(self, call: Call, identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        return {"tagsAll": record.get("tags") or {}} if "tagsAll" in record else {}

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        region = region_of(call, inputs)
        found: dict[str, Any] = {} if self.service in WORLDWIDE else {"region": region}
        if self.arn_path:
            found["arn"] = self.arn(call, identity, inputs)
        if "tags" in self.rules.updates:
            found["tagsAll"] = inputs.get("tags") or {}
        return found

    def names(self, identity: str) -> dict[str, Any]:
        # A bridged resource's outputs are Terraform's attributes, and `id` is one; policies find a resource by it.
        return {"id": identity}

    def arn(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> str:
        region = "" if self.service in (*WORLDWIDE, "s3") else region_of(call, inputs)
        return f"arn:aws:{self.service}:{region}:{ACCOUNT}:{self.arn_path}{identity}"


class NetworkPart(AwsType):
    """A part of a network: what it belongs to is computed anew from the records when it is made, changed or gone."""

    def redraw(self, box: Box, record: dict[str, Any]) -> None:
        """Compute what this record is a part of."""
        raise NotImplementedError(self.token)

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self.redraw(box, record)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self.make(call, box, identity, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self.make(call, box, identity, record)


def region_of(call: Call, inputs: Mapping[str, Any]) -> str:
    """The resource's own region, else the provider's."""
    found = inputs.get("region") or call.config.get("region")
    return str(found or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1")


def exists(box: Box, token: str, identity: Any, code: str, what: str) -> dict[str, Any]:
    """Another record that this one names. Refusal with the API's own error code when there is none."""
    record = box.record(token, str(identity))
    if record is None:
        raise Refusal(f"{code}: The {what} ID '{identity}' does not exist")
    return record
