"""A load balancer of Cloudflare's and its pools: which site gets users, and who says that it may write.

A monitor asks a site whether it may write, so that the pool of a site that stands by is unhealthy and must be. The
pools route; they decide nothing, and neither does what is said here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import CloudflarePools, Inventory, Name

from ..cloudflare import Cloudflare
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line


@dataclass(frozen=True)
class Pool:
    """As Cloudflare has it. `id` is "" when there is no such pool."""

    id: str = ""
    enabled: bool = True
    monitor: str = ""
    healthy: bool | None = None
    """None: no place has said so yet."""
    places: int = 0
    """That ask it."""
    well: int = 0
    """Of them, that got the answer that is expected."""
    why: tuple[str, ...] = ()
    """What the others got."""


@dataclass(frozen=True)
class Balancer:
    """As Cloudflare has it; None stands for one that is not there."""

    enabled: bool
    pools: tuple[str, ...]
    """Ids, in the order in which they are tried."""
    fallback: str
    steering: str
    proxied: bool


@dataclass(frozen=True)
class Found:
    """Everything of one name."""

    balancer: Balancer | None
    pools: Mapping[str, Pool]
    """By site."""


def look(name: Name, steering: CloudflarePools, asked: Cloudflare) -> Found:
    """Two lists, and a call for each pool's health [Cloudflare API, Load Balancers]."""
    listed = {str(one.get("name")): one for one in asked.items(f"accounts/{steering.account}/load_balancers/pools")}
    balancers = asked.items(f"zones/{steering.zone}/load_balancers")
    mine = next((one for one in balancers if str(one.get("name")).lower() == name.fqdn.lower()), None)
    return Found(
        None if mine is None else _balancer(mine),
        {one.site: _pool(listed.get(one.name), steering.account, asked) for one in steering.pools},
    )


def _balancer(found: Mapping[str, Any]) -> Balancer:
    return Balancer(
        enabled=found.get("enabled") is not False,
        pools=tuple(str(one) for one in found.get("default_pools") or ()),
        fallback=str(found.get("fallback_pool") or ""),
        steering=str(found.get("steering_policy") or ""),
        proxied=bool(found.get("proxied")),
    )


def _pool(found: Mapping[str, Any] | None, account: str, asked: Cloudflare) -> Pool:
    if found is None:
        return Pool()
    health = asked.get(f"accounts/{account}/load_balancers/pools/{found['id']}/health") or {}
    places = _places(health.get("pop_health"))
    well = sum(one.get("healthy") is True for one in places)
    why = {
        str(origin["failure_reason"])
        for place in places
        for listed in place.get("origins") or ()
        for origin in listed.values()
        if isinstance(origin, dict) and origin.get("healthy") is False and origin.get("failure_reason")
    }
    own = found.get("healthy")
    return Pool(
        id=str(found["id"]),
        enabled=found.get("enabled") is not False,
        monitor=str(found.get("monitor") or ""),
        # More than half of the places, where Cloudflare's own word is not among what it lists.
        healthy=own if isinstance(own, bool) else 2 * well > len(places) if places else None,
        places=len(places),
        well=well,
        why=tuple(sorted(why)),
    )


def _places(found: Any) -> list[Mapping[str, Any]]:
    """Of each place; the API has been described with one for all, too."""
    if not isinstance(found, dict):
        return []
    return (
        [found] if isinstance(found.get("healthy"), bool) else [one for one in found.values() if isinstance(one, dict)]
    )


@dataclass(frozen=True)
class PoolsSeen:
    """The pools of one name."""

    name: Name
    steering: CloudflarePools
    found: Found | Unknown
    sites: tuple[str, ...]
    """Names of the sites: what else has a pool is a notice."""

    def serving(self) -> str:
        """What gets users: the first in Cloudflare's order that is healthy, else the fallback; "" when not known."""
        found = self.found
        if isinstance(found, Unknown) or found.balancer is None:
            return ""
        by_id = {pool.id: site for site, pool in found.pools.items() if pool.id}
        for identity in found.balancer.pools:
            pool = found.pools.get(by_id.get(identity, ""))
            if pool is None or (pool.healthy is None and pool.enabled):
                return ""
            if pool.enabled and pool.healthy:
                return by_id[identity]
        return by_id.get(found.balancer.fallback, "")

    def problems(self) -> Iterator[str]:
        found, fqdn = self.found, self.name.fqdn
        if isinstance(found, Unknown):
            yield f"{fqdn}: what Cloudflare's pools say is not known ({found})"
            return
        lacking = [one.name for one in self.steering.pools if not found.pools[one.site].id]
        if found.balancer is None or lacking:
            what = f"no pool {', '.join(lacking)}" if lacking else f"no load balancer {fqdn}"
            yield f"{fqdn}: Cloudflare has {what}: run `pulumi up --refresh`, which makes it"
            return
        yield from (
            f"{fqdn}: {words}" for words in (*self._drift(found.balancer, found.pools), *self._health(found.pools))
        )

    def _drift(self, balancer: Balancer, pools: Mapping[str, Pool]) -> Iterator[str]:
        """What somebody changed at Cloudflare, so that users would go elsewhere than the program says."""
        back = "`pulumi up --refresh` sets it back"
        if not balancer.enabled:
            yield f"its load balancer is switched off, so that users get what DNS has besides: {back}"
        if balancer.pools != tuple(pools[one.site].id for one in self.steering.pools):
            yield (
                f"its pools are not in the program's order ({', '.join(one.site for one in self.steering.pools)}): "
                f"{back}"
            )
        if balancer.fallback != pools[self.steering.pools[-1].site].id:
            yield (
                f"its fallback is not {self.steering.pools[-1].site}, so that users may reach a site that may not "
                f"write: {back}"
            )
        if balancer.steering not in ("off", ""):
            yield f"its steering is {balancer.steering}, which has no order: {back}"
        if not balancer.proxied:
            yield f"it is not proxied, so that users keep a dead site's address for as long as they like: {back}"
        for site, pool in pools.items():
            if not pool.enabled:
                yield f"the pool of {site} is switched off, so that it gets no users whatever it says: {back}"
            if not pool.monitor:
                yield f"the pool of {site} has no monitor, so that nobody asks whether it may write: {back}"

    def _health(self, pools: Mapping[str, Pool]) -> Iterator[str]:
        sites = {site: pool for site, pool in pools.items() if site in self.sites}
        writers = [site for site, pool in sites.items() if pool.healthy]
        if len(writers) > 1:
            yield (
                f"Cloudflare hears from {' and from '.join(writers)} that they may write, and one may: stop the "
                "application at one of them until it is known which; look at the registers of who may write"
            )
        unknown = [site for site, pool in pools.items() if pool.id and pool.healthy is None]
        if unknown:
            yield (
                f"no place has asked {', '.join(unknown)} yet, so that it is not known who gets users: a new pool is "
                "asked within a minute; ask again"
            )
        elif not writers:
            yield (
                "Cloudflare hears from no site that it may write, so that users see the notice: "
                + "; ".join(f"{site} {_words(pool)}" for site, pool in sites.items())
                + ": bring the writer back, or move users to the other site"
            )
        for site, pool in sites.items():
            if pool.healthy and pool.well < pool.places:
                yield (
                    f"{site} answers {pool.well} of {pool.places} places of Cloudflare's "
                    f"({', '.join(pool.why) or 'no reason'}): look at its load balancer's own metrics"
                )
        notice = {site: pool for site, pool in pools.items() if site not in self.sites}
        for site, pool in notice.items():
            if pool.healthy is False:
                yield (
                    f"the {site} {_words(pool)}, so that users would get Cloudflare's own error page while neither "
                    "site may write: it must answer 503 with its text"
                )

    def _values(self) -> list[dict[str, Any]]:
        found, serving = self.found, self.serving()
        known = None if isinstance(found, Unknown) else found.pools
        return [
            {
                "name": self.name.fqdn,
                "site": one.site,
                "healthy": known[one.site].healthy if known else None,
                "serves": one.site == serving if serving else None,
                "monitored": bool(known[one.site].monitor) if known else None,
            }
            for one in self.steering.pools
        ]

    def shown(self) -> Mapping[str, Any]:
        return {"pools": self._values()}

    def lines(self) -> Iterator[str]:
        for one in self._values():
            health = {True: "healthy", False: "not healthy", None: "unknown"}[one["healthy"]]
            yield line("pool", one["site"], health + (", gets users" if one["serves"] else ""))


def _words(pool: Pool) -> str:
    return f"is not healthy ({', '.join(pool.why) or 'no reason given'})"


def _steered(inventory: Inventory) -> list[tuple[Name, CloudflarePools]]:
    """Names whose pools the inventory names."""
    return [
        (name, name.steering)
        for name in inventory.names
        if isinstance(name.steering, CloudflarePools) and name.steering.pools
    ]


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each name that pools steer."""
    return {
        ("pools", name.fqdn): lambda name=name, steering=steering: look(name, steering, world.cloudflare)  # type: ignore[misc]
        for name, steering in _steered(inventory)
    }


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    there = sources.inventory
    sites = tuple(site.name for site in there.sites)
    return [
        PoolsSeen(name, steering, sources.clouds()(("pools", name.fqdn)), sites) for name, steering in _steered(there)
    ]
