"""What the lab's HTTP proxies (CloudFront, the load balancer) share: reading a request, asking an origin, answering."""

import http.client
import http.server
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lab.services.exchange import HOP_BY_HOP, Exchange, Headers, Listener

Certificate = Callable[[str], ssl.SSLContext]
"""Server name of a client hello (empty: none) → the context that has its certificate."""


@dataclass(frozen=True)
class Question:
    """A request as a proxy got it."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    client: str
    secure: bool

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name)

    @property
    def host(self) -> str:
        return self.header("host").partition(":")[0].lower().rstrip(".")


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name)


class OriginError(Exception):
    """The origin did not answer. `slow`: it took too long; else it refused, or what it said was no answer."""

    def __init__(self, text: str, slow: bool) -> None:
        super().__init__(text)
        self.slow = slow


def ask(connection: socket.socket, method: str, path: str, headers: Headers, body: bytes) -> Answer:
    """One request on a connected socket, which is closed afterwards. OriginError."""
    client = http.client.HTTPConnection("origin")
    client.sock = connection
    try:
        client.putrequest(method, path or "/", skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP and name.lower() != "content-length":
                client.putheader(name, value)
        if body or method in ("POST", "PUT", "PATCH"):
            client.putheader("Content-Length", str(len(body)))
        client.putheader("Connection", "close")
        client.endheaders(body or None)
        answer = client.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    except TimeoutError as error:
        raise OriginError("the origin did not answer in time", slow=True) from error
    except (OSError, http.client.HTTPException) as error:
        raise OriginError(f"the origin's answer broke off: {error or type(error).__name__}", slow=False) from error
    finally:
        client.close()


class Door(Listener):
    """One listening address. `certificate` None: plain HTTP."""

    def __init__(
        self,
        listening: socket.socket,
        handle: Callable[[Question], Answer],
        certificate: Certificate | None = None,
        log: Any = sys.stderr,
    ) -> None:
        super().__init__(listening, _Handler, log)
        self.handle = handle
        self.secure = certificate is not None
        self._certificate = certificate
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.sni_callback = self._named

    def _named(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
        assert self._certificate is not None
        try:
            connection.context = self._certificate((name or "").lower())
        except LookupError:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    def finish_request(self, request: Any, client_address: Any) -> None:
        # Here, in the connection's own thread: a client that never finishes its handshake holds up nobody.
        request.settimeout(60)
        secured = self._context.wrap_socket(request, server_side=True) if self.secure else request
        try:
            super().finish_request(secured, client_address)
        finally:
            if self.secure:
                secured.close()

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.1,), name="door", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(Exchange):
    server: Door

    def handle_any(self) -> None:
        path, _, query = self.path.partition("?")
        answer = self.server.handle(
            Question(
                self.command,
                path,
                query,
                list(self.headers.items()),
                self.body(),
                self.client_address[0],
                self.server.secure,
            )
        )
        self.answer(answer.status, answer.headers, answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any


def without(headers: Iterable[tuple[str, str]], *names: str) -> Headers:
    """Headers but those."""
    return [(name, value) for name, value in headers if name.lower() not in names]
