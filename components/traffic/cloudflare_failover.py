"""A name that Cloudflare answers: the first site that may write, else a notice."""

from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi

from .. import inventory
from ..component import Component
from ..rules.cloudflare import CloudflareFailoverIntent
from .cloudflare import LoadBalancer, LoadBalancerMonitor, LoadBalancerPool, NotificationPolicy

HTTPS_PORT = 443
PROXIED_TTL_SECONDS = 300
"""Of a name whose answers are Cloudflare's own addresses: users keep them, and a move changes none of them."""


class CloudflarePlan(str, Enum):
    """What the account pays for: it decides how often a monitor may ask."""

    PRO = "pro"
    BUSINESS = "business"
    ENTERPRISE = "enterprise"


class CloudflareEnd(TypedDict):
    """What one pool leads to."""

    site: str
    """Short name of the site, for instance aws: part of the pool's name."""

    address: pulumi.Input[str]
    """Public address or host name of the site's load balancer; not one that Cloudflare itself answers. With `pages` the
    inventory has it, too: where it is a secret, that becomes one."""

    host: str
    """Host header of monitor and users' requests, a name of the origin's certificate. Plain: a rule reads it."""


class CloudflarePages(TypedDict):
    """What operations know the sites by; no check uses it."""

    path: str
    """Path of a page that each site has, for instance /."""

    primary_marker: str
    """Text that only the primary's page contains."""

    standby_marker: str
    """Text that only the standby's page contains."""


class CloudflareFailoverArgs(TypedDict):
    """Arguments of CloudflareFailover."""

    fqdn: str
    """Users' name, in the zone. A load balancer takes precedence over a DNS record of this name."""

    account_id: str
    """Cloudflare account of monitors and pools: 32 hexadecimal digits. Plain, because a change of it replaces them."""

    zone_id: str
    """Zone of the name: 32 hexadecimal digits. Plain, as account_id."""

    plan: CloudflarePlan
    """Plan of the account: monitors ask every 60 s (pro), 15 s (business) or 10 s (enterprise) at most."""

    primary: CloudflareEnd
    """Asked first. It gets users while it says that it may write."""

    standby: CloudflareEnd
    """Gets users when the primary does not say so and this one does."""

    notice: CloudflareEnd
    """Answers 503 with notice_text while neither may write. At an address of its own."""

    writer_text: str
    """Words in the body of writer_path that only a site which may write answers. Case does not matter."""

    notice_text: str
    """Words in the notice's body that are in no other page."""

    check_regions: list[str]
    """From where pools are asked, for instance NEAS. How many there may be depends on the plan."""

    writer_path: NotRequired[str]
    """What is asked of both sites: 200 only where the agent is decided to write. Defaults to /writer."""

    interval_seconds: NotRequired[int]
    """Between two questions. Defaults to the shortest that the plan allows."""

    timeout_seconds: NotRequired[int]
    """Of one try. Defaults to 5."""

    retries: NotRequired[int]
    """Further tries at once after a failed one. Defaults to 2."""

    consecutive_down: NotRequired[int]
    """Failed questions in a row until a site is down. Defaults to 1."""

    consecutive_up: NotRequired[int]
    """Answered ones in a row until it is up again. Defaults to 1: no other site may write meanwhile, so that one more
    question would only keep users waiting, an interval long."""

    steering_policy: NotRequired[str]
    """Defaults to off, the only one with an order; anything else is refused."""

    session_affinity_seconds: NotRequired[int]
    """How long a user's cookie holds. Defaults to 1800, the shortest."""

    emails: NotRequired[list[str]]
    """Whom Cloudflare itself tells, by mail, when a pool becomes healthy or stops to be. Defaults to nobody."""

    pages: NotRequired[CloudflarePages]
    """For the inventory. Defaults to none: operations then look at no page of this name."""


class CloudflareFailover(Component):
    """Two sites and a notice behind one name, in an order, all of them asked.

    The same in every mode: two monitors (who may write; whether the notice is one), three pools, the load balancer;
    with emails, a notification. It routes users and decides nothing: a site whose `/writer` says no gets none, whatever
    the pools' order.
    """

    fqdn: str
    load_balancer_id: pulumi.Output[str]
    pool_ids: pulumi.Output[dict[str, str]]
    """By site."""
    detection_seconds: int
    """From a site's death until its pool is down, at most."""

    def __init__(self, name: str, args: CloudflareFailoverArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        intent = CloudflareFailoverIntent.of(args)
        super().__init__("CloudflareFailover", name, intent, opts)
        self._name, self._intent = name, intent
        self.fqdn, self.detection_seconds = intent.fqdn, intent.detection_seconds
        writer = {"path": intent.writer_path, "expectedCodes": "200", "expectedBody": intent.writer_text}
        notice = {"path": "/", "expectedCodes": "503", "expectedBody": intent.notice_text}
        ends = [
            (args["primary"], self._monitor(args["primary"], writer)),
            (args["standby"], self._monitor(args["standby"], writer)),
            (args["notice"], self._monitor(args["notice"], notice)),
        ]
        pools = {end["site"]: self._pool(end, monitor) for end, monitor in ends}
        last = pools[args["notice"]["site"]]
        balancer = LoadBalancer(
            f"{name}-balancer",
            {
                "zoneId": intent.zone_id,
                "name": intent.fqdn,
                "description": f"first site that may write, else a notice (twinsite {name})",
                # The notice is in the list, too: a pool that is only the fallback is not asked before it is needed.
                "defaultPools": [pool.id for pool in pools.values()],
                "fallbackPool": last.id,
                "steeringPolicy": intent.steering_policy,
                "proxied": True,
                "sessionAffinity": "cookie",
                "sessionAffinityTtl": intent.session_affinity_seconds,
                # A second try elsewhere would send a write to the site that may not take it.
                "adaptiveRouting": {"failoverAcrossPools": False},
            },
            self._child(),
        )
        if intent.emails:
            self._notify(list(pools.values()))
        self.load_balancer_id = balancer.id
        self.pool_ids = pulumi.Output.all(**{site: pool.id for site, pool in pools.items()})
        # Not declared above: no output.
        addresses = pulumi.Output.all(*(end["address"] for end in self._ends(args)))
        self.inventory = addresses.apply(lambda known: self._entry(args, known))
        self.register_outputs(
            {
                "fqdn": self.fqdn,
                "load_balancer_id": self.load_balancer_id,
                "pool_ids": self.pool_ids,
                "detection_seconds": self.detection_seconds,
            }
        )

    @staticmethod
    def _ends(args: CloudflareFailoverArgs) -> tuple[CloudflareEnd, ...]:
        return args["primary"], args["standby"], args["notice"]

    def _entry(self, args: CloudflareFailoverArgs, addresses: list[str]) -> inventory.Entry:
        """The name, and each end's own address."""
        pages = args.get("pages")
        if pages is None:
            return inventory.Entry()
        name = inventory.Name(
            fqdn=self.fqdn,
            stateful=True,
            primary_url=f"https://{args['primary']['host']}{pages['path']}",
            secondary_url=f"https://{args['standby']['host']}{pages['path']}",
            path=pages["path"],
            primary_marker=pages["primary_marker"],
            secondary_marker=pages["standby_marker"],
            ttl_seconds=PROXIED_TTL_SECONDS,
            failover_seconds=float(self.detection_seconds),
            steering=inventory.CloudflarePools(
                account=self._intent.account_id,
                zone=self._intent.zone_id,
                pools=tuple(
                    inventory.SitePool(end["site"], self._pool_name(end), address)
                    for end, address in zip(self._ends(args), addresses, strict=True)
                ),
            ),
        )
        return inventory.Entry(names=(name,))

    def _monitor(self, end: CloudflareEnd, expected: dict[str, str]) -> LoadBalancerMonitor:
        intent = self._intent
        return LoadBalancerMonitor(
            f"{self._name}-{end['site']}-monitor",
            {
                "accountId": intent.account_id,
                "description": f"{self._name} {end['site']}",
                "type": "https",
                "method": "GET",
                "port": HTTPS_PORT,
                "header": {"Host": [end["host"]]},
                "allowInsecure": False,
                "followRedirects": False,
                "interval": intent.interval,
                "timeout": intent.timeout_seconds,
                "retries": intent.retries,
                "consecutiveDown": intent.consecutive_down,
                "consecutiveUp": intent.consecutive_up,
                **expected,
            },
            self._child(),
        )

    def _pool(self, end: CloudflareEnd, monitor: LoadBalancerMonitor) -> LoadBalancerPool:
        origin: dict[str, Any] = {
            "name": end["site"],
            "address": end["address"],
            "enabled": True,
            "weight": 1,
            "header": {"hosts": [end["host"]]},
        }
        return LoadBalancerPool(
            f"{self._name}-{end['site']}-pool",
            {
                "accountId": self._intent.account_id,
                "name": self._pool_name(end),
                "description": f"{self._intent.fqdn} at {end['site']}",
                "origins": [origin],
                "monitor": monitor.id,
                "minimumOrigins": 1,
                "checkRegions": list(self._intent.check_regions),
                "enabled": True,
            },
            self._child(),
        )

    def _notify(self, pools: list[LoadBalancerPool]) -> None:
        """Of every change, either way: in quiet times there is none, for who stands by is unhealthy all the time."""
        intent = self._intent
        NotificationPolicy(
            f"{self._name}-pools-told",
            {
                "accountId": intent.account_id,
                "name": f"{self._name} pools",
                "description": f"a site of {intent.fqdn} may write now, or no longer; or its notice does not answer",
                "alertType": "load_balancing_health_alert",
                "enabled": True,
                "mechanisms": {"emails": [{"id": one} for one in intent.emails]},
                "filters": {
                    "poolIds": [pool.id for pool in pools],
                    "newHealths": ["Healthy", "Unhealthy"],
                    "eventSources": ["pool"],
                },
            },
            self._child(),
        )

    def _pool_name(self, end: CloudflareEnd) -> str:
        return f"{self._name}-{end['site']}"

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)
