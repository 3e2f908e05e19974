"""Cloudflare as the daemon holds it: its API, its monitors, its edge, and what it answers in DNS."""

import ssl
from collections.abc import Sequence
from typing import Any

from lab.services.api import Api
from lab.services.authority import Authority
from lab.services.cloudflare import HOST, SERVERS, ZONE
from lab.services.cloudflare.api import CloudflareApi
from lab.services.cloudflare.edge import Edge
from lab.services.cloudflare.model import Records
from lab.services.cloudflare.monitors import Monitors
from lab.services.cloudflare.probe import Connect, Resolve
from lab.services.zones import Found

PROXIED_TTL_SECONDS = 300
"""Of every proxied name; nobody can choose it [Cloudflare, DNS, Time to Live]."""
SERVERS_TTL_SECONDS = 86400


class Cloudflare:
    """One box's. `edge` is the address that proxied names lead to, `monitors` those that origins are asked from."""

    host = HOST

    def __init__(
        self,
        token: str,
        records: Records,
        authority: Authority,
        connect: Connect,
        resolve: Resolve,
        edge: str,
        monitors: Sequence[str],
        server: str,
        hurry: float = 1.0,
    ) -> None:
        """`server`: the address of the name servers."""
        trust = ssl.create_default_context(cafile=str(authority.certificate_path))
        self._records, self._resolve, self._address, self._server = records, resolve, edge, server
        self.monitors = Monitors(records, connect, resolve, monitors, trust, hurry)
        self.edge = Edge(records, self.monitors, authority, connect, resolve, edge, trust)
        self.apis: Sequence[Api] = (CloudflareApi(token, records, self.monitors),)

    def start(self) -> None:
        self.monitors.start()

    def stop(self) -> None:
        self.monitors.stop()

    def answer(self, name: str, kind: str) -> Found | None:
        """DNS of a load balancer's name: the edge's address if it is proxied, else its origins'; of a zone its servers.
        None for others."""
        name = name.rstrip(".").lower()
        if name in SERVERS:
            return Found(((name, "A", self._server, SERVERS_TTL_SECONDS),) if kind == "A" else ())
        if kind == "NS" and any(name == zone["name"] for zone in self._records(ZONE).values()):
            return Found(tuple((name, "NS", f"{one}.", SERVERS_TTL_SECONDS) for one in SERVERS), zone=name)
        balancer = next((one for one in self.edge.balancers() if one.name == name), None)
        if balancer is None:
            return None
        zone = name.partition(".")[2]
        if kind != "A":
            return Found(zone=zone)
        if balancer.proxied:
            return Found(((name, "A", self._address, PROXIED_TTL_SECONDS),), zone=zone)
        pool = self.edge.chosen(balancer)
        origins = [self._resolve(one.address) for one in pool.origins if one.enabled] if pool else []
        return Found(tuple((name, "A", one, balancer.ttl) for one in origins if one), zone=zone)

    def report(self) -> dict[str, Any]:
        """For `status`."""
        pools = self.monitors.pools().values()
        return {
            "pools": {one.name: self.monitors.healthy(one) for one in pools},
            "names": {one.name: pool.name if (pool := self.edge.chosen(one)) else "" for one in self.edge.balancers()},
        }
