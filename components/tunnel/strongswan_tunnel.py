"""An IKEv2 site-to-site tunnel between a strongSwan gateway on EC2 and an existing Linux gateway on-prem."""

import dataclasses
from enum import Enum
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from ..component import Component
from ..guest.gateway import settings as gateway_settings
from ..handle import Given
from ..machine import documents
from ..machine.ec2_host import Ec2Host, ec2_followup
from ..machine.gate import GATE_SECONDS, GateMode
from ..machine.guest_store import GuestStoreHandle
from ..machine.onprem_host import Connection, Delivery, HostGate, OnPremHost, login, onprem_followup
from ..rules.tunnel import StrongSwanTunnelIntent, detect_seconds, timers
from .entry import AWS_HOST, ONPREM_HOST, tunnel_entry
from .keys import key

ANYWHERE = "0.0.0.0/0"


class End(str, Enum):
    """An end of the tunnel."""

    ONPREM = "onprem"
    AWS = "aws"


class TimersArgs(TypedDict):
    """Dead-peer detection and retransmission. Noticed after delay + sum(timeout x base^n, n = 0..tries): 13.5 s."""

    dpd_delay_seconds: NotRequired[int]
    """Defaults to 3."""

    retransmit_timeout_seconds: NotRequired[float]
    """Defaults to 1.5. Retransmission is charon's own and holds for all of a host's connections."""

    retransmit_base: NotRequired[float]
    """Defaults to 1, a flat ladder: it bounds recovery as well as detection."""

    retransmit_tries: NotRequired[int]
    """Defaults to 6."""


class StrongSwanTunnelArgs(TypedDict):
    """Arguments of StrongSwanTunnel."""

    connection_name: NotRequired[str]
    """Of the swanctl connection on both ends. Defaults to onprem-aws."""

    region: str
    """AWS region, for instance ap-northeast-2."""

    availability_zone: pulumi.Input[str]
    """Where the subnet is, for instance ap-northeast-2a."""

    vpc_id: pulumi.Input[str]
    """VPC of the AWS gateway."""

    vpc_range: str
    """CIDR that the tunnel protects in AWS. Plain, because a rule reads it."""

    subnet_id: pulumi.Input[str]
    """Subnet of the AWS gateway; it needs a route to an internet gateway."""

    subnet_range: str
    """CIDR of that subnet."""

    route_table_ids: dict[str, pulumi.Input[str]]
    """Route tables that get a route to onprem_range, each under a name for life, like private. A plain mapping, because
    its names decide what exists."""

    existing_routes: NotRequired[list[str]]
    """CIDRs that these route tables route already; a clash is refused. Defaults to none known."""

    gateway_address: str
    """Fixed private address of the AWS gateway in its subnet."""

    ami: str
    """Pinned image of Debian or Ubuntu with strongSwan 5.9.6 or newer."""

    instance_type: NotRequired[str]
    """Defaults to t3.small."""

    store: Given[GuestStoreHandle]
    """Where the AWS gateway finds its documents."""

    onprem_range: str
    """CIDR that the tunnel protects on-prem."""

    onprem_gateway_address: str
    """Private address of the existing on-prem gateway host, inside onprem_range."""

    onprem_public_range: NotRequired[str]
    """Range from which on-prem calls, as AWS sees it. Defaults to empty: unknown, so IKE is open to any address."""

    onprem_behind_nat: NotRequired[bool]
    """Whether a NAT stands before the on-prem gateway. Defaults to True."""

    onprem_forwards_ike: NotRequired[bool]
    """Whether that NAT forwards UDP 500 and 4500 to the gateway. Defaults to False."""

    onprem_connection: NotRequired[Connection | None]
    """SSH to the on-prem gateway. Left out with delivery by bundle."""

    delivery: NotRequired[Delivery]
    """How the on-prem end is set up. Defaults to SSH."""

    onprem_gone: NotRequired[bool]
    """The on-prem gateway host exists no more: `destroy` then leaves it alone. Defaults to False."""

    gate: NotRequired[GateMode]
    """Whether `up` waits until the tunnel works. Defaults to WAIT."""

    gate_timeout_seconds: NotRequired[int]
    """How long the gate waits. Defaults to 900, see GATE_SECONDS."""

    initiator: NotRequired[End]
    """The one end that calls. Defaults to ONPREM, the end behind NAT."""

    psk_generation: NotRequired[int]
    """Raise by 1 to rotate the key. Defaults to 1."""

    timers: NotRequired[TimersArgs]
    """Defaults to the library's one set."""

    nat_range: NotRequired[str]
    """Subnet to which the AWS gateway is also the way to the internet. Defaults to empty: none."""

    forward_ranges: NotRequired[list[str]]
    """CIDRs in the VPC whose packets the AWS gateway takes, for on-prem or (nat_range) the internet. Defaults to
    vpc_range."""

    operator_ranges: NotRequired[list[str]]
    """CIDRs that may reach the AWS gateway by SSH. Defaults to none."""

    operator_keys: NotRequired[list[str]]
    """SSH public keys that may log in to it. Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class StrongSwanTunnel(Component):
    """Connects a VPC with an on-prem network by IPsec, and does not say it works until a packet has crossed.

    Creates in every mode: the AWS gateway (Ec2Host) with its security group, elastic address and routes; three
    generations of the pre-shared key; the on-prem end (OnPremHost), over SSH or as a bundle; the gate; and, once the
    gate has passed, the step that removes the key before the current one.
    """

    public_address: pulumi.Output[str]
    """Elastic address of the AWS gateway."""
    gateway_instance_id: pulumi.Output[str]
    gateway_interface_id: pulumi.Output[str]
    """Target for more routes to on-prem, or to the internet with nat_range."""
    gateway_security_group_id: pulumi.Output[str]
    host_key: pulumi.Output[str]
    """SSH host key of the AWS gateway."""
    onprem_bundle: pulumi.Output[str | None]
    """Secret, base64: the archive to hand over; None with delivery by SSH."""
    digest: pulumi.Output[str]
    """Changes when anything that either gateway is told changes."""
    ready: pulumi.Output[str]
    """What the gate saw. Whatever needs the tunnel depends on this."""
    detect_seconds: float
    """A dead peer is noticed after this."""

    def __init__(self, name: str, args: StrongSwanTunnelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = _Plain(StrongSwanTunnelIntent.of(args))
        super().__init__("StrongSwanTunnel", name, known.intent, opts)
        child = pulumi.ResourceOptions(parent=self)
        region, tags, store = args["region"], args.get("tags", {}), args["store"]
        connection = args.get("onprem_connection")

        self._firewall(name, args, known)
        keys = self._keys(name, known.psk_generation)
        config = known.aws_config()
        gateway = Ec2Host(
            f"{name}-{AWS_HOST}",
            {
                "host": AWS_HOST,
                "role": "gateway",
                "config": config,
                "secrets": keys,
                "ami": args["ami"],
                "instance_type": known.intent.instance_type,
                "availability_zone": args["availability_zone"],
                "subnet_id": args["subnet_id"],
                "private_address": args["gateway_address"],
                "security_group_ids": [self.gateway_security_group_id],
                "store": store,
                "operator_keys": list(known.intent.operator_keys),
                "followup": known.retires_keys,
                "forwards": True,
                "tags": tags,
            },
            child,
        )
        address = aws.ec2.Eip(
            f"{name}-{AWS_HOST}", domain="vpc", region=region, tags={**tags, "Name": AWS_HOST}, opts=child
        )
        association = aws.ec2.EipAssociation(
            f"{name}-{AWS_HOST}",
            allocation_id=address.allocation_id,
            network_interface_id=gateway.interface_id,
            region=region,
            # EC2 refuses it while the machine on the interface is pending (terraform-provider-aws#6189, #19699).
            opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
        )
        routes = [
            aws.ec2.Route(
                f"{name}-to-onprem-{table}",
                route_table_id=table_id,
                destination_cidr_block=args["onprem_range"],
                network_interface_id=gateway.interface_id,
                region=region,
                opts=pulumi.ResourceOptions(parent=self, aliases=[pulumi.Alias(name=f"{name}-to-onprem-{at}")]),
            )
            for at, (table, table_id) in enumerate(args["route_table_ids"].items())
        ]
        onprem = OnPremHost(
            f"{name}-{ONPREM_HOST}",
            {
                "host": ONPREM_HOST,
                "role": "gateway",
                "config": address.public_ip.apply(known.onprem_config),
                "secrets": keys,
                "delivery": Delivery(known.intent.delivery),
                "connection": connection,
                "gone": args.get("onprem_gone", False),
            },
            child,
        )
        gate = HostGate(
            f"{name}-tunnel",
            {
                "connection": connection,
                "role": "gateway",
                "elsewhere": gateway.status,
                "triggers": [gateway.instance_id, gateway.digest, onprem.digest, onprem.delivered],
                "mode": GateMode(known.intent.gate),
                "timeout_seconds": args.get("gate_timeout_seconds", GATE_SECONDS),
            },
            pulumi.ResourceOptions(parent=self, depends_on=[gateway, onprem, association, *routes]),
        )
        self._retire_keys(name, args, known, gate, onprem.delivered)
        self.public_address = address.public_ip
        self.gateway_instance_id = gateway.instance_id
        self.gateway_interface_id = gateway.interface_id
        self.host_key = gateway.host_key
        self.onprem_bundle = onprem.bundle
        self.digest = pulumi.Output.all(gateway.digest, onprem.digest).apply(lambda both: documents.digest(*both))
        self.ready = gate.passed
        self.detect_seconds = detect_seconds(timers(known.intent))
        # Not declared above: no output.
        self.inventory = tunnel_entry(
            name,
            {**known.intent.plain(), "detect_seconds": self.detect_seconds},
            self.public_address,
            self.host_key,
            login(connection),
        )
        self.register_outputs(
            {
                "public_address": self.public_address,
                "gateway_instance_id": self.gateway_instance_id,
                "gateway_interface_id": self.gateway_interface_id,
                "gateway_security_group_id": self.gateway_security_group_id,
                "host_key": self.host_key,
                "onprem_bundle": self.onprem_bundle,
                "digest": self.digest,
                "ready": self.ready,
                "detect_seconds": self.detect_seconds,
            }
        )

    def _firewall(self, name: str, args: StrongSwanTunnelArgs, known: "_Plain") -> None:
        """IKE from on-prem, anything from the VPC (it is forwarded), SSH from operators. No protocol 50: EC2 is always
        behind its elastic address's NAT, so ESP travels in UDP 4500."""
        child = pulumi.ResourceOptions(parent=self)
        region, tags = args["region"], args.get("tags", {})
        group = aws.ec2.SecurityGroup(
            f"{name}-{AWS_HOST}",
            description=f"twinsite {known.intent.connection_name}: gateway",
            vpc_id=args["vpc_id"],
            region=region,
            tags={**tags, "Name": AWS_HOST},
            # Another description is another group: for a moment the gateway would have one without rules.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["description"]),
        )
        callers = known.intent.onprem_public_range or ANYWHERE
        allowed = {
            "ike": ("udp", 500, callers, "IKE"),
            "nat-t": ("udp", 4500, callers, "IKE and ESP in UDP"),
        }
        for cidr in known.intent.forward_ranges or [args["vpc_range"]]:
            part = "vpc" if cidr == args["vpc_range"] else f"vpc-{cidr.replace('/', '-')}"
            allowed[part] = ("-1", 0, cidr, "forwarded to on-prem or the internet")
        # By value: by index, a range that goes would change all rules after it into ones that are there already, which
        # EC2 refuses as duplicates. The alias is the index that versions before had.
        before = {}
        for at, operators in enumerate(known.intent.operator_ranges):
            part = f"ssh-{operators.replace('/', '-')}"
            allowed[part], before[part] = ("tcp", 22, operators, "SSH of operators"), f"ssh-{at}"
        for part, (protocol, port, source, text) in allowed.items():
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-{AWS_HOST}-{part}",
                security_group_id=group.id,
                ip_protocol=protocol,
                from_port=port or None,  # AWS refuses ports with protocol -1
                to_port=port or None,
                cidr_ipv4=source,
                description=text,
                region=region,
                tags=tags,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    aliases=[pulumi.Alias(name=f"{name}-{AWS_HOST}-{before[part]}")] if part in before else None,
                ),
            )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-{AWS_HOST}-out",
            security_group_id=group.id,
            ip_protocol="-1",
            cidr_ipv4=ANYWHERE,
            description="to on-prem, and the way out of the VPC",
            region=region,
            tags=tags,
            opts=child,
        )
        self.gateway_security_group_id = group.id

    def _keys(self, name: str, generation: int) -> pulumi.Output[dict[str, Any]]:
        """Generations g-1, g and g+1: raising g by one makes one key and deletes one; the others stay what they are."""
        made = {
            str(number): random.RandomPassword(
                f"{name}-psk-{number}", length=47, special=False, opts=pulumi.ResourceOptions(parent=self)
            ).result
            for number in (generation - 1, generation, generation + 1)
            if number >= 1
        }
        return pulumi.Output.secret(pulumi.Output.all(**made).apply(_psk))

    def _retire_keys(
        self,
        name: str,
        args: StrongSwanTunnelArgs,
        known: "_Plain",
        gate: HostGate,
        delivered: pulumi.Output[str],
    ) -> None:
        """Once both ends work with generation g, g-1 goes: on-prem first, which proves that the peer does not sign
        with it any more; then in AWS, where nothing can need it then."""
        connection = args.get("onprem_connection")
        if not known.retires_keys or connection is None:
            return
        done = {"psk_min": known.psk_generation}
        proven = onprem_followup(
            f"{name}-{ONPREM_HOST}",
            connection,
            "gateway",
            {**done, "psk_prove": True},
            delivered,
            pulumi.ResourceOptions(parent=self, depends_on=[gate]),
        )
        ec2_followup(
            f"{name}-{AWS_HOST}",
            args["store"],
            AWS_HOST,
            done,
            pulumi.ResourceOptions(parent=self, depends_on=[proven]),
        )


@dataclasses.dataclass(frozen=True)
class _Plain:
    """An intent, and the two gateways' configurations that follow from it."""

    intent: StrongSwanTunnelIntent

    @property
    def initiator(self) -> End:
        """The end that calls."""
        return End(self.intent.initiator)

    @property
    def psk_generation(self) -> int:
        """Of the key that both sign with."""
        return self.intent.psk_generation

    @property
    def sees_both(self) -> bool:
        """Whether this `up` can know what both ends do; handed over, it cannot."""
        return self.intent.delivery == Delivery.SSH and self.intent.gate == GateMode.WAIT

    @property
    def retires_keys(self) -> bool:
        """Whether the gateways are told, after the gate, to forget the former key."""
        return self.sees_both and self.intent.onprem_connection is not None

    def aws_config(self) -> dict[str, Any]:
        """The gateway role's configuration on EC2. All plain, so that its digest is known to the other end."""
        called = self.initiator == End.ONPREM
        return {
            **self._both("aws", "onprem", called),
            "local_range": self.intent.vpc_range,
            "remote_range": self.intent.onprem_range,
            "local_address": self.intent.gateway_address,
            "peer_private_address": self.intent.onprem_gateway_address,
            "remote_address": "%any" if called else self.intent.onprem_public_range.split("/")[0],
            "nat_range": self.intent.nat_range,
        }

    def onprem_config(self, public_address: str) -> dict[str, Any]:
        """The gateway role's configuration on-prem; `public_address` is the AWS gateway's."""
        called = self.initiator == End.AWS
        peer = gateway_settings.parse(self.aws_config()).digest if self.sees_both else ""
        return {
            **self._both("onprem", "aws", called),
            "local_range": self.intent.onprem_range,
            "remote_range": self.intent.vpc_range,
            "local_address": self.intent.onprem_gateway_address,
            "peer_private_address": self.intent.gateway_address,
            "remote_address": "%any" if called else public_address,
            "peer_digest": peer,
        }

    def _both(self, local: str, remote: str, called: bool) -> dict[str, Any]:
        return {
            "connection": self.intent.connection_name,
            "role": "responder" if called else "initiator",
            "local_id": f"{local}.{self.intent.connection_name}",
            "remote_id": f"{remote}.{self.intent.connection_name}",
            "psk_sign": self.psk_generation,
            # The generation before stays until both ends are known to have left it.
            "psk_min": max(1, self.psk_generation - 1),
            "timers": dataclasses.asdict(timers(self.intent)),
        }


def _psk(made: dict[str, str]) -> dict[str, Any]:
    return {"psk": {generation: key(generation, result) for generation, result in made.items()}}
