"""A role given to a principal at a scope."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import AzureType, guid
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.services.azure_roles import ROLES

_DEFINITION = re.compile(
    r"(?:/subscriptions/[^/]+)?/providers/Microsoft\.Authorization/roleDefinitions/([0-9a-f-]{36})", re.I
)


class RoleAssignment(AzureType):
    """Who, what and where are fixed: a change of principal or scope replaces it."""

    token = "azure-native:authorization:RoleAssignment"
    path = "{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}"
    api = "2022-04-01"
    autoname = guid("roleAssignmentName")
    located = provisioned = False

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        scope, name = str(inputs["scope"]).strip("/"), inputs["roleAssignmentName"]
        return f"/{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        definition = inputs.get("roleDefinitionId")
        if isinstance(definition, str):
            found = _DEFINITION.fullmatch(definition)
            if found is None:
                yield Problem(
                    "roleDefinitionId",
                    "BadRequestFormat: a role is given as /subscriptions/ID/providers/Microsoft.Authorization/"
                    f"roleDefinitions/GUID, found {definition!r}",
                )
            elif found[1].lower() not in ROLES:
                yield Problem(
                    "roleDefinitionId",
                    f"RoleDefinitionDoesNotExist: the lab knows no role {found[1]}; it has "
                    + ", ".join(sorted(role.name for role in ROLES.values())),
                )
        if inputs.get("condition"):
            yield Problem("condition", "the twinsite lab does not evaluate conditions of role assignments")

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        if call.before.get("roleDefinitionId") != new.get("roleDefinitionId"):
            raise Refusal(
                'Status=400 Code="RoleAssignmentUpdateNotPermitted" Message="Tenant ID, application ID, principal ID, '
                'and scope are not allowed to be updated." (nor is the role: give the assignment another name)'
            )
        return super().update(call, identity, state, new)

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        for other, one in box.records(self.token).items():
            if all(one.get(key) == record.get(key) for key in ("principalId", "roleDefinitionId", "scope")):
                raise Refusal(
                    f'Status=409 Code="RoleAssignmentExists" Message="The role assignment already exists." ({other})'
                )
