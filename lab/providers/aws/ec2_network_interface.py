"""A network interface."""

import ipaddress
import secrets
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists, region_of
from lab.providers.framework.box import Box
from lab.providers.framework.changes import Change
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal
from lab.services.credentials import ACCOUNT


class NetworkInterface(AwsType):
    """A new primary address replaces; groups and the source/destination check change in place."""

    token = "aws:ec2/networkInterface:NetworkInterface"
    prefix = "eni"
    arn_path = "network-interface/"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        for at, address in enumerate(inputs.get("privateIps") or []):
            if isinstance(address, str):
                try:
                    ipaddress.IPv4Address(address)
                except ValueError:
                    yield Problem(f"privateIps[{at}]", f"{address!r} is not an IPv4 address")

    def forces(self, change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
        if change.rule in ("privateIps", "privateIpLists"):
            # "new primary ip requires a new resource" (provider's CustomizeDiff)
            before, after = old.get(change.rule) or [], new.get(change.rule) or []
            return not isinstance(after, list) or not before or before[0] not in after
        return None

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        addresses = list(inputs.get("privateIps") or inputs.get("privateIpLists") or [])
        if not addresses:
            # without a box no subnet is known: an address of the documentation's kind, the same for the same URN
            addresses = [inputs.get("privateIp") or f"172.31.0.{4 + zlib.crc32(call.urn.encode()) % 250}"]
        mac = secrets.token_bytes(5)
        return {
            "privateIp": addresses[0],
            "interfaceType": inputs.get("interfaceType") or "interface",
            "privateIps": addresses,
            "privateIpLists": addresses,
            "privateDnsName": private_name(addresses[0], region_of(call, inputs)),
            "securityGroups": inputs.get("securityGroups") or [],
            "macAddress": ":".join(["06", *(f"{one:02x}" for one in mac)]),
            "ownerId": ACCOUNT,
            "outpostArn": "",
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        subnet = exists(box, topology.SUBNET, record["subnetId"], "InvalidSubnetID.NotFound", "subnet")
        if not record.get("securityGroups"):
            vpc = box.record(topology.VPC, subnet["vpcId"]) or {}
            record["securityGroups"] = [vpc["defaultSecurityGroupId"]]
        for group in record["securityGroups"]:
            exists(box, topology.GROUP, group, "InvalidGroup.NotFound", "security group")
        if record["privateIp"].startswith("172.31.0.") and not self._inside(record["privateIp"], subnet):
            record["privateIp"] = topology.free_address(box, subnet, record["subnetId"])
            record["privateIps"] = record["privateIpLists"] = [record["privateIp"]]
            record["privateDnsName"] = private_name(record["privateIp"], record["region"])
        check_address(box, subnet, record["subnetId"], record["privateIp"])

    @staticmethod
    def _inside(address: str, subnet: Mapping[str, Any]) -> bool:
        return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(subnet["cidrBlock"])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_interface(box, identity)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        for group in record["securityGroups"]:
            exists(box, topology.GROUP, group, "InvalidGroup.NotFound", "security group")
        topology.put_interface(box, identity)
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for instance, one in box.records(topology.INSTANCE).items():
            if one.get("primaryNetworkInterfaceId") == identity:
                raise Busy(f"InvalidNetworkInterface.InUse: The network interface '{identity}' is in use by {instance}")

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.unworld("interfaces", identity)
        subnet = box.record(topology.SUBNET, record["subnetId"])
        if subnet is not None:
            topology.put_subnets(box, subnet["vpcId"])  # routes to it are black holes now
        box.apply()

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        for instance, one in box.records(topology.INSTANCE).items():
            if one.get("primaryNetworkInterfaceId") == identity:
                attachment = {"attachmentId": f"eni-attach-0{instance[-16:]}", "deviceIndex": 0, "instance": instance}
                return {"attachments": [attachment]}
        return {}


def check_address(box: Box, subnet: Mapping[str, Any], subnet_id: str, address: str) -> None:
    """Refuse an address that is outside its subnet, reserved or taken."""
    network = ipaddress.IPv4Network(subnet["cidrBlock"])
    one = ipaddress.IPv4Address(address)
    if one not in network or int(one) - int(network.network_address) < 4 or one == network.broadcast_address:
        raise Refusal(
            f"InvalidParameterValue: Address {address} does not fall within the subnet's address range ({network}; AWS "
            "reserves its first four and its last address)"
        )
    for other, record in box.records(topology.INTERFACE).items():
        if record["subnetId"] == subnet_id and record["privateIp"] == address:
            raise Refusal(f"InvalidIPAddress.InUse: Address {address} is in use by {other}.")


def private_name(address: str, region: str) -> str:
    """The name that AWS gives to a private address."""
    zone = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{address.replace('.', '-')}.{zone}"
