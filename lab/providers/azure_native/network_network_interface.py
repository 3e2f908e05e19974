"""A network interface."""

import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, block, generated, items
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class NetworkInterface(AzureType):
    """Everything changes in place; the lab gives an interface one address."""

    token = "azure-native:network:NetworkInterface"
    path = GROUP + "/providers/Microsoft.Network/networkInterfaces/{networkInterfaceName}"
    api = "2024-05-01"
    autoname = generated("networkInterfaceName", 80)
    completed: ClassVar[frozenset[str]] = frozenset({"ipConfigurations"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        found = inputs.get("ipConfigurations")
        if isinstance(found, list) and len(found) != 1:
            yield Problem("ipConfigurations", f"the lab's interfaces have one address each, found {len(found)}")
        for at, one in enumerate(items(found)):
            if block(one).get("privateIPAllocationMethod") == "Static" and not one.get("privateIPAddress"):
                yield Problem(
                    f"ipConfigurations[{at}].privateIPAddress",
                    "PrivateIPAddressMissing: a static address has to be given",
                )

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        configurations = [
            {
                "privateIPAllocationMethod": "Dynamic",
                "privateIPAddressVersion": "IPv4",
                "primary": at == 0,
                "provisioningState": "Succeeded",
                # without a box no subnet's range is known: the same for the same resource
                "privateIPAddress": f"172.31.0.{4 + zlib.crc32(call.urn.encode()) % 250}",
                **one,
                "id": f"{identity}/ipConfigurations/{one.get('name')}",
            }
            for at, one in enumerate(inputs.get("ipConfigurations") or [])
        ]
        digits = f"{zlib.crc32(identity.encode()):08X}"
        return {
            "ipConfigurations": configurations,
            "macAddress": f"00-0D-3A-{digits[0:2]}-{digits[2:4]}-{digits[4:6]}",
            "enableIPForwarding": bool(inputs.get("enableIPForwarding")),
            "enableAcceleratedNetworking": bool(inputs.get("enableAcceleratedNetworking")),
            "resourceGuid": inputs.get("resourceGuid") or str(uuid.uuid4()),
        }
