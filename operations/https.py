"""One HTTPS call of an operator's, with an end: whatever answers within the time is the answer, an error too.

Here: patience. What a cloud means by an answer is its own module's (google.py, cloudflare.py).
"""

import contextlib
import email.message
import http.client
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .web import connected

CALL_SECONDS = 15.0
"""For all tries of a call together."""
TRY_SECONDS = 8.0
"""For one of them, so that a lost packet leaves time for another."""
BUSY = (429, 500, 502, 503, 504)
"""Asked again, as long as there is time."""
FIRST_PAUSE_SECONDS = 0.5


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: urllib would take the token along, to whatever host is named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _Connection(http.client.HTTPSConnection):
    """To any of a host's addresses; when none takes it, what each of them said."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._create_connection = connected


class _Handler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


_OPENER = urllib.request.build_opener(_Stay, _Handler)


class NoAnswer(Exception):
    """Nobody answered; the sentence says who. `unknown_name`: the name of it cannot be resolved; `fix`: what mends it,
    where it is not the network."""

    def __init__(self, words: str, unknown_name: bool = False, fix: str = "") -> None:
        self.unknown_name, self.fix = unknown_name, fix
        super().__init__(words)


@dataclass(frozen=True)
class Answer:
    """What a call gave."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    in_doubt: bool = False
    """An earlier try of the same call ended without an answer, or with one of 5xx: it may have had its effect."""


def call(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    seconds: float = CALL_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """The answer, of whatever status. Of a busy side the last one when time is up. NoAnswer when there was none."""
    headers = headers or {}
    if wrong := [name for name, value in headers.items() if not (value.isascii() and value.isprintable())]:
        # http.client would say so too, and show the value, which may be a token.
        what = f"{wrong[0]} has a line break or another character that no header takes"
        raise NoAnswer(what, fix="look at the variable or the file that the token comes from")
    deadline, pause, in_doubt = time.monotonic() + seconds, FIRST_PAUSE_SECONDS, False
    while True:
        found: Answer | NoAnswer
        try:
            found = _once(method, url, headers, body, min(TRY_SECONDS, deadline - time.monotonic()), in_doubt)
        except NoAnswer as problem:
            found = problem
        wanted = max(pause, _retry_after(found)) if isinstance(found, Answer) else pause
        again = isinstance(found, NoAnswer) or found.status in BUSY
        if not again or time.monotonic() + wanted >= deadline:
            if isinstance(found, NoAnswer):
                raise found
            return found
        in_doubt = in_doubt or isinstance(found, NoAnswer) or found.status != 429
        sleep(wanted)
        pause *= 2


def _once(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float, in_doubt: bool
) -> Answer:
    request = urllib.request.Request(url, data=body, method=method, headers=dict(headers))
    place = urllib.parse.urlsplit(url).netloc
    try:
        with _OPENER.open(request, timeout=max(0.1, seconds)) as answer:
            return Answer(answer.status, _lower(answer.headers), answer.read(), in_doubt)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers), _read(error), in_doubt)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, socket.gaierror):
            raise NoAnswer(f"{place} is no name that can be resolved: {reason}", unknown_name=True) from None
        raise NoAnswer(f"{place} does not answer: {reason or type(error).__name__}") from None


def _read(error: urllib.error.HTTPError) -> bytes:
    """What an error says; an answer whose body is cut off is one of its status all the same."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return error.read()
    return b""


def _lower(headers: email.message.Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _retry_after(answer: Answer) -> float:
    """Seconds that the other side asks for; 0 when it names none, or a date."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else 0.0
