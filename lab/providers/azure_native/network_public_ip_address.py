"""A public address."""

import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, generated, location_of
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call

FIRST, SIZE = "203.0.113.160", 90
"""Azure's addresses in the lab: a part of the documentation range that AWS's do not use."""


class PublicIPAddress(AzureType):
    """Static and of sku Standard: Azure gives out no other since September 2025."""

    token = "azure-native:network:PublicIPAddress"
    path = GROUP + "/providers/Microsoft.Network/publicIPAddresses/{publicIpAddressName}"
    api = "2024-05-01"
    autoname = generated("publicIpAddressName", 80)
    replaces: ClassVar[frozenset[str]] = frozenset({"publicIPAddressVersion", "publicIPPrefix", "sku"})
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


def _recorded(urn: str) -> str:
    """Without a box: the same for the same resource."""
    return f"203.0.113.{160 + zlib.crc32(urn.encode()) % SIZE}"
