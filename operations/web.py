"""A page as a user gets it, but at an address that we choose: the name goes into TLS and Host, the address is ours."""

import http.client
import socket
import ssl
import urllib.parse
from dataclasses import dataclass
from typing import Any

SECONDS = 4.0
MOST_BYTES = 65536


@dataclass(frozen=True)
class Page:
    """What came. `status` is 0 when nothing did; `words` then says why."""

    status: int
    text: str = ""
    words: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    silent: bool = True
    """Of a page that did not come: nobody answered (refused, cut, out of time). False: what kept the page from us is no
    sign of death: a certificate, a TLS alert (somebody speaks TLS there), a name that this resolver does not know."""

    def holds(self, marker: str) -> bool:
        """Whether the page is this site's."""
        return bool(marker) and marker in self.text


def connected(place: tuple[str, int], seconds: float = SECONDS, *_: Any) -> socket.socket:
    """A connection to the first of a host's addresses that takes one, each within `seconds`. OSError with what each of
    them said: by itself Python tells the last one's word, and at a desk without IPv6 that is always the same.
    socket.gaierror where there is none."""
    refused: dict[str, list[str]] = {}
    for family, kind, protocol, _name, where in socket.getaddrinfo(*place, type=socket.SOCK_STREAM):
        channel = socket.socket(family, kind, protocol)
        channel.settimeout(seconds)
        try:
            channel.connect(where)
            return channel
        except OSError as error:
            channel.close()
            refused.setdefault(str(error), []).append(str(where[0]))
    if len(refused) == 1:
        raise OSError(next(iter(refused)))
    raise OSError("; ".join(f"{', '.join(who)}: {said}" for said, who in refused.items()))


def page(url: str, name: str = "", address: str = "", seconds: float = SECONDS) -> Page:
    """GET `url`, connecting to `address` (default the URL's host) while asking for `name` (default the URL's host)."""
    place = urllib.parse.urlsplit(url)
    host = name or place.hostname or ""
    port = place.port or (443 if place.scheme == "https" else 80)
    path = urllib.parse.urlunsplit(("", "", place.path or "/", place.query, ""))
    try:
        channel = connected((address or place.hostname or "", port), seconds)
    except socket.gaierror as error:
        return Page(0, words=f"{address or place.hostname} does not resolve here: {error}", silent=False)
    except OSError as error:
        return Page(0, words=f"cannot connect: {error}")
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        if place.scheme == "https":
            channel = ssl.create_default_context().wrap_socket(channel, server_hostname=host)
        connection.sock = channel
        connection.request("GET", path, headers={"Host": host, "User-Agent": "twinsite", "Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(MOST_BYTES).decode("utf-8", "replace")
        return Page(answer.status, text, "", tuple(answer.getheaders()))
    except (OSError, http.client.HTTPException) as error:
        # An end of the connection amid the handshake is a cut; every other TLS error is an answer.
        cut = not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        kind = "no answer" if cut else "it answers, but not as it should over TLS"
        return Page(0, words=f"{kind}: {error or type(error).__name__}", silent=cut)
    finally:
        connection.close()
        channel.close()
