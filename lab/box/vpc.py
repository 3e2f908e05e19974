"""What a VPC's router must hold, computed from the World and nothing else: ports, addresses, routes, rules.

One routed cable per machine, so that every packet between two machines passes the router, also within a subnet: only
there can rules be stateful (the kernel tracks no connections on a bridge).

Unlike a real VPC: one connection table for the whole router and not one per interface; a machine does not reach its own
VPC's elastic addresses; no network ACLs, no IPv6, no DHCP; MTU 1500 everywhere.
"""

import ipaddress
import types
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.box.host import BoxError
from lab.box.layout import DNS, METADATA, PRIVATE_RANGES, VPN_ATTACHMENT, mac, port
from lab.model import Interface, Rule, Subnet, Vpc, World

UPLINK = "uplink"
RESOLVER_MARK = 0x35
RULE_PREFERENCE = 1000
DEVICE = "ens5"
"""As current EC2 instances call it."""


@dataclass(frozen=True)
class Port:
    """The router's end of a machine's cable."""

    name: str
    machine: str
    interface: str
    address: str
    gateway: str
    prefix_length: int

    @property
    def mac(self) -> str:
        return mac(self.interface)


@dataclass(frozen=True)
class Plan:
    """Everything a VPC's router holds. Two equal plans need no work."""

    ports: tuple[Port, ...]
    elastic: tuple[str, ...]
    routes: dict[tuple[str, str], str]
    """(table, destination) to the rest of the line."""
    rules: tuple[str, ...]
    nft: str


@dataclass
class Tables:
    """Numbers of the subnets' routing tables, kept while the router lives."""

    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, subnet: str) -> int:
        return self.numbers.setdefault(subnet, 100 + len(self.numbers))


def resolver(vpc: Vpc) -> str:
    """The VPC's DNS address: its own, else its range's base plus two."""
    return vpc.resolver or str(ipaddress.IPv4Network(vpc.cidr).network_address + 2)


def gateway(subnet: Subnet) -> str:
    """The subnet's router address: its range's base plus one."""
    return str(ipaddress.IPv4Network(subnet.cidr).network_address + 1)


def ports(world: World, vpc: Vpc) -> tuple[Port, ...]:
    """Cables of all machines of a VPC, running or not: an address belongs to its interface."""
    subnets = {subnet.id: subnet for subnet in world.subnets if subnet.vpc == vpc.id}
    interfaces = {face.id: face for face in world.interfaces if face.subnet in subnets}
    found: list[Port] = []
    for machine in world.machines:
        face = interfaces.get(machine.interface)
        if face is not None:
            subnet = subnets[face.subnet]
            length = ipaddress.IPv4Network(subnet.cidr).prefixlen
            found.append(Port(port(face.id), machine.id, face.id, face.address, gateway(subnet), length))
    return tuple(sorted(found, key=lambda one: one.name))


def plan(
    world: World,
    vpc: Vpc,
    tables: Tables,
    cut: frozenset[str],
    learnt: Mapping[str, frozenset[str]] = types.MappingProxyType({}),
) -> Plan:
    """The router's whole content. `cut`: machines whose cable is pulled. `learnt`: VPN router → what its sessions
    brought."""
    all_ports = ports(world, vpc)
    interfaces = {face.id: face for face in world.interfaces}
    subnets = {subnet.id: subnet for subnet in world.subnets if subnet.vpc == vpc.id}
    by_interface = {one.interface: one for one in all_ports}
    public = {
        one.address: interfaces[one.interface].public_address
        for one in all_ports
        if vpc.internet and interfaces[one.interface].public_address
    }
    routes: dict[tuple[str, str], str] = {("main", vpc.cidr): "blackhole"}
    for one in all_ports:
        routes["main", f"{one.address}/32"] = f"dev {one.name}"
        for prefix in interfaces[one.interface].prefixes:
            routes["main", prefix] = f"via {one.address} dev {one.name} onlink"
    for subnet in subnets.values():
        table = str(tables.number(subnet.id))
        # AWS drops what no route takes, in silence; without this line the router's own routes would take it.
        routes[table, "default"] = "blackhole"
        for route in subnet.routes:
            destination = _destination(route.cidr)
            routes[table, destination] = _route(route.target, by_interface, vpc)
        routes.setdefault((table, vpc.cidr), "throw")
        for one in all_ports:
            for prefix in interfaces[one.interface].prefixes:
                routes.setdefault((table, prefix), "throw")
        for router in subnet.learns:
            way = f"via {VPN_ATTACHMENT[0]} dev {port(router)} onlink"
            for cidr in sorted(learnt.get(router, ())):
                # A route that somebody wrote down wins over one that was learnt [AWS, Route priority].
                routes.setdefault((table, cidr), way)
    rules = tuple(
        f"pref {RULE_PREFERENCE} iif {one.name} lookup {tables.number(interfaces[one.interface].subnet)}"
        for one in all_ports
    )
    return Plan(
        ports=all_ports,
        elastic=tuple(sorted({*public.values(), *(one.nat for one in subnets.values() if one.nat)})),
        routes=routes,
        rules=tuple(sorted(rules)),
        nft=_nft(world, vpc, all_ports, public, cut),
    )


def _destination(cidr: str) -> str:
    network = ipaddress.IPv4Network(cidr, strict=False)
    return "default" if network.prefixlen == 0 else str(network)


def _route(target: str, by_interface: dict[str, Port], vpc: Vpc) -> str:
    if target == "local":
        return "throw"  # on to the main table, where every machine has its line
    if target == "igw":
        return "throw" if vpc.internet else "blackhole"  # the main table knows who is on the bridge
    if target == "blackhole":
        return "blackhole"
    if target.startswith("nic:"):
        through = by_interface.get(target.removeprefix("nic:"))
        # A route to an interface that no machine holds is a black hole on AWS, too.
        return f"via {through.address} dev {through.name} onlink" if through is not None else "blackhole"
    raise BoxError(f"a route's target is local, igw, nic:<interface id> or blackhole, found {target!r}")


def _nft(world: World, vpc: Vpc, all_ports: tuple[Port, ...], public: dict[str, str], cut: frozenset[str]) -> str:
    interfaces = {face.id: face for face in world.interfaces}
    members: dict[str, set[str]] = {}
    for face in world.interfaces:
        for group in face.groups:
            members.setdefault(group, set()).update((face.address, *face.prefixes))
    pulled = [one.name for one in all_ports if one.machine in cut]
    checked = [one for one in all_ports if interfaces[one.interface].source_dest_check]
    dns = resolver(vpc)
    nat = {subnet.cidr: subnet.nat for subnet in world.subnets if subnet.vpc == vpc.id and subnet.nat}
    early = [f'iifname "{name}" counter drop' for name in pulled]
    its = {one.name: _any_of((one.address, *interfaces[one.interface].prefixes)) for one in checked}
    early += [f'iifname "{one.name}" ip saddr != {its[one.name]} counter drop' for one in checked]
    # The internet carries no private address, neither way.
    early += [
        f'iifname "{UPLINK}" ip {side} {{ {", ".join(PRIVATE_RANGES)} }} counter drop' for side in ("saddr", "daddr")
    ]
    late = [f'oifname "{name}" counter drop' for name in pulled]
    dnat = [f'ip daddr {dns} meta l4proto {{ tcp, udp }} th dport 53 iifname != "{UPLINK}" dnat to {DNS}']
    snat = [f'oifname "{UPLINK}" ct original ip daddr {dns} masquerade']
    dest = [f'oifname "{one.name}" ip daddr != {its[one.name]} counter drop' for one in checked]
    leaves = [f'oifname "{UPLINK}" ct original ip daddr {dns} accept']
    snat += [f'oifname "{UPLINK}" ip saddr {cidr} snat to {address}' for cidr, address in sorted(nat.items())]
    if public:
        to_private = ", ".join(f"{outer} : {inner}" for inner, outer in sorted(public.items()))
        to_public = ", ".join(f"{inner} : {outer}" for inner, outer in sorted(public.items()))
        dnat.append(f'iifname "{UPLINK}" dnat to ip daddr map {{ {to_private} }}')
        snat.append(f'oifname "{UPLINK}" snat to ip saddr map {{ {to_public} }}')
        leaves.append(f'oifname "{UPLINK}" ip saddr != {{ {", ".join(sorted([*public, *nat]))} }} counter drop')
        arrives = [
            f'iifname "{UPLINK}" ct direction original ip daddr != {{ {", ".join(sorted(public))} }} counter drop'
        ]
    else:
        through = f"ip saddr != {{ {', '.join(sorted(nat))} }} " if nat else ""
        leaves.append(f'oifname "{UPLINK}" {through}counter drop')
        arrives = [f'iifname "{UPLINK}" ct direction original counter drop']
    chains: list[str] = []
    outward: list[str] = []
    inward: list[str] = []
    for one in all_ports:
        face = interfaces[one.interface]
        outward.append(f'"{one.name}" : jump egress_{one.name}')
        inward.append(f'"{one.name}" : jump ingress_{one.name}')
        for name, egress in (("egress", True), ("ingress", False)):
            chains += _group_chains(f"{name}_{one.name}", world, face, members, egress)
    jumps = [f"iifname vmap {{ {', '.join(outward)} }}", f"oifname vmap {{ {', '.join(inward)} }}"] if outward else []
    services = METADATA if vpc.resolver in ("", METADATA) else f"{{ {METADATA}, {vpc.resolver} }}"
    metadata = [
        f'iifname "{one.name}" ip saddr {_any_of((one.address, *interfaces[one.interface].prefixes))} '
        f"ip daddr {services} tcp dport 80 accept"
        for one in all_ports
    ]
    tracked = ["ct state established,related accept", "ct state invalid counter drop"]
    blocks = [
        # Before connection tracking: a cut and a spoofed source leave no trace in it.
        _chain("early", ["type filter hook prerouting priority -310; policy accept;", *early]),
        _chain("dstnat", ["type nat hook prerouting priority -100; policy accept;", *dnat]),
        _chain(
            "to_resolver",
            [
                "type filter hook prerouting priority -90; policy accept;",
                f'iifname != "{UPLINK}" ct original ip daddr {dns} meta mark set {RESOLVER_MARK}',
            ],
        ),
        *chains,
        _chain(
            "forward",
            [
                "type filter hook forward priority 0; policy drop;",
                *dest,
                *leaves,
                *arrives,
                *tracked,
                *jumps,
                "accept",
            ],
        ),
        _chain(
            "input",
            ["type filter hook input priority 0; policy drop;", 'iifname "lo" accept', *tracked, *metadata],
        ),
        _chain("srcnat", ["type nat hook postrouting priority 100; policy accept;", *snat]),
        _chain("late", ["type filter hook postrouting priority 310; policy accept;", *late]),
    ]
    return "table ip box\ndelete table ip box\ntable ip box {\n" + "".join(blocks) + "}\n"


def _any_of(addresses: tuple[str, ...]) -> str:
    return addresses[0] if len(addresses) == 1 else f"{{ {', '.join(addresses)} }}"


def _chain(name: str, lines: list[str]) -> str:
    return f"    chain {name} {{\n" + "".join(f"        {line}\n" for line in lines) + "    }\n"


def _group_chains(name: str, world: World, face: Interface, members: dict[str, set[str]], egress: bool) -> list[str]:
    """The interface's chain, and before it those that it jumps to: one for each ordered group."""
    ordered = [group for group in world.groups if group.id in face.groups and group.ordered]
    if not ordered:
        return [_chain(name, _group_rules(world, face, members, egress))]
    parts = []
    for at, group in enumerate(ordered):
        rules = group.egress if egress else group.ingress
        lines = [line for rule in rules if (line := _rule(rule, members, egress))]
        parts.append(_chain(f"{name}_{at}", [*lines, "counter drop"]))
    return [*parts, _chain(name, [f"jump {name}_{at}" for at in range(len(ordered))])]


def _group_rules(world: World, face: Interface, members: dict[str, set[str]], egress: bool) -> list[str]:
    """Rules of all groups of an interface. Matching means `return` to the chain that asks the other side; else drop."""
    groups = {group.id: group for group in world.groups}
    lines: list[str] = []
    for identity in face.groups:
        group = groups[identity]
        for rule in group.egress if egress else group.ingress:
            line = _rule(rule, members, egress)
            if line and line not in lines:
                lines.append(line)
    return [*lines, "counter drop"]


def _rule(rule: Rule, members: dict[str, set[str]], egress: bool) -> str:
    words: list[str] = []
    side = "daddr" if egress else "saddr"
    if rule.group:
        addresses = sorted(members.get(rule.group, set()))
        if not addresses:
            return ""
        words.append(f"ip {side} {{ {', '.join(addresses)} }}")
    else:
        network = ipaddress.IPv4Network(rule.cidr, strict=False)
        if network.prefixlen:
            words.append(f"ip {side} {network}")
    if rule.near and ipaddress.IPv4Network(rule.near, strict=False).prefixlen:
        words.append(f"ip {'saddr' if egress else 'daddr'} {ipaddress.IPv4Network(rule.near, strict=False)}")
    if rule.protocol in {"tcp", "udp"}:
        words.append(f"{rule.protocol} dport {rule.from_port}-{rule.to_port}")
    elif rule.protocol == "icmp":
        # EC2 keeps an ICMP rule's type and code in the port fields; -1 is any.
        words.append(f"icmp type {rule.from_port}" if rule.from_port >= 0 else "ip protocol icmp")
        if rule.from_port >= 0 and rule.to_port >= 0:
            words.append(f"icmp code {rule.to_port}")
    elif rule.protocol != "-1":
        words.append(f"ip protocol {int(rule.protocol)}")
    return " ".join([*words, "counter drop" if rule.deny else "return"])
