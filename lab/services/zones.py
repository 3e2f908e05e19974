"""Hosted zones: which records a question gets, from the provider's records, the checks and the aliases' targets.

Here: names in hosted zones, and the names of distributions and load balancers that aliases lead to. Not here: health
(route53.py, health_checks.py), DNS messages (names.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab.services.route53 import Record, Target, chosen, record_healthy

ZONE_TOKEN = "aws:route53/zone:Zone"
RECORD_TOKEN = "aws:route53/record:Record"
CHECK_TOKEN = "aws:route53/healthCheck:HealthCheck"
DISTRIBUTION_TOKEN = "aws:cloudfront/distribution:Distribution"

CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
EDGE_V4, EDGE_V6 = "198.51.100.70", "2001:db8::70"
ALIAS_TTL_SECONDS = 60
"""Of aliases to load balancers and distributions; not settable."""
SOA_TTL_SECONDS = 900
NEGATIVE_TTL_SECONDS = 900
"""The least of the SOA record's TTL and its last field, as Route 53 makes it in a new zone."""


@dataclass(frozen=True)
class Balancer:
    """A load balancer that exists in this lab."""

    name: str
    zone_id: str
    v4: str
    v6: str = ""
    """Empty: not dual-stack."""


@dataclass(frozen=True)
class Found:
    """An answer: (owner, type, data, TTL) each. `exists` False: NXDOMAIN. `zone` is whose answer it is."""

    answers: tuple[tuple[str, str, str, int], ...] = ()
    exists: bool = True
    zone: str = ""


Records = Callable[[str], Mapping[str, Mapping[str, Any]]]


class Zones:
    """Answers questions. `records` gives all records of a token; `balancers` those that exist, with their health."""

    def __init__(
        self,
        records: Records,
        healthy: Callable[[str], bool],
        balancers: Callable[[], Mapping[Balancer, bool]] = dict,
        servers_address: str = "198.51.100.53",
    ) -> None:
        self._records = records
        self._healthy = healthy
        self._balancers = balancers
        self._servers_address = servers_address

    def answer(self, name: str, kind: str) -> Found | None:
        """None when the name is in no hosted zone and belongs to nothing here."""
        name = name.rstrip(".").lower()
        own = self._own(name, kind)
        if own is not None:
            return own
        zone = self._zone_of(name)
        if zone is None:
            return None
        return self._in_zone(zone, name, kind, 0)

    def _own(self, name: str, kind: str) -> Found | None:
        """Names of AWS itself: distributions, load balancers, the zones' name servers."""
        if name.endswith(".cloudfront.net"):
            for record in self._records(DISTRIBUTION_TOKEN).values():
                if record.get("domainName") == name:
                    return self._addresses(name, kind, EDGE_V4, EDGE_V6 if record.get("isIpv6Enabled") else "")
            return Found(exists=False)
        for balancer in self._balancers():
            if name in (balancer.name, f"dualstack.{balancer.name}"):
                return self._addresses(name, kind, balancer.v4, balancer.v6)
        for record in self._records(ZONE_TOKEN).values():
            if name in (record.get("nameServers") or ()):
                return self._addresses(name, kind, self._servers_address, "")
        return None

    @staticmethod
    def _addresses(name: str, kind: str, v4: str, v6: str, ttl: int = ALIAS_TTL_SECONDS) -> Found:
        data = v4 if kind == "A" else v6 if kind == "AAAA" else ""
        return Found(((name, kind, data, ttl),) if data else ())

    def _zone_of(self, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """The hosted zone with the longest name that holds `name`."""
        found = [
            (identity, record)
            for identity, record in self._records(ZONE_TOKEN).items()
            if name == record["name"] or name.endswith(f".{record['name']}")
        ]
        return max(found, key=lambda pair: len(pair[1]["name"]), default=None)

    def _in_zone(self, zone: tuple[str, Mapping[str, Any]], name: str, kind: str, depth: int) -> Found:
        identity, record = zone
        origin = str(record["name"])
        if name == origin and kind in ("NS", "SOA"):
            servers = list(record.get("nameServers") or ())
            if kind == "NS":
                return Found(tuple((name, "NS", f"{server}.", 172800) for server in servers), zone=origin)
            return Found(((name, "SOA", f"{servers[0]}. awsdns-hostmaster.amazon.com.", SOA_TTL_SECONDS),), zone=origin)
        owned = self._owned(identity, origin, name)
        if not owned:
            return Found(exists=name == origin or self._has_below(identity, origin, name), zone=origin)
        typed = {key: one for key, one in owned.items() if one["type"] == kind}
        if not typed and kind != "CNAME":
            typed = {key: one for key, one in owned.items() if one["type"] == "CNAME"}
        return Found(self._data(typed, name, kind, zone, depth), zone=origin)

    def _owned(self, zone: str, origin: str, name: str) -> dict[str, Mapping[str, Any]]:
        """Records of a name; a wildcard's when it has none of its own."""
        mine = {key: one for key, one in self._records(RECORD_TOKEN).items() if one["zoneId"] == zone}
        found = {key: one for key, one in mine.items() if fqdn(one, origin) == name}
        parent = name
        while not found and parent != origin and "." in parent:
            parent = parent.partition(".")[2]
            found = {key: one for key, one in mine.items() if fqdn(one, origin) == f"*.{parent}"}
        return found

    def _has_below(self, zone: str, origin: str, name: str) -> bool:
        ending = f".{name}"
        return any(fqdn(one, origin).endswith(ending) for one in self._records(RECORD_TOKEN).values()
                   if one["zoneId"] == zone)  # fmt: skip

    def _data(
        self, records: Mapping[str, Mapping[str, Any]], name: str, kind: str, zone: tuple[str, Mapping[str, Any]],
        depth: int,
    ) -> tuple[tuple[str, str, str, int], ...]:  # fmt: skip
        weighed = []
        for key, one in records.items():
            model = model_of(key, one)
            weighed.append((model, record_healthy(model, self._healthy, self._target(one, zone, depth))))
        answer = chosen(weighed)
        if answer is None:
            return ()
        record = records[answer.identity]
        aliases = record.get("aliases") or []
        if not aliases:
            ttl = int(record.get("ttl") or 0)
            return tuple((name, str(record["type"]), str(value), ttl) for value in record["records"])
        target = str(aliases[0]["name"]).rstrip(".").lower()
        own = self._own(target, kind)
        if own is None and depth < 8:
            own = self._in_zone(zone, target, kind, depth + 1)
        return tuple((name, *answer[1:]) for answer in own.answers) if own is not None else ()

    def _target(self, record: Mapping[str, Any], zone: tuple[str, Mapping[str, Any]], depth: int) -> Target:
        """Health of what an alias leads to."""
        aliases = record.get("aliases") or []
        if not aliases or not aliases[0].get("evaluateTargetHealth"):
            return Target()
        name = str(aliases[0]["name"]).rstrip(".").lower()
        for balancer, healthy in self._balancers().items():
            if name in (balancer.name, f"dualstack.{balancer.name}"):
                return Target(healthy)
        if depth >= 8 or name.endswith(".cloudfront.net"):
            return Target()
        origin = str(zone[1]["name"])
        others = [
            record_healthy(model_of(key, one), self._healthy, self._target(one, zone, depth + 1))
            for key, one in self._owned(zone[0], origin, name).items()
            if one["type"] == record["type"]
        ]
        return Target(any(others))  # no record there: unhealthy


def fqdn(record: Mapping[str, Any], origin: str) -> str:
    """A record's whole name: what does not end in the zone's is relative to it."""
    name = str(record["name"]).rstrip(".").lower()
    return name if name == origin or name.endswith(f".{origin}") else f"{name}.{origin}" if name else origin


def model_of(identity: str, record: Mapping[str, Any]) -> Record:
    """A provider's record as the decision sees it."""
    policies = record.get("failoverRoutingPolicies") or []
    aliases = record.get("aliases") or []
    return Record(
        identity=identity,
        role=str(policies[0]["type"]) if policies else "",
        check=str(record.get("healthCheckId") or ""),
        alias=bool(aliases),
        evaluate_target=bool(aliases and aliases[0].get("evaluateTargetHealth")),
    )
