"""Refusals for HA VPN between AWS and Google Cloud (FACTS K6–K8), and the arithmetic of its BGP sessions. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..modes import DrMode
from . import addresses, twice_problems
from .intent import Intent

TUNNELS = 4
"""Two of each connection: Google promises 99.99 % with two interfaces and AWS's four addresses (FACTS 2.4)."""

FOUR_IPS = "FOUR_IPS_REDUNDANCY"

INSIDE_RANGES = ("169.254.20.0/30", "169.254.20.4/30", "169.254.20.8/30", "169.254.20.12/30")

RESERVED_INSIDE = tuple(
    addresses.Range(text) for text in (*(f"169.254.{part}.0/30" for part in range(6)), "169.254.169.252/30")
)
"""What AWS keeps (EC2 API, VpnTunnelOptionsSpecification); in the last one is Google's metadata server, too."""

ASNS = (range(64512, 65535), range(4200000000, 4294967295))
"""Private ones that Cloud Router takes (RFC 6996); AWS's gateway takes them, too."""

HOLD_SECONDS = 30
"""Of AWS's side; of two hold times the lower one wins, and Cloud Router's is 3 x 20 s (FACTS 2.4)."""

SERVICE_PREFIXES = range(8, 25)
"""Cloud SQL takes nothing smaller than a /24 (Google, Configure private services access)."""

PREFIX_LIMIT = 40
"""Google's names have at most 63 characters, and the longest of the parts' own is 22."""


@dataclass(frozen=True)
class Inside:
    """The two ends of one tunnel inside it. AWS numbers its own end first (Site-to-Site VPN user guide)."""

    aws: str
    gcp: str
    prefix: int

    @classmethod
    def of(cls, text: str) -> "Inside":
        found = addresses.Range(text)
        return cls(str(found[1]), str(found[2]), found.prefixlen)


def silent_cut_seconds(hold_seconds: float = HOLD_SECONDS) -> float:
    """Traffic that a tunnel loses at most when it dies silently both ways: the hold time, and the routes after it."""
    return hold_seconds + 2


def one_way_cut_seconds(hold_seconds: float = HOLD_SECONDS) -> float:
    """When only one way dies. The end that hears nothing gives up after the hold time; the other one, which hears it
    still, a keepalive (a third of it) later. Seen on machines: 34.7 s at 30, 71 and 73 s at 60."""
    return hold_seconds + hold_seconds / 3


@dataclass(frozen=True, kw_only=True)
class AwsGcpVpnIntent(Intent):
    """What an AwsGcpVpn is meant to be."""

    dr_mode: str = DrMode.COLD.value
    prefix: str = "twinsite"
    aws_region: str = ""
    vpc_range: str = ""
    route_table_ids: dict[str, str | None] = field(default_factory=dict)
    """A table whose id is not known yet is "" here."""
    gcp_region: str = ""
    gcp_ranges: tuple[str, ...] = ()
    service_range: str = ""
    aws_asn: int = 64512
    gcp_asn: int = 65000
    inside_ranges: tuple[str, ...] = INSIDE_RANGES
    psk_generations: tuple[int, ...] = (1,) * TUNNELS
    redundancy_type: str = FOUR_IPS
    bfd: bool = False
    aws_tcp_ports: tuple[int, ...] = ()
    service_tcp_ports: tuple[int, ...] = ()
    gcp_tcp_ports: tuple[int, ...] = ()

    @property
    def joined(self) -> bool:
        """Whether the mode has tunnels."""
        return self.dr_mode != DrMode.COLD

    @property
    def inside(self) -> list[Inside]:
        """Of each tunnel."""
        return [Inside.of(text) for text in self.inside_ranges]

    def tunnel_name(self, at: int) -> str:
        """At Google, of the tunnel inside `inside_ranges[at]`, its interface and its session."""
        return f"{self.prefix}-tunnel-{at + 1}"

    @property
    def from_gcp(self) -> tuple[str, ...]:
        """Where Google's side calls from: its subnets, and its managed services."""
        return (*self.gcp_ranges, self.service_range)

    def problems(self) -> list[str]:
        """Why there must be no such VPN."""
        return [
            *_mode(self),
            *_prefix(self),
            *_regions(self),
            *_ranges(self),
            *_tables(self),
            *_sessions(self),
            *inside_problems(self.inside_ranges),
            *_generations(self.psk_generations),
            *_ports("aws_tcp_ports", self.aws_tcp_ports),
            *_ports("service_tcp_ports", self.service_tcp_ports),
            *_ports("gcp_tcp_ports", self.gcp_tcp_ports),
        ]


def inside_problems(texts: Sequence[str]) -> list[str]:
    """Why these cannot be the ranges inside the four tunnels."""
    problems: list[str] = []
    if len(texts) != TUNNELS:
        problems.append(
            f"inside_ranges has {len(texts)} ranges and each of the four tunnels needs one; with fewer tunnels "
            f"neither cloud promises anything: list four, like {', '.join(INSIDE_RANGES)}"
        )
    named: dict[str, addresses.Range] = {}
    for at, text in enumerate(texts):
        name = f"inside_ranges[{at}]"
        found = addresses.parse_range(name, text, problems)
        if found is None:
            continue
        named[name] = found
        if found.prefixlen != 30 or not found.subnet_of(addresses.LINK_LOCAL):
            problems.append(f"{name} {found} is no /30 of 169.254.0.0/16, and AWS takes nothing else: choose one")
        elif found in RESERVED_INSIDE:
            problems.append(f"{name} {found} is one that AWS keeps for itself: choose one like {INSIDE_RANGES[0]}")
    return [*problems, *addresses.overlap_problems(named)]


def rotation_problems(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Why these keys must not change in one step. Both are published intents. Google makes a tunnel anew for a new
    key, the old one first: with two in one step half of the way, or all of it, is gone at once."""
    was, now = AwsGcpVpnIntent.of(before), AwsGcpVpnIntent.of(after)
    if not (was.joined and now.joined):
        return []
    pairs = list(zip(was.psk_generations, now.psk_generations, strict=False))
    changed = [at for at, (old, new) in enumerate(pairs) if old != new]
    problems = [
        f"psk_generations[{at}] goes from {pairs[at][0]} to {pairs[at][1]}, and a step is one: set it to "
        f"{pairs[at][0] + 1}"
        for at in changed
        if pairs[at][1] != pairs[at][0] + 1
    ]
    if len(changed) > 1:
        step = [new if at == changed[0] else old for at, (old, new) in enumerate(pairs)]
        problems.append(
            f"psk_generations changes the keys of tunnels {', '.join(str(at + 1) for at in changed)} in one step, and "
            f"each is down until both clouds have its key: set {step} first, run `pulumi up`, and go on when that "
            "tunnel's BGP session is up again"
        )
    return problems


def renumbering_problems(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Why these numbers must not change while there are tunnels. Both are published intents. AWS makes another gateway
    for another number, and a VPC has one, which cannot go with connections on it; Google's router has one for life."""
    was, now = AwsGcpVpnIntent.of(before), AwsGcpVpnIntent.of(after)
    why = {
        "aws_asn": "AWS makes another gateway for it, of which a VPC has one, and the old one cannot go before its "
        "connections",
        "gcp_asn": "Google's router has its number for life, so that another one is made, and the old one cannot go "
        "before its tunnels",
    }
    return [
        f"{name} goes from {getattr(was, name)} to {getattr(now, name)}: {words}: set it back; or set dr_mode cold, "
        "which has no tunnels, run `pulumi up`, and change it there"
        for name, words in why.items()
        if was.joined and getattr(was, name) != getattr(now, name)
    ]


def _mode(known: AwsGcpVpnIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"


def _prefix(known: AwsGcpVpnIntent) -> Iterator[str]:
    text = known.prefix
    legal = text[:1].isalpha() and all(one.isdigit() or one.islower() or one == "-" for one in text) and text.isascii()
    if not legal or text.endswith("-") or len(text) > PREFIX_LIMIT:
        yield (
            f"prefix {text!r} cannot begin a name at Google: use lower-case letters, digits and -, a letter first, "
            f"no - at the end, at most {PREFIX_LIMIT}"
        )


def _regions(known: AwsGcpVpnIntent) -> Iterator[str]:
    for name, example in (("aws_region", "ap-northeast-2"), ("gcp_region", "asia-northeast3")):
        if not getattr(known, name):
            yield f"{name} is empty: set the region, like {example}"


def _ranges(known: AwsGcpVpnIntent) -> list[str]:
    problems: list[str] = []
    texts = {"vpc_range": known.vpc_range, "service_range": known.service_range}
    texts |= {f"gcp_ranges[{at}]": text for at, text in enumerate(known.gcp_ranges)}
    found: dict[str, addresses.Range] = {}
    for name, text in texts.items():
        parsed = addresses.parse_range(name, text, problems)
        if parsed is not None:
            found[name] = parsed
            problems += addresses.protected_range_problems(name, parsed)
    problems += addresses.overlap_problems(found)
    if "vpc_range" in found:
        problems += addresses.vpc_problems(found["vpc_range"], None)
    service = found.get("service_range")
    if service is not None and service.prefixlen not in SERVICE_PREFIXES:
        problems.append(
            f"service_range {service} is a /{service.prefixlen} and Google's managed services take /8 to /24: choose a "
            "/24, or /20 when more than databases is to be in it"
        )
    if not known.gcp_ranges:
        problems.append("gcp_ranges is empty, so AWS would let nobody in: list the ranges of the network's subnets")
    return problems


def _tables(known: AwsGcpVpnIntent) -> Iterator[str]:
    if not known.route_table_ids:
        yield (
            "route_table_ids is empty, so nothing in the VPC would learn a route to Google: list the route tables of "
            "the subnets that talk to it"
        )
    yield from twice_problems("route_table_ids", [table for table in known.route_table_ids.values() if table])


def _sessions(known: AwsGcpVpnIntent) -> Iterator[str]:
    for name in ("aws_asn", "gcp_asn"):
        asn = getattr(known, name)
        if not any(asn in private for private in ASNS):
            yield (
                f"{name} {asn} is no private number, and Cloud Router takes no other: choose one of 64512 to 65534 or "
                "4200000000 to 4294967294"
            )
    if known.aws_asn == known.gcp_asn:
        yield (
            f"aws_asn and gcp_asn are both {known.aws_asn}, so each side would drop the other's routes as its own: "
            "choose two"
        )
    if known.redundancy_type != FOUR_IPS:
        yield (
            f"redundancy_type is {known.redundancy_type}, and AWS has two addresses for each of two connections, so "
            f"that no SLA holds with fewer: remove it, or set {FOUR_IPS}"
        )
    if known.bfd:
        yield (
            "bfd is true, and sessions of an HA VPN have none (Google, BFD overview, limitations): remove it; a "
            f"silent cut costs {silent_cut_seconds():g} s by the hold time of {HOLD_SECONDS} s, a one-way cut "
            f"{one_way_cut_seconds():g} s"
        )


def _generations(found: Sequence[int]) -> Iterator[str]:
    if len(found) != TUNNELS:
        yield f"psk_generations has {len(found)} numbers and there are four tunnels: list four, like [1, 1, 1, 1]"
    for at, one in enumerate(found):
        if isinstance(one, bool) or not isinstance(one, int) or one < 1:
            yield f"psk_generations[{at}] {one!r} is no generation: set 1, and raise it by 1 to rotate that key"


def _ports(name: str, found: Sequence[int]) -> Iterator[str]:
    for port in found:
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
            yield f"{name} {port!r} is no TCP port: list numbers from 1 to 65535, like 5432"
    yield from twice_problems(name, [str(port) for port in found])
