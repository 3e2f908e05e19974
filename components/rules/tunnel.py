"""Refusals for an IPsec tunnel (FACTS K1-K5, K8, K9), and the arithmetic of its timers. Pure, over plain values."""

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..guest.gateway.settings import NAME_PATTERN
from ..guest.gateway.timers import Timers
from . import addresses, twice_problems
from .hosts import Login, delivery_problems, gate_problems, machine_problems
from .intent import Intent

DETECT_LIMIT_SECONDS = 15.0
"""A dead peer must be noticed within this (FACTS section 18)."""

WAIT_LIMIT_SECONDS = 5.0
"""Traffic must be back this soon after the path (FACTS section 18), so no wait between two tries may be longer."""

FEWEST_TRIES = 4
"""At 5 % loss each way one try fails with 1 - 0.95^2 = 9.75 %. 200 probes in 10 minutes with 1 + 4 tries each give
200 x 0.0975^5 = 0.2 % chance of a needless re-establishment; with 1 + 3 tries 1.8 %."""

PSK_BITS = 256
PSK_LENGTH = range(8, 65)
PSK_PATTERN = re.compile(r"[A-Za-z0-9._]*")
"""What a managed AWS VPN takes: 8..64 of these, the first not 0 (FACTS 2.3)."""


def detect_seconds(timers: Timers | None = None) -> float:
    """From a peer's last packet until it is taken for dead; without an argument, with the library's timers."""
    return (timers or Timers()).detect_seconds


def psk_problems(key: str) -> list[str]:
    """Why this must not be a pre-shared key. Never quotes it."""
    problems = []
    if len(key) not in PSK_LENGTH:
        problems.append(f"the key has {len(key)} characters and AWS takes 8 to 64: let twinsite generate it (48)")
    if not PSK_PATTERN.fullmatch(key):
        problems.append("the key has characters beyond A-Z a-z 0-9 . _, which AWS rejects: let twinsite generate it")
    if key.startswith("0"):
        problems.append(
            "the key begins with 0, which AWS rejects and strongSwan may read as hex: let twinsite generate it"
        )
    bits = len(key) * math.log2(62)
    if bits < PSK_BITS:
        problems.append(
            f"{len(key)} characters hold at most {bits:.0f} bits and 256 are needed: let twinsite generate it"
        )
    # 48 random characters of 62 show fewer than 20 different ones less than once in 10^9 keys.
    if len(set(key)) < 20:
        problems.append(f"the key has only {len(set(key))} different characters, so it is not random: generate it")
    return problems


def timer_problems(timers: Timers) -> list[str]:
    """Why these timers notice a dead peer too late, or a living one too early."""
    problems = []
    detect, wait = timers.detect_seconds, timers.longest_wait_seconds
    if timers.dpd_delay_seconds < 1:
        problems.append("dpd_delay_seconds below 1 switches dead-peer detection off: set dpd_delay_seconds to 3")
    if detect > DETECT_LIMIT_SECONDS:
        problems.append(
            f"these timers notice a dead peer after {detect:.1f} s (dpd_delay + timeout x base^n, n = 0..tries; "
            "upstream's with a delay of 30: 195 s), more than 15 s: use the defaults 3, 1.5, 1, 6, which need 13.5 s"
        )
    if wait > WAIT_LIMIT_SECONDS:
        problems.append(
            f"an initiator could wait {wait:.1f} s for its next try after the path is back, more than 5 s: "
            "set retransmit_base to 1 and add tries instead"
        )
    if timers.retransmit_tries < FEWEST_TRIES:
        problems.append(
            f"retransmit_tries {timers.retransmit_tries} re-establishes a living tunnel at 5 % loss: "
            f"set at least {FEWEST_TRIES}, with a shorter retransmit_timeout_seconds"
        )
    return problems


@dataclass(frozen=True, kw_only=True)
class StrongSwanTunnelIntent(Intent):
    """What a StrongSwanTunnel is meant to be."""

    connection_name: str = "onprem-aws"
    region: str | None = None
    availability_zone: str | None = None
    vpc_range: str = ""
    subnet_range: str = ""
    route_table_ids: dict[str, str | None] | None = None
    """A table whose id is not known yet is "" here."""
    existing_routes: tuple[str, ...] = ()
    gateway_address: str = ""
    ami: str | None = None
    instance_type: str = "t3.small"
    onprem_range: str = ""
    onprem_gateway_address: str = ""
    onprem_public_range: str = ""
    onprem_behind_nat: bool = True
    onprem_forwards_ike: bool = False
    onprem_connection: Login | None = None
    delivery: str = "ssh"
    gate: str = "wait"
    gate_timeout_seconds: int | None = None
    initiator: str = "onprem"
    psk_generation: int = 1
    timers: dict[str, float] = field(default_factory=dict)
    """All of them."""
    nat_range: str = ""
    forward_ranges: tuple[str, ...] = ()
    operator_ranges: tuple[str, ...] = ()
    operator_keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> "StrongSwanTunnelIntent":
        """As Part.of; timers that are not given are the library's own."""
        given = args.get("timers") or {}
        own = dataclasses.asdict(Timers())
        return super().of({**args, "timers": {**own, **given} if isinstance(given, Mapping) else given})

    def problems(self) -> list[str]:
        """Why there must be no such tunnel."""
        return [
            *_names(self),
            *_ranges(self),
            *_ends(self),
            *_keys(self),
            *_access(self),
            *machine_problems(self.ami, self.instance_type, self.region, self.availability_zone),
            *_timers(self),
            *delivery_problems(self.delivery, self.gate, self.onprem_connection is not None),
            *gate_problems(self.gate_timeout_seconds),
        ]


def _names(known: StrongSwanTunnelIntent) -> Iterator[str]:
    name = known.connection_name
    if not NAME_PATTERN.fullmatch(name):
        yield (
            f"connection_name {name!r} cannot be a section of swanctl.conf: "
            "use letters, digits, - and _, a letter first, at most 32"
        )


def _ranges(known: StrongSwanTunnelIntent) -> list[str]:
    problems: list[str] = []
    found: dict[str, addresses.Range] = {}
    texts = {name: getattr(known, name) for name in ("vpc_range", "subnet_range", "onprem_range", "nat_range")}
    for name, text in texts.items():
        if text or name in ("vpc_range", "onprem_range"):
            parsed = addresses.parse_range(name, text, problems)
            if parsed is not None:
                found[name] = parsed
    vpc, subnet, onprem, nat = (found.get(n) for n in ("vpc_range", "subnet_range", "onprem_range", "nat_range"))
    sides: dict[str, addresses.Range] = {name: found[name] for name in ("vpc_range", "onprem_range") if name in found}
    for name, side in sides.items():
        problems += addresses.protected_range_problems(name, side)
    problems += addresses.overlap_problems(sides)
    problems += addresses.vpc_problems(vpc, subnet)
    gateway = addresses.parse_address("gateway_address", known.gateway_address, problems)
    if gateway is not None and subnet is not None:
        problems += addresses.subnet_address_problems("gateway_address", gateway, subnet)
    own = addresses.parse_address("onprem_gateway_address", known.onprem_gateway_address, problems)
    if own is not None and onprem is not None:
        problems += addresses.host_address_problems("onprem_gateway_address", own, "onprem_range", onprem)
    if nat is not None and vpc is not None and not nat.subnet_of(vpc):
        problems.append(
            f"nat_range {nat} is not inside vpc_range {vpc}: set the private subnet's range, or leave it empty"
        )
    problems += _forwarded(known, vpc, nat)
    existing = []
    for text in known.existing_routes:
        route = addresses.parse_range("existing_routes", text, problems)
        existing += [route] if route is not None else []
    if onprem is not None:
        problems += addresses.route_problems("onprem_range", onprem, existing)
    tables = known.route_table_ids
    if tables is not None:
        plain = [table for table in tables.values() if table]
        if not tables:
            problems.append(
                "route_table_ids is empty, so nothing in the VPC would find the tunnel: "
                "list the route tables of the subnets that talk to on-prem"
            )
        if len(set(plain)) != len(plain):
            problems.append(f"route_table_ids names a table twice ({', '.join(plain)}): list each once")
    return problems


def _forwarded(known: StrongSwanTunnelIntent, vpc: addresses.Range | None, nat: addresses.Range | None) -> list[str]:
    problems: list[str] = []
    texts = known.forward_ranges
    parsed = [addresses.parse_range("forward_ranges", text, problems) for text in texts]
    ranges = [found for found in parsed if found is not None]
    problems += [
        f"forward_ranges {found} is not inside vpc_range {vpc}, and nothing else reaches the gateway's inside: choose "
        f"a part of {vpc}"
        for found in ranges
        if vpc is not None and not found.subnet_of(vpc)
    ]
    problems += [
        f"forward_ranges {one} is part of {other}, which admits it already: remove it"
        for one in ranges
        for other in ranges
        if one != other and one.subnet_of(other)
    ]
    if ranges and nat is not None and not any(nat.subnet_of(found) for found in ranges):
        problems.append(
            f"forward_ranges leaves out nat_range {nat}, whose way out and way to on-prem the gateway is: list it, too"
        )
    return [*problems, *twice_problems("forward_ranges", texts)]


def _ends(known: StrongSwanTunnelIntent) -> list[str]:
    problems: list[str] = []
    value = known.initiator
    if value not in ("onprem", "aws"):
        problems.append(
            f"initiator {value!r} is not one end; with both calling, duplicate SAs stay, with none nothing starts: "
            "set initiator to onprem or aws"
        )
    public_text = known.onprem_public_range
    public = addresses.parse_range("onprem_public_range", public_text, problems) if public_text else None
    if public is not None:
        if any(public.subnet_of(private) for private in addresses.PRIVATE):
            problems.append(
                f"onprem_public_range {public} is private, and AWS sees on-prem by the address of its NAT: "
                "set the public address, or leave it empty when it changes"
            )
        problems += addresses.open_range_problems("onprem_public_range", public, "IKE")
    if value != "aws":
        return problems
    if known.onprem_behind_nat and not known.onprem_forwards_ike:
        problems.append(
            "initiator is aws but on-prem is behind a NAT that forwards nothing, and EC2 is behind its own, so nobody "
            "could call: set initiator to onprem, or forward UDP 500 and 4500 there and set onprem_forwards_ike"
        )
    if public is None or public.prefixlen != 32:
        problems.append(
            f"initiator is aws but onprem_public_range {public_text!r} is not one address to call: "
            "set it to the on-prem public address with /32, or set initiator to onprem"
        )
    return problems


def _keys(known: StrongSwanTunnelIntent) -> Iterator[str]:
    generation = known.psk_generation
    if isinstance(generation, bool) or not isinstance(generation, int) or generation < 1:
        yield f"psk_generation {generation!r} is not a generation: set 1, and raise it by 1 to rotate the key"


def _access(known: StrongSwanTunnelIntent) -> list[str]:
    problems: list[str] = []
    for text in known.operator_ranges:
        found = addresses.parse_range("operator_ranges", text, problems)
        if found is not None:
            problems += addresses.open_range_problems("operator_ranges", found, "SSH")
    problems += twice_problems("operator_ranges", known.operator_ranges)
    for key in known.operator_keys:
        if "PRIVATE KEY" in key:
            problems.append(
                "operator_keys holds a private key, which must never leave its owner: set the .pub file's line"
            )
        elif not re.fullmatch(r"(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/=]+( [^\n]*)?", key):
            problems.append(
                f"operator_keys {key[:40]!r} is not a public key: set the .pub file's line (ssh-ed25519 AAAA…)"
            )
    return problems


def _timers(known: StrongSwanTunnelIntent) -> list[str]:
    given = known.timers
    names = {one.name for one in dataclasses.fields(Timers)}
    unknown = sorted(set(given) - names)
    if unknown:
        return [f"timers has no {', '.join(unknown)}: use {', '.join(sorted(names))}"]
    bad = [
        name
        for name, value in given.items()
        if isinstance(value, bool) or not isinstance(value, int | float) or (name in _WHOLE and value % 1)
    ]
    negative = [name for name in given if name not in bad and given[name] < 0]
    if bad or negative:
        return [f"timers {', '.join(bad + negative)} must be numbers of seconds, or of tries: use {Timers()}"]
    return timer_problems(timers(known))


def timers(known: StrongSwanTunnelIntent) -> Timers:
    """As the gateways take them."""
    given: dict[str, Any] = {name: int(value) if name in _WHOLE else value for name, value in known.timers.items()}
    return Timers(**given)


_WHOLE = ("dpd_delay_seconds", "retransmit_tries")
