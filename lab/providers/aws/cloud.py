"""What all types of this package share: ids, ARNs, tags, and the way a record becomes real."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.client import LabError
from lab.providers.framework.box import Box
from lab.providers.framework.changes import Declared
from lab.providers.framework.types import Call, Refusal, ResourceType
from lab.services.credentials import ACCOUNT

WORLDWIDE = ("iam", "route53", "cloudfront")
"""Services without regions: nothing of theirs has a `region`, and their ARNs have none."""


class AwsType(ResourceType):
    """A record in the box, and (for live types) what the hooks `verify`, `make`, `change`, `unmake` do with it.

    Hooks run only with a box and only for live types. Records hold outputs as state does, and the URN under `__urn`.
    """

    leaves_records = True
    secret_from: ClassVar[Mapping[str, tuple[str, ...]]] = {"tagsAll": ("tags",)}

    prefix: ClassVar[str] = ""
    """Of ids, for instance vpc."""
    service: ClassVar[str] = "ec2"
    arn_path: ClassVar[str] = ""
    """The part of the ARN between account and id, with its separator; no ARN when empty."""

    # What a type says

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        """A new id."""
        return f"{self.prefix}-0{secrets.token_hex(8)}"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs that the cloud computes."""
        return {}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Refuse what the cloud would refuse, looking at other records; may complete the record. Under a lock."""

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Make it real; the record is stored already."""

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        """Make a change real; the new record is stored already. May change the record."""

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Take it away; the record is forgotten already. Fine when half of it is gone."""

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Raise Busy while something else uses it."""

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        """Outputs that others change meanwhile."""
        return {}

    def find(self, call: Call, box: Box, identity: str) -> str:
        """The record's id for an import id."""
        return identity

    # What all have in common

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        inputs = schema["inputs"]
        return Declared(
            self.replaces | ({"region"} & set(inputs)),
            self.updates | ({"tags"} & set(inputs)),
            self.sets,
            # Every regional resource remembers its region: no longer saying it changes nothing.
            self.keeps | ({"region"} & set(inputs)),
        )

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        identity = self.identify(call, inputs)
        record = {**self.defaults, **inputs, **self._common(call, identity, inputs)}
        record |= self.computed(call, identity, record)
        box = call.box
        if box is None:
            return identity, record
        with box.lock:
            if self.live:
                self.verify(call, box, identity, record)
            box.put(self.token, identity, {**record, "__urn": call.urn})
        if self.live:
            try:
                self.make(call, box, identity, record)
            except BaseException:
                # Nothing that failed stays behind: the engine will not know of it.
                box.forget(self.token, identity)
                with contextlib.suppress(LabError, Refusal):
                    self.unmake(call, box, identity, record)
                raise
            box.put(self.token, identity, {**record, "__urn": call.urn})
        return identity, record

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        box = call.box
        if box is None:
            return super().read(call, identity, state)
        key = identity if state else self.find(call, box, identity)
        record = box.record(self.token, key)
        if record is None:
            return None
        if self.live:
            record |= self.observe(call, box, key, record)
        record.pop("__urn", None)
        return {**record, "__id": key}

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        record = {**new, "tagsAll": new.get("tags") or {}} if "tagsAll" in new else dict(new)
        box = call.box
        if box is not None:
            before = box.record(self.token, identity)
            if before is None:
                raise Refusal(f"{self.token} {identity} is gone; run `pulumi refresh`")
            urn = before.get("__urn", call.urn)
            box.put(self.token, identity, {**record, "__urn": urn})
            if self.live:
                try:
                    self.change(call, box, identity, before, record)
                except BaseException:
                    box.put(self.token, identity, before)
                    raise
                box.put(self.token, identity, {**record, "__urn": urn})
        return record

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        box = call.box
        if box is None:
            return
        record = box.record(self.token, identity)
        if record is None:
            return
        if self.live:
            # The real provider waits while something else still uses it, too (there 5 to 20 minutes).
            call.wait(lambda: self.removable(call, box, identity, record), 120)
        box.forget(self.token, identity)
        if self.live:
            try:
                self.unmake(call, box, identity, record)
            except BaseException:
                box.put(self.token, identity, record)
                raise

    def _common(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        region = region_of(call, inputs)
        found: dict[str, Any] = {} if self.service in WORLDWIDE else {"region": region}
        if self.arn_path:
            found["arn"] = self.arn(call, identity, inputs)
        if "tags" in self.updates or "tags" in inputs or self.tagged:
            found["tagsAll"] = inputs.get("tags") or {}
        return found

    tagged: ClassVar[bool] = True
    """Whether the type has tags."""

    def arn(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> str:
        region = "" if self.service in (*WORLDWIDE, "s3") else region_of(call, inputs)
        return f"arn:aws:{self.service}:{region}:{ACCOUNT}:{self.arn_path}{identity}"


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
