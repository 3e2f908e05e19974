"""Route 53's checkers: real requests at the real cadence, from the internet to where names resolve in the lab.

Here: when each checker asks, what counts as a good answer, how many in a row change its mind. Not here: what follows
from it (route53.py).
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lab.services.route53 import ENDPOINTS, Check, agreed, check_healthy

CHECKERS = 3
"""Of each endpoint. AWS has some fifteen in at least three regions; they ask at different moments, as these do."""

CONNECT_SECONDS = 4.0
ANSWER_SECONDS = 2.0
TCP_SECONDS = 10.0
BODY_BYTES = 5120
"""[Route 53 guide, 'How Amazon Route 53 determines whether a health check is healthy']"""

Connect = Callable[[str, int, float], socket.socket]
"""(address, port, seconds) → a connected socket; OSError."""


@dataclass(frozen=True)
class Endpoint:
    """What a checker needs to know."""

    kind: str
    host: str = ""
    """Resolved when there is no address, and sent as Host."""
    address: str = ""
    port: int = 443
    path: str = "/"
    text: str = ""
    sni: bool = True
    interval: int = 30
    threshold: int = 3


@dataclass
class _Opinion:
    """One checker's mind about one endpoint."""

    due: float
    healthy: bool = True
    streak: int = 0
    """Answers in a row that contradict `healthy`."""
    seen: bool = False
    detail: str = "no data yet"
    asking: bool = False


def probe(endpoint: Endpoint, resolve: Callable[[str], str | None], connect: Connect) -> str:
    """Ask once; empty when the answer is good, else what was wrong."""
    address = endpoint.address or resolve(endpoint.host)
    if not address:
        return f"{endpoint.host} does not resolve"
    if endpoint.kind == "TCP":
        try:
            connect(address, endpoint.port, TCP_SECONDS).close()
        except OSError as error:
            return f"no TCP connection to {address}:{endpoint.port}: {error}"
        return ""
    began = time.monotonic()
    try:
        plain = connect(address, endpoint.port, CONNECT_SECONDS)
    except OSError as error:
        return f"no TCP connection to {address}:{endpoint.port}: {error}"
    with contextlib.closing(plain):
        try:
            plain.settimeout(max(0.1, CONNECT_SECONDS - (time.monotonic() - began)))
            secured = _secure(plain, endpoint) if endpoint.kind.startswith("HTTPS") else plain
        except (OSError, ssl.SSLError) as error:
            return f"no TLS session with {address}:{endpoint.port}: {error}"
        with contextlib.closing(secured):
            return _ask(secured, endpoint)


def _secure(plain: socket.socket, endpoint: Endpoint) -> socket.socket:
    # HTTPS checks "don't validate SSL/TLS certificates" [same page]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=endpoint.host if endpoint.sni and endpoint.host else None)


def _ask(secured: socket.socket, endpoint: Endpoint) -> str:
    host = endpoint.host or endpoint.address
    port = "" if endpoint.port in (80, 443) else f":{endpoint.port}"
    request = (
        f"GET {endpoint.path if endpoint.path.startswith('/') else '/' + endpoint.path} HTTP/1.1\r\n"
        f"Host: {host}{port}\r\nConnection: close\r\nAccept: */*\r\nAccept-Encoding: *\r\n"
        "User-Agent: Amazon-Route53-Health-Check-Service (ref twinsite-lab; report http://amzn.to/1vsZADi)\r\n\r\n"
    )
    began = time.monotonic()
    secured.settimeout(ANSWER_SECONDS)
    try:
        secured.sendall(request.encode())
        answer = http.client.HTTPResponse(secured, method="GET")
        answer.begin()
        if time.monotonic() - began > ANSWER_SECONDS:
            return f"the status took more than {ANSWER_SECONDS:g} s"
        if not 200 <= answer.status < 400:
            return f"HTTP {answer.status}"
        if not endpoint.text:
            return ""
        body, began = b"", time.monotonic()
        while len(body) < BODY_BYTES and (part := answer.read1(BODY_BYTES - len(body))):
            body += part
            if time.monotonic() - began > ANSWER_SECONDS:
                return f"the body took more than {ANSWER_SECONDS:g} s"
    except (OSError, http.client.HTTPException) as error:
        return f"no HTTP answer within {ANSWER_SECONDS:g} s: {error or type(error).__name__}"
    return "" if endpoint.text.encode() in body else f"{endpoint.text!r} is not in the first {BODY_BYTES} bytes"


class Checkers:
    """All checkers of all health checks. `records` gives the health checks as the provider keeps them, by id."""

    def __init__(
        self,
        records: Callable[[], Mapping[str, Mapping[str, Any]]],
        resolve: Callable[[str], str | None],
        connect: Connect,
        hurry: float = 1.0,
    ) -> None:
        """`hurry` divides the intervals, for tests of this class only: the lab's is 1."""
        self._records = records
        self._resolve = resolve
        self._connect = connect
        self._hurry = hurry
        self._lock = threading.Lock()
        self._opinions: dict[tuple[str, int, Endpoint], _Opinion] = {}
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(32, thread_name_prefix="checker")
        self._thread = threading.Thread(target=self._run, name="checkers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(2.0)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def healthy(self, identity: str) -> bool:
        """A check's status now, as records use it."""
        records = self._records()
        checks = {key: check_of(record) for key, record in records.items()}
        return check_healthy(identity, checks, self._endpoint)

    def report(self) -> list[dict[str, Any]]:
        """For `status`: each check with its status and what its checkers last saw."""
        with self._lock:
            details: dict[str, list[str]] = {}
            for (identity, _, _), opinion in self._opinions.items():
                details.setdefault(identity, []).append(opinion.detail or "good")
        records = self._records()
        return [
            {
                "id": identity,
                "name": (record.get("tags") or {}).get("Name", ""),
                "healthy": self.healthy(identity),
                "checkers": details.get(identity, []),
            }
            for identity, record in sorted(records.items())
        ]

    def _endpoint(self, identity: str) -> bool | None:
        with self._lock:
            said = [one.healthy for (check, _, _), one in self._opinions.items() if check == identity]
            seen = any(one.seen for (check, _, _), one in self._opinions.items() if check == identity)
        return agreed(said) if seen else None

    def _run(self) -> None:
        while not self._ended.wait(0.05):
            try:
                self._turn(time.monotonic())
            except RuntimeError:  # the pool is shut down
                return

    def _turn(self, now: float) -> None:
        wanted = {
            identity: endpoint_of(record)
            for identity, record in self._records().items()
            if record.get("type") in ENDPOINTS and not record.get("disabled")
        }
        with self._lock:
            for key in [key for key in self._opinions if wanted.get(key[0]) != key[2]]:
                del self._opinions[key]
            for identity, endpoint in wanted.items():
                step = endpoint.interval / self._hurry / CHECKERS
                for number in range(CHECKERS):
                    self._opinions.setdefault((identity, number, endpoint), _Opinion(due=now + number * step))
            due = [(key, one) for key, one in self._opinions.items() if one.due <= now and not one.asking]
            for key, one in due:
                one.asking = True
                one.due = max(one.due + key[2].interval / self._hurry, now)
        for key, one in due:
            self._pool.submit(self._visit, key[2], one)

    def _visit(self, endpoint: Endpoint, opinion: _Opinion) -> None:
        try:
            wrong = probe(endpoint, self._resolve, self._connect)
        except Exception as error:  # a checker never dies
            wrong = f"{type(error).__name__}: {error}"
        with self._lock:
            opinion.asking, opinion.seen, opinion.detail = False, True, wrong
            if opinion.healthy == (not wrong):
                opinion.streak = 0
                return
            opinion.streak += 1
            if opinion.streak >= endpoint.threshold:
                opinion.healthy, opinion.streak = not wrong, 0


def check_of(record: Mapping[str, Any]) -> Check:
    """The verdict's part of a provider's record."""
    return Check(
        kind=str(record.get("type")),
        inverted=bool(record.get("invertHealthcheck")),
        disabled=bool(record.get("disabled")),
        children=tuple(record.get("childHealthchecks") or ()),
        child_threshold=int(record.get("childHealthThreshold") or 0),
        insufficient=str(record.get("insufficientDataHealthStatus") or "LastKnownStatus"),
    )


def endpoint_of(record: Mapping[str, Any]) -> Endpoint:
    """The checkers' part of a provider's record."""
    kind = str(record["type"])
    secure = kind.startswith("HTTPS")
    return Endpoint(
        kind=kind,
        host=str(record.get("fqdn") or ""),
        address=str(record.get("ipAddress") or ""),
        port=int(record.get("port") or (443 if secure else 80)),
        path=str(record.get("resourcePath") or "/"),
        text=str(record.get("searchString") or ""),
        sni=bool(record.get("enableSni", secure)),
        interval=int(record.get("requestInterval") or 30),
        threshold=int(record.get("failureThreshold") or 3),
    )
