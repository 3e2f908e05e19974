"""What network security groups and their rules share: Azure's default rules and what a rule may say."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem

_ANY = {"sourcePortRange": "*", "destinationPortRange": "*", "protocol": "*", "provisioningState": "Succeeded"}


def _default(name: str, priority: int, access: str, direction: str, source: str, target: str) -> dict[str, Any]:
    return {
        "name": name,
        "priority": priority,
        "access": access,
        "direction": direction,
        "sourceAddressPrefix": source,
        "destinationAddressPrefix": target,
        **_ANY,
    }


DEFAULT_RULES = (
    _default("AllowVnetInBound", 65000, "Allow", "Inbound", "VirtualNetwork", "VirtualNetwork"),
    _default("AllowAzureLoadBalancerInBound", 65001, "Allow", "Inbound", "AzureLoadBalancer", "*"),
    _default("DenyAllInBound", 65500, "Deny", "Inbound", "*", "*"),
    _default("AllowVnetOutBound", 65000, "Allow", "Outbound", "VirtualNetwork", "VirtualNetwork"),
    _default("AllowInternetOutBound", 65001, "Allow", "Outbound", "*", "Internet"),
    _default("DenyAllOutBound", 65500, "Deny", "Outbound", "*", "*"),
)
"""[Microsoft Learn, network security groups overview, default security rules]"""


def rule_problems(rule: Mapping[str, Any], at: str) -> Iterable[Problem]:
    """What Azure refuses of one rule."""
    priority = rule.get("priority")
    if isinstance(priority, int) and not 100 <= priority <= 4096:
        yield Problem(
            f"{at}priority",
            f"SecurityRuleInvalidPriority: Security rule has invalid priority {priority}. Valid values are 100-4096",
        )
    for plain, several in (
        ("sourceAddressPrefix", "sourceAddressPrefixes"),
        ("destinationAddressPrefix", "destinationAddressPrefixes"),
        ("sourcePortRange", "sourcePortRanges"),
        ("destinationPortRange", "destinationPortRanges"),
    ):
        groups = plain.replace("AddressPrefix", "ApplicationSecurityGroups")
        if not (rule.get(plain) or rule.get(several) or (groups != plain and rule.get(groups))):
            yield Problem(
                f"{at}{plain}",
                f"SecurityRuleParameterIsMissing: Required security rule parameters are missing: {plain}",
            )


def list_problems(rules: list[Any]) -> Iterable[Problem]:
    """What Azure refuses of a group's own rules."""
    seen: dict[tuple[Any, Any], Any] = {}
    for at, rule in enumerate(rules):
        if not isinstance(rule, Mapping):
            continue
        yield from rule_problems(rule, f"securityRules[{at}].")
        if not rule.get("name"):
            yield Problem(f"securityRules[{at}].name", "a rule inside a group needs a name")
        key = (rule.get("direction"), rule.get("priority"))
        if isinstance(key[1], int) and key in seen:
            yield Problem(
                f"securityRules[{at}].priority",
                f"SecurityRuleConflict: rules {seen[key]} and {rule.get('name')} have the same priority "
                f"{key[1]} and direction {key[0]}",
            )
        seen[key] = rule.get("name")
