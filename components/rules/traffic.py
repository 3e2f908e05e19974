"""Refusals about names, checks, latch, pages and alarms (FACTS K26-K37, K53), and the arithmetic of a move. Pure."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from .addresses import LINK_LOCAL, PRIVATE
from .names import NAME, as_dns_has_it

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

PRICE_CLASSES = ("PriceClass_100", "PriceClass_200", "PriceClass_All")
LOG_ALERT_HOURS = 48
"""A log query of Azure Monitor looks back two days at most (scheduled query rules, override time range)."""

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


def pair_problems(args: Mapping[str, Any]) -> list[str]:
    """Every reason to refuse these arguments of Route53FailoverPair. What is not a plain value is skipped."""
    return [
        *name_problems("fqdn", args.get("fqdn")),
        *_primary(args),
        *_secondary(args),
        *_checks(args),
        *_ttl(args.get("ttl_seconds", LARGEST_TTL_SECONDS)),
    ]


def names_problems(names: Sequence[tuple[str, str]]) -> list[str]:
    """Why these names do not move together; each is (name, latch). One switch moves all of them (K31)."""
    problems = []
    latches = sorted({latch for _, latch in names})
    if len(latches) > 1:
        problems.append(
            f"the names {', '.join(name for name, _ in names)} hang on {len(latches)} latches ({', '.join(latches)}), "
            "so one switch would move only some of them: give every failover pair the same latch"
        )
    problems += [
        f"{name} has more than one failover pair and Route 53 keeps one a name and type: remove the second"
        for name in sorted({name for name, _ in names})
        if sum(name == other for other, _ in names) > 1
    ]
    return problems


def latch_problems(args: Mapping[str, Any]) -> list[str]:
    """Every reason to refuse these arguments of Latch. `stores` are (account, region)."""
    stores: Sequence[tuple[str, str]] = args.get("stores", ())
    problems = list(name_problems("zone_name", args.get("zone_name")))
    if len(stores) != 2:
        problems.append(
            f"a latch has two objects and {len(stores)} stores are given: with one, its outage would look like "
            "a removed latch and send users back: give two StaticSites in two regions"
        )
    for what, at in (("account", 0), ("region", 1)):
        values = [store[at] for store in stores]
        if len(values) == 2 and values[0] == values[1]:
            problems.append(
                f"both latch stores are in {what} {values[0]}, so one outage of it would send users back to the old "
                f"primary: put the second into another {what}"
            )
    key = args.get("object_name", "latch/dr")
    if not re.fullmatch(r"[a-z0-9][a-z0-9/-]{0,98}[a-z0-9]", key) or "//" in key:
        problems.append(
            f"object_name {key!r} does not travel unchanged in a URL: use lower-case letters, digits, - and /, "
            "like latch/dr"
        )
    elif key in ("healthz", "index.html", "404.html"):
        problems.append(f"object_name {key} is always there, so the latch would always be set: use latch/dr")
    return problems


def site_problems(args: Mapping[str, Any]) -> list[str]:
    """Every reason to refuse these arguments of StaticSite."""
    return [
        *account_problems("account_name", args.get("account_name")),
        *_region("location", args.get("location")),
    ]


def page_problems(args: Mapping[str, Any], account_name: str) -> list[str]:
    """Every reason to refuse these arguments of MaintenancePage, whose page is in `account_name`."""
    problems = list(name_problems("fqdn", args.get("fqdn")))
    if account_name == args.get("backup_account_name"):
        problems.append(
            f"the public page and the backups are both in storage account {account_name}, so one wrong setting "
            "would publish the backups: give the page an account of its own"
        )
    retry = args.get("retry_after_seconds", 300)
    if not 1 <= retry <= 86400:
        problems.append(f"retry_after_seconds {retry} is no useful time to wait: set 1 to 86400, for instance 300")
    problems += _https("standby_url", args.get("standby_url"))
    host = urlsplit(str(args.get("standby_url", ""))).hostname
    if host and host == args.get("fqdn"):
        problems.append(
            f"standby_url leads to {host}, which shows the notice itself: set it to the name of the application"
        )
    problems += _price_class(args)
    return problems


def front_problems(args: Mapping[str, Any]) -> list[str]:
    """Every reason to refuse these arguments of FrontDoor."""
    problems = list(name_problems("fqdn", args.get("fqdn")))
    origin = args.get("origin_host")
    if isinstance(origin, str):
        if _address(origin) is not None:
            problems.append(
                f"origin_host {origin} is an address, and CloudFront takes names only: set the DNS name of the public "
                "address (its label), like shopdr.koreacentral.cloudapp.azure.com"
            )
        else:
            # What is no name is covered by no certificate: that would be said in vain.
            problems += [*name_problems("origin_host", origin)] or _covered(
                origin, args.get("origin_certificate_names", [])
            )
        if origin == args.get("fqdn"):
            problems.append(
                f"origin_host {origin} is the users' own name, so CloudFront would ask itself: set the machine's name"
            )
    port = args.get("origin_port", 443)
    # CloudFront custom origins: 80, 443, 1024-65535.
    if port != 443 and not 1024 <= port <= 65535:
        problems.append(f"origin_port {port} is not one that CloudFront connects to over HTTPS: set 443")
    if args.get("secret_generation", 1) < 1:
        problems.append(f"secret_generation {args['secret_generation']} is below 1: count up from 1")
    problems += _price_class(args)
    return problems


def told_problems(args: Mapping[str, Any]) -> list[str]:
    """Why nobody would hear of an alarm."""
    if not args.get("emails") and not args.get("urls"):
        return ["nobody is told of an alarm: give emails or urls (a pager's HTTPS endpoint)"]
    return [
        f"{address!r} is no address to send an alarm to: write it like someone@example.com"
        for address in args.get("emails", [])
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address)
    ]


def observer_problems(args: Mapping[str, Any]) -> list[str]:
    """Every reason to refuse these arguments of Observer (K53)."""
    problems = [*told_problems(args), *_https("primary_url", args.get("primary_url"))]
    problems += _region("location", args.get("location"))
    host = urlsplit(str(args.get("primary_url", ""))).hostname
    if host and host in args.get("failover_names", []):
        problems.append(
            f"primary_url asks {host}, a name that moves to the standby, so it would be green again while the primary "
            "is down: give the primary a name of its own and set primary_url to it"
        )
    age = args.get("backup_max_age_hours", 26)
    if not 1 <= age <= LOG_ALERT_HOURS:
        problems.append(
            f"backup_max_age_hours {age} cannot be watched by a log query, which looks back 48 hours at most: "
            "set 1 to 48 and back up at least every other day"
        )
    drop = args.get("backup_drop_percent", 30)
    if not 1 <= drop <= 99:
        problems.append(f"backup_drop_percent {drop} is no share to fall by: set 1 to 99, for instance 30")
    return problems


def name_problems(what: str, name: Any) -> Iterator[str]:
    """Why this is no DNS name that users can be given."""
    if isinstance(name, str) and not NAME.fullmatch(name):
        yield f"{what} {name!r} is not a full DNS name in lower case: write it like dr.example.com{as_dns_has_it(name)}"


def account_problems(what: str, name: Any) -> Iterator[str]:
    """Why Azure would not take this storage account's name."""
    if isinstance(name, str) and not re.fullmatch(r"[a-z0-9]{3,24}", name):
        yield f"{what} {name!r} is no storage account's name: use 3 to 24 lower-case letters and digits"


def _region(what: str, region: Any) -> Iterator[str]:
    if isinstance(region, str) and not re.fullmatch(r"[a-z0-9]+", region):
        yield f"{what} {region!r} is no Azure region: write it like koreacentral"


def _primary(args: Mapping[str, Any]) -> Iterator[str]:
    primary = args.get("primary", {})
    target = primary.get("dns_name")
    if not isinstance(target, str):
        return
    if not target.endswith(AWS_NAMES):
        yield (
            f"primary {target!r} cannot be an alias target, because Route 53 aliases lead to AWS only: "
            "set the load balancer's own DNS name, like name-123.ap-northeast-2.elb.amazonaws.com"
        )
    if target == args.get("fqdn"):
        yield f"primary {target} is the users' own name, so it would answer with itself: set the load balancer's name"
    zone = primary.get("zone_id")
    if isinstance(zone, str) and not re.fullmatch(r"Z[A-Z0-9]{5,31}", zone):
        yield (
            f"primary zone_id {zone!r} is no hosted zone id: set the load balancer's, see `aws elbv2 "
            "describe-load-balancers --query LoadBalancers[].CanonicalHostedZoneId`"
        )


def _secondary(args: Mapping[str, Any]) -> Iterator[str]:
    primary, secondary = args.get("primary", {}), args.get("secondary", {})
    by_distribution = "distribution_domain" in secondary
    by_address = "ipv4" in secondary
    if by_distribution == by_address:
        yield (
            "the secondary needs either a distribution (distribution_domain, distribution_zone_id) or an address "
            f"(ipv4), and has {'both' if by_address else 'none'}: set exactly one"
        )
    domain = secondary.get("distribution_domain")
    if isinstance(domain, str) and not domain.endswith(".cloudfront.net"):
        yield (
            f"secondary {domain!r} is no distribution, and an alias cannot lead to another cloud: set the "
            "distribution's domain, or the machine's public address as ipv4, which becomes a plain A record"
        )
    if by_distribution and str(primary.get("dns_name", "")).endswith(".cloudfront.net"):
        yield (
            "primary and secondary are both distributions, and each would have to own the name: use two names, "
            "or lead the primary to its load balancer"
        )
    for key, kind in (("ipv4", ipaddress.IPv4Address), ("ipv6", ipaddress.IPv6Address)):
        text = secondary.get(key)
        if isinstance(text, str):
            found = _address(text)
            if not isinstance(found, kind):
                yield f"secondary {key} {text!r} is no such address: set the machine's public {key} address"
            elif not _reachable(found):
                yield f"secondary {key} {text} is not public, so users cannot reach it: set the machine's public one"
    if by_address and primary.get("has_ipv6") and "ipv6" not in secondary:
        yield (
            "the primary is dual-stack and the secondary has no ipv6, so IPv6 clients would stay with the dead "
            "primary: set the secondary's ipv6, or make the load balancer IPv4 only"
        )
    if "ipv6" in secondary and not primary.get("has_ipv6"):
        yield "the secondary has an ipv6 and the primary none, and a pair needs both: leave out ipv6"


def _checks(args: Mapping[str, Any]) -> Iterator[str]:
    stateful = args.get("stateful")
    if "secondary_check" not in args:
        yield (
            "the secondary has no check, so a dead standby would be answered: set secondary_check to the standby's "
            "own page"
        )
    if stateful is False and "primary_check" not in args:
        yield "a name that is not stateful moves by the primary's health: set primary_check to the primary's own page"
    for which in ("primary_check", "secondary_check"):
        check = args.get(which)
        if check is not None:
            yield from _check(which, check, args.get("fqdn"))
            if stateful and not check.get("text"):
                yield (
                    f"{which} asks for no text, and a redirect counts as healthy: set text to something that only the "
                    "application's page says"
                )


def _check(which: str, check: Mapping[str, Any], fqdn: Any) -> Iterator[str]:
    host = check.get("host")
    if isinstance(host, str) and host == fqdn and "address" not in check:
        yield (
            f"{which} asks {host}, the failover pair's own name, whose answer depends on this very check: ask the end "
            "itself (load balancer, distribution, or an address)"
        )
    address = check.get("address")
    if isinstance(address, str):
        found = _address(address)
        if found is None or not _reachable(found):
            yield (
                f"{which} asks {address}, and Route 53's checkers reach public addresses only: set a public one, "
                "or watch a private one through a CloudWatch alarm"
            )
    path = check.get("path")
    if isinstance(path, str) and not path.startswith("/"):
        yield f"{which} asks for path {path!r}: begin it with /, like /petclinic/"
    text = check.get("text", "")
    if len(text) > CHECK_TEXT_LENGTH:
        yield f"{which} looks for {len(text)} characters and Route 53 takes 255: shorten its text"
    port = check.get("port", 443)
    if not 1 <= port <= 65535:
        yield f"{which} asks port {port}: set 1 to 65535, normally 443"
    interval = check.get("interval_seconds", 10)
    if interval not in CHECK_INTERVALS:
        yield f"{which} has an interval of {interval} s and Route 53 knows 10 and 30: set interval_seconds to 10"
    failures = check.get("failures", 3)
    if failures not in CHECK_FAILURES:
        yield f"{which} needs {failures} failures and Route 53 takes 1 to 10: set failures to 3"


def _ttl(ttl: Any) -> Iterator[str]:
    if not 1 <= ttl <= LARGEST_TTL_SECONDS:
        yield (
            f"ttl_seconds {ttl} is not 1 to 60: resolvers keep an answer that long, so 60 already means a move of "
            f"{latch_seconds(60):.0f} s by latch: set ttl_seconds to 60"
        )


def _covered(host: str, names: Sequence[str]) -> Iterator[str]:
    parent = host.partition(".")[2]
    if host not in names and f"*.{parent}" not in names:
        listed = ", ".join(names) or "none"
        yield (
            f"the origin's certificate names {listed}, not {host}, so CloudFront would answer 502: let the machine "
            f"serve a certificate for {host} and list it in origin_certificate_names"
        )


def _https(what: str, url: Any) -> Iterator[str]:
    if not isinstance(url, str):
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        yield f"{what} {url!r} is no HTTPS address: write it like https://dr.example.com/petclinic/"


def _price_class(args: Mapping[str, Any]) -> Iterator[str]:
    kind = args.get("price_class", PRICE_CLASSES[1])
    if kind not in PRICE_CLASSES:
        yield f"price_class {kind!r} is none of CloudFront's: set one of {', '.join(PRICE_CLASSES)}"


def _reachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not any(address in network for network in UNREACHABLE)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
