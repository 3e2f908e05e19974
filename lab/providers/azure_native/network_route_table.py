"""A route table (user-defined routes)."""

import uuid
from collections.abc import Mapping
from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, generated
from lab.providers.azure_native.networks import NetworkType, not_used
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call


class RouteTable(NetworkType):
    """Its routes change in place."""

    token = "azure-native:network:RouteTable"
    path = GROUP + "/providers/Microsoft.Network/routeTables/{routeTableName}"
    api = "2024-05-01"
    autoname = generated("routeTableName", 80)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "routes": inputs.get("routes") or [],
            "resourceGuid": inputs.get("resourceGuid") or str(uuid.uuid4()),
        }

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        not_used(box, topology.SUBNET, "routeTable", identity, "InUseRouteTableCannotBeDeleted")
