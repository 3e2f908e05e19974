"""A policy written into a role."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.cloud import exists
from lab.providers.aws.identity import ROLE, IamType, as_text, document_problems, put_role
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Call


class RolePolicy(IamType):
    """What it allows counts in the lab: the APIs check each request of a machine against it."""

    token = "aws:iam/rolePolicy:RolePolicy"
    autoname = AutoName("name", 128)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return document_problems(inputs, "policy")

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return {**inputs, "policy": as_text(inputs["policy"])}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return f"{inputs['role']}:{inputs['name']}"

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        exists(box, ROLE, record["role"], "NoSuchEntity", "role")

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        put_role(box, record["role"])

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        put_role(box, record["role"])

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        put_role(box, record["role"])
