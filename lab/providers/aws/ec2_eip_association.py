"""An elastic address on an interface."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal


class EipAssociation(AwsType):
    """Every input replaces."""

    token = "aws:ec2/eipAssociation:EipAssociation"
    prefix = "eipassoc"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        if not inputs.get("allocationId") and not inputs.get("publicIp"):
            yield Problem("allocationId", "one of allocationId, publicIp must be specified")
        if not inputs.get("instanceId") and not inputs.get("networkInterfaceId"):
            yield Problem("networkInterfaceId", "one of instanceId, networkInterfaceId must be specified")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        face = inputs.get("networkInterfaceId") or call.seen(topology.INSTANCE, str(inputs.get("instanceId"))).get(
            "primaryNetworkInterfaceId", ""
        )
        return {
            "publicIp": inputs.get("publicIp")
            or call.seen(topology.EIP, str(inputs.get("allocationId"))).get("publicIp", ""),
            "networkInterfaceId": face,
            "privateIpAddress": call.seen(topology.INTERFACE, str(face)).get("privateIp", ""),
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if not record.get("allocationId"):
            addresses = {one["publicIp"]: key for key, one in box.records(topology.EIP).items()}
            record["allocationId"] = addresses.get(record["publicIp"], "")
        eip = exists(box, topology.EIP, record["allocationId"], "InvalidAllocationID.NotFound", "allocation")
        record["publicIp"] = eip["publicIp"]
        face = check_association(box, record.get("networkInterfaceId"), record.get("instanceId"))
        record["networkInterfaceId"] = face
        record["privateIpAddress"] = (box.record(topology.INTERFACE, face) or {})["privateIp"]
        reassociate(box, record["allocationId"], face, record.get("allowReassociation") is not False)

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self._put(box, record)

    @staticmethod
    def _put(box: Box, record: dict[str, Any]) -> None:
        face = topology.face_of(box, record.get("networkInterfaceId"), record.get("instanceId"))
        if face:
            topology.put_interface(box, face)
            box.apply()


def check_association(box: Box, interface: Any, instance: Any) -> str:
    """The interface; Refusal when there is none, when its VPC has no way out or while its machine is pending.

    The provider tries none of these again: what it repeats is the look at the result (eip.go, eip_association.go;
    terraform-provider-aws#6189, #19699, #3072).
    """
    face = topology.face_of(box, interface, instance)
    record = exists(box, topology.INTERFACE, face or instance, "InvalidNetworkInterfaceID.NotFound", "interface")
    subnet = box.record(topology.SUBNET, record["subnetId"]) or {}
    if not any(one.get("vpcId") == subnet.get("vpcId") for one in box.records(topology.GATEWAY).values()):
        raise Refusal(f"Gateway.NotAttached: Network {subnet.get('vpcId')} is not attached to any internet gateway")
    for machine, one in box.records(topology.INSTANCE).items():
        if one["primaryNetworkInterfaceId"] == face and one["instanceState"] == "pending":
            if interface:
                raise Refusal(
                    f"IncorrectInstanceState: The pending-instance-creation instance to which '{face}' is attached is "
                    "not in a valid state for this operation"
                )
            raise Refusal(
                f"InvalidInstanceID: The pending instance '{machine}' is not in a valid state for this operation."
            )
    return face


def reassociate(box: Box, allocation: str, face: str, allowed: bool) -> None:
    """Take the address off where it is, and another address off this interface.

    "In an account that supports EC2-VPC only, reassociation is automatic" [EC2 API, AssociateAddress]: the older
    association is gone then, and deleting it later finds nothing.
    """
    for token, key in ((topology.EIP_ASSOCIATION, "allocationId"), (topology.EIP, "allocationId")):
        for other, one in box.records(token).items():
            there = topology.face_of(
                box,
                one.get("networkInterfaceId") or one.get("networkInterface"),
                one.get("instanceId") or one.get("instance"),
            )
            if not there or (one[key] != allocation and there != face):
                continue
            if not allowed:
                raise Refusal(f"Resource.AlreadyAssociated: resource {one[key]} is already associated ({other})")
            if token == topology.EIP_ASSOCIATION:
                box.forget(token, other)
            elif there != face or one[key] != allocation:
                box.put(token, other, {**one, "instance": "", "networkInterface": "", "associationId": ""})
            topology.put_interface(box, there)
