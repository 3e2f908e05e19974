"""Refusals about names, checks, latch, pages and alarms (FACTS K26-K37, K53), and the arithmetic of a move. Pure."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .addresses import LINK_LOCAL, PRIVATE
from .hosts import gate_problems
from .intent import Intent, Part
from .names import name_problems

LARGEST_TTL_SECONDS = 60
"""Resolvers keep an answer this long at most (FACTS 6.4). Alias records of load balancers and distributions have it."""

ANSWER_SECONDS = 6
"""A checker waits 4 s for the connection and 2 s for the status (Route 53 developer guide)."""

CLEAR_ADDRESS = "192.0.2.1"
"""What the latch's witness resolves to while the latch is not set (RFC 5737: nobody's address)."""

LATCH_INTERVAL_SECONDS = 10
LATCH_FAILURES = 1

CHECK_INTERVALS = (10, 30)
CHECK_FAILURES = range(1, 11)
CHECK_TEXT_LENGTH = 255

AWS_NAMES = (".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net", ".awsglobalaccelerator.com")
"""What an alias can lead to outside its own zone; an address or name of another cloud never (FACTS 6.4)."""

UNREACHABLE = (
    *PRIVATE,
    LINK_LOCAL,
    *(ipaddress.ip_network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")),
    *(ipaddress.ip_network(text) for text in ("::/127", "fc00::/7", "fe80::/10", "ff00::/8")),
)
"""Where neither users nor Route 53's checkers get."""


def route_seconds(interval_seconds: int, failures: int, ttl_seconds: int) -> float:
    """From the first failing request to users who ask again being led elsewhere: 10 x 3 + 6 + 60 = 96 s."""
    return float(interval_seconds * failures + ANSWER_SECONDS + ttl_seconds)


def latch_seconds(ttl_seconds: int) -> float:
    """From a written latch object to users who ask again being led elsewhere: 10 x 1 + 6 + 60 = 76 s."""
    return route_seconds(LATCH_INTERVAL_SECONDS, LATCH_FAILURES, ttl_seconds)


@dataclass(frozen=True, kw_only=True)
class PrimaryEnd(Part):
    """The load balancer of the primary site."""

    dns_name: str | None = None
    zone_id: str | None = None
    has_ipv6: bool = False


@dataclass(frozen=True, kw_only=True)
class SecondaryEnd(Part):
    """The standby site. `kind` says by which of the other fields it is named, also while that is not known yet."""

    kind: str = ""
    """distribution or address; empty for none, both for both."""
    distribution_domain: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None
    has_ipv6: bool = False

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "SecondaryEnd":
        """As Part.of; arguments say `kind` and `has_ipv6` by the fields that they have."""
        kinds = [kind for kind, name in _ENDS.items() if name in args]
        said = {"kind": "both" if len(kinds) > 1 else "".join(kinds), "has_ipv6": "ipv6" in args}
        return super().of({**said, **args})


_ENDS = {"distribution": "distribution_domain", "address": "ipv4"}


@dataclass(frozen=True, kw_only=True)
class Check(Part):
    """What Route 53's checkers ask an end for, over HTTPS."""

    host: str | None = None
    address: str | None = None
    by_address: bool = False
    """Whether an address is asked, also while it is not known yet."""
    path: str = "/"
    text: str = ""
    port: int = 443
    interval_seconds: int = 10
    failures: int = 3

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "Check":
        """As Part.of; arguments say `by_address` by having an address."""
        return super().of({"by_address": "address" in args, **args})


@dataclass(frozen=True, kw_only=True)
class Route53FailoverPairIntent(Intent):
    """What a Route53FailoverPair is meant to be."""

    fqdn: str = ""
    stateful: bool = False
    primary: PrimaryEnd = PrimaryEnd()
    primary_check: Check | None = None
    secondary: SecondaryEnd = SecondaryEnd()
    secondary_check: Check | None = None
    ttl_seconds: int = LARGEST_TTL_SECONDS
    """Of plain records."""

    @property
    def answer_seconds(self) -> int:
        """Longest time that a resolver keeps an answer: the primary is an alias of a load balancer, whose answer lives
        60 s whatever the secondary says."""
        return max(LARGEST_TTL_SECONDS, self.ttl_seconds)

    @property
    def latch_seconds(self) -> float:
        """From a set latch to users being moved."""
        return latch_seconds(self.answer_seconds)

    @property
    def failover_seconds(self) -> float:
        """From a set latch (stateful) or a dead primary (not stateful) to users being moved."""
        check = self.primary_check
        if self.stateful or check is None:
            return self.latch_seconds
        return route_seconds(check.interval_seconds, check.failures, self.answer_seconds)

    def problems(self) -> list[str]:
        """Why this name could not move, or would move when it must not."""
        return [
            *name_problems("fqdn", self.fqdn),
            *_primary(self),
            *_secondary(self),
            *_checks(self),
            *_ttl(self.ttl_seconds),
        ]


@dataclass(frozen=True, kw_only=True)
class MovedName(Part):
    """One name, and the latch that moves it."""

    fqdn: str = ""
    latch: str = ""


def names_problems(names: Sequence[MovedName]) -> list[str]:
    """Why these names do not move together. One switch moves all of them (K31)."""
    problems = []
    latches = sorted({one.latch for one in names})
    if len(latches) > 1:
        problems.append(
            f"the names {', '.join(one.fqdn for one in names)} hang on {len(latches)} latches ({', '.join(latches)}), "
            "so one switch would move only some of them: give every failover pair the same latch"
        )
    problems += [
        f"{fqdn} has more than one failover pair and Route 53 keeps one a name and type: remove the second"
        for fqdn, count in sorted(Counter(one.fqdn for one in names).items())
        if count > 1
    ]
    return problems


@dataclass(frozen=True, kw_only=True)
class LatchStore(Part):
    """One of the two places where the latch object may be."""

    account: str = ""
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class LatchIntent(Intent):
    """What a Latch is meant to be."""

    object_name: str = "latch/dr"
    stores: tuple[LatchStore, ...] = ()
    zone_name: str = ""
    gate: str = "wait"
    gate_timeout_seconds: int | None = None

    def problems(self) -> list[str]:
        """Why it would not hold."""
        stores = self.stores
        problems = list(name_problems("zone_name", self.zone_name))
        if len(stores) != 2:
            problems.append(
                f"a latch has two objects and {len(stores)} stores are given: with one, its outage would look like "
                "a removed latch and send users back: give two StaticSites in two regions"
            )
        for what in ("account", "region"):
            values = [getattr(store, what) for store in stores]
            if len(values) == 2 and values[0] == values[1]:
                problems.append(
                    f"both latch stores are in {what} {values[0]}, so one outage of it would send users back to the "
                    f"old primary: put the second into another {what}"
                )
        key = self.object_name
        if not re.fullmatch(r"[a-z0-9][a-z0-9/-]{0,98}[a-z0-9]", key) or "//" in key:
            problems.append(
                f"object_name {key!r} does not travel unchanged in a URL: use lower-case letters, digits, - and /, "
                "like latch/dr"
            )
        elif key in ("healthz", "index.html", "404.html"):
            problems.append(f"object_name {key} is always there, so the latch would always be set: use latch/dr")
        return [*problems, *gate_problems(self.gate_timeout_seconds)]


def _primary(pair: Route53FailoverPairIntent) -> Iterator[str]:
    target, zone = pair.primary.dns_name, pair.primary.zone_id
    if target is None:
        return
    if not target.endswith(AWS_NAMES):
        yield (
            f"primary {target!r} cannot be an alias target, because Route 53 aliases lead to AWS only: "
            "set the load balancer's own DNS name, like name-123.ap-northeast-2.elb.amazonaws.com"
        )
    if target == pair.fqdn:
        yield f"primary {target} is the users' own name, so it would answer with itself: set the load balancer's name"
    if zone is not None and not re.fullmatch(r"Z[A-Z0-9]{5,31}", zone):
        yield (
            f"primary zone_id {zone!r} is no hosted zone id: set the load balancer's, see `aws elbv2 "
            "describe-load-balancers --query LoadBalancers[].CanonicalHostedZoneId`"
        )


def _secondary(pair: Route53FailoverPairIntent) -> Iterator[str]:
    primary, secondary = pair.primary, pair.secondary
    if secondary.kind not in _ENDS:
        yield (
            "the secondary needs either a distribution (distribution_domain, distribution_zone_id) or an address "
            f"(ipv4), and has {secondary.kind or 'none'}: set exactly one"
        )
    domain = secondary.distribution_domain
    if domain is not None and not domain.endswith(".cloudfront.net"):
        yield (
            f"secondary {domain!r} is no distribution, and an alias cannot lead to another cloud: set the "
            "distribution's domain, or the machine's public address as ipv4, which becomes a plain A record"
        )
    if secondary.kind in ("distribution", "both") and (primary.dns_name or "").endswith(".cloudfront.net"):
        yield (
            "primary and secondary are both distributions, and each would have to own the name: use two names, "
            "or lead the primary to its load balancer"
        )
    for key, text, kind in (
        ("ipv4", secondary.ipv4, ipaddress.IPv4Address),
        ("ipv6", secondary.ipv6, ipaddress.IPv6Address),
    ):
        if text is not None:
            found = _address(text)
            if not isinstance(found, kind):
                yield f"secondary {key} {text!r} is no such address: set the machine's public {key} address"
            elif not _reachable(found):
                yield f"secondary {key} {text} is not public, so users cannot reach it: set the machine's public one"
    if secondary.kind in ("address", "both") and primary.has_ipv6 and not secondary.has_ipv6:
        yield (
            "the primary is dual-stack and the secondary has no ipv6, so IPv6 clients would stay with the dead "
            "primary: set the secondary's ipv6, or make the load balancer IPv4 only"
        )
    if secondary.has_ipv6 and not primary.has_ipv6:
        yield "the secondary has an ipv6 and the primary none, and a pair needs both: leave out ipv6"


def _checks(pair: Route53FailoverPairIntent) -> Iterator[str]:
    if pair.secondary_check is None:
        yield (
            "the secondary has no check, so a dead standby would be answered: set secondary_check to the standby's "
            "own page"
        )
    if not pair.stateful and pair.primary_check is None:
        yield "a name that is not stateful moves by the primary's health: set primary_check to the primary's own page"
    for which, check in (("primary_check", pair.primary_check), ("secondary_check", pair.secondary_check)):
        if check is not None:
            yield from _check(which, check, pair.fqdn)
            if pair.stateful and not check.text:
                yield (
                    f"{which} asks for no text, and a redirect counts as healthy: set text to something that only the "
                    "application's page says"
                )


def _check(which: str, check: Check, fqdn: str) -> Iterator[str]:
    if check.host == fqdn and not check.by_address:
        yield (
            f"{which} asks {check.host}, the failover pair's own name, whose answer depends on this very check: ask "
            "the end itself (load balancer, distribution, or an address)"
        )
    if check.address is not None:
        found = _address(check.address)
        if found is None or not _reachable(found):
            yield (
                f"{which} asks {check.address}, and Route 53's checkers reach public addresses only: set a public one, "
                "or watch a private one through a CloudWatch alarm"
            )
    if not check.path.startswith("/"):
        yield f"{which} asks for path {check.path!r}: begin it with /, like /petclinic/"
    if len(check.text) > CHECK_TEXT_LENGTH:
        yield f"{which} looks for {len(check.text)} characters and Route 53 takes 255: shorten its text"
    if not 1 <= check.port <= 65535:
        yield f"{which} asks port {check.port}: set 1 to 65535, normally 443"
    if check.interval_seconds not in CHECK_INTERVALS:
        yield (
            f"{which} has an interval of {check.interval_seconds} s and Route 53 knows 10 and 30: set interval_seconds "
            "to 10"
        )
    if check.failures not in CHECK_FAILURES:
        yield f"{which} needs {check.failures} failures and Route 53 takes 1 to 10: set failures to 3"


def _ttl(ttl: int) -> Iterator[str]:
    if not 1 <= ttl <= LARGEST_TTL_SECONDS:
        yield (
            f"ttl_seconds {ttl} is not 1 to 60: resolvers keep an answer that long, so 60 already means a move of "
            f"{latch_seconds(60):.0f} s by latch: set ttl_seconds to 60"
        )


def _reachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not any(address in network for network in UNREACHABLE)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
