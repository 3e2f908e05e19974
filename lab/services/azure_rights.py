"""Who may do what, asked by all of Azure's APIs: role assignments of the stack and the operator's own."""

import time
from collections.abc import Mapping
from typing import Any

from lab.services.api import Records
from lab.services.azure import Operator
from lab.services.azure_roles import allowed

ASSIGNMENT = "azure-native:authorization:RoleAssignment"
SPREAD_SECONDS = 5.0
"""A new assignment does nothing for so long: in the cloud up to ten minutes [Microsoft Learn, troubleshoot Azure RBAC];
long enough here for whoever does not retry to fail."""


class Roles:
    """`may` reads the records anew each time: a deleted assignment stops at once."""

    def __init__(self, operator: Operator, records: Records) -> None:
        self._records = records
        self._own = operator.assignments()

    def may(self, principal: str, action: str, resource: str, data: bool) -> bool:
        now = time.time()
        spread: list[Mapping[str, Any]] = [
            one for one in self._records(ASSIGNMENT).values() if float(one.get("__made") or 0) + SPREAD_SECONDS < now
        ]
        return allowed([*self._own, *spread], principal, action, resource, data)
