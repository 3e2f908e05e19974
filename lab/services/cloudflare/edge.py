"""Cloudflare's edge: takes users' requests for a proxied name, chooses a pool in the balancer's order, asks its origin.

[Cloudflare, Load balancing, "Standard steering", "Fallback pools", "Session affinity"; 5xx errors 520 to 526.] The zone
is in mode "Full (strict)": an origin's certificate must be one that is trusted, for the Host that is sent.
"""

import contextlib
import hashlib
import http.cookies
import random
import secrets
import ssl
import time

from lab.services.authority import Authority
from lab.services.cloudflare import ZONE
from lab.services.cloudflare.model import BALANCER, Balancer, Origin, Pool, Records, balancer_of
from lab.services.cloudflare.monitors import Monitors
from lab.services.cloudflare.probe import Connect, Resolve
from lab.services.http_proxy import Answer, OriginError, Question, ask, without

COOKIE = "__cflb"
CONNECT_SECONDS, ANSWER_SECONDS = 19.0, 100.0
"""[Cloudflare, errors 522 and 524]"""


class Edge:
    """`source`: the address that origins see."""

    def __init__(
        self,
        records: Records,
        monitors: Monitors,
        authority: Authority,
        connect: Connect,
        resolve: Resolve,
        source: str,
        trust: ssl.SSLContext,
    ) -> None:
        self._records, self._monitors, self._authority = records, monitors, authority
        self._connect, self._resolve, self._source, self._trust = connect, resolve, source, trust

    def balancers(self) -> list[Balancer]:
        """All that are switched on."""
        found = (balancer_of(identity, record) for identity, record in self._records(BALANCER).items())
        return [one for one in found if one.enabled]

    def certificate(self, name: str) -> ssl.SSLContext:
        """Universal SSL covers a zone and one label below it. LookupError for other names."""
        for zone in self._records(ZONE).values():
            inside = name.endswith(f".{zone['name']}") and name.count(".") == str(zone["name"]).count(".") + 1
            if name == zone["name"] or inside:
                return self._authority.context(name)
        raise LookupError(name)

    def chosen(self, balancer: Balancer) -> Pool | None:
        """The first pool that is on and not unhealthy, in the order of the list; else the fallback, whatever it is."""
        pools = self._monitors.pools()
        for identity in balancer.pools:
            pool = pools.get(identity)
            if pool is not None and pool.enabled and self._monitors.healthy(pool) is not False:
                return pool
        return pools.get(balancer.fallback)

    def handle(self, question: Question) -> Answer:
        """One request."""
        balancer = next((one for one in self.balancers() if one.proxied and one.name == question.host), None)
        if balancer is None:
            return _error(530, "1016", "Origin DNS error")
        kept = self._kept(balancer, question)
        pool, origin = kept or self._fresh(balancer)
        if origin is None:
            return _error(530, "1016", "Origin DNS error")
        answer = self._asked(question, origin)
        if kept is None and balancer.affinity == "cookie" and pool is not None:
            seconds = balancer.affinity_seconds
            cookie = f"{COOKIE}={_mark(pool, origin)}; SameSite=Lax; path=/; Max-Age={seconds}; HttpOnly"
            return Answer(answer.status, [*answer.headers, ("Set-Cookie", cookie)], answer.body)
        return answer

    def _fresh(self, balancer: Balancer) -> tuple[Pool | None, Origin | None]:
        pool = self.chosen(balancer)
        if pool is None:
            return None, None
        on = [one for one in pool.origins if one.enabled]
        well = [one for one in on if self._monitors.origin_healthy(pool.id, one.address) is not False]
        return pool, random.choice(well or on) if on else None

    def _kept(self, balancer: Balancer, question: Question) -> tuple[Pool, Origin] | None:
        """Where the user's cookie leads, while that is not unhealthy."""
        jar: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
        with contextlib.suppress(http.cookies.CookieError):
            jar.load(question.header("cookie"))
        if balancer.affinity != "cookie" or COOKIE not in jar:
            return None
        pools = self._monitors.pools()
        for identity in balancer.pools:
            pool = pools.get(identity)
            if pool is None or not pool.enabled or self._monitors.healthy(pool) is False:
                continue
            for origin in pool.origins:
                well = self._monitors.origin_healthy(pool.id, origin.address) is not False
                if origin.enabled and well and _mark(pool, origin) == jar[COOKIE].value:
                    return pool, origin
        return None

    def _asked(self, question: Question, origin: Origin) -> Answer:
        host, scheme = origin.host or question.host, "https" if question.secure else "http"
        before = question.header("x-forwarded-for")
        headers = without(question.headers, "host", "x-forwarded-for", "x-forwarded-proto", "cf-connecting-ip")
        headers += [
            ("Host", host),
            ("X-Forwarded-For", f"{before},{question.client}" if before else question.client),
            ("X-Forwarded-Proto", scheme),
            ("CF-Connecting-IP", question.client),
            ("CF-Visitor", f'{{"scheme":"{scheme}"}}'),
            ("CF-Ray", secrets.token_hex(8)),
            ("CDN-Loop", "cloudflare"),
        ]
        target = self._resolve(origin.address)
        if not target:
            return _error(530, "1016", "Origin DNS error")
        try:
            connection = self._connect(target, 443 if question.secure else 80, CONNECT_SECONDS, self._source)
        except TimeoutError:
            return _error(522, "522", "Connection timed out")
        except ConnectionRefusedError:
            return _error(521, "521", "Web server is down")
        except OSError:
            return _error(523, "523", "Origin is unreachable")
        try:
            connection.settimeout(CONNECT_SECONDS)
            if question.secure:
                connection = self._trust.wrap_socket(connection, server_hostname=host)
        except ssl.SSLCertVerificationError:
            connection.close()
            return _error(526, "526", "Invalid SSL certificate")
        except OSError:
            connection.close()
            return _error(525, "525", "SSL handshake failed")
        connection.settimeout(ANSWER_SECONDS)
        path = question.path + (f"?{question.query}" if question.query else "")
        try:
            answer = ask(connection, question.method, path, headers, question.body)
        except OriginError as error:
            return _error(524, "524", "A timeout occurred") if error.slow else _error(520, "520", "Unknown error")
        return Answer(answer.status, [*without(answer.headers, "server"), ("Server", "cloudflare")], answer.body)


def _mark(pool: Pool, origin: Origin) -> str:
    return hashlib.sha256(f"{pool.id} {origin.name} {origin.address}".encode()).hexdigest()[:32]


def _error(status: int, code: str, words: str) -> Answer:
    headers = [("Server", "cloudflare"), ("Content-Type", "text/plain; charset=UTF-8")]
    headers.append(("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())))
    return Answer(status, headers, f"error code: {code} ({words})".encode())
