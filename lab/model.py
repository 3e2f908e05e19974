"""What should exist in the box: plain records that provider stand-ins write and the box makes real.

The box reconciles: `apply(World)` compares with what runs and changes only the difference. All ids are the cloud's own
(vpc-…, i-…). Lengths and names of kernel objects are derived inside the box, never stored here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rule:
    """One security-group rule. `protocol` is tcp, udp, icmp, 50 (ESP) or -1 (all); ports are inclusive."""

    protocol: str
    from_port: int
    to_port: int
    cidr: str = ""
    """IPv4 range of the other side; empty when `group` is set."""
    group: str = ""
    """Id of the other side's security group."""
    near: str = ""
    """IPv4 range on the machine's own side; empty for any. Only in ordered groups."""
    deny: bool = False
    """Only in ordered groups."""


@dataclass(frozen=True)
class SecurityGroup:
    """Allows what one of its rules allows; all groups of an interface together, as on AWS.

    An ordered one is Azure's: the first rule that fits decides, and every group of the interface has to allow.
    """

    id: str
    vpc: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    ordered: bool = False


@dataclass(frozen=True)
class Route:
    """`target` is `local`, `igw`, `nic:<interface id>` or `blackhole`."""

    cidr: str
    target: str


@dataclass(frozen=True)
class Subnet:
    id: str
    vpc: str
    cidr: str
    routes: tuple[Route, ...] = ()
    """Effective routes: those of the associated (or main) route table."""
    nat: str = ""
    """Public address of the subnet's NAT gateway: whatever its machines begin leaves from there."""
    learns: tuple[str, ...] = ()
    """Ids of VPN routers: what their sessions bring is in the subnet's table, as long as they do."""


@dataclass(frozen=True)
class Vpc:
    id: str
    cidr: str
    internet: bool = False
    """An internet gateway is attached."""
    resolver: str = ""
    """Address of its DNS; empty: its range's base plus two. Azure's is one and the same everywhere, and also where
    machines' agents ask what to do."""


@dataclass(frozen=True)
class Interface:
    id: str
    subnet: str
    address: str
    groups: tuple[str, ...] = ()
    source_dest_check: bool = True
    public_address: str = ""
    """Elastic address mapped 1:1 to `address`; empty when none."""
    prefixes: tuple[str, ...] = ()
    """Ranges that are its, too, for pods on its machine: Google's alias ranges, prefixes that EC2 delegates."""


@dataclass(frozen=True)
class Volume:
    """A block device of its own; survives machines."""

    id: str
    gib: int


@dataclass(frozen=True)
class Machine:
    """A cloud machine. It boots the image once with `user_data`; the same id again after a stop boots the same disk."""

    id: str
    interface: str
    user_data: str = ""
    """Verbatim, as the provider got it (decoded)."""
    volumes: tuple[tuple[str, str], ...] = ()
    """(device name such as /dev/sdf, or lunN on Azure, volume id). Attached and detached while the machine runs."""
    role: str = ""
    """Instance role whose credentials the metadata service hands out."""
    metadata_hop_limit: int = 1
    metadata_tokens_required: bool = True
    hostname: str = ""
    running: bool = True
    region: str = "ap-northeast-2"
    agent: bool = False
    """The image carries the cloud's own agent, which asks the cloud for commands and runs them (Azure's images do)."""


@dataclass(frozen=True)
class TunnelEnd:
    """One end of a tunnel of a cloud's own VPN, as its cloud was told of it. The other one may have been told else."""

    id: str
    outside: str
    """Its public address."""
    peer: str
    """That of the other end."""
    key: str = field(repr=False)
    """Pre-shared."""
    ike: str
    """Proposals in strongSwan's words."""
    esp: str
    calls: bool
    """Whether it calls until it is answered, or only answers and forgets a peer that is gone."""
    inside: str
    """Its address inside the tunnel, with prefix length."""
    neighbour: str
    """Whom its BGP session is with."""
    neighbour_asn: int


@dataclass(frozen=True)
class VpnRouter:
    """A cloud's side of its own VPN: what all its tunnels end in, with a BGP session in each."""

    id: str
    asn: int
    advertised: tuple[str, ...]
    """IPv4 ranges."""
    ends: tuple[TunnelEnd, ...]
    paths: int
    """How many equal ones it uses at once."""
    keepalive_seconds: int
    hold_seconds: int
    vpc: str = ""
    """The network that it is attached to; empty: none."""
    shut: tuple[str, ...] = ()
    """Ends whose session its cloud was told to shut down."""


SITE_ADDRESS = "203.0.113.64"
"""The on-prem site's only public address; its router masquerades behind it."""
OPERATOR_ADDRESS = "203.0.113.10"
"""Where the operator's desk is in the internet."""


@dataclass(frozen=True)
class SiteMachine:
    """A machine of the on-prem site. The router forwards its `forwarded_port` to the machine's SSH."""

    name: str
    address: str
    """In the site's LAN (lab/box/layout.py)."""
    forwarded_port: int


@dataclass(frozen=True)
class World:
    """All of it. The pre-existing on-prem site and the operator are the box's own and not listed here."""

    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    groups: tuple[SecurityGroup, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    volumes: tuple[Volume, ...] = ()
    machines: tuple[Machine, ...] = ()
    vpns: tuple[VpnRouter, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    """Private or public DNS names to IPv4 addresses."""

    def placed(self) -> Iterator[tuple[Machine, Interface, str]]:
        """Machines with their interface and VPC; without those that wait for theirs."""
        vpcs = {subnet.id: subnet.vpc for subnet in self.subnets}
        faces = {face.id: face for face in self.interfaces if face.subnet in vpcs}
        for machine in self.machines:
            if face := faces.get(machine.interface):
                yield machine, face, vpcs[face.subnet]

    def at(self, vpc: str, address: str) -> tuple[Machine, Interface] | None:
        """Who has this private address in a VPC."""
        return next(((one, face) for one, face, its in self.placed() if (its, face.address) == (vpc, address)), None)
