"""Ports of administration and databases that the world may ask."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

from pulumi_policy import Severity

from twinsite.rules.addresses import open_range_problems

from ..judging import CannotDecideError, Resource, each

PORTS = {22: "SSH", 3306: "MySQL", 5432: "PostgreSQL"}
_EVERYONE = ("*", "internet", "any", "0.0.0.0")
_ALL_PROTOCOLS = ("-1", "all", "*")
_TCP = ("tcp", "6")
_NARROWEST_IPV6 = 16
"""Registries hand out /12; whoever opens more than a /16 has opened it to everyone."""


def _open(sources: Iterable[Any], first: int, last: int) -> Iterator[str]:
    why = ", ".join(f"{what} ({port})" for port, what in PORTS.items() if first <= port <= last)
    for source in map(str, sources) if why else ():
        if source.lower() in _EVERYONE:
            yield f"source {source} opens {why} to the world: list the ranges that it is really used from"
            continue
        try:
            found = ipaddress.ip_network(source, strict=False)
        except ValueError:
            continue  # a service tag, for instance VirtualNetwork; what is neither, the cloud refuses
        if isinstance(found, ipaddress.IPv4Network):
            yield from open_range_problems("source", found, why)
        elif found.prefixlen < _NARROWEST_IPV6:
            yield f"source {source} opens {why} to the world: list the ranges that it is really used from"


def _ports(protocol: object, first: Any, last: Any) -> tuple[int, int]:
    """Of a rule of AWS."""
    spelt = str(protocol).lower()
    if spelt in _ALL_PROTOCOLS:
        return 0, 65535
    if spelt not in _TCP or first is None:
        return -1, -1
    return int(first), int(first if last is None else last)


def _group(one: Resource) -> Iterator[str]:
    for rule in one.parts("ingress"):
        sources = [*rule.get("cidrBlocks", []), *rule.get("ipv6CidrBlocks", [])]
        yield from _open(sources, *_ports(rule.get("protocol"), rule.get("fromPort"), rule.get("toPort")))


def _group_rule(one: Resource) -> Iterator[str]:
    if one.get("type") == "ingress":
        sources = [*one.get("cidrBlocks", []), *one.get("ipv6CidrBlocks", [])]
        yield from _open(sources, *_ports(one.get("protocol"), one.get("fromPort"), one.get("toPort")))


def _ingress_rule(one: Resource) -> Iterator[str]:
    sources = [source for source in (one.get("cidrIpv4"), one.get("cidrIpv6")) if source]
    yield from _open(sources, *_ports(one.get("ipProtocol"), one.get("fromPort"), one.get("toPort")))


def _azure(rule: Resource) -> Iterator[str]:
    words = [str(rule.get(name)).lower() for name in ("direction", "access", "protocol")]
    if words[:2] != ["inbound", "allow"] or words[2] not in (*_TCP, *_ALL_PROTOCOLS):
        return
    sources = [source for source in (rule.get("sourceAddressPrefix"), *rule.get("sourceAddressPrefixes", [])) if source]
    ports = (rule.get("destinationPortRange"), *rule.get("destinationPortRanges", []))
    for text in [str(port) for port in ports if port]:
        first, _, last = ("0-65535" if text == "*" else text).partition("-")
        if not (first + last).isdecimal():
            raise CannotDecideError(
                f"{rule.within}destinationPortRange {text} is no port and no range: write 22 or 20-30"
            )
        yield from _open(sources, int(first), int(last or first))


def _azure_group(one: Resource) -> Iterator[str]:
    for rule in one.parts("securityRules"):
        yield from _azure(rule)


POLICY = each(
    "port-open-to-world",
    Severity.CRITICAL,
    "SSH and databases are open to known ranges only: replication's port beside a tunnel is found and tried within "
    "hours (K41; Security Hub EC2.13, EC2.18; a range below /8 is taken for the world).",
    {
        "aws:ec2/securityGroup:SecurityGroup": _group,
        "aws:ec2/securityGroupRule:SecurityGroupRule": _group_rule,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress_rule,
        "azure-native:network:NetworkSecurityGroup": _azure_group,
        "azure-native:network:SecurityRule": _azure,
    },
)
