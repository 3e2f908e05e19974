"""Names, checks, edges and the load balancers of one box: what users meet. Started and stopped by the site.

Records are the provider's, so each answer follows the latest `up`. Not here: any of the rules (lab/services).
"""

import functools
import re
import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from lab.box.host import nft
from lab.box.layout import CLOUDFLARE, CLOUDFLARE_MONITORS, CLOUDFRONT, DNS, USERS_DNS
from lab.outside import NOTICE, UNAVAILABLE, Page
from lab.services.alb import LoadBalancer
from lab.services.authority import Authority
from lab.services.caching import Caching
from lab.services.cloudflare.cloud import Cloudflare
from lab.services.cloudfront import CloudFront
from lab.services.health_checks import Checkers
from lab.services.http_proxy import Answer, Certificate, Door, Question
from lab.services.names import Names, Resolver
from lab.services.netns import inside, listen
from lab.services.zones import CHECK_TOKEN, Balancer, Found, Zones
from lab.state import State


class Edge(Protocol):
    """A load balancer that a cloud makes while the lab is up."""

    @property
    def name(self) -> str: ...
    @property
    def healthy(self) -> bool: ...
    @property
    def detail(self) -> str: ...
    def handle(self, question: Question) -> Answer: ...
    def certificate(self, name: str) -> ssl.SSLContext: ...
    def stop(self) -> None: ...


class Traffic:
    """Everything listens in the services namespace, where packets from everywhere arrive."""

    def __init__(
        self,
        state: State,
        authority: Authority,
        namespace: str,
        more_names: Callable[[], Mapping[str, str]] = dict,
        cloudflare_token: str = "",
    ) -> None:
        """`more_names`: of other clouds, with their addresses; `cloudflare_token`: whose bearer its API believes."""
        self._namespace, self._authority = namespace, authority
        self.balancers: dict[Balancer, LoadBalancer] = {}
        self.checkers = Checkers(lambda: state.records_list(CHECK_TOKEN), self.address, self.connect)
        self.cloudflare = Cloudflare(
            cloudflare_token,
            state.records_list,
            authority,
            self.connect,
            self._numeric,
            CLOUDFLARE,
            CLOUDFLARE_MONITORS,
            DNS,
        )
        self._zones = Zones(state.records_list, self.checkers.healthy, self._balancer_health)
        self._resolver = Resolver(lambda: {**state.world()[0].names, **more_names()}, self._owned)
        self._caching = Caching(self._resolver)
        self._cloudfront = CloudFront(state.records_list, authority, self.address, self.connect)
        self._names: list[Names] = []
        self._doors: list[Door] = []
        self._edges: dict[str, tuple[Edge, list[Door]]] = {}

    @property
    def answers(self) -> bool:
        return bool(self._names)

    def start(self) -> None:
        for resolver, address in ((self._resolver, DNS), (self._caching, USERS_DNS)):
            self._names.append(inside(self._namespace, functools.partial(Names, resolver, address)))
        for names in self._names:
            names.start()
        self._open(CLOUDFRONT, self._cloudfront.handle, self._cloudfront.certificate)
        self._open(CLOUDFLARE, self.cloudflare.edge.handle, self.cloudflare.edge.certificate)
        self.checkers.start()
        self.cloudflare.start()

    def stop(self) -> None:
        self.checkers.stop()
        self.cloudflare.stop()
        for door in self._doors:
            door.stop()
        for balancer in (*self.balancers.values(), *(edge for edge, _ in self._edges.values())):
            balancer.stop()
        for names in self._names:
            names.stop()
        self._cloudfront.stop()
        self._names, self._doors = [], []

    def add_balancer(self, known: Balancer, balancer: LoadBalancer) -> None:
        """From now on it answers at its address and can be an alias's target."""
        self.balancers[known] = balancer
        self._open(known.v4, balancer.handle, balancer.certificate)
        balancer.start()

    def open_edge(self, address: str, edge: Edge, plain_http: bool) -> None:
        """A load balancer that a cloud made at one of its addresses. OSError when it is not the lab's."""
        doors = self._open(address, edge.handle, edge.certificate, plain_http)
        self._edges[address] = (edge, doors)

    def close_edge(self, address: str) -> None:
        """Nobody listens there any more."""
        edge, doors = self._edges.pop(address)
        for door in doors:
            self._doors.remove(door)
            door.stop()
        edge.stop()

    def add_page(self, page: Page) -> None:
        """From now on it answers there, whatever it is asked."""
        said = Answer(UNAVAILABLE, [("Content-Type", "text/plain; charset=utf-8")], page.text.encode())
        self._open(NOTICE, lambda question: said, lambda name: self._authority.context(page.host))

    def cut_balancers(self, addresses: Collection[str]) -> None:
        """No packet reaches these, and every one reaches the others: connections hang, as to a dead region."""
        rule = f"        ip daddr {{ {', '.join(addresses)} }} drop\n" if addresses else ""
        chain = "    chain input {\n        type filter hook input priority 0; policy accept;\n" + rule + "    }\n"
        nft("table ip dark\ndelete table ip dark\ntable ip dark {\n" + chain + "}\n", self._namespace)

    def report(self) -> dict[str, Any]:
        """For `status`."""
        return {
            "health_checks": self.checkers.report(),
            "load_balancers": [
                {"name": known.name, "healthy": one.healthy, "target": one.detail}
                for known, one in self.balancers.items()
            ]
            + [
                {"name": edge.name, "healthy": edge.healthy, "target": edge.detail}
                for edge, _ in list(self._edges.values())
            ],
            "cloudflare": self.cloudflare.report(),
        }

    def address(self, name: str) -> str | None:
        """Where a name leads, for services of the lab."""
        return self._resolver.address(name)

    def connect(self, address: str, port: int, seconds: float, source: str = "") -> socket.socket:
        """A TCP connection that starts in the internet, at one of the services' addresses if it is said."""
        own = (source, 0) if source else None
        return inside(self._namespace, functools.partial(socket.create_connection, (address, port), seconds, own))

    def _numeric(self, name: str) -> str | None:
        """Where an address or a name leads."""
        return name if re.fullmatch(r"[\d.]+", name) else self.address(name)

    def _owned(self, name: str, kind: str) -> Found | None:
        """A load balancer of Cloudflare's goes before a record of its name."""
        return self.cloudflare.answer(name, kind) or self._zones.answer(name, kind)

    def _balancer_health(self) -> Mapping[Balancer, bool]:
        return {known: one.healthy for known, one in self.balancers.items()}

    def _open(
        self, address: str, handle: Callable[[Question], Any], certificate: Certificate, plain: bool = True
    ) -> list[Door]:
        opened = []
        for port, given in ((80, None), (443, certificate)):
            if given is not None or plain:
                door = Door(listen(self._namespace, (address, port)), handle, given)
                door.start()
                opened.append(door)
        self._doors += opened
        return opened
