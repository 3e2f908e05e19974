"""A virtual machine."""

import base64
import datetime
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, AzureType, block, exists, generated, items, reference
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure import TENANT

IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
CUSTOM_DATA_BYTES = 65535
"""Before base64 is 64 KiB [Microsoft Learn, custom data]; Azure counts the decoded bytes."""
_HIDDEN = ("customData", "adminPassword")
_FIXED = ("osProfile.customData", "osProfile.adminUsername", "osProfile.adminPassword", "osProfile.computerName",
          "osProfile.linuxConfiguration.ssh", "storageProfile.imageReference")  # fmt: skip
"""What Azure refuses to change on a machine that exists; the provider tries all the same."""


class VirtualMachine(AzureType):
    """Custom data is for the first boot only: changed, Azure refuses, unless the program replaces on that change."""

    token = "azure-native:compute:VirtualMachine"
    path = GROUP + "/providers/Microsoft.Compute/virtualMachines/{vmName}"
    api = "2024-11-01"
    autoname = generated("vmName", 64)
    completed: ClassVar[frozenset[str]] = frozenset({"identity"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        profile = block(inputs.get("osProfile"))
        data = profile.get("customData")
        if isinstance(data, str):
            try:
                size = len(base64.b64decode(data, validate=True))
            except ValueError:
                yield Problem(
                    "osProfile.customData",
                    "InvalidParameter: Custom data in OSProfile must be in Base64 encoding and with a maximum length "
                    "of 87380 characters.",
                )
            else:
                if size > CUSTOM_DATA_BYTES:
                    yield Problem(
                        "osProfile.customData",
                        f"InvalidParameter: custom data is {size} bytes, Azure takes {CUSTOM_DATA_BYTES}: fetch the "
                        "rest at boot",
                    )
        linux = profile.get("linuxConfiguration")
        if block(linux).get("disablePasswordAuthentication") is True and not block(linux).get("ssh"):
            yield Problem(
                "osProfile.linuxConfiguration.ssh",
                "InvalidParameter: Authentication using either SSH or by user name and password must be enabled "
                "in Linux profile.",
            )

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC).isoformat()
        found: dict[str, Any] = {
            "vmId": inputs.get("vmId") or str(uuid.uuid4()),
            "timeCreated": inputs.get("timeCreated") or now,
        }
        profile = inputs.get("osProfile")
        if profile:
            found["osProfile"] = {key: value for key, value in profile.items() if key not in _HIDDEN}
        given = inputs.get("identity")
        if given and isinstance(given.get("userAssignedIdentities") or [], list):
            found["identity"] = _identity(call, given)
        return found

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        for fixed in _FIXED:
            if _at(call.before, fixed) != _at(new, fixed):
                raise Refusal(
                    f'Status=409 Code="PropertyChangeNotAllowed" Message="Changing property \'{fixed}\' is not '
                    'allowed." '
                    f'Target="{fixed}" (the provider does not replace on it: give replace_on_changes)'
                )
        return super().update(call, identity, state, new)

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        face = topology.interface_of(record)
        exists(box, topology.INTERFACE, face)
        for other, one in box.records(self.token).items():
            if topology.same(topology.interface_of(one), face):
                raise Refusal(f'Status=400 Code="NicInUse" Message="{face} is used by existing resource {other}"')

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        topology.put_machine(box, identity)
        box.apply()

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        size = (before.get("hardwareProfile") or {}).get("vmSize")
        if (record.get("hardwareProfile") or {}).get("vmSize") != size:
            call.log("info", "restarting the machine: Azure changes its size by a restart")
            topology.put_machine(box, identity, running=False)
            box.apply()
        topology.put_machine(box, identity)
        box.apply()

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        box.unworld("machines", topology.machine_id(record))
        box.apply()
        for one in items((record.get("storageProfile") or {}).get("dataDisks")):
            if not reference(one.get("managedDisk")) and one.get("deleteOption") == "Delete":
                box.unworld("volumes", topology.short("disk", f"{identity}/{int(one.get('lun') or 0)}"))


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _identity(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """As Azure gives it back: each user-assigned identity with its ids."""
    found: dict[str, Any] = {"type": given.get("type")}
    if "SystemAssigned" in str(given.get("type")):
        found |= {"principalId": str(uuid.uuid5(uuid.NAMESPACE_URL, call.urn)), "tenantId": TENANT}
    assigned = {}
    for one in given.get("userAssignedIdentities") or []:
        record = call.box.record(IDENTITY, one) if call.box is not None else call.seen(IDENTITY, one)
        if call.box is not None and record is None:
            raise Refusal(
                f'Status=404 Code="ResourceNotFound" Message="The user assigned identity {one} was not found"'
            )
        record = record or {}
        assigned[one] = {"clientId": record.get("clientId", ""), "principalId": record.get("principalId", "")}
    if assigned:
        found["userAssignedIdentities"] = assigned
    return found
