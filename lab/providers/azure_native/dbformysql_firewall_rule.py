"""A range of addresses that may reach a MySQL flexible server with public access."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, copied, exists
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal


class FirewallRule(AzureType):
    """0.0.0.0 to 0.0.0.0 means every address of Azure, anybody's."""

    token = "azure-native:dbformysql:FirewallRule"
    path = GROUP + "/providers/Microsoft.DBforMySQL/flexibleServers/{serverName}/firewallRules/{firewallRuleName}"
    api = "2023-12-30"
    autoname = copied("firewallRuleName", 80)
    located = provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        for key in ("startIpAddress", "endIpAddress"):
            if isinstance(inputs.get(key), str):
                try:
                    ipaddress.IPv4Address(inputs[key])
                except ValueError:
                    yield Problem(key, f"InvalidParameterValue: {inputs[key]!r} is not an IPv4 address")

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().verify(call, box, identity, record)
        server = exists(box, "azure-native:dbformysql:Server", identity.rpartition("/firewallRules/")[0])
        raise Refusal(
            f'Status=400 Code="FirewallRuleNotAllowed" Message="{server["serverName"]} is inside a network: security '
            'groups decide there, not firewall rules"'
        )
