"""HA VPN between a VPC of AWS and a network of Google Cloud: four tunnels, and BGP in each of them."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp
import pulumi_random as random

from .. import inventory, rules
from ..component import Component
from ..modes import DrMode
from ..rules.vpn import (
    AwsGcpVpnIntent,
    one_way_cut_seconds,
    renumbering_problems,
    rotation_problems,
    silent_cut_seconds,
)
from .keys import key

SERVICE = "servicenetworking.googleapis.com"

TRANSFORMS = {
    "ike_versions": ["ikev2"],
    # One of each: AWS's default set makes SA payloads so large that AWS fragments its IKE packets, which Cloud VPN does
    # not take, and rekeying fails (Google, Connect HA VPN to AWS peer gateways).
    **{
        f"phase{phase}_{name}": value
        for phase in (1, 2)
        for name, value in (
            ("encryption_algorithms", ["AES256"]),
            ("integrity_algorithms", ["SHA2-256"]),
            ("dh_group_numbers", [18]),
        )
    },
    # One initiator: Google calls, AWS answers and forgets a peer that is gone.
    "startup_action": "add",
    "dpd_timeout_action": "clear",
    "dpd_timeout_seconds": 30,
}
"""Options of every tunnel at AWS."""


class AwsGcpVpnArgs(TypedDict):
    """Arguments of AwsGcpVpn."""

    dr_mode: DrMode
    """In cold there are no tunnels; all that is not paid by the hour is there in every mode."""

    prefix: NotRequired[str]
    """Google's names begin with it. For life. Defaults to twinsite."""

    aws_region: str
    """Region of the VPC, for instance ap-northeast-2."""

    vpc_id: pulumi.Input[str]
    """The VPC. It has no other VPN gateway: AWS attaches one."""

    vpc_range: str
    """Its CIDR. Plain, because a rule reads it."""

    route_table_ids: dict[str, pulumi.Input[str]]
    """Route tables that learn Google's ranges, each under a name for life, like private."""

    gcp_region: str
    """Region of the tunnels, for instance asia-northeast3. With regional routing AWS is reached from it alone."""

    gcp_network_id: pulumi.Input[str]
    """Id of the network at Google. It has no other connection for private services: Google makes one."""

    gcp_ranges: list[str]
    """CIDRs of its subnets."""

    service_range: str
    """CIDR, /8 to /24, that is given to Google's managed services (Cloud SQL) in the network. For life."""

    aws_asn: NotRequired[int]
    """Of AWS's side. For life. Defaults to 64512."""

    gcp_asn: NotRequired[int]
    """Of Google's side. For life. Defaults to 65000."""

    inside_ranges: NotRequired[list[str]]
    """The four /30 inside the tunnels, of 169.254.0.0/16. For life. Defaults to the first four of 169.254.20.0/24."""

    psk_generations: NotRequired[list[int]]
    """Of each tunnel's key: raise one by 1 to rotate it; two at once are refused. Defaults to [1, 1, 1, 1]."""

    redundancy_type: NotRequired[str]
    """Of AWS's end at Google. FOUR_IPS_REDUNDANCY, the default; anything else is refused with the reason."""

    bfd: NotRequired[bool]
    """Refused with the reason when it is true."""

    aws_tcp_ports: NotRequired[list[int]]
    """Ports that Google's side may reach through `aws_security_group_id`, 5432 for PostgreSQL. Defaults to none."""

    service_tcp_ports: NotRequired[list[int]]
    """Ports in `service_range` that what is in `aws_security_group_id` may reach, 5432 where the RDS is to follow Cloud
    SQL. Defaults to none; groups that are beside this one may let out more."""

    gcp_tcp_ports: NotRequired[list[int]]
    """Ports of machines in the network that the VPC may reach. Defaults to none. Cloud SQL is not behind them."""

    tags: NotRequired[dict[str, str]]
    """Put on everything at AWS that takes tags."""

    labels: NotRequired[dict[str, str]]
    """Put on everything at Google that takes labels."""


class AwsGcpVpn(Component):
    """Joins a VPC with a network of Google Cloud so that no single failure of either cloud cuts them.

    Creates in every mode: the gateways of both sides (Google's addresses cannot be reserved, so that they stay), two
    customer gateways, Cloud Router, route propagation, four keys and a secret with them in either cloud, what is open
    to the other side, the range for managed services with its connection. From pilot-light on: two connections, the
    external gateway, four tunnels with an interface and a BGP session each.
    """

    aws_security_group_id: pulumi.Output[str]
    """For what Google's side may reach, and what reaches its managed services: the database."""
    aws_secret_arn: pulumi.Output[str]
    gcp_secret_id: pulumi.Output[str]
    gcp_addresses: pulumi.Output[list[str]]
    """Outside addresses of Google's two interfaces."""
    aws_addresses: pulumi.Output[list[str] | None]
    """Outside addresses of AWS's four tunnels, in the order of `inside_ranges`; None while dr_mode is cold."""
    router_name: pulumi.Output[str]
    tunnel_names: pulumi.Output[list[str] | None]
    """At Google, in the order of `inside_ranges`; None while dr_mode is cold."""
    service_connection: pulumi.Output[str]
    """Id of the connection for private services: known when a Cloud SQL may be made."""
    service_range_name: pulumi.Output[str]
    """Name at Google of `service_range`."""
    silent_cut_seconds: float
    """A tunnel that dies silently loses its traffic for at most this long."""
    one_way_cut_seconds: float
    """The same for one that dies one way only."""

    def __init__(self, name: str, args: AwsGcpVpnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = AwsGcpVpnIntent.of(args)
        steps = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_update=[_one_key_a_step(name)]))
        super().__init__("AwsGcpVpn", name, known, pulumi.ResourceOptions.merge(opts, steps))
        self._name, self._args, self._known = name, args, known
        self._at_aws: dict[str, Any] = {"region": known.aws_region, "tags": args.get("tags", {})}
        self._labels = args.get("labels", {})
        keys = self._keys()
        self._open()
        self._for_services()
        router = self._router()
        ours, theirs = self._gateways()
        self.gcp_addresses = ours.vpn_interfaces.apply(
            lambda interfaces: [str(interface.ip_address) for interface in interfaces]
        )
        customers = [self._customer(at) for at in (0, 1)]
        self.aws_addresses = self.tunnel_names = pulumi.Output.from_input(None)
        connections: list[aws.ec2.VpnConnection] = []
        if known.joined:
            connections = [self._connection(at, theirs, one, keys) for at, one in enumerate(customers)]
            outside = [there for one in connections for there in (one.tunnel1_address, one.tunnel2_address)]
            peer = gcp.compute.ExternalVpnGateway(
                f"{name}-aws",
                name=f"{known.prefix}-aws",
                redundancy_type=known.redundancy_type,
                interfaces=[{"id": at, "ip_address": address} for at, address in enumerate(outside)],
                labels=self._labels,
                # Its name is its own, and other addresses make it anew.
                opts=self._child(delete_before_replace=True),
            )
            tunnels = [self._tunnel(at, ours, peer, router, one) for at, one in enumerate(keys)]
            self.aws_addresses = pulumi.Output.all(*outside)
            self.tunnel_names = pulumi.Output.all(*(tunnel.name for tunnel in tunnels))
        self.router_name = router.name
        # Not declared above: no output.
        self.inventory = self._entry(router, connections)
        self.silent_cut_seconds, self.one_way_cut_seconds = silent_cut_seconds(), one_way_cut_seconds()
        self.register_outputs(
            {
                "aws_security_group_id": self.aws_security_group_id,
                "aws_secret_arn": self.aws_secret_arn,
                "gcp_secret_id": self.gcp_secret_id,
                "gcp_addresses": self.gcp_addresses,
                "aws_addresses": self.aws_addresses,
                "router_name": self.router_name,
                "tunnel_names": self.tunnel_names,
                "service_connection": self.service_connection,
                "service_range_name": self.service_range_name,
                "silent_cut_seconds": self.silent_cut_seconds,
                "one_way_cut_seconds": self.one_way_cut_seconds,
            }
        )

    def _entry(
        self, router: gcp.compute.Router, connections: list[aws.ec2.VpnConnection]
    ) -> pulumi.Output[inventory.Entry]:
        known, name = self._known, self._name

        def entry(found: Mapping[str, Any]) -> inventory.Entry:
            vpn = inventory.CloudVpn(
                name=name,
                aws_region=known.aws_region,
                connections=tuple(found["connections"]),
                project=str(found["project"]),
                region=known.gcp_region,
                router=str(found["router"]),
                tunnels=tuple(known.tunnel_name(at) for at in range(len(known.inside_ranges))) if known.joined else (),
                inside_ranges=known.inside_ranges,
            )
            return inventory.Entry(vpns=(vpn,))

        made: pulumi.Output[inventory.Entry] = pulumi.Output.all(
            project=router.project, router=router.name, connections=[one.id for one in connections]
        ).apply(entry)
        return made

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _keys(self) -> list[pulumi.Output[str]]:
        """One a tunnel, and all of them in a secret of either cloud: whoever must repair one end reads it there."""
        name, known = self._name, self._known
        keys: list[pulumi.Output[str]] = []
        for at, generation in enumerate(known.psk_generations, 1):
            drawn = random.RandomPassword(f"{name}-psk-{at}-{generation}", length=47, special=False, opts=self._child())
            made: pulumi.Output[str] = drawn.result.apply(_maker(at, generation))
            keys.append(pulumi.Output.secret(made))
        listed: pulumi.Output[str] = pulumi.Output.all(*keys).apply(_listed)
        text: pulumi.Output[str] = pulumi.Output.secret(listed)
        here = aws.secretsmanager.Secret(
            f"{name}-keys",
            recovery_window_in_days=7,
            **self._at_aws,
            opts=self._child(),
        )
        aws.secretsmanager.SecretVersion(
            f"{name}-keys", secret_id=here.id, region=known.aws_region, secret_string=text, opts=self._child()
        )
        there = gcp.secretmanager.Secret(
            f"{name}-keys",
            secret_id=f"{known.prefix}-vpn-keys",
            replication={"user_managed": {"replicas": [{"location": known.gcp_region}]}},
            labels=self._labels,
            opts=self._child(),
        )
        gcp.secretmanager.SecretVersion(f"{name}-keys", secret=there.id, secret_data=text, opts=self._child())
        self.aws_secret_arn, self.gcp_secret_id = here.arn, there.id
        return keys

    def _open(self) -> None:
        """What each side may reach in the other. Neither gateway is behind a firewall of one's own."""
        name, known = self._name, self._known
        group = aws.ec2.SecurityGroup(
            f"{name}-from-gcp",
            description="What Google's side may reach through the VPN",
            vpc_id=self._args["vpc_id"],
            **self._at_aws,
            opts=self._child(),
        )
        for source in known.from_gcp:
            for port in known.aws_tcp_ports:
                aws.vpc.SecurityGroupIngressRule(
                    f"{name}-from-gcp-{source.replace('/', '-')}-{port}",
                    security_group_id=group.id,
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    cidr_ipv4=source,
                    description="from Google through the VPN",
                    **self._at_aws,
                    opts=self._child(),
                )
        for port in known.service_tcp_ports:
            # The provider takes AWS's rule that lets everything out off a group that it makes.
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-to-services-{port}",
                security_group_id=group.id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                cidr_ipv4=known.service_range,
                description="to managed services at Google through the VPN",
                **self._at_aws,
                opts=self._child(),
            )
        if known.gcp_tcp_ports:
            gcp.compute.Firewall(
                f"{name}-from-aws",
                name=f"{known.prefix}-from-aws",
                network=self._args["gcp_network_id"],
                direction="INGRESS",
                source_ranges=[known.vpc_range],
                allows=[{"protocol": "tcp", "ports": [str(port) for port in known.gcp_tcp_ports]}],
                opts=self._child(),
            )
        self.aws_security_group_id = group.id

    def _for_services(self) -> None:
        """Private addresses for Cloud SQL. In every mode: Google refuses to take such a connection away for days after
        the last database in it is gone. The routes from AWS are exported to it, or no answer comes back (FACTS 2.4)."""
        name, known = self._name, self._known
        address, _, length = known.service_range.partition("/")
        network = pulumi.Output.from_input(self._args["gcp_network_id"])
        reserved = gcp.compute.GlobalAddress(
            f"{name}-services",
            name=f"{known.prefix}-services",
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=address,
            prefix_length=int(length),
            network=network,
            labels=self._labels,
            opts=self._child(),
        )
        connection = gcp.servicenetworking.Connection(
            f"{name}-services",
            network=network,
            service=SERVICE,
            reserved_peering_ranges=[reserved.name],
            # With the default `destroy` fails for days after the last database went, and with ABANDON a peering that
            # is in no state keeps the network from going (GoogleCloudPlatform/magic-modules#18476).
            deletion_policy="REMOVE_PEERING",
            opts=self._child(),
        )
        routes = gcp.compute.NetworkPeeringRoutesConfig(
            f"{name}-services",
            network=network.apply(lambda path: path.rpartition("/")[2]),
            peering=connection.peering,
            export_custom_routes=True,
            import_custom_routes=False,
            opts=self._child(),
        )
        self.service_connection = pulumi.Output.all(connection.id, routes.id).apply(lambda both: str(both[0]))
        self.service_range_name = reserved.name

    def _router(self) -> gcp.compute.Router:
        name, known = self._name, self._known
        return gcp.compute.Router(
            f"{name}-router",
            name=f"{known.prefix}-router",
            region=known.gcp_region,
            network=self._args["gcp_network_id"],
            bgp={
                "asn": known.gcp_asn,
                "advertise_mode": "CUSTOM",
                # CUSTOM leaves the subnets out unless they are named; the services' range is no subnet.
                "advertised_groups": ["ALL_SUBNETS"],
                "advertised_ip_ranges": [{"range": known.service_range, "description": "managed services"}],
                "keepalive_interval": 20,  # the least that Cloud Router takes
            },
            # The provider would change the number in place, and the API keeps it as it is.
            opts=self._child(delete_before_replace=True, replace_on_changes=["bgp.asn"]),
        )

    def _gateways(self) -> tuple[gcp.compute.HaVpnGateway, aws.ec2.VpnGateway]:
        name, known = self._name, self._known
        ours = gcp.compute.HaVpnGateway(
            f"{name}-gcp",
            name=f"{known.prefix}-gateway",
            region=known.gcp_region,
            network=self._args["gcp_network_id"],
            labels=self._labels,
            opts=self._child(),
        )
        theirs = aws.ec2.VpnGateway(
            f"{name}-aws",
            vpc_id=self._args["vpc_id"],
            amazon_side_asn=str(known.aws_asn),
            **self._at_aws,
            # For another number it is made anew, and a VPC takes no second one.
            opts=self._child(delete_before_replace=True),
        )
        for table, table_id in self._args["route_table_ids"].items():
            aws.ec2.VpnGatewayRoutePropagation(
                f"{name}-learns-{table}",
                route_table_id=table_id,
                vpn_gateway_id=theirs.id,
                region=known.aws_region,
                opts=self._child(),
            )
        return ours, theirs

    def _customer(self, at: int) -> aws.ec2.CustomerGateway:
        """Google's interface `at`, as AWS sees it."""
        return aws.ec2.CustomerGateway(
            f"{self._name}-gcp-{at}",
            type="ipsec.1",
            bgp_asn=str(self._known.gcp_asn),
            ip_address=self.gcp_addresses.apply(lambda addresses: addresses[at]),
            **self._at_aws,
            opts=self._child(),
        )

    def _connection(
        self,
        at: int,
        gateway: aws.ec2.VpnGateway,
        customer: aws.ec2.CustomerGateway,
        keys: list[pulumi.Output[str]],
    ) -> aws.ec2.VpnConnection:
        """To Google's interface `at`: tunnels 2 at + 1 and 2 at + 2."""
        options: dict[str, Any] = {}
        for number in (1, 2):
            which = 2 * at + number - 1
            own = {**TRANSFORMS, "inside_cidr": self._known.inside_ranges[which], "preshared_key": keys[which]}
            options |= {f"tunnel{number}_{option}": value for option, value in own.items()}
        return aws.ec2.VpnConnection(
            f"{self._name}-to-gcp-{at}",
            type="ipsec.1",
            vpn_gateway_id=gateway.id,
            customer_gateway_id=customer.id,
            static_routes_only=False,
            **options,
            **self._at_aws,
            # For another range it is made anew, and a gateway takes no range twice: of two tunnels one keeps its own.
            opts=self._child(delete_before_replace=True),
        )

    def _tunnel(
        self,
        at: int,
        gateway: gcp.compute.HaVpnGateway,
        peer: gcp.compute.ExternalVpnGateway,
        router: gcp.compute.Router,
        secret: pulumi.Output[str],
    ) -> gcp.compute.VPNTunnel:
        """From Google's interface to AWS's address `at`, with its interface on the router and its session.

        Another key makes all three anew. They have names and addresses that only one can have, and an interface holds
        its tunnel: the old ones go first.
        """
        known, first = self._known, self._child(delete_before_replace=True)
        called, part, inside = known.tunnel_name(at), f"{self._name}-tunnel-{at + 1}", known.inside[at]
        tunnel = gcp.compute.VPNTunnel(
            part,
            name=called,
            region=known.gcp_region,
            vpn_gateway=gateway.id,
            vpn_gateway_interface=at // 2,
            peer_external_gateway=peer.id,
            peer_external_gateway_interface=at,
            router=router.id,
            ike_version=2,
            shared_secret=secret,
            labels=self._labels,
            opts=first,
        )
        interface = gcp.compute.RouterInterface(
            part,
            name=called,
            region=known.gcp_region,
            router=router.name,
            vpn_tunnel=tunnel.name,
            ip_range=f"{inside.gcp}/{inside.prefix}",
            opts=first,
        )
        gcp.compute.RouterPeer(
            part,
            name=called,
            region=known.gcp_region,
            router=router.name,
            interface=interface.name,
            ip_address=inside.gcp,
            peer_ip_address=inside.aws,
            peer_asn=known.aws_asn,
            opts=first,
        )
        return tunnel


def _one_key_a_step(name: str) -> pulumi.ResourceHook:
    """Refuses, in preview and in `up`, to change the keys of two tunnels in one step, or a number under tunnels."""

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        was, now = ((inputs or {}).get("intent") for inputs in (args.old_inputs, args.new_inputs))
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            found = [*rotation_problems(was, now), *renumbering_problems(was, now)]
            rules.require(f"AwsGcpVpn {args.name}", found)

    return pulumi.ResourceHook(f"{name}-one-key-a-step", refuse, pulumi.ResourceHookOptions(on_dry_run=True))


def _maker(at: int, generation: int) -> Callable[[str], str]:
    return lambda result: key(f"{generation} of tunnel {at}", result)


def _listed(keys: list[str]) -> str:
    return json.dumps({f"tunnel-{at}": one for at, one in enumerate(keys, 1)}, sort_keys=True)
