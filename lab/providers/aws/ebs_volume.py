"""A block device of its own."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.model import Volume as Device
from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal


class Volume(AwsType):
    """Survives machines. Grows in place, never shrinks."""

    token = "aws:ebs/volume:Volume"
    prefix = "vol"
    arn_path = "volume/"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        size = inputs.get("size")
        if isinstance(size, int) and not 1 <= size <= 65536:
            yield Problem("size", f"size is {size} GiB; it must be 1 to 65536")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        from datetime import UTC, datetime

        gp3 = inputs.get("type") == "gp3"
        size = inputs.get("size") or 8
        return {
            "size": size,
            "type": inputs.get("type") or "gp2",
            "encrypted": bool(inputs.get("encrypted")),
            "iops": inputs.get("iops") or (3000 if gp3 else max(100, 3 * size)),
            "throughput": inputs.get("throughput") or (125 if gp3 else 0),
            "createTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "multiAttachEnabled": bool(inputs.get("multiAttachEnabled")),
        }

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if record.get("snapshotId"):
            raise Refusal("the lab has no snapshots: take snapshotId out")
        box.world("volumes", Device(identity, record["size"]))
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        if record["size"] < before["size"]:
            raise Refusal(
                f"InvalidParameterValue: New size cannot be smaller than existing size ({before['size']} GiB → "
                f"{record['size']} GiB)"
            )
        box.world("volumes", Device(identity, record["size"]))
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for one in box.records(topology.ATTACHMENT).values():
            if one["volumeId"] == identity:
                raise Busy(f"VolumeInUse: Volume {identity} is currently attached to {one['instanceId']}")

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if record.get("finalSnapshot"):
            call.log("info", f"final snapshot of {identity}: recorded, not taken: the lab has no snapshots")
        box.unworld("volumes", identity)
        box.apply()
