"""A schema of a MySQL flexible server."""

from typing import ClassVar

from lab.providers.azure_native.cloud import GROUP, AzureType, copied


class Database(AzureType):
    """Character set and collation are those of its making."""

    token = "azure-native:dbformysql:Database"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}/databases/{databaseName}"
    api = "2023-12-30"
    autoname = copied("databaseName", 64)
    keeps: ClassVar[frozenset[str]] = frozenset({"charset", "collation"})
    located = provisioned = False
