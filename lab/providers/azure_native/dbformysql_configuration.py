"""One server parameter of a MySQL flexible server."""

from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native import flexible_server, topology
from lab.providers.azure_native.cloud import GROUP, AzureType, copied, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call


class Configuration(AzureType):
    """Changes in place; some need a restart of the server. Without DELETE: the provider sets it back to the default."""

    token = "azure-native:dbformysql:Configuration"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}/configurations/{configurationName}"
    api = "2023-12-30"
    autoname = copied("configurationName", 128)
    located = provisioned = False

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"currentValue": inputs.get("value"), "isConfigPendingRestart": "False", "isReadOnly": "False"}

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, topology.SERVER, identity.rpartition("/configurations/")[0])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        server = exists(box, topology.SERVER, identity.rpartition("/configurations/")[0])
        statement = flexible_server.setting(str(record["configurationName"]), str(record.get("value") or "DEFAULT"))
        flexible_server.sql(box, server, statement)

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        server = topology.find(box.records(topology.SERVER), identity.rpartition("/configurations/")[0])
        if server is not None:
            flexible_server.sql(box, server, flexible_server.setting(str(record["configurationName"]), "DEFAULT"))

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self.make(call, box, identity, record)
