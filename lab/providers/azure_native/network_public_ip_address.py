"""A public address."""

import ipaddress
import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, generated, location_of, reference
from lab.providers.azure_native.networks import NetworkType, not_used
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal

EIP = "aws:ec2/eip:Eip"
FIRST, SIZE = ipaddress.IPv4Address("203.0.113.190"), 60
"""Azure's part of the lab's public addresses: AWS's begin further down, the primary site's are at the end."""


class PublicIPAddress(NetworkType):
    """Static and of sku Standard: Azure gives out no other since September 2025."""

    token = "azure-native:network:PublicIPAddress"
    path = GROUP + "/providers/Microsoft.Network/publicIPAddresses/{publicIpAddressName}"
    api = "2024-05-01"
    autoname = generated("publicIpAddressName", 80)
    completed: ClassVar[frozenset[str]] = frozenset({"dnsSettings"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        sku = inputs.get("sku") or {}
        if isinstance(sku, Mapping) and sku.get("name") in (None, "Basic"):
            yield Problem(
                "sku",
                "IPv4BasicSkuPublicIpCountLimitReached: Cannot create more than 0 IPv4 Basic SKU public IP addresses "
                "for this subscription in this region (Basic is retired and the default: give sku Standard)",
            )
        elif inputs.get("publicIPAllocationMethod") in (None, "Dynamic"):
            yield Problem(
                "publicIPAllocationMethod",
                "PublicIPAddressWithStandardSkuMustBeStatic: a Standard sku public address must be Static",
            )
        if inputs.get("publicIPAddressVersion") == "IPv6":
            yield Problem("publicIPAddressVersion", "the lab has no IPv6")

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {
            "ipAddress": inputs.get("ipAddress") or _recorded(call.urn),
            "publicIPAddressVersion": "IPv4",
            "idleTimeoutInMinutes": inputs.get("idleTimeoutInMinutes") or 4,
            "resourceGuid": inputs.get("resourceGuid") or str(uuid.uuid4()),
        }
        label = (inputs.get("dnsSettings") or {}).get("domainNameLabel")
        if label:
            name = f"{label}.{location_of(call, inputs)}.cloudapp.azure.com"
            found["dnsSettings"] = {**inputs["dnsSettings"], "fqdn": name}
        return found

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        taken = {one["ipAddress"] for one in box.records(self.token).values()}
        taken |= {one["publicIp"] for one in box.records(EIP).values()}
        free = (FIRST + number for number in range(SIZE) if str(FIRST + number) not in taken)
        address = next(free, None)
        if address is None:
            raise Refusal('Status=400 Code="PublicIPCountLimitReached" Message="the lab has no more public addresses"')
        record["ipAddress"] = str(address)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for other, one in box.records(topology.INTERFACE).items():
            if topology.same(reference(one["ipConfigurations"][0].get("publicIPAddress")), identity):
                raise Busy(f'Status=400 Code="PublicIPAddressCannotBeDeleted" Message="{identity} is used by {other}"')
        not_used(box, topology.NAT, "publicIpAddresses", identity, "PublicIPAddressCannotBeDeleted")


def _recorded(urn: str) -> str:
    """Without a box: the same for the same resource."""
    return str(FIRST + zlib.crc32(urn.encode()) % SIZE)
