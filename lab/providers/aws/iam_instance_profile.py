"""What gives a machine its role."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import exists
from lab.providers.aws.iam_role import unique_id
from lab.providers.aws.identity import ROLE, IamType
from lab.providers.framework.box import Box
from lab.providers.framework.types import AutoName, Call, Refusal


class InstanceProfile(IamType):
    """Another role reaches the machines that use it without a restart."""

    token = "aws:iam/instanceProfile:InstanceProfile"
    arn_path = "instance-profile/"
    autoname = AutoName("name", 128)

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["name"])

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"uniqueId": unique_id("AIPA"), "createDate": created, "namePrefix": inputs.get("namePrefix") or ""}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if box.record(self.token, identity) is not None:
            raise Refusal(f"EntityAlreadyExists: Instance Profile {identity} already exists.")
        if record.get("role"):
            exists(box, ROLE, record["role"], "NoSuchEntity", "role")

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        users = [one for one, it in box.records(topology.INSTANCE).items() if it.get("iamInstanceProfile") == identity]
        for machine in users:
            topology.put_machine(box, machine)
        if users:
            box.apply()
