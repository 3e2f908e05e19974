"""One route of a route table."""

from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, copied, exists
from lab.providers.azure_native.networks import NetworkType
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call


class Route(NetworkType):
    """Changes in place."""

    token = "azure-native:network:Route"
    path = GROUP + "/providers/Microsoft.Network/routeTables/{routeTableName}/routes/{routeName}"
    api = "2024-05-01"
    autoname = copied("routeName", 80)
    located = False

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, topology.TABLE, identity.rpartition("/routes/")[0])
