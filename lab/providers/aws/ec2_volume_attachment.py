"""A volume on a machine."""

import zlib
from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call, Refusal


class VolumeAttachment(AwsType):
    """Attached and detached while the machine runs, unless it is to be stopped first."""

    token = "aws:ec2/volumeAttachment:VolumeAttachment"

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        text = f"{inputs['deviceName']}-{inputs['instanceId']}-{inputs['volumeId']}-"
        return f"vai-{zlib.crc32(text.encode())}"

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        volume = exists(box, topology.VOLUME, record["volumeId"], "InvalidVolume.NotFound", "volume")
        machine = exists(box, topology.INSTANCE, record["instanceId"], "InvalidInstanceID.NotFound", "instance")
        if volume["availabilityZone"] != machine["availabilityZone"]:
            raise Refusal(
                f"InvalidVolume.ZoneMismatch: The volume '{record['volumeId']}' is not in the same availability zone "
                f"as instance '{record['instanceId']}'"
            )
        for one in box.records(self.token).values():
            if one["volumeId"] == record["volumeId"]:
                raise Refusal(f"VolumeInUse: {record['volumeId']} is already attached to {one['instanceId']}")
            if one["instanceId"] == record["instanceId"] and one["deviceName"] == record["deviceName"]:
                raise Refusal(
                    f"InvalidParameterValue: Invalid value '{record['deviceName']}' for unixDevice. Attachment point "
                    f"{record['deviceName']} is already in use"
                )

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if record.get("skipDestroy"):
            return
        instance = box.record(topology.INSTANCE, record["instanceId"])
        if instance is not None and record.get("stopInstanceBeforeDetaching"):
            # The provider stops the machine and leaves it stopped.
            box.put(topology.INSTANCE, record["instanceId"], {**instance, "instanceState": "stopped"})
            box.put(self.token, identity, record)
            self._put(box, record)
            box.forget(self.token, identity)
        self._put(box, record)

    def find(self, call: Call, box: Box, identity: str) -> str:
        """Imported as DEVICE:VOLUME:INSTANCE."""
        device, _, rest = identity.partition(":")
        volume, _, instance = rest.partition(":")
        return self.identify(call, {"deviceName": device, "volumeId": volume, "instanceId": instance})

    @staticmethod
    def _put(box: Box, record: dict[str, Any]) -> None:
        topology.put_machine(box, record["instanceId"])
        box.apply()
