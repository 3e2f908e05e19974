"""What all types of this package share: resource ids, names, locations, and which changes replace."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from lab.providers.framework.box import Box
from lab.providers.framework.changes import Declared
from lab.providers.framework.facts import Facts
from lab.providers.framework.records import RecordType
from lab.providers.framework.types import AutoName, Call, Refusal
from lab.services.azure import SUBSCRIPTION

GROUP = "resourceGroups/{resourceGroupName}"
RESOURCE_GROUP = "azure-native:resources:ResourceGroup"


def generated(property: str, limit: int) -> AutoName:
    """NAME12345678: what the provider gives to resources of a group."""
    return AutoName(property, limit, form=lambda name, digits: f"{name}{digits[:8]}")


def copied(property: str, limit: int) -> AutoName:
    """The program's own name: what the provider gives to children of other resources."""
    return AutoName(property, limit, form=lambda name, digits: name, unique=False)


def guid(property: str) -> AutoName:
    """A GUID: what the provider gives to role assignments."""
    return AutoName(property, 36, form=lambda name, digits: str(uuid.UUID(digits[:32])))


class AzureType(RecordType):
    """A resource of Azure Resource Manager, whose id is its path."""

    deletes_first = True
    derived = frozenset({"location"})
    removal_seconds = 0
    """The provider does not try again what is refused with 400 or 409 (late.py has the exceptions)."""

    path: ClassVar[str]
    """Below the subscription, with inputs in braces: resourceGroups/{resourceGroupName}/providers/…/{vmName}."""
    api: ClassVar[str] = ""
    """Version of Azure's API that the SDK of the lock file uses; empty for what is no resource of it."""
    located: ClassVar[bool] = True
    """Whether it lies in a region."""
    provisioned: ClassVar[bool] = True
    """Whether it says provisioningState."""

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        path = re.sub(r"{(\w+)}", lambda found: str(inputs[found[1]]).strip("/"), self.path)
        return f"/subscriptions/{subscription(call)}/{path}"

    def shared(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {"name": identity.rpartition("/")[2], "type": kind_of(identity)}
        if self.api:
            found["azureApiVersion"] = self.api
        if self.located:
            found["location"] = location_of(call, inputs)
        if self.provisioned:
            found["provisioningState"] = "Succeeded"
        return found

    def renewed(self, call: Call, identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        return self.computed(call, identity, record)

    def told(self, facts: Facts) -> Declared:
        """The provider compares what the program says now with what it said before, and sends all that does not replace
        in place."""
        base = facts.declared()
        updates = base.updates | (facts.given - base.replaces)
        return replace(base, updates=updates, sets=self.sets, keeps=frozenset(), secrets=frozenset(), deep=True)

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        was, now = str(state.get("location") or ""), str(new.get("location") or "")
        if was and now and spelled(was) != spelled(now):
            raise Refusal(
                f'Status=409 Code="InvalidResourceLocation" Message="The resource \'{identity.rpartition("/")[2]}\' '
                f"already exists in location '{was}'. A resource with the same name cannot be created in location "
                f"'{now}'.\" (the provider does not replace on it: give replace_on_changes)"
            )
        if was:
            new = {**new, "location": spelled(was)}
        return super().update(call, identity, state, new)

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        """That it does not exist yet, and that what contains it does. Types that look further call this first."""
        if box.record(self.token, identity) is not None:
            raise Refusal(f"cannot create already existing resource '{identity}': import it, or give it another name")
        group = re.match(r"(/subscriptions/[^/]+/resourceGroups/[^/]+)/", identity)
        if group is not None and box.record(RESOURCE_GROUP, group[1]) is None:
            name = group[1].rpartition("/")[2]
            raise Refusal(
                f'Status=404 Code="ResourceGroupNotFound" Message="Resource group \'{name}\' could not be found."'
            )


def subscription(call: Call) -> str:
    """The subscription of the provider that the resource uses."""
    return str(call.config.get("subscriptionId") or SUBSCRIPTION)


def location_of(call: Call, inputs: Mapping[str, Any]) -> str:
    """The resource's own location, else the configured one, else its resource group's, as Azure spells it."""
    found = inputs.get("location") or call.config.get("location")
    if not found and inputs.get("resourceGroupName"):
        group = f"/subscriptions/{subscription(call)}/resourceGroups/{inputs['resourceGroupName']}"
        record = call.box.record(RESOURCE_GROUP, group) if call.box is not None else None
        found = (record or call.seen(RESOURCE_GROUP, group)).get("location")
    if not found:
        raise Refusal(
            "missing required property 'location'. Either set it explicitly or configure it with "
            "'pulumi config set azure-native:location <value>'."
        )
    return spelled(str(found))


def spelled(location: str) -> str:
    """As Azure gives it back."""
    return location.lower().replace(" ", "")


def kind_of(identity: str) -> str:
    """Microsoft.Network/virtualNetworks/subnets, of an id with names between."""
    if "/providers/" not in identity:
        return "Microsoft.Resources/resourceGroups"
    space, *rest = identity.rpartition("/providers/")[2].split("/")
    return "/".join([space, *rest[::2]])


def exists(box: Box, token: str, identity: Any) -> dict[str, Any]:
    """Another record that this one names by its id. Azure's ids do not care for case."""
    record = box.record(token, str(identity))
    if record is None:
        wanted = str(identity).lower()
        record = next((one for key, one in box.records(token).items() if key.lower() == wanted), None)
    if record is None:
        raise Refusal(
            f'Status=404 Code="ResourceNotFound" Message="The Resource \'{kind_of(str(identity))}\' with id '
            f"'{identity}' was not found.\""
        )
    return record


def block(value: Any) -> Mapping[str, Any]:
    """An object as it is; empty for none and for what a preview does not know."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """A list as it is; empty for none and for what a preview does not know."""
    return value if isinstance(value, list) else []


def reference(value: Any) -> str:
    """The id in a {"id": …} block; empty for none."""
    return str(value.get("id") or "") if isinstance(value, Mapping) else ""
