"""A role."""

import secrets
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from lab.providers.aws.identity import POLICY, IamType, as_text, document_problems, put_role
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Busy, Call, Refusal


def unique_id(prefix: str) -> str:
    """As IAM's ids look."""
    return prefix + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(17))


class Role(IamType):
    """What machines of an instance profile may do."""

    token = "aws:iam/role:Role"
    arn_path = "role/"
    autoname = AutoName("name", 64)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return document_problems(inputs, "assumeRolePolicy")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "assumeRolePolicy": as_text(inputs["assumeRolePolicy"])}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["name"])

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"uniqueId": unique_id("AROA"), "createDate": created, "namePrefix": inputs.get("namePrefix") or ""}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if box.record(self.token, identity) is not None:
            raise Refusal(f"EntityAlreadyExists: Role with name {identity} already exists.")

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        put_role(box, identity)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        put_role(box, identity)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for other, one in box.records(POLICY).items():
            if one["role"] == identity and not record.get("forceDetachPolicies"):
                raise Busy(f"DeleteConflict: Cannot delete entity, must delete policies first. ({other})")

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        put_role(box, identity)
