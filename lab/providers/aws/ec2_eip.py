"""An elastic address."""

import ipaddress
import secrets
import zlib
from collections.abc import Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, region_of
from lab.providers.aws.ec2_eip_association import check_association, reassociate
from lab.providers.framework.box import Box
from lab.providers.framework.types import Busy, Call, Refusal

FIRST, LAST = ipaddress.IPv4Address("203.0.113.128"), ipaddress.IPv4Address("203.0.113.254")
"""The lab's elastic addresses; lab/box/layout.py has the same and a test compares them."""


class Eip(AwsType):
    """Associated by EipAssociation, or by its own `instance` or `networkInterface`."""

    token = "aws:ec2/eip:Eip"
    prefix = "eipalloc"
    arn_path = "elastic-ip/"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        span = int(LAST) - int(FIRST) + 1
        return {
            "allocationId": identity,
            "domain": "vpc",
            "publicIpv4Pool": inputs.get("publicIpv4Pool") or "amazon",
            "networkBorderGroup": region_of(call, inputs),
            "associationId": "",
            "privateIp": "",
            "carrierIp": "",
            "customerOwnedIp": "",
            **self._address(FIRST + zlib.crc32(call.urn.encode()) % span, region_of(call, inputs)),
        }

    @staticmethod
    def _address(address: ipaddress.IPv4Address, region: str) -> dict[str, str]:
        zone = "compute-1" if region == "us-east-1" else f"{region}.compute"
        return {"publicIp": str(address), "publicDns": f"ec2-{str(address).replace('.', '-')}.{zone}.amazonaws.com"}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if record.get("address"):
            raise Refusal(
                "the lab gives elastic addresses itself: it has no address pools of yours (take `address` out)"
            )
        taken = {one["publicIp"] for one in box.records(self.token).values()}
        free = (FIRST + number for number in range(int(LAST) - int(FIRST) + 1) if str(FIRST + number) not in taken)
        address = next(free, None)
        if address is None:
            raise Refusal("AddressLimitExceeded: The maximum number of addresses has been reached.")
        record |= self._address(address, record["region"])
        if record.get("instance") or record.get("networkInterface"):
            face = check_association(box, record.get("networkInterface"), record.get("instance"))
            reassociate(box, identity, face, allowed=True)
            record["associationId"] = f"eipassoc-0{secrets.token_hex(8)}"

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        old, new = (topology.face_of(box, one.get("networkInterface"), one.get("instance")) for one in (before, record))
        if new and new != old:
            check_association(box, record.get("networkInterface"), record.get("instance"))
            reassociate(box, identity, new, allowed=True)
            box.put(self.token, identity, {**record, "__urn": call.urn})
        self._put(box, before, record)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for other, one in box.records(topology.EIP_ASSOCIATION).items():
            if one["allocationId"] == identity:
                raise Busy(f"InvalidIPAddress.InUse: Address {record['publicIp']} is in use ({other}).")

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        for other, one in box.records(topology.EIP_ASSOCIATION).items():
            if one["allocationId"] == identity:
                face = topology.face_of(box, one.get("networkInterfaceId"), one.get("instanceId"))
                found = box.record(topology.INTERFACE, face) or {}
                return {"associationId": other, "networkInterface": face, "privateIp": found.get("privateIp", "")}
        return {}

    @staticmethod
    def _put(box: Box, *records: dict[str, Any]) -> None:
        for record in records:
            face = topology.face_of(box, record.get("networkInterface"), record.get("instance"))
            if face:
                topology.put_interface(box, face)
        box.apply()
