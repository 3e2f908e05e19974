"""A site's load balancer: terminates TLS, checks its targets, hands requests over.

It stands in a VPC, so its connections to targets start in that VPC's router. Not here: rules by anything but a whole
path, stickiness; where it listens (lab/traffic.py).
"""

import ssl
from collections.abc import Callable, Mapping, Sequence

from lab.services.authority import Authority
from lab.services.http_proxy import Answer, OriginError, Question, without
from lab.services.targets import Asked, Target, Targets, request

INTERVAL_SECONDS = 5.0
TIMEOUT_SECONDS = 4.0
THRESHOLD = 2
"""Of the primary's target group: two good or bad answers in a row change its mind (AWS's least; its defaults are 30 s,
5 and 2); one good answer is enough for a target that was just registered [AWS, Health checks for Application Load
Balancer target groups]."""


class LoadBalancer:
    """One listener, one target group for all but some paths. `domain`: what its certificate covers, with one label
    below it."""

    def __init__(
        self,
        name: str,
        domain: str,
        authority: Authority,
        listed: Callable[[], Sequence[Target]],
        health_path: str,
        paths: Mapping[str, tuple[Callable[[], Sequence[Target]], str]] | None = None,
    ) -> None:
        """`paths`: those that have a target group of their own, each with what it lists and its health path."""
        self.name = name
        self._domain = domain
        self._authority = authority
        self.targets = _group(listed, health_path)
        self._paths = {path: _group(*known) for path, known in (paths or {}).items()}

    @property
    def healthy(self) -> bool:
        return self.targets.healthy

    @property
    def detail(self) -> str:
        return self.targets.detail

    def start(self) -> None:
        for group in (self.targets, *self._paths.values()):
            group.start()

    def stop(self) -> None:
        for group in (self.targets, *self._paths.values()):
            group.stop()

    def certificate(self, name: str) -> ssl.SSLContext:
        """The customer's certificate covers the domain and one label below it; it is served whatever is asked for."""
        inside = name.endswith(f".{self._domain}") and name.count(".") == self._domain.count(".") + 1
        return self._authority.context(name if inside else f"www.{self._domain}")

    def handle(self, question: Question) -> Answer:
        """One request. 503 without targets, 504 when one is slow, 502 when it refuses, as the real one."""
        if not question.secure:
            where = f"https://{question.host}:443{question.path}" + (f"?{question.query}" if question.query else "")
            return Answer(301, [("Location", where), ("Server", "awselb/2.0")])
        # A load balancer whose targets are all unhealthy sends requests to them all the same ("fail open").
        target = self._paths.get(question.path, self.targets).next(fail_open=True)
        if target is None:
            return _page(503, "Service Temporarily Unavailable")
        path = question.path + (f"?{question.query}" if question.query else "")
        headers = without(question.headers, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port")
        before = question.header("x-forwarded-for")
        headers += [
            ("X-Forwarded-For", f"{before}, {question.client}" if before else question.client),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Port", "443"),
        ]
        try:
            return request(target, question.method, path, headers, question.body, 60.0)
        except OriginError as error:
            return _page(*((504, "Gateway Time-out") if error.slow else (502, "Bad Gateway")))


def _group(listed: Callable[[], Sequence[Target]], path: str) -> Targets:
    asked = Asked(path, INTERVAL_SECONDS, TIMEOUT_SECONDS, THRESHOLD, THRESHOLD, agent="ELB-HealthChecker/2.0")
    return Targets(listed, lambda: asked)


def _page(status: int, text: str) -> Answer:
    body = f"<html><head><title>{status} {text}</title></head><body><h1>{status} {text}</h1></body></html>"
    return Answer(status, [("Server", "awselb/2.0"), ("Content-Type", "text/html")], body.encode())
