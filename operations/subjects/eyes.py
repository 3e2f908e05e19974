"""Which site a name leads to: by the addresses that DNS gives, and by the page that is there."""

import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

from twinsite.inventory import CloudflarePools, Name

from .. import dns, web
from .away import Answer, NameSeen

Fetch = Callable[[str, str, str], web.Page]
"""(URL, name to ask for, address to connect to) → page."""


def fetch(url: str, name: str, address: str) -> web.Page:
    """A page over the network."""
    return web.page(url, name, address)


@dataclass
class Eyes:
    """Looks at names with one resolver. `get` is how pages are fetched."""

    home: str
    away: str
    resolver: str
    get: Fetch = fetch

    def site_of_page(self, name: Name, page: web.Page) -> str:
        """By the text that only one site's page contains; "" when neither's is there."""
        if page.holds(name.secondary_marker):
            return self.away
        return self.home if page.holds(name.primary_marker) else ""

    def page(self, name: Name, address: str) -> web.Page:
        """The page that a user of `name` gets at this address."""
        return self.get(f"{_base(name.primary_url)}{name.path}", name.fqdn, address)

    def at_home(self, name: Name) -> web.Page:
        """The primary's page at its own address."""
        return self._own(name.primary_url, self.home, name)

    def at_away(self, name: Name) -> web.Page:
        """The standby's page at its own address."""
        return self._own(name.secondary_url, self.away, name)

    def _own(self, url: str, site: str, name: Name) -> web.Page:
        """An origin of Cloudflare's is asked at its address for the URL's host, which needs no DNS record."""
        pools = name.steering.pools if isinstance(name.steering, CloudflarePools) else ()
        address = next((pool.address for pool in pools if pool.site == site), "")
        return self.get(url, "" if address else name.fqdn, address)

    def own_addresses(self, url: str) -> frozenset[str]:
        """Addresses of a site's own host name; empty when it has none now."""
        host = urllib.parse.urlsplit(url).hostname or ""
        try:
            return frozenset(dns.addresses(dns.ask(self.resolver, host, dns.A, recursive=True)))
        except dns.NoAnswer:
            return frozenset()

    def site_of(self, name: Name, addresses: tuple[str, ...]) -> tuple[str, str]:
        """(site, words) of an answer. An address of only one site tells at once; else the page does."""
        if not addresses:
            return "", "no address"
        home, away = self.own_addresses(name.primary_url), self.own_addresses(name.secondary_url)
        found = frozenset(addresses)
        if found & home and not found & away:
            return self.home, "its addresses"
        if found & away and not found & home:
            return self.away, "its addresses"
        page = self.page(name, addresses[0])
        site = self.site_of_page(name, page)
        return site, page.words or f"page with status {page.status}" + ("" if site else " and no site's marker")

    def servers(self, name: Name) -> list[str]:
        """Addresses of the zone's own servers; empty when they are not known."""
        try:
            return dns.authorities(name.fqdn, self.resolver)
        except dns.NoAnswer:
            return []

    def name(self, name: Name) -> NameSeen:
        """What the zone's servers and the resolver say of it."""
        seen = tuple(self._ask(name, server, recursive=False) for server in self.servers(name))
        return NameSeen(name.fqdn, seen, self._ask(name, self.resolver, recursive=True) if self.resolver else None)

    def _ask(self, name: Name, server: str, recursive: bool) -> Answer:
        try:
            records = dns.ask(server, name.fqdn, dns.A, recursive)
        except dns.NoAnswer as problem:
            return Answer(server, (), "", str(problem))
        addresses = dns.addresses(records)
        site, words = self.site_of(name, addresses)
        return Answer(server, addresses, site, words, min((one.ttl_seconds for one in records), default=None))


def _base(url: str) -> str:
    place = urllib.parse.urlsplit(url)
    return f"{place.scheme}://{place.netloc}"
