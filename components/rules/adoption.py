"""Whether a live name's plain records may become its failover pair, and the one batch of changes that does it. Pure.

Record sets are as Route 53's API has them (ResourceRecordSet): Name, Type, SetIdentifier, Failover, TTL,
ResourceRecords, AliasTarget, HealthCheckId. Route 53 refuses a failover record beside a simple one of its name and
type (FACTS 6.4), and without a moment in which the name is nowhere that is one batch of DELETE and CREATE.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RecordSet = Mapping[str, Any]
Change = dict[str, Any]

EXTERNAL_DNS = "heritage=external-dns"
"""In a TXT record beside each record that external-dns owns; it would put back what we replace."""

_ROUTED = ("SetIdentifier", "Weight", "Region", "GeoLocation", "MultiValueAnswer", "CidrRoutingConfig",
           "GeoProximityLocation", "TrafficPolicyInstanceId")  # fmt: skip
_MOVING = ("A", "AAAA", "CNAME")


@dataclass(frozen=True)
class NameFacts:
    """What is known of a live name."""

    fqdn: str
    pair: tuple[RecordSet, ...]
    """What the program wants: PRIMARY and SECONDARY of each type. Empty when it makes no pair of this name."""

    unknown: bool
    """Whether a value of the pair is not known yet, because the checks or distributions do not exist."""

    sets: tuple[RecordSet, ...]
    """All sets of exactly this name, in the zone now."""

    texts: tuple[RecordSet, ...]
    """TXT sets of this name and of the names that external-dns makes of it."""

    witness: frozenset[str]
    """IPv4 addresses of the latch's witness, as a resolver says."""

    witness_clear: str
    """The address that means: not set, and the checks have data."""

    latch: Mapping[str, int]
    """HTTP status of each latch object: 404 absent, 200 present, 0 no answer."""

    pages: Mapping[str, str]
    """Why the load balancer does not serve a name, by name; empty text when it does."""

    others: tuple[str, ...] = ()
    """Names of which the program does make a pair, where it makes none of this one."""


def wanted(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The record set that a Pulumi `aws:route53:Record` with these inputs makes."""
    made: dict[str, Any] = {"Name": _name(inputs["name"]), "Type": inputs["type"]}
    if inputs.get("setIdentifier"):
        made["SetIdentifier"] = inputs["setIdentifier"]
    for policy in inputs.get("failoverRoutingPolicies") or ():
        made["Failover"] = policy["type"]
    if inputs.get("healthCheckId"):
        made["HealthCheckId"] = inputs["healthCheckId"]
    for alias in inputs.get("aliases") or ():
        made["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": _name(alias["name"]),
            "EvaluateTargetHealth": bool(alias.get("evaluateTargetHealth")),
        }
    if inputs.get("records"):
        made |= {"TTL": int(inputs["ttl"]), "ResourceRecords": [{"Value": value} for value in inputs["records"]]}
    return made


def same(one: RecordSet, other: RecordSet) -> bool:
    """Whether two sets say the same, however names are spelled."""
    return _plain(one) == _plain(other)


def replaced(facts: NameFacts) -> list[RecordSet]:
    """The sets that give way to the pair. Of a type without an old record the first `up` has made the pair already."""
    return _without(_moving(facts.sets), facts.pair)


def missing(facts: NameFacts) -> list[RecordSet]:
    """The sets of the pair that the zone does not have yet."""
    return _without(facts.pair, facts.sets)


def batch(old: Sequence[RecordSet], new: Sequence[RecordSet]) -> list[Change]:
    """Changes that replace `old` by `new` at one moment. The reverse is `batch(new, old)`."""
    return [
        *({"Action": "DELETE", "ResourceRecordSet": dict(one)} for one in old),
        *({"Action": "CREATE", "ResourceRecordSet": dict(one)} for one in new),
    ]


def put_back(sets: Iterable[RecordSet], previous: Sequence[RecordSet]) -> list[Change]:
    """Changes that leave exactly `previous` of the moving types; empty when that is so already."""
    found = _moving(sets)
    return batch(_without(found, previous), _without(previous, found))


def adoption_problems(facts: NameFacts) -> list[str]:
    """Why the name may not be moved now; each with its fix."""
    if not facts.pair:
        instead = f"give one of its names, {', '.join(facts.others)}"
        if not facts.others:
            instead = "it makes none at all, so no name stands in its way: `pulumi up`"
        return [f"the program makes no failover pair of {facts.fqdn}: {instead}"]
    if facts.unknown:
        return [
            f"the health checks or targets of {facts.fqdn} do not exist yet: run "
            "`pulumi up --continue-on-error` first; it makes everything else and stops at this name"
        ]
    return [*_owners(facts), *_old(facts), *_settled(facts), *_latch(facts), *_pages(facts)]


def _owners(facts: NameFacts) -> list[str]:
    owned = sorted({_name(one["Name"]) for one in facts.texts if _says(one, EXTERNAL_DNS)})
    if not owned:
        return []
    return [
        f"{facts.fqdn} belongs to external-dns ({EXTERNAL_DNS} in the TXT record of {', '.join(owned)}), which would "
        "put its own record back: take the hostname off its Ingress or Service while external-dns runs with "
        "`--policy=upsert-only`, then delete these TXT records"
    ]


def _old(facts: NameFacts) -> list[str]:
    old = replaced(facts)
    if not old and len(missing(facts)) == len(facts.pair):
        return [f"{facts.fqdn} has no record, so there is nothing to adopt: `pulumi up` makes it"]
    problems = []
    for one in old:
        routed = next((policy for policy in (*_ROUTED, "Failover") if one.get(policy)), "")
        if routed:
            problems.append(
                f"{facts.fqdn} {one['Type']} has a set with a routing policy ({routed}), and only a simple record can "
                "be replaced without moving anybody: reduce it to one simple record first"
            )
    if problems:
        return problems
    kinds = {one["Type"] for one in old}
    covered = {one["Type"] for one in facts.pair}
    if "AAAA" in kinds and "AAAA" not in covered:
        problems.append(
            f"{facts.fqdn} has an AAAA record and the pair has none, so IPv6 users would have no record: "
            "`pulumi config set primary_has_ipv6 true`"
        )
    primary = next(one for one in facts.pair if one.get("Failover") == "PRIMARY")
    for one in old:
        if _leads(one) != _leads(primary):
            problems.append(
                f"{facts.fqdn} {one['Type']} leads to {' '.join(sorted(_leads(one)))} and the program's PRIMARY to "
                f"{' '.join(sorted(_leads(primary)))}: users would be moved now; set primary_alb_name to where the "
                "name leads today, or lead the name there first"
            )
    return problems


def _settled(facts: NameFacts) -> list[str]:
    if facts.witness == {facts.witness_clear}:
        return []
    seen = ", ".join(sorted(facts.witness)) or "nothing"
    return [
        f"the latch's witness resolves to {seen} instead of {facts.witness_clear}: until the checks have data, or "
        "while the latch is set, the pair would lead users to the standby; wait a minute and run this again"
    ]


def _latch(facts: NameFacts) -> list[str]:
    problems = []
    for url, status in sorted(facts.latch.items()):
        if status == 200:
            problems.append(f"the latch is set ({url}), so users belong to the standby: `twinsite failback` first")
        elif status != 404:
            problems.append(
                f"{url} answers {status or 'nothing'}, so nobody knows whether the latch is set: make it readable"
            )
    return problems


def _pages(facts: NameFacts) -> list[str]:
    return [
        f"the load balancer does not serve {name} ({why}): its listener's certificate and rules must know every name"
        for name, why in sorted(facts.pages.items())
        if why
    ]


def _moving(sets: Iterable[RecordSet]) -> list[RecordSet]:
    return [one for one in sets if one["Type"] in _MOVING]


def _without(sets: Iterable[RecordSet], others: Iterable[RecordSet]) -> list[RecordSet]:
    known = list(others)
    return [one for one in sets if not any(same(one, other) for other in known)]


def _says(one: RecordSet, words: str) -> bool:
    return any(words in str(value.get("Value", "")) for value in one.get("ResourceRecords") or ())


def _leads(one: RecordSet) -> frozenset[str]:
    """Where a set leads: a load balancer's name, however it is reached, or addresses."""
    if "AliasTarget" in one:
        return frozenset({_name(one["AliasTarget"]["DNSName"]).removeprefix("dualstack.")})
    values = [str(value["Value"]) for value in one.get("ResourceRecords") or ()]
    return frozenset(_name(value).removeprefix("dualstack.") for value in values)


def _plain(one: RecordSet) -> dict[str, Any]:
    found = {key: value for key, value in one.items() if value not in (None, [], "")}
    found["Name"] = _name(found["Name"])
    if alias := found.get("AliasTarget"):
        found["AliasTarget"] = {**alias, "DNSName": _name(alias["DNSName"]).removeprefix("dualstack.")}
    if "ResourceRecords" in found:
        found["ResourceRecords"] = sorted(str(value["Value"]) for value in found["ResourceRecords"])
    return found


def _name(text: str) -> str:
    return str(text).rstrip(".").lower()
