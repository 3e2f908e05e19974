"""An Application Insights component."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated, location_of
from lab.providers.framework.types import Call


class Component(AzureType):
    """Where web tests keep their results. The lab keeps none."""

    token = "azure-native:applicationinsights:Component"
    path = GROUP + "/providers/Microsoft.Insights/components/{resourceName}"
    api = "2020-02-02"
    autoname = generated("resourceName", 260)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        key = inputs.get("instrumentationKey") or str(uuid.uuid4())
        place = location_of(call, inputs)
        return {
            "instrumentationKey": key,
            "appId": inputs.get("appId") or str(uuid.uuid4()),
            "connectionString": f"InstrumentationKey={key};IngestionEndpoint=https://{place}.in.applicationinsights.azure.com/",
        }
