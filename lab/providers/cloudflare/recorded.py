"""What the lab only records: nobody at Cloudflare asks the pools or answers the name. Refused is what its API would."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lab.providers.cloudflare.cloud import CloudflareType, NotificationType
from lab.providers.framework.checks import Problem
from lab.providers.framework.recorded import Rows

_PLACES = ["WNAM", "ENAM", "WEU", "EEU", "NSAM", "SSAM", "OC", "ME", "NAF", "SAF", "SAS", "SEAS", "NEAS", "ALL_PLACES"]
_STEERING = (
    "off",
    "geo",
    "random",
    "dynamic_latency",
    "proximity",
    "least_outstanding_requests",
    "least_connections",
    "",
)


def _refusing(find: Callable[[Mapping[str, Any]], Iterable[Problem]]) -> dict[str, Any]:
    return {"problems": lambda self, call, inputs: find(inputs)}


def _monitor(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    interval, timeout, retries = (
        inputs.get(key, usual) for key, usual in (("interval", 60), ("timeout", 5), ("retries", 2))
    )
    if all(isinstance(one, int | float) for one in (interval, timeout, retries)) and interval <= timeout * (
        retries + 1
    ):
        yield Problem("interval", f"interval must be greater than timeout * (retries + 1), found {interval}")
    if str(inputs.get("type", "http")).lower() in ("http", "https") and inputs.get("expectedCodes") in (None, ""):
        yield Problem("expectedCodes", "expected_codes is required for HTTP and HTTPS monitors")


def _pool(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    name, regions = inputs.get("name"), inputs.get("checkRegions")
    if isinstance(name, str) and not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        yield Problem("name", f"a pool's name has letters, digits, hyphens and underscores only, found {name!r}")
    for region in regions if isinstance(regions, list) else ():
        if isinstance(region, str) and region not in _PLACES:
            yield Problem("checkRegions", f"value must be one of {_PLACES}, found {region!r}")
    origins = [one for one in inputs.get("origins") or () if isinstance(one, Mapping)]
    for at, origin in enumerate(origins):
        header = origin.get("header")
        hosts = header.get("hosts") if isinstance(header, Mapping) else None
        if isinstance(hosts, list) and len(hosts) > 1:
            yield Problem(f"origins[{at}].header.hosts", f"one Host header per origin, found {len(hosts)}")
    names = [origin.get("name") for origin in origins if isinstance(origin.get("name"), str)]
    if len(set(names)) < len(names):
        yield Problem("origins", "origin names must be unique within a pool")


def _balancer(inputs: Mapping[str, Any]) -> Iterable[Problem]:
    steering = inputs.get("steeringPolicy")
    if isinstance(steering, str) and steering.lower() not in _STEERING:
        yield Problem("steeringPolicy", f"value must be one of {list(_STEERING)}, found {steering!r}")
    ttl = inputs.get("sessionAffinityTtl")
    if (
        inputs.get("sessionAffinity") in ("cookie", "ip_cookie")
        and isinstance(ttl, int | float)
        and not 1800 <= ttl <= 604800
    ):
        yield Problem("sessionAffinityTtl", f"between 1800 and 604800 with a cookie, found {ttl}")


ROWS: Rows = {
    "cloudflare:index/loadBalancer:LoadBalancer": (CloudflareType, _refusing(_balancer)),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": (CloudflareType, _refusing(_monitor)),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": (CloudflareType, _refusing(_pool)),
    "cloudflare:index/notificationPolicy:NotificationPolicy": (NotificationType, {}),
}
