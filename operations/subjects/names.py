"""A name that users know: which site it leads to, by DNS and by the pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import CloudflarePools, Name, Route53Latch

from .away import Away, NameSeen
from .sources import Sources
from .subject import Subject, line


@dataclass(frozen=True)
class NameLeads:
    """One name."""

    name: Name
    seen: NameSeen
    active_site: str
    """Where it should lead; "" when that cannot be told."""

    def problems(self) -> Iterator[str]:
        name, site = self.name, self.seen.site()
        if not isinstance(name.steering, Route53Latch | CloudflarePools):
            yield (
                f"{name.fqdn}: this twinsite cannot look at what steers it ({name.steering.kind}), so nobody knows "
                "where it should lead: install a newer one"
            )
        if not self.seen.authoritative:
            yield f"{name.fqdn}: no server of its zone can be asked: check your network and the zone's delegation"
        elif not site and isinstance(name.steering, CloudflarePools):
            yield (
                f"{name.fqdn}: its page is neither site's: no site says that it may write, so that users see the "
                "notice, or the page lacks its marker: look at the pools of Cloudflare's load balancer"
            )
        elif not site:
            yield f"{name.fqdn}: the zone's servers do not lead to one known site: ask again in {name.ttl_seconds} s"
        elif self.active_site and site != self.active_site and name.stateful:
            yield (
                f"{name.fqdn} leads to {site}, and the latch says {self.active_site}: health checks follow within "
                f"{name.failover_seconds:g} s; look at them if it stays"
            )

    def shown(self) -> Mapping[str, Any]:
        resolver = self.seen.resolver
        # The pools go by who may write; nothing else says where users are.
        led = {"active_site": self.seen.site() or None} if isinstance(self.name.steering, CloudflarePools) else {}
        return led | {
            "names": [
                {
                    "fqdn": self.name.fqdn,
                    "site": self.seen.site(),
                    "answers": [{"server": one.server, "site": one.site} for one in self.seen.authoritative],
                    "resolver": resolver.site if resolver else None,
                }
            ]
        }

    def lines(self) -> Iterator[str]:
        yield line("name", self.name.fqdn, f"leads to {self.seen.site() or 'an unknown site'}")


def seen(facts: Away) -> list[NameLeads]:
    """Each name of what is known."""
    both = zip(facts.inventory.names, facts.names, strict=True)
    active = facts.active_site() if facts.latch else ""
    return [NameLeads(name, found, active) for name, found in both]


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    return seen(sources.away("names", "latch")) if sources.inventory.names else []
