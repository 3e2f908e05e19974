"""The lifecycle rules of an account."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, block, copied
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class ManagementPolicy(AzureType):
    """One an account, called default. The lab keeps it and deletes nothing by it."""

    token = "azure-native:storage:ManagementPolicy"
    path = (
        GROUP + "/providers/Microsoft.Storage/storageAccounts/{accountName}/managementPolicies/{managementPolicyName}"
    )
    api = "2024-01-01"
    autoname = copied("managementPolicyName", 80)
    located = provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from default_only(inputs, "managementPolicyName")
        rules = block(inputs.get("policy")).get("rules")
        if isinstance(rules, list) and not rules:
            yield Problem("policy.rules", "InvalidRequest: a management policy has at least one rule")


def default_only(inputs: Mapping[str, Any], key: str) -> Iterable[Problem]:
    """Singletons of an account are called default; without a name the provider would take the resource's own."""
    name = inputs.get(key)
    if isinstance(name, str) and name != "default":
        yield Problem(key, f"'{key}' should be equal to \"default\", found {name!r}: give it")
