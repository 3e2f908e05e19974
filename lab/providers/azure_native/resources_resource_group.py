"""A resource group."""

from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.azure_native.networks import NetworkType
from lab.providers.framework.box import Box
from lab.providers.framework.types import Call

_NETWORKS = ((topology.SUBNET, "subnets", "subnet"), (topology.VNET, "vpcs", "vnet"), (topology.GROUP, "", ""))


class ResourceGroup(AzureType):
    """Deleting it deletes what is in it: its networks here; the engine deletes the rest first."""

    token = "azure-native:resources:ResourceGroup"
    path = GROUP
    api = "2024-03-01"
    autoname = generated("resourceGroupName", 90)
    provisioned = False

    def unmake(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        gone: list[tuple[str, str]] = []
        with box.lock:
            for token, kind, prefix in _NETWORKS:
                for key in list(box.records(token)):
                    if key.lower().startswith(f"{identity.lower()}/"):
                        box.forget(token, key)
                        gone += [(kind, topology.short(prefix, key))] if kind else []
        if gone:
            NetworkType.remove(box, *gone)
