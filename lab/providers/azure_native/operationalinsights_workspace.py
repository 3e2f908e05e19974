"""A Log Analytics workspace."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.types import Call


class Workspace(AzureType):
    """Retention changes in place. The lab keeps no logs."""

    token = "azure-native:operationalinsights:Workspace"
    path = GROUP + "/providers/Microsoft.OperationalInsights/workspaces/{workspaceName}"
    api = "2023-09-01"
    autoname = generated("workspaceName", 63)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"customerId": inputs.get("customerId") or str(uuid.uuid4())}
