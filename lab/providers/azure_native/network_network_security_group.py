"""A network security group."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, generated
from lab.providers.azure_native.networks import NetworkType, not_used
from lab.providers.azure_native.security_rules import DEFAULT_RULES, list_problems
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class NetworkSecurityGroup(NetworkType):
    """Its rules change in place; Azure's six default rules are always there."""

    token = "azure-native:network:NetworkSecurityGroup"
    path = GROUP + "/providers/Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}"
    api = "2024-05-01"
    autoname = generated("networkSecurityGroupName", 80)
    sets: ClassVar[frozenset[str]] = frozenset({"securityRules"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        rules = inputs.get("securityRules")
        return list_problems(rules) if isinstance(rules, list) else ()

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "resourceGuid": inputs.get("resourceGuid") or str(uuid.uuid4()),
            "securityRules": inputs.get("securityRules") or [],
            "defaultSecurityRules": [
                {**rule, "id": f"{identity}/defaultSecurityRules/{rule['name']}"} for rule in DEFAULT_RULES
            ],
        }

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        for rule in record["securityRules"]:
            topology.rules_of(rule, "10.0.0.0/8")

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for token in (topology.SUBNET, topology.INTERFACE):
            not_used(box, token, "networkSecurityGroup", identity, "InUseNetworkSecurityGroupCannotBeDeleted")
