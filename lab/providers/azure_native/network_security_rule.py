"""One rule of a network security group."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied
from lab.providers.azure_native.security_rules import rule_problems
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class SecurityRule(AzureType):
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
