"""A machine."""

import base64
import binascii
import contextlib
import secrets
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from lab.client import LabError
from lab.providers.aws import topology
from lab.providers.aws.cloud import AwsType, exists, region_of
from lab.providers.aws.ec2_network_interface import check_address, private_name
from lab.providers.aws.offers import offering
from lab.providers.framework.box import Box
from lab.providers.framework.changes import Change
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal

USER_DATA_LIMIT = 16384
"""Bytes, before base64 (EC2 guide, instance user data)."""

_STOPS = ("instanceType", "userData", "userDataBase64")
"""What EC2 changes on a stopped machine only, so the provider stops and starts it."""


class Instance(AwsType):
    """Boots its user data once. A stopped and started machine is the same machine with the same disk."""

    token = "aws:ec2/instance:Instance"
    prefix = "i"
    arn_path = "instance/"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        text, packed = inputs.get("userData"), inputs.get("userDataBase64")
        size = len(text.encode()) if isinstance(text, str) else 0
        if isinstance(packed, str):
            try:
                size = len(base64.b64decode(packed, validate=True))
            except binascii.Error:
                yield Problem("userDataBase64", "userDataBase64: must be base64-encoded")
        if size > USER_DATA_LIMIT:
            yield Problem(
                "userData" if text else "userDataBase64",
                f"user data has {size} bytes, EC2 takes {USER_DATA_LIMIT}: keep what is large in the object store",
            )

    def forces(self, change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
        if change.rule in ("userData", "userDataBase64"):
            return bool(new.get("userDataReplaceOnChange"))  # ForceNewIf in the provider's CustomizeDiff
        return None

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        region = region_of(call, inputs)
        given = self._interface(inputs)
        face = call.seen(topology.INTERFACE, given)
        address = (
            face.get("privateIp") or inputs.get("privateIp") or f"172.31.0.{4 + zlib.crc32(call.urn.encode()) % 250}"
        )
        root = inputs.get("rootBlockDevice") or {}
        metadata = inputs.get("metadataOptions") or {}
        return {
            "instanceState": "running",
            "privateIp": address,
            "privateDns": private_name(address, region),
            "publicIp": "",
            "publicDns": "",
            "primaryNetworkInterfaceId": given or f"eni-0{secrets.token_hex(8)}",
            "availabilityZone": inputs.get("availabilityZone") or f"{region}a",
            "subnetId": inputs.get("subnetId") or face.get("subnetId", ""),
            "vpcSecurityGroupIds": inputs.get("vpcSecurityGroupIds") or face.get("securityGroups", []),
            # Read from the interface, whoever set it there.
            "sourceDestCheck": face.get("sourceDestCheck", inputs.get("sourceDestCheck", True)),
            "securityGroups": inputs.get("securityGroups") or [],
            "secondaryPrivateIps": inputs.get("secondaryPrivateIps") or [],
            "ipv6Addresses": [],
            "tenancy": inputs.get("tenancy") or "default",
            "monitoring": bool(inputs.get("monitoring")),
            "ebsOptimized": bool(inputs.get("ebsOptimized")),
            "disableApiStop": bool(inputs.get("disableApiStop")),
            "disableApiTermination": bool(inputs.get("disableApiTermination")),
            "instanceInitiatedShutdownBehavior": inputs.get("instanceInitiatedShutdownBehavior") or "stop",
            "keyName": inputs.get("keyName") or "",
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 1,
                "httpProtocolIpv6": "disabled",
                "instanceMetadataTags": "disabled",
                **metadata,
            },
            "rootBlockDevice": {
                "deleteOnTermination": True,
                "deviceName": "/dev/sda1",
                "encrypted": False,
                "iops": 3000,
                "kmsKeyId": "",
                "throughput": 125,
                "volumeId": f"vol-0{secrets.token_hex(8)}",
                "volumeSize": 8,
                "volumeType": "gp3",
                **root,
            },
            "maintenanceOptions": {"autoRecovery": "default", **(inputs.get("maintenanceOptions") or {})},
            "creditSpecification": inputs.get("creditSpecification") or {"cpuCredits": "unlimited"},
            "passwordData": "",
            "outpostArn": "",
            "instanceLifecycle": "",
            "spotInstanceRequestId": "",
        }

    # Live

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        face = self._interface(record)
        if face:
            interface = exists(box, topology.INTERFACE, face, "InvalidNetworkInterfaceID.NotFound", "networkInterface")
            for other, one in box.records(self.token).items():
                if one["primaryNetworkInterfaceId"] == face and other != identity:
                    raise Refusal(f"InvalidNetworkInterface.InUse: Interface: [{face}] in use by {other}.")
        else:
            interface = self._own_interface(box, identity, record)
        subnet = box.record(topology.SUBNET, interface["subnetId"]) or {}
        if record.get("associatePublicIpAddress") or (subnet.get("mapPublicIpOnLaunch") and not face):
            raise Refusal(
                "the lab gives public addresses by Eip and EipAssociation only: take associatePublicIpAddress "
                "(mapPublicIpOnLaunch of the subnet) out"
            )
        if record.get("iamInstanceProfile") and box.record(topology.PROFILE, record["iamInstanceProfile"]) is None:
            raise Refusal(
                f"InvalidParameterValue: Value ({record['iamInstanceProfile']}) for parameter iamInstanceProfile.name "
                "is invalid. Invalid IAM Instance Profile name"
            )
        topology.user_data(record)
        record |= {
            "privateIp": interface["privateIp"],
            "privateDns": private_name(interface["privateIp"], record["region"]),
            "subnetId": interface["subnetId"],
            "vpcSecurityGroupIds": interface["securityGroups"],
            "sourceDestCheck": interface["sourceDestCheck"],
            "availabilityZone": subnet.get("availabilityZone") or record["availabilityZone"],
            **self._public(box, record),
        }
        if record["availabilityZone"] not in offering(record["region"], str(record.get("instanceType") or "")):
            raise Refusal(
                f"Unsupported: Your requested instance type ({record['instanceType']}) is not supported in your "
                f"requested Availability Zone ({record['availabilityZone']})."
            )

    def _own_interface(self, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        """The interface that comes with a machine which names none."""
        if not record.get("subnetId"):
            raise Refusal("VPCIdNotSpecified: No default VPC for this user; give subnetId or primaryNetworkInterface")
        subnet = exists(box, topology.SUBNET, record["subnetId"], "InvalidSubnetID.NotFound", "subnet")
        vpc = box.record(topology.VPC, subnet["vpcId"]) or {}
        groups = record.get("vpcSecurityGroupIds") or [vpc["defaultSecurityGroupId"]]
        for group in groups:
            exists(box, topology.GROUP, group, "InvalidGroup.NotFound", "security group")
        address = record["privateIp"]
        if address.startswith("172.31.0.") and not subnet["cidrBlock"].startswith("172.31.0."):
            address = topology.free_address(box, subnet, record["subnetId"])
        check_address(box, subnet, record["subnetId"], address)
        interface = {
            "subnetId": record["subnetId"],
            "privateIp": address,
            "privateIps": [address],
            "securityGroups": groups,
            "sourceDestCheck": record.get("sourceDestCheck", True),
            "instanceOwned": identity,
        }
        box.put(topology.INTERFACE, record["primaryNetworkInterfaceId"], interface)
        return interface

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_interface(box, record["primaryNetworkInterfaceId"])
        box.put(self.token, identity, {**record, "instanceState": "pending"})
        topology.put_machine(box, identity)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        face = str(record["primaryNetworkInterfaceId"])
        interface = exists(box, topology.INTERFACE, face, "InvalidNetworkInterfaceID.NotFound", "networkInterface")
        wanted = {"securityGroups": "vpcSecurityGroupIds", "sourceDestCheck": "sourceDestCheck"}
        changed = {mine: record[key] for mine, key in wanted.items() if record.get(key) != before.get(key)}
        if changed:
            box.put(topology.INTERFACE, face, {**interface, **changed})
            topology.put_interface(box, face)
        if any(record.get(key) != before.get(key) for key in _STOPS):
            call.log("info", "stopping the machine: EC2 changes instance type and user data on a stopped machine only")
            self._stop(box, identity, before)
        record["instanceState"] = "running"
        box.put(self.token, identity, {**record, "__urn": call.urn})
        topology.put_machine(box, identity)
        box.apply()

    @staticmethod
    def _stop(box: Box, identity: str, before: dict[str, Any]) -> None:
        box.put(topology.INSTANCE, identity, before)
        topology.put_machine(box, identity, running=False)
        box.apply()

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if record.get("disableApiTermination") and not record.get("forceDestroy"):
            raise Refusal(
                f"OperationNotPermitted: The instance '{identity}' may not be terminated. Modify its "
                "'disableApiTermination' instance attribute and try again."
            )

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.unworld("machines", identity)
        face = record["primaryNetworkInterfaceId"]
        if (box.record(topology.INTERFACE, face) or {}).get("instanceOwned") == identity:
            box.forget(topology.INTERFACE, face)
            box.unworld("interfaces", face)
        box.apply()

    def observe(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> dict[str, Any]:
        face = box.record(topology.INTERFACE, record["primaryNetworkInterfaceId"]) or record
        found: dict[str, Any] = {**self._public(box, record), "sourceDestCheck": face["sourceDestCheck"]}
        with contextlib.suppress(LabError):
            running = box.client.call("machine", id=identity)["running"]
            found["instanceState"] = "running" if running else "stopped"
        return found

    @staticmethod
    def _public(box: Box, record: Mapping[str, Any]) -> dict[str, str]:
        address = topology.public_address(box, record["primaryNetworkInterfaceId"])
        name = f"ec2-{address.replace('.', '-')}.{record['region']}.compute.amazonaws.com" if address else ""
        return {"publicIp": address, "publicDns": name}

    @staticmethod
    def _interface(record: Mapping[str, Any]) -> str:
        """The interface that the program gives; empty for none."""
        primary = record.get("primaryNetworkInterface") or {}
        if primary.get("networkInterfaceId"):
            return str(primary["networkInterfaceId"])
        for block in record.get("networkInterfaces") or []:
            if block.get("deviceIndex") == 0:
                return str(block["networkInterfaceId"])
        return ""
