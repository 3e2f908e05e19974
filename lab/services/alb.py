"""A site's load balancer: terminates TLS, checks its target, hands requests over.

It stands in a VPC, so its connections to the target start in that VPC's router. Not here: rules, several target
groups, stickiness; where it listens (lab/traffic.py).
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable

from lab.services.authority import Authority
from lab.services.exchange import Headers
from lab.services.http_proxy import Answer, OriginError, Question, ask, without

INTERVAL_SECONDS = 5.0
TIMEOUT_SECONDS = 4.0
THRESHOLD = 2
"""Of the primary's target group: two good or bad answers in a row change its mind (AWS's least; its defaults are 30 s,
5 and 2)."""

Dial = Callable[[float], socket.socket]
"""Seconds → a connection to the target; OSError."""


class LoadBalancer:
    """One listener, one target. `names`: what its certificate covers besides the load balancer's own name."""

    def __init__(self, name: str, domain: str, authority: Authority, dial: Dial, health_path: str) -> None:
        self.name = name
        self._domain = domain
        self._authority = authority
        self._dial = dial
        self._health_path = health_path
        self.healthy = False
        self.detail = "initial"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="target-health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def certificate(self, name: str) -> ssl.SSLContext:
        """The customer's certificate covers the domain and one label below it; it is served whatever is asked for."""
        inside = name.endswith(f".{self._domain}") and name.count(".") == self._domain.count(".") + 1
        return self._authority.context(name if inside else f"www.{self._domain}")

    def handle(self, question: Question) -> Answer:
        """One request. 504 when the target is slow, 502 when it refuses, as the real one."""
        if not question.secure:
            where = f"https://{question.host}:443{question.path}" + (f"?{question.query}" if question.query else "")
            return Answer(301, [("Location", where), ("Server", "awselb/2.0")])
        path = question.path + (f"?{question.query}" if question.query else "")
        headers = without(question.headers, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port")
        before = question.header("x-forwarded-for")
        headers += [
            ("X-Forwarded-For", f"{before}, {question.client}" if before else question.client),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Port", "443"),
        ]
        try:
            # A load balancer whose targets are all unhealthy sends requests to them all the same ("fail open").
            return self._ask(question.method, path, headers, question.body, 60.0)
        except OriginError as error:
            status, text = (504, "Gateway Time-out") if error.slow else (502, "Bad Gateway")
            body = f"<html><head><title>{status} {text}</title></head><body><h1>{status} {text}</h1></body></html>"
            return Answer(status, [("Server", "awselb/2.0"), ("Content-Type", "text/html")], body.encode())

    def _ask(self, method: str, path: str, headers: Headers, body: bytes, seconds: float) -> Answer:
        try:
            connection = self._dial(min(seconds, 10.0))
        except TimeoutError as error:
            raise OriginError("no connection to the target", slow=True) from error
        except OSError as error:
            raise OriginError(f"no connection to the target: {error}", slow=False) from error
        connection.settimeout(seconds)
        return ask(connection, method, path, headers, body)

    def _watch(self) -> None:
        streak = 0
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                headers = [("Host", "target"), ("User-Agent", "ELB-HealthChecker/2.0")]
                status = self._ask("GET", self._health_path, headers, b"", TIMEOUT_SECONDS).status
                good, self.detail = status == 200, f"HTTP {status}"
            except OriginError as error:
                good, self.detail = False, str(error)
            # "initial": the first good answer is enough for a target that was just registered
            streak = 0 if good == self.healthy else streak + 1
            if streak >= THRESHOLD:
                self.healthy, streak = good, 0
            self._ended.wait(max(0.1, INTERVAL_SECONDS - (time.monotonic() - began)))
