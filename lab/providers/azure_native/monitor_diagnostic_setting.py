"""Where a resource's logs go."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import AzureType, generated
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class DiagnosticSetting(AzureType):
    """Belongs to the resource that it is about. The lab writes no such logs."""

    token = "azure-native:monitor:DiagnosticSetting"
    path = "{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}"
    api = "2021-05-01-preview"
    autoname = generated("name", 260)
    located = provisioned = False

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        about = str(inputs["resourceUri"]).strip("/")
        return f"/{about}/providers/Microsoft.Insights/diagnosticSettings/{inputs['name']}"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        places = ("workspaceId", "storageAccountId", "eventHubAuthorizationRuleId", "marketplacePartnerId")
        if not any(inputs.get(place) for place in places):
            yield Problem("workspaceId", "BadRequest: at least one data sink needs to be specified")
