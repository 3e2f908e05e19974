"""Whom an alert tells."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class ActionGroup(AzureType):
    """Receivers change in place. The lab sends nothing."""

    token = "azure-native:monitor:ActionGroup"
    path = GROUP + "/providers/Microsoft.Insights/actionGroups/{actionGroupName}"
    api = "2024-10-01-preview"
    autoname = generated("actionGroupName", 260)
    provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        name = inputs.get("groupShortName")
        if isinstance(name, str) and not 1 <= len(name) <= 12:
            yield Problem(
                "groupShortName", f"'groupShortName' is too long ({len(name)}): at most 12 characters allowed"
            )
