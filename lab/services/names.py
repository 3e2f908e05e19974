"""DNS on the wire: the cloud's host names, hosted zones, the world's names, and nothing of the real internet."""

import re
import threading
from collections.abc import Callable, Mapping

from dnslib import QTYPE, RCODE, RR, DNSHeader, DNSRecord  # type: ignore[import-untyped]
from dnslib.server import BaseResolver, DNSServer  # type: ignore[import-untyped]

from lab.services.front import ADDRESS as FRONT
from lab.services.front import SERVICES
from lab.services.route53_api import HOST as ROUTE53
from lab.services.zones import NEGATIVE_TTL_SECONDS, Found

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
    if name == ROUTE53 or _AWS.fullmatch(name):
        return FRONT[0]
    private = _EC2.fullmatch(name)
    return ".".join(private.groups()) if private else None


ZoneAnswer = Callable[[str, str], Found | None]
"""(name, type) → what a hosted zone says; None when no zone has the name."""


def _no_zones(name: str, kind: str) -> Found | None:
    return None


class Resolver(BaseResolver):  # type: ignore[misc]
    """Answers everything there is in the lab. Hosted zones come first, as names of a domain are its owner's."""

    def __init__(self, names: Callable[[], Mapping[str, str]], zones: ZoneAnswer = _no_zones) -> None:
        self._names = names
        self._zones = zones

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        question = request.q
        kind = QTYPE.get(question.qtype)
        # ra: a stub resolver expects recursion
        reply = DNSRecord(DNSHeader(id=request.header.id, qr=1, ra=1, rd=request.header.rd), q=question)
        found = self.find(str(question.qname), "A" if kind == "ANY" else kind)
        reply.header.aa = int(bool(found.zone))
        for owner, said, data, ttl in found.answers:
            line = f"{owner}. {ttl} IN {said} {_quoted(data) if said == 'TXT' else data}"
            reply.add_answer(*RR.fromZone(line if said != "SOA" else f"{line} 1 7200 900 1209600 86400"))
        if not found.exists:
            reply.header.rcode = RCODE.NXDOMAIN
        if not found.answers and found.zone:
            soa = f"{found.zone}. {NEGATIVE_TTL_SECONDS} IN SOA ns.{found.zone}. hostmaster.{found.zone}."
            reply.add_auth(*RR.fromZone(f"{soa} 1 7200 900 1209600 {NEGATIVE_TTL_SECONDS}"))
        return reply

    def find(self, name: str, kind: str, depth: int = 0) -> Found:
        """The answer with every CNAME on the way followed."""
        name = name.rstrip(".").lower()
        found = self._zones(name, kind)
        if found is None:
            address = lookup(name, self._names())
            if address is None:
                return Found(exists=False)
            return Found(((name, "A", address, TTL_SECONDS),) if kind == "A" else ())
        if kind in ("A", "AAAA") and depth < 8 and found.answers and found.answers[0][1] == "CNAME":
            further = self.find(found.answers[0][2], kind, depth + 1)
            return Found((found.answers[0], *further.answers), True, found.zone)
        return found

    def address(self, name: str) -> str | None:
        """One IPv4 address of a name, for services of the lab that connect to names."""
        return next((data for _, kind, data, _ in self.find(name, "A").answers if kind == "A"), None)


def _quoted(text: str) -> str:
    return text if text.startswith('"') else '"' + text.replace('"', r"\"") + '"'


class Names:
    """UDP and TCP on one address. Create it inside the namespace it shall serve (netns.inside)."""

    def __init__(self, resolver: BaseResolver, address: str = ADDRESS, port: int = 53) -> None:
        quiet = _Quiet()
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
