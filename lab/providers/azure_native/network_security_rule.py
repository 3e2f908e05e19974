"""One rule of a network security group."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native import topology
from lab.providers.azure_native.cloud import GROUP, copied, exists
from lab.providers.azure_native.networks import NetworkType
from lab.providers.azure_native.security_rules import rule_problems
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class SecurityRule(NetworkType):
    """Changes in place."""

    token = "azure-native:network:SecurityRule"
    path = (
        GROUP + "/providers/Microsoft.Network/networkSecurityGroups/{networkSecurityGroupName}"
        "/securityRules/{securityRuleName}"
    )
    api = "2024-05-01"
    autoname = copied("securityRuleName", 80)
    located = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        return rule_problems(inputs, "")

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        exists(box, topology.GROUP, identity.rpartition("/securityRules/")[0])
        topology.rules_of(record, "10.0.0.0/8")
