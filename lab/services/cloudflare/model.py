"""Monitors, pools and balancers as the provider's records have them, with Cloudflare's defaults. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MONITOR = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"
POOL = "cloudflare:index/loadBalancerPool:LoadBalancerPool"
BALANCER = "cloudflare:index/loadBalancer:LoadBalancer"
NOTIFICATION = "cloudflare:index/notificationPolicy:NotificationPolicy"
PLACES_A_REGION = 3
"""Data centers that ask, of each region [Cloudflare, Load Balancing FAQ]."""

Records = Callable[[str], Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Monitor:
    """How an origin is asked; seconds. Defaults: Cloudflare API, Load Balancer Monitors."""

    kind: str
    method: str
    path: str
    port: int
    headers: tuple[tuple[str, str], ...]
    codes: str
    body: str
    interval: float
    timeout: float
    retries: int
    down: int
    up: int
    insecure: bool

    @property
    def secure(self) -> bool:
        return self.kind == "https"


@dataclass(frozen=True)
class Origin:
    """One of a pool's."""

    name: str
    address: str
    enabled: bool
    host: str
    """Host header of users' requests; "" leaves theirs."""


@dataclass(frozen=True)
class Pool:
    """An account's."""

    id: str
    name: str
    enabled: bool
    monitor: str
    origins: tuple[Origin, ...]
    least: int
    """So many healthy origins, or it is unhealthy."""
    regions: tuple[str, ...]


@dataclass(frozen=True)
class Balancer:
    """A name's."""

    id: str
    zone: str
    name: str
    enabled: bool
    proxied: bool
    pools: tuple[str, ...]
    fallback: str
    steering: str
    affinity: str
    affinity_seconds: int
    ttl: int


def monitor_of(record: Mapping[str, Any]) -> Monitor:
    """Of a record."""
    kind = str(record.get("type") or "http").lower()
    headers = (record.get("header") or {}).items()
    return Monitor(
        kind=kind,
        method=str(record.get("method") or "GET"),
        path=str(record.get("path") or "/"),
        port=int(record.get("port") or (443 if kind == "https" else 80)),
        headers=tuple((name, str(value)) for name, values in headers for value in values),
        codes=str(record.get("expectedCodes") or ""),
        body=str(record.get("expectedBody") or ""),
        interval=float(record.get("interval") or 60),
        timeout=float(record.get("timeout") or 5),
        retries=int(_or(record.get("retries"), 2)),
        # 0, the default, changes its mind at the first answer.
        down=max(1, int(record.get("consecutiveDown") or 0)),
        up=max(1, int(record.get("consecutiveUp") or 0)),
        insecure=bool(record.get("allowInsecure")),
    )


def pool_of(identity: str, record: Mapping[str, Any]) -> Pool:
    """Of a record."""
    return Pool(
        id=identity,
        name=str(record["name"]),
        enabled=record.get("enabled") is not False,
        monitor=str(record.get("monitor") or ""),
        origins=tuple(
            Origin(
                str(one["name"]),
                str(one["address"]),
                one.get("enabled") is not False,
                str(((one.get("header") or {}).get("hosts") or [""])[0]),
            )
            for one in record.get("origins") or ()
        ),
        least=int(_or(record.get("minimumOrigins"), 1)),
        regions=tuple(record.get("checkRegions") or ("WNAM",)),
    )


def balancer_of(identity: str, record: Mapping[str, Any]) -> Balancer:
    """Of a record."""
    return Balancer(
        id=identity,
        zone=str(record["zoneId"]),
        name=str(record["name"]).lower(),
        enabled=record.get("enabled") is not False,
        proxied=bool(record.get("proxied")),
        pools=tuple(record.get("defaultPools") or ()),
        fallback=str(record.get("fallbackPool") or ""),
        steering=str(record.get("steeringPolicy") or ""),
        affinity=str(record.get("sessionAffinity") or "none"),
        affinity_seconds=int(record.get("sessionAffinityTtl") or 82800),
        ttl=int(record.get("ttl") or 30),
    )


def expects(codes: str, status: int) -> bool:
    """Whether `2xx`, `200` or a list of such with commas has this one."""
    wanted = [one.strip().lower() for one in codes.split(",")]
    return str(status) in wanted or f"{status // 100}xx" in wanted


def places(pool: Pool) -> tuple[tuple[str, int], ...]:
    """Who asks: (region, number)."""
    return tuple((region, number) for region in pool.regions for number in range(PLACES_A_REGION))


def most(opinions: Mapping[tuple[str, int], bool]) -> bool:
    """Of places: more than half of a region's, in more than half of the regions."""
    regions = {region for region, _ in opinions}
    well = [
        2 * sum(said for (own, _), said in opinions.items() if own == region)
        > sum(own == region for own, _ in opinions)
        for region in regions
    ]
    return 2 * sum(well) > len(well)


def _or(value: Any, otherwise: int) -> Any:
    return otherwise if value is None else value
