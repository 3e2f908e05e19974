"""Google's load balancer as an Ingress of class gce makes one: a classic one, to pods by their own addresses.

Here: which host and path it takes, the Ingress' certificate, its own answers. A backend without a healthy pod is 502,
and so is one that breaks off or takes longer than 30 s; a host or path that no rule names is 404 [Google Cloud,
'External Application Load Balancer', error codes of the classic one; backend service timeout]. Connections to pods
start in the network's router. Not here: Google's minutes until one is there, its many probers, HTTP/2, affinity.
"""

import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab.services.http_proxy import Answer, OriginError, Question, without
from lab.services.kubernetes.endpoints import Backend, Entry
from lab.services.targets import Asked, Dial, Target, Targets, request

TIMEOUT_SECONDS = 30.0


class GoogleBalancer:
    """Of one Ingress. `entry` says what it is now; LookupError when it has no certificate."""

    def __init__(self, entry: Callable[[], Entry], dial: Callable[[str, int], Dial]) -> None:
        self._entry = entry
        self._dial = dial
        self._backends: dict[str, Targets] = {}
        self._context: tuple[str, ssl.SSLContext] | None = None

    @property
    def name(self) -> str:
        return self._entry().identity

    @property
    def healthy(self) -> bool:
        return any(one.healthy for one in self._backends.values())

    @property
    def detail(self) -> str:
        return "; ".join(one.detail for one in self._backends.values()) or "no backends"

    def start(self) -> None:
        for backend in self._entry().backends:
            self._targets(backend)

    def stop(self) -> None:
        for one in self._backends.values():
            one.stop()

    def certificate(self, name: str) -> ssl.SSLContext:
        """The Ingress' own, whatever is asked for."""
        pem = self._entry().certificate
        if not pem:
            raise LookupError(f"ingress {self.name} has no certificate")
        if self._context is None or self._context[0] != pem:
            self._context = pem, _context(pem)
        return self._context[1]

    def handle(self, question: Question) -> Answer:
        """One request."""
        entry = self._entry()
        found = [one for one in entry.backends if one.takes(question.host, question.path)]
        if not found:
            return Answer(404, [("Content-Type", "text/plain")], b"response 404 (backend NotFound)")
        # The longest path of an exact host wins.
        backend = max(found, key=lambda one: (bool(one.host), one.exact, len(one.path)))
        target = self._targets(backend).next(fail_open=False)
        if target is None:
            return _error()
        path = question.path + (f"?{question.query}" if question.query else "")
        headers = without(question.headers, "x-forwarded-for", "x-forwarded-proto", "via")
        before = question.header("x-forwarded-for")
        headers += [
            ("X-Forwarded-For", f"{before}, {question.client}" if before else question.client),
            ("X-Forwarded-Proto", "https" if question.secure else "http"),
            ("Via", "1.1 google"),
        ]
        try:
            answer = request(target, question.method, path, headers, question.body, TIMEOUT_SECONDS)
        except OriginError:
            return _error()
        return Answer(answer.status, [*answer.headers, ("Via", "1.1 google")], answer.body)

    def _targets(self, backend: Backend) -> Targets:
        """Of a Service; made when it is first wanted."""
        if backend.service not in self._backends:
            made = Targets(lambda: self._listed(backend.service), lambda: self._asked(backend))
            self._backends[backend.service] = made
            made.start()
        return self._backends[backend.service]

    def _listed(self, service: str) -> list[Target]:
        now = next((one for one in self._entry().backends if one.service == service), None)
        if now is None:
            return []
        return [Target(f"{address}:{port}", self._dial(address, port)) for address, port in now.targets]

    def _asked(self, backend: Backend) -> Asked:
        now = next((one for one in self._entry().backends if one.service == backend.service), backend)
        check = now.check
        return Asked(check.path, check.interval, check.timeout, check.healthy, check.unhealthy, agent="GoogleHC/1.0")


def _error() -> Answer:
    title, said = "Error: Server Error", "The server encountered a temporary error and could not complete your request."
    text = (
        f"<html><head><title>502 Server Error</title></head><body><h1>{title}</h1>"
        f"<h2>{said}<p>Please try again in 30 seconds.</h2></body></html>"
    )
    return Answer(
        502, [("Content-Type", "text/html; charset=UTF-8"), ("Referrer-Policy", "no-referrer")], text.encode()
    )


def _context(pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.pem"
        file.touch(mode=0o600)
        file.write_text(pem)
        context.load_cert_chain(file)
    return context
