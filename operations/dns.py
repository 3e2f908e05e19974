"""DNS as two kinds of people see it: the zone's own servers (what Route 53 decides now) and the desk's resolver (what
users still believe, until the TTL is over). A small client: one question, one answer, UDP and then TCP.
"""

import pathlib
import secrets
import socket
import struct
import time
from dataclasses import dataclass

A, NS, CNAME, AAAA = 1, 2, 5, 28
SECONDS = 2.0


class NoAnswer(Exception):
    """A server did not answer, or said that there is nothing."""


@dataclass(frozen=True)
class Record:
    """One record of an answer. `value` is an address, or a name without its last dot."""

    name: str
    kind: int
    ttl_seconds: int
    value: str


def _question(name: str, kind: int, recursive: bool) -> tuple[int, bytes]:
    number = secrets.randbelow(65536)
    packed = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.rstrip(".").split(".") if part)
    flags = 0x0100 if recursive else 0
    return number, struct.pack("!6H", number, flags, 1, 0, 0, 0) + packed + b"\0" + struct.pack("!2H", kind, 1)


def _name(message: bytes, at: int) -> tuple[str, int]:
    parts: list[str] = []
    after = 0
    for _ in range(128):  # a name has at most 127 labels; a pointer that leads in a circle ends here
        length = message[at]
        if length & 0xC0 == 0xC0:
            after = after or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        elif length == 0:
            return ".".join(parts), after or at + 1
        else:
            parts.append(message[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
            at += 1 + length
    raise NoAnswer("a name in the answer has no end")


def parse(message: bytes, number: int) -> tuple[bool, list[Record]]:
    """(truncated, records of the answer section). NoAnswer on an error code or a wrong number. Pure."""
    try:
        found, flags, questions, answers, _, _ = struct.unpack_from("!6H", message)
        if found != number:
            raise NoAnswer("the answer is to another question")
        if flags & 0x000F:
            raise NoAnswer({2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(flags & 15, f"error {flags & 15}"))
        at = 12
        for _ in range(questions):
            at = _name(message, at)[1] + 4
        records = []
        for _ in range(answers):
            name, at = _name(message, at)
            kind, _, ttl, length = struct.unpack_from("!HHIH", message, at)
            at += 10
            if kind in (A, AAAA):
                family = socket.AF_INET if kind == A else socket.AF_INET6
                records.append(Record(name, kind, ttl, socket.inet_ntop(family, message[at : at + length])))
            elif kind in (NS, CNAME):
                records.append(Record(name, kind, ttl, _name(message, at)[0]))
            at += length
        return bool(flags & 0x0200), records
    except (struct.error, IndexError, ValueError):
        raise NoAnswer("the answer cannot be read") from None


def ask(server: str, name: str, kind: int = A, recursive: bool = False, seconds: float = SECONDS) -> list[Record]:
    """The server's answer. `server` is an address, or ADDRESS:PORT where it is not 53. NoAnswer when there is none."""
    host, _, port = server.partition(":") if server.count(":") == 1 else (server, "", "")
    number, question = _question(name, kind, recursive)
    place = (host, int(port or 53))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.settimeout(seconds)
            channel.connect(place)
            channel.send(question)
            truncated, records = parse(channel.recv(4096), number)
        if not truncated:
            return records
        with socket.create_connection(place, seconds) as stream:
            stream.sendall(struct.pack("!H", len(question)) + question)
            file = stream.makefile("rb")
            return parse(file.read(struct.unpack("!H", file.read(2))[0]), number)[1]
    except (OSError, struct.error) as error:
        raise NoAnswer(f"{server}: {error}") from None


def resolvers() -> list[str]:
    """The desk's own, as the system's resolver library has them."""
    path = pathlib.Path("/etc/resolv.conf")
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    return [line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1]


def addresses(records: list[Record], kind: int = A) -> tuple[str, ...]:
    """Addresses of an answer, sorted: the order in which a server gives them means nothing."""
    return tuple(sorted(record.value for record in records if record.kind == kind))


def authorities(name: str, resolver: str) -> list[str]:
    """Addresses of the servers of the zone that holds `name`. NoAnswer when the resolver does not know."""
    labels = name.rstrip(".").split(".")
    words = ""
    for start in range(len(labels) - 1):
        zone = ".".join(labels[start:])
        try:
            servers = [record.value for record in ask(resolver, zone, NS, recursive=True) if record.kind == NS]
        except NoAnswer as problem:
            words = str(problem)
            continue
        found: list[str] = []
        for server in servers:
            try:
                found += addresses(ask(resolver, server, A, recursive=True))
            except NoAnswer as problem:
                words = str(problem)
        if found:
            return found
    raise NoAnswer(f"{resolver} knows no server of {name}" + (f" ({words})" if words else ""))


class Cache:
    """A resolver that honours the TTL, as a user's does: asked again only when what it said is over."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def addresses(self, name: str) -> tuple[str, ...]:
        """NoAnswer when nothing is kept and the server says nothing."""
        kept = self._kept.get(name)
        if kept is None or kept[0] <= time.monotonic():
            records = ask(self._server, name, A, recursive=True)
            ttl = min((record.ttl_seconds for record in records), default=0)
            kept = (time.monotonic() + ttl, addresses(records))
            self._kept[name] = kept
        return kept[1]
