"""One server parameter of a MySQL flexible server."""

from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.framework.types import Call


class Configuration(AzureType):
    """Changes in place; some need a restart of the server."""

    token = "azure-native:dbformysql:Configuration"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}/configurations/{configurationName}"
    api = "2023-12-30"
    autoname = copied("configurationName", 128)
    located = provisioned = False

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"currentValue": inputs.get("value"), "isConfigPendingRestart": "False", "isReadOnly": "False"}
