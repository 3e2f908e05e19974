"""One question of a monitor's, and what is wrong with the answer [Cloudflare, Load balancing, Monitors].

Certificates are verified unless the monitor says otherwise. A try that times out is repeated at once; any other failure
is one. Redirects are not followed, whatever the monitor says.
"""

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.services.cloudflare.model import Monitor, expects

BODY_BYTES = 10_000
"""Of a page's beginning that is searched, case ignored."""
WELL = "No failures"
TIMEOUT = "HTTP timeout occurred"

Connect = Callable[[str, int, float, str], socket.socket]
"""(address, port, seconds, source address) → a connected socket; OSError."""
Resolve = Callable[[str], str | None]


@dataclass(frozen=True)
class Seen:
    """What a place got. `reason` is Cloudflare's word."""

    reason: str
    code: int = 0
    seconds: float = 0.0

    @property
    def healthy(self) -> bool:
        return self.reason == WELL


def probe(
    monitor: Monitor, address: str, source: str, connect: Connect, resolve: Resolve, trust: ssl.SSLContext
) -> Seen:
    """With all its tries."""
    seen = Seen(TIMEOUT)
    for _ in range(monitor.retries + 1):
        began = time.monotonic()
        seen = _once(monitor, address, source, connect, resolve, trust)
        seen = Seen(seen.reason, seen.code, time.monotonic() - began)
        if seen.reason != TIMEOUT:
            break
    return seen


def _once(
    monitor: Monitor, address: str, source: str, connect: Connect, resolve: Resolve, trust: ssl.SSLContext
) -> Seen:
    ends = time.monotonic() + monitor.timeout
    target = resolve(address)
    if not target:
        return Seen("DNS name not resolved")
    try:
        plain = connect(target, monitor.port, monitor.timeout, source)
    except TimeoutError:
        return Seen(TIMEOUT)
    except OSError:
        return Seen("TCP connection failed")
    if monitor.kind == "tcp":
        plain.close()
        return Seen(WELL)
    with contextlib.closing(plain):
        try:
            plain.settimeout(max(0.05, ends - time.monotonic()))
            secured = _secured(plain, monitor, address, trust) if monitor.secure else plain
        except TimeoutError:
            return Seen(TIMEOUT)
        except ssl.SSLCertVerificationError as error:
            named = "Hostname mismatch" in str(error) or "IP address mismatch" in str(error)
            return Seen("TLS name mismatch" if named else "TLS untrusted certificate")
        except OSError:
            return Seen("TLS handshake failed")
        with contextlib.closing(secured):
            return _asked(secured, monitor, address, ends)


def host_of(monitor: Monitor, address: str) -> str:
    """What the certificate has to be for."""
    return next((value for name, value in monitor.headers if name.lower() == "host"), address)


def _secured(plain: socket.socket, monitor: Monitor, address: str, trust: ssl.SSLContext) -> socket.socket:
    if not monitor.insecure:
        return trust.wrap_socket(plain, server_hostname=host_of(monitor, address))
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    return blind.wrap_socket(plain, server_hostname=host_of(monitor, address))


def _asked(secured: socket.socket, monitor: Monitor, address: str, ends: float) -> Seen:
    own = [f"{name}: {value}" for name, value in monitor.headers if name.lower() != "host"]
    lines = [
        f"{monitor.method} {monitor.path} HTTP/1.1",
        f"Host: {host_of(monitor, address)}",
        *own,
        "User-Agent: Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/)",
        "Connection: close",
    ]
    try:
        secured.settimeout(max(0.05, ends - time.monotonic()))
        secured.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = http.client.HTTPResponse(secured, method=monitor.method)
        answer.begin()
        body = b""
        while len(body) < BODY_BYTES and (part := answer.read1(BODY_BYTES - len(body))):
            body += part
            if time.monotonic() > ends:
                return Seen(TIMEOUT, answer.status)
    except TimeoutError:
        return Seen(TIMEOUT)
    except (OSError, http.client.HTTPException):
        return Seen("HTTP invalid response")
    if not expects(monitor.codes, answer.status):
        return Seen("Response code mismatch error", answer.status)
    if monitor.body.lower() not in body.decode("utf-8", "replace").lower():
        return Seen("Response body mismatch error", answer.status)
    return Seen(WELL, answer.status)
