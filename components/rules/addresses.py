"""Refusals about IPv4 ranges and addresses: sizes, overlaps, reserved ones. Pure; every sentence ends with its fix."""

import ipaddress
from collections.abc import Mapping, Sequence

Range = ipaddress.IPv4Network
Address = ipaddress.IPv4Address

PRIVATE = tuple(Range(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""RFC 1918 and RFC 6598: what a tunnel may protect."""

LINK_LOCAL = Range("169.254.0.0/16")
"""Never routed; AWS serves metadata, time and DNS there and numbers the inside of its managed tunnels from it."""

VPC_PREFIXES = range(16, 29)
"""AWS accepts VPCs and subnets from /16 to /28 (VPC user guide, VPC CIDR blocks)."""


def parse_range(name: str, text: str, problems: list[str]) -> Range | None:
    """The range, or None and a problem."""
    try:
        return Range(text)
    except ValueError as error:
        if "host bits" in str(error):
            network = ipaddress.IPv4Interface(text).network
            problems.append(f"{name} {text!r} has bits beyond its prefix: write {network}")
        else:
            problems.append(f"{name} {text!r} is not an IPv4 range: write it like 10.20.0.0/16")
        return None


def parse_address(name: str, text: str, problems: list[str]) -> Address | None:
    """The address, or None and a problem."""
    try:
        return Address(text)
    except ValueError:
        problems.append(f"{name} {text!r} is not an IPv4 address: write it like 10.20.1.10")
        return None


def protected_range_problems(name: str, found: Range) -> list[str]:
    """Why a tunnel must not claim this range."""
    if found.overlaps(LINK_LOCAL):
        return [
            f"{name} {found} is or holds link-local addresses (169.254.0.0/16), which no router forwards and AWS uses "
            "itself: choose a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        ]
    if not any(found.subnet_of(private) for private in PRIVATE):
        return [
            f"{name} {found} holds public addresses, which the tunnel would take away from the internet: "
            "choose the site's own range inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10"
        ]
    return []


def overlap_problems(ranges: Mapping[str, Range]) -> list[str]:
    """Every pair of these that overlaps; a packet would have two right answers."""
    problems = []
    named = list(ranges.items())
    for at, (name, one) in enumerate(named):
        for other_name, other in named[at + 1 :]:
            if one.overlaps(other):
                hint = " (hypervisors hand out 192.168.64.0/24 by default)" if one == Range("192.168.64.0/24") else ""
                problems.append(
                    f"{name} {one} and {other_name} {other} overlap{hint}, so one side could never reach the other: "
                    "renumber one of them"
                )
    return problems


def vpc_problems(vpc: Range | None, subnet: Range | None) -> list[str]:
    """Sizes that AWS refuses, and a subnet outside its VPC."""
    problems = [] if vpc is None else _size_problems("vpc_range", vpc)
    return problems if subnet is None else [*problems, *subnet_problems("subnet_range", subnet, vpc)]


def subnet_problems(name: str, subnet: Range, vpc: Range | None) -> list[str]:
    """A size that AWS refuses, and a subnet outside its VPC."""
    problems = _size_problems(name, subnet)
    if vpc is not None and not subnet.subnet_of(vpc):
        problems.append(f"{name} {subnet} is not inside vpc_range {vpc}: choose a part of {vpc}")
    return problems


def _size_problems(name: str, found: Range) -> list[str]:
    if found.prefixlen in VPC_PREFIXES:
        return []
    return [f"{name} {found} is a /{found.prefixlen} and AWS takes /16 to /28: choose one of those"]


def subnet_address_problems(name: str, address: Address, subnet: Range) -> list[str]:
    """An address that an interface in this AWS subnet cannot have."""
    if subnet.num_addresses < 8:
        return []  # vpc_problems refuses its size already
    first, last = subnet[4], subnet[-2]
    if address not in subnet:
        return [f"{name} {address} is not in its subnet {subnet}: choose one from {first} to {last}"]
    # AWS keeps the network address, .1 router, .2 DNS, .3 for later, and the broadcast address (VPC user guide).
    if not first <= address <= last:
        return [f"{name} {address} is one of the five that AWS reserves in {subnet}: choose one from {first} to {last}"]
    return []


def host_address_problems(name: str, address: Address, range_name: str, found: Range) -> list[str]:
    """An address that no host in this range can have."""
    if address not in found:
        return [
            f"{name} {address} is not in {range_name} {found}: set the host's own address there, or correct the range"
        ]
    if found.prefixlen < 31 and address in (found.network_address, found.broadcast_address):
        return [f"{name} {address} is the network or broadcast address of {found}: set the host's own address"]
    return []


def route_problems(peer_name: str, peer: Range, existing: Sequence[Range]) -> list[str]:
    """Routes that are there already and would win over, or clash with, the tunnel's. Broader ones lose and may stay."""
    return [
        f"the route tables already have a route to {route}, which {'is' if route == peer else 'is part of'} "
        f"{peer_name} {peer}, so packets would not take the tunnel: "
        "remove that route, or leave its table out of route_table_ids"
        for route in existing
        if route.subnet_of(peer)
    ]


def open_range_problems(name: str, found: Range, why: str) -> list[str]:
    """A range so wide that it is the world; `why` says what it would be open for."""
    if found.prefixlen >= 8:
        return []
    return [
        f"{name} {found} opens {why} to the world: list the ranges that it is really used from, one host as x.x.x.x/32"
    ]
