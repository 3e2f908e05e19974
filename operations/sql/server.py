"""A server that is asked from here: where it is, what a session does, and the two ways in which it fails."""

import contextlib
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

PORTS = {"mysql": 3306}


class Gone(ConnectionError):
    """No answer: whether a statement was done is not known. The sentence names the server."""


class Refused(Exception):
    """The server answered, and said no."""

    def __init__(self, words: str, number: int = 0) -> None:
        self.number = number
        """The engine's own, 0 where it has none."""
        super().__init__(words)


class Untrusted(Refused):
    """Who answers cannot prove that it is the server, or speaks without TLS; it was told nothing."""


@dataclass(frozen=True)
class Place:
    """A server, who asks it, and who vouches for it."""

    engine: str
    address: str
    """A name or address, asked over TLS whose certificate must be for it; or the path of a local socket."""
    user: str
    port: int = 0
    password: str = field(default="", repr=False)
    authority: str = field(default="", repr=False)
    """PEM of the only authority that is believed; "" believes the system's."""

    @property
    def local(self) -> bool:
        """Whether it is a socket of this machine."""
        return self.address.startswith("/")

    def __str__(self) -> str:
        return f"{self.engine}://{self.user}@{self.address}" + ("" if self.local else f":{self.port}")


def place(url: str, password: str = "", authority: str = "") -> Place:
    """From `ENGINE://USER@HOST[:PORT]` or `ENGINE://USER@/PATH/OF/SOCKET`. ValueError says what is wrong: no password
    is taken from there, since every user of a machine reads its command lines."""
    found = urllib.parse.urlsplit(url)
    problems = []
    if found.scheme not in PORTS:
        problems.append(f"{found.scheme or url!r} is none of {', '.join(PORTS)}")
    if found.password is not None:
        problems.append("a password stands in it: give it by a file or by the environment")
    if not found.username:
        problems.append("it names no user")
    if found.query or found.fragment or (found.hostname and found.path not in ("", "/")):
        problems.append("there is more behind the server than is read")
    if not found.hostname and len(found.path) < 2:
        problems.append("it names neither a host nor a socket")
    port = 0
    with contextlib.suppress(ValueError):
        port = found.port or PORTS.get(found.scheme, 0)
    if found.hostname and not port and found.scheme in PORTS:
        problems.append("its port is no number from 1 to 65535")
    if problems:
        # Without what stands before the @, which may be a password.
        shown = f"{found.scheme}://…@{found.netloc.rpartition('@')[2]}{found.path}"
        raise ValueError(f"{shown}: {'; '.join(problems)}: write ENGINE://USER@HOST[:PORT] or ENGINE://USER@/SOCKET")
    user = urllib.parse.unquote(str(found.username))
    address = found.hostname or urllib.parse.unquote(found.path)
    return Place(found.scheme, address, user, port if found.hostname else 0, password, authority)


class Session(Protocol):
    """One connection. Each statement is a transaction of its own (autocommit) unless one is begun. Not thread-safe."""

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows by name; `values` for its %s. Gone ends the session."""

    def script(self, statements: str) -> list[Sequence[Any]]:
        """Statements as one text, as a file holds them; the rows of all answers, in order."""

    def close(self) -> None:
        """Any number of times; the server rolls back what was not committed."""
