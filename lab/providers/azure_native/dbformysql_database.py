"""A schema of a MySQL flexible server."""

from typing import Any

from lab.providers.azure_native import flexible_server, topology
from lab.providers.azure_native.cloud import GROUP, AzureType, copied, exists
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call


class Database(AzureType):
    """Character set and collation are those of its making."""

    token = "azure-native:dbformysql:Database"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}/databases/{databaseName}"
    api = "2023-12-30"
    autoname = copied("databaseName", 64)
    located = provisioned = False

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, topology.SERVER, identity.rpartition("/databases/")[0])

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        server = exists(box, topology.SERVER, identity.rpartition("/databases/")[0])
        charset, collation = record.get("charset") or "utf8mb4", record.get("collation")
        more = f" COLLATE {collation}" if collation else ""
        flexible_server.sql(box, server, f"CREATE DATABASE `{record['databaseName']}` CHARACTER SET {charset}{more};")

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        server = topology.find(box.records(topology.SERVER), identity.rpartition("/databases/")[0])
        if server is not None:
            flexible_server.sql(box, server, f"DROP DATABASE IF EXISTS `{record['databaseName']}`;")
