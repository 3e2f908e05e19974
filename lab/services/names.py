"""DNS on the wire: the cloud's host names, the world's names, and nothing of the real internet."""

import re
import threading
from collections.abc import Callable, Mapping

from dnslib import QTYPE, RCODE, RR, A, DNSHeader, DNSRecord  # type: ignore[import-untyped]
from dnslib.server import BaseResolver, DNSServer  # type: ignore[import-untyped]

from lab.services.front import ADDRESS as FRONT
from lab.services.front import SERVICES

ADDRESS = "198.51.100.53"

TTL_SECONDS = 5
"""Short: names of the world change within one `up`."""

_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_AWS = re.compile(rf"(?:(?:[a-z0-9.-]+\.)?s3(?:\.{_REGION})?|(?:{'|'.join(SERVICES[1:])})\.{_REGION})\.amazonaws\.com")
_EC2 = re.compile(rf"ip-(\d+)-(\d+)-(\d+)-(\d+)\.(?:{_REGION}\.compute|ec2)\.internal")


def lookup(name: str, world: Mapping[str, str]) -> str | None:
    """The IPv4 address of a name; None when it does not exist."""
    name = name.rstrip(".").lower()
    if name in world:
        return world[name]
    if _AWS.fullmatch(name):
        return FRONT[0]
    private = _EC2.fullmatch(name)
    return ".".join(private.groups()) if private else None


class _Resolver(BaseResolver):  # type: ignore[misc]
    def __init__(self, names: Callable[[], Mapping[str, str]]) -> None:
        self._names = names

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        question = request.q
        address = lookup(str(question.qname), self._names())
        # ra: a stub resolver expects recursion; aa would be a lie
        reply = DNSRecord(DNSHeader(id=request.header.id, qr=1, ra=1, rd=request.header.rd), q=question)
        if address is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif question.qtype in (QTYPE.A, QTYPE.ANY):
            reply.add_answer(RR(question.qname, QTYPE.A, rdata=A(address), ttl=TTL_SECONDS))
        return reply


class Names:
    """UDP and TCP on one address. Create it inside the namespace it shall serve (netns.inside)."""

    def __init__(self, names: Callable[[], Mapping[str, str]], address: str = ADDRESS, port: int = 53) -> None:
        quiet = _Quiet()
        resolver = _Resolver(names)
        self._servers = [
            DNSServer(resolver, address=address, port=port, tcp=tcp, logger=quiet) for tcp in (False, True)
        ]
        for server in self._servers:
            server.server.daemon_threads = True

    def start(self) -> None:
        for server in self._servers:
            threading.Thread(target=server.server.serve_forever, args=(0.1,), name="dns", daemon=True).start()

    def stop(self) -> None:
        for server in self._servers:
            server.server.shutdown()
            server.server.server_close()


class _Quiet:
    """dnslib's logger interface; a lookup is nothing to write down."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None
