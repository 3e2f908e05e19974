"""Refusals about a whole graph of Route 53 records, checks and distributions, as the engine sees them (FACTS K27-K36).

For what arguments of one component cannot show: two resources that contradict each other, or one that somebody added
beside a component. Each resource is its inputs, as the provider gets them (camelCase). Pure.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .traffic import AWS_NAMES, LARGEST_TTL_SECONDS, UNREACHABLE

Inputs = Mapping[str, Any]


def record_problems(records: Sequence[Inputs]) -> list[str]:
    """Why these records would not be accepted, or would answer something else than they are meant to."""
    # Of one zone: a private zone may have a public one's names.
    by_name: dict[tuple[str, str], list[Inputs]] = defaultdict(list)
    for record in records:
        by_name[str(record.get("zoneId", "")), _spelt(record.get("name", ""))].append(record)
    problems: list[str] = []
    for (_, name), found in by_name.items():
        problems += _name(name, found)
        for kind in sorted({str(record.get("type", "")) for record in found if _role(record)}):
            problems += _pair(f"{name} {kind}", [record for record in found if record.get("type") == kind])
    return problems


def check_problems(checks: Sequence[Inputs], records: Sequence[Inputs]) -> list[str]:
    """Why these health checks say nothing, or something about themselves."""
    moving = {_spelt(record.get("name", "")) for record in records if _role(record)}
    problems = []
    for check in checks:
        host, address = check.get("fqdn"), check.get("ipAddress")
        if _spelt(host or "") in moving and not address:
            problems.append(
                f"a check asks {host}, a name of a failover pair, whose answer depends on it: ask the end itself"
            )
        if check.get("disabled"):
            problems.append(
                f"the check of {host or 'other checks'} is disabled, which Route 53 takes for healthy: "
                "remove `disabled`; a failover is made by the latch"
            )
        if isinstance(address, str) and not _public(address):
            problems.append(
                f"a check asks {address}, which Route 53's checkers do not reach: use a public address, or a "
                "CloudWatch alarm"
            )
    return problems


def distribution_problems(distributions: Sequence[Inputs]) -> list[str]:
    """Why these CloudFront distributions would not be accepted, or would lose writes."""
    owners: dict[str, int] = defaultdict(int)
    problems = []
    for distribution in distributions:
        for alias in distribution.get("aliases") or ():
            owners[str(alias)] += 1
        behaviour = distribution.get("defaultCacheBehavior") or {}
        groups = {str(group.get("originId")) for group in distribution.get("originGroups") or ()}
        if behaviour.get("targetOriginId") in groups and "POST" in (behaviour.get("allowedMethods") or ()):
            problems.append(
                "a distribution sends writes to an origin group, which fails over for GET, HEAD and OPTIONS only: "
                "give the standby a distribution and a name of its own"
            )
        for origin in distribution.get("origins") or ():
            policy = (origin.get("customOriginConfig") or {}).get("originProtocolPolicy", "https-only")
            if policy != "https-only":
                problems.append(
                    f"a distribution asks origin {origin.get('domainName')} by {policy}, so data and the origin's "
                    "secret would travel in clear: set originProtocolPolicy to https-only"
                )
    return problems + [
        f"{alias} is an alias of {count} distributions and CloudFront gives it to one: use two names"
        for alias, count in owners.items()
        if count > 1
    ]


def _name(name: str, records: Sequence[Inputs]) -> Iterator[str]:
    kinds = {str(record.get("type")) for record in records}
    if "CNAME" in kinds and len(kinds) > 1:
        others = ", ".join(sorted(kinds - {"CNAME"}))
        yield f"{name} has a CNAME beside {others}, which no zone accepts: use records of the same type for both ends"
    paired = {record.get("type") for record in records if _role(record)}
    if any(record.get("type") in paired and not _role(record) for record in records):
        yield f"{name} has a simple record beside its failover pair, which Route 53 refuses: remove the simple record"
    for record in records:
        # A proof of control (a name that begins with _, RFC 8552) leads nobody anywhere.
        if record.get("allowOverwrite") and not name.startswith("_"):
            yield (
                f"{name} takes over a record that is there already, and so hides a failover by editing records: "
                "remove allowOverwrite and import the record"
            )
    if {"A"} < {kind for kind in kinds if kind in ("A", "AAAA")} and "AAAA" not in paired and "A" in paired:
        yield f"{name} has a pair for A and none for AAAA, so IPv6 clients would stay: give AAAA a pair, too"


def _pair(what: str, records: Sequence[Inputs]) -> Iterator[str]:
    roles = {role: [record for record in records if _role(record) == role] for role in ("PRIMARY", "SECONDARY")}
    for role, found in roles.items():
        if len(found) != 1:
            yield f"{what} has {len(found)} {role} records and a pair has one: give it exactly one"
    identifiers = [str(record.get("setIdentifier", "")) for record in records if _role(record)]
    if "" in identifiers or len(set(identifiers)) < len(identifiers):
        yield f"{what} has records with the same set identifier, which overwrite each other: use the role of each"
    for role, found in roles.items():
        for record in found:
            yield from _record(what, role, record)
    if all(any(_leads_to(record, ".cloudfront.net") for record in found) for found in roles.values()):
        yield f"{what} leads to CloudFront for both roles, and each distribution would have to own it: use two names"


def _record(what: str, role: str, record: Inputs) -> Iterator[str]:
    aliases = record.get("aliases") or ()
    watched = record.get("healthCheckId") or any(alias.get("evaluateTargetHealth") for alias in aliases)
    if not watched and role == "PRIMARY":
        yield f"{what} PRIMARY has no check, so it would be answered for ever: give it one"
    if not watched and role == "SECONDARY":
        yield f"{what} SECONDARY has no check, so a dead standby would be answered: give it one"
    ttl = record.get("ttl")
    if isinstance(ttl, int | float) and ttl > LARGEST_TTL_SECONDS:
        yield f"{what} {role} has a TTL of {ttl:.0f} s, and resolvers would keep the dead site so long: set 60"
    for alias in aliases:
        target = alias.get("name")
        if isinstance(target, str) and not target.endswith(AWS_NAMES) and alias.get("zoneId") != record.get("zoneId"):
            yield (
                f"{what} {role} is an alias to {target}, and aliases lead to AWS or into the same zone only: "
                "use a plain record with the address"
            )


def _spelt(name: object) -> str:
    """A name as Route 53 compares it: without the dot at its end, in small letters."""
    return str(name).rstrip(".").lower()


def _role(record: Inputs) -> str:
    policies: Iterable[Any] = record.get("failoverRoutingPolicies") or ()
    return next((str(policy.get("type")) for policy in policies), "")


def _leads_to(record: Inputs, ending: str) -> bool:
    return any(str(alias.get("name", "")).endswith(ending) for alias in record.get("aliases") or ())


def _public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not any(address in network for network in UNREACHABLE)
