"""A network interface."""

import ipaddress
import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, block, exists, generated, items, reference
from lab.providers.azure_native.networks import NetworkType
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal


class NetworkInterface(NetworkType):
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

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        self._settle(box, identity, record)

    def _settle(self, box: Box, identity: str, record: dict[str, Any]) -> None:
        """Its subnet, its public address and its private one."""
        configuration = record["ipConfigurations"][0]
        place = topology.subnet_of(record)
        subnet = exists(box, topology.SUBNET, place)
        if items(subnet.get("delegations")):
            raise Refusal(f"{place} is delegated to a service: no network interface of yours can be in it")
        if reference(record.get("networkSecurityGroup")):
            exists(box, topology.GROUP, reference(record["networkSecurityGroup"]))
        public = reference(configuration.get("publicIPAddress"))
        if public:
            exists(box, topology.ADDRESS, public)
        for other, one in box.records(self.token).items():
            if topology.same(other, identity):
                continue
            if public and topology.same(reference(one["ipConfigurations"][0].get("publicIPAddress")), public):
                raise Refusal(
                    f'Status=400 Code="PublicIPAddressInUse" Message="{public} is already allocated to {other}"'
                )
        cidr = topology.cidr_of(subnet)
        if configuration.get("privateIPAllocationMethod") != "Static":
            known = ipaddress.IPv4Address(configuration["privateIPAddress"]) in ipaddress.IPv4Network(cidr)
            if not known:
                configuration["privateIPAddress"] = topology.free_address(box, place, cidr)
            return
        address, network = ipaddress.IPv4Address(configuration["privateIPAddress"]), ipaddress.IPv4Network(cidr)
        if address not in network or int(address) - int(network[0]) < 4 or address == network[-1]:
            raise Refusal(
                f'Status=400 Code="PrivateIPAddressNotInSubnet" Message="Private static IP address {address} does not '
                f'belong to the range of subnet prefix {cidr}" (Azure keeps its first four and its last)'
            )
        for other, one in box.records(self.token).items():
            theirs = one["ipConfigurations"][0]
            taken = theirs.get("privateIPAddress") == str(address) and topology.same(topology.subnet_of(one), place)
            if taken and not topology.same(other, identity):
                raise Refusal(f'Status=400 Code="PrivateIPAddressInUse" Message="{address} is in use by {other}"')

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        if record["ipConfigurations"][0].get("privateIPAllocationMethod") != "Static":
            record["ipConfigurations"][0]["privateIPAddress"] = before["ipConfigurations"][0]["privateIPAddress"]
        self._settle(box, identity, record)
        box.put(self.token, identity, record)
        super().change(call, box, identity, before, record)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for machine, one in box.records(topology.MACHINE).items():
            if topology.same(topology.interface_of(one), identity):
                raise Busy(f'Status=400 Code="NicInUse" Message="{identity} is used by existing resource {machine}"')

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        self.remove(box, ("interfaces", topology.short("nic", identity)))
