"""MySqlReplicaPair: a MySQL source on EC2 (or an existing one) and its replica on an existing on-prem host."""

from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from .. import rules
from ..component import Component
from ..handle import Given
from ..machine.ec2_host import OPERATOR, Ec2Host, ec2_followup
from ..machine.gate import GATE_SECONDS, GateMode
from ..machine.guest_store import GuestStoreHandle
from ..machine.onprem_host import Connection, Delivery, HostGate, OnPremHost
from ..protection import for_life
from ..rules.database import PASSWORD_LIMIT, MySqlReplicaPairIntent, password_problems
from .certificate import server_certificate
from .entry import REPLICA_HOST, SOURCE_HOST, pair_entry
from .existing_source import statements

REPLICATION_USER = "twinsite_repl"
CLONE_USER = "twinsite_clone"


class ExistingSource(TypedDict):
    """A source that twinsite did not create. It is never changed; the replica verifies it before it follows."""

    tls_ca: str
    """PEM of the authority that signed its certificate, which must name source_address."""

    server_id: NotRequired[int]
    """Its server_id, if known; the replica compares the live one in any case."""


class MySqlReplicaPairArgs(TypedDict):
    """Arguments of MySqlReplicaPair."""

    region: str
    """AWS region of the source, for instance ap-northeast-2."""

    availability_zone: pulumi.Input[str]
    """Where the subnet is and the data volume will be."""

    vpc_id: pulumi.Input[str]
    """VPC of the source."""

    vpc_range: str
    """CIDR of the VPC. Plain, because a rule reads it."""

    subnet_id: pulumi.Input[str]
    """Subnet of the source; it needs a way out to the distribution's packages and to AWS's APIs."""

    subnet_range: str
    """CIDR of that subnet. Plain, because a rule reads it."""

    source_address: str
    """IPv4 address of the source, as the replica sees it through the tunnel."""

    ami: str
    """Pinned image id of a Debian or Ubuntu with MySQL 8.4 or later in its archive."""

    instance_type: str
    """For instance t3.medium."""

    data_volume_gib: int
    """Size of the source's data volume in GiB, 10 or more. A larger one grows in place, a smaller one is refused."""

    source_generation: NotRequired[int]
    """Raise it to have the source's machine replaced by one with the image and the bootstrap of now, on the same data
    volume. Writers are out until it is there. Defaults to 1."""

    store: Given[GuestStoreHandle]
    """Where the source finds its documents."""

    onprem_range: str
    """CIDR of the on-prem site. Plain, because a rule reads it."""

    replica_address: str
    """IPv4 address of the replica host, as the source sees it."""

    onprem_connection: NotRequired[Connection | None]
    """SSH to the replica host. Left out only with a bundle and a handover."""

    gateway_address: str
    """The on-prem gateway as the replica host sees it; the route to the VPC goes there."""

    source_gateway_address: str
    """The EC2 gateway; SSH to the source is admitted from there only."""

    delivery: NotRequired[Delivery]
    """How the replica host is set up. Defaults to SSH."""

    onprem_gone: NotRequired[bool]
    """The replica host exists no more: `destroy` then leaves it alone. Defaults to False."""

    gate: NotRequired[GateMode]
    """Whether `up` waits until a row written on the source arrives. Defaults to WAIT."""

    operator_keys: NotRequired[list[str]]
    """SSH public keys of the people who may log in on the source. Defaults to none."""

    tolerated_outage_hours: NotRequired[int]
    """Longest outage that must heal without a new copy. Defaults to 36; binary logs are kept for twice that."""

    binlog_retention_hours: NotRequired[int]
    """Defaults to twice tolerated_outage_hours, at least 72; never less than twice."""

    binlog_gib_per_day: NotRequired[float]
    """Expected growth of the binary log, for the check of the volume's size. Defaults to 0 (the heartbeat only)."""

    source_server_id: NotRequired[int]
    """1 to 4294967295. Defaults to 1."""

    replica_server_id: NotRequired[int]
    """1 to 4294967295, not the source's. Defaults to 2."""

    heartbeat_period_seconds: NotRequired[float]
    """Below half of net_timeout_seconds. Defaults to 1."""

    net_timeout_seconds: NotRequired[int]
    """After this much silence the receiver reconnects. Defaults to 5."""

    connect_retry_seconds: NotRequired[int]
    """Pause between attempts. Defaults to 1."""

    retry_count: NotRequired[int]
    """Attempts before the receiver gives up for good; 0, the default, means no limit."""

    source_settings: NotRequired[dict[str, str]]
    """my.cnf settings of the source besides those that twinsite owns."""

    replica_settings: NotRequired[dict[str, str]]
    """my.cnf settings of the replica besides those that twinsite owns."""

    replica_bind_address: NotRequired[str]
    """Where the replica listens. Defaults to 127.0.0.1: nobody reads there before a promotion."""

    client_ranges: NotRequired[list[str]]
    """CIDRs of applications that may reach the source on 3306, besides the replica. Defaults to none."""

    password_generation: NotRequired[int]
    """Raise it by one to rotate both passwords (ADR 27). The former ones stay valid until the gate has seen the replica
    work with the new ones; handed over, until the next rotation. Defaults to 1."""

    replication_password: NotRequired[pulumi.Input[str]]
    clone_password: NotRequired[pulumi.Input[str]]
    """Own passwords, at most 32 characters; kept secret. Generated by default."""

    source_version: NotRequired[str]
    replica_version: NotRequired[str]
    """MySQL versions, if known (`8.4.6`): what cannot replicate is then refused before anything exists."""

    existing_source: NotRequired[ExistingSource]
    """Follow this source instead of creating one; nothing is then created on EC2; run `source_sql` there."""

    path_ready: NotRequired[pulumi.Input[Any]]
    """Known once the replica host can reach the source, for instance the tunnel's `ready`. The replica waits for it;
    the source does not, so it is made meanwhile."""

    site_is_active: NotRequired[bool]
    """True while the AWS site serves: deleting the source's data volume is then refused. Defaults to True."""

    gate_timeout_seconds: NotRequired[int]
    """How long the gate waits. Defaults to 900, see GATE_SECONDS."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class MySqlReplicaPair(Component):
    """Asynchronous GTID replication over verified TLS, through a tunnel, with a heartbeat each second.

    Creates, in every mode that has a live replica: a certificate authority and the source's certificate, two passwords,
    the source (EC2 machine with its own data volume and security group), the replica's role on its existing host, and
    a gate that passes when a row written on the source arrives.
    """

    source_address: str
    """Where writers connect."""

    source_instance_id: pulumi.Output[str | None]
    """None with an existing source."""

    binlog_retention_hours: int
    """How long the source keeps its binary logs; half of it is the outage that heals by itself."""

    host_key: pulumi.Output[str | None]
    """SSH host key of the source, `ssh-ed25519 …`; None with an existing source."""

    digest: pulumi.Output[str]
    """Changes when anything that either host is told changes."""

    onprem_bundle: pulumi.Output[str | None]
    """Base64 of the archive for the replica host (secret); None with delivery by SSH."""

    onprem_delivered: pulumi.Output[str]
    """Changes when the replica host got everything anew (OnPremHost.delivered)."""

    source_sql: pulumi.Output[str | None]
    """What to run on an existing source (secret: it holds passwords); None when the source is created."""

    ready: pulumi.Output[str]
    """What the gate saw. Whatever needs a working replica depends on this."""

    def __init__(self, name: str, args: MySqlReplicaPairArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = MySqlReplicaPairIntent.of(args)
        rules.require(f"MySqlReplicaPair {name}", password_problems(args))
        super().__init__("MySqlReplicaPair", name, known, opts)
        self._known = known
        existing, connection = args.get("existing_source"), args.get("onprem_connection")
        self.binlog_retention_hours = known.kept_hours
        self.source_address = args["source_address"]

        passwords = {
            "replication": self._password(name, "replication", args, args.get("replication_password")),
            "clone": self._password(name, "clone", args, args.get("clone_password")),
        }
        # On EC2 the source is told what is true only after the gate: which passwords its replica works with.
        forgets = known.delivery == Delivery.SSH and known.gate == GateMode.WAIT and existing is None
        authority: pulumi.Input[str]
        gate_options: pulumi.Output[str] | None = None
        elsewhere: dict[str, Any] = {}
        if existing is None:
            authority, source, self.source_sql = self._source(name, args, passwords, forgets)
            self.source_instance_id = source.instance_id.apply(lambda found: found)
            self.host_key = source.host_key.apply(lambda found: found)
            depends: list[pulumi.Resource] = [source]
            machines: list[pulumi.Input[Any]] = [source.instance_id]
            digests = [source.digest]
            # The source applies in its own time; without this, `up` would be done before a changed setting is.
            gate_options = pulumi.Output.format("--source-told {}", source.digest)
            elsewhere = {"elsewhere": source.status}
        else:
            authority = existing["tls_ca"]
            self.source_sql = self._sql_to_run(name, args, passwords)
            self.source_instance_id = pulumi.Output.from_input(None)
            self.host_key = pulumi.Output.from_input(None)
            depends, machines, digests = [], [], []

        replica = OnPremHost(
            f"{name}-onprem",
            {
                "host": REPLICA_HOST,
                "role": "database",
                "config": self._replica_config(args, authority),
                "secrets": {f"{kind}_password": value for kind, value in passwords.items()},
                "delivery": Delivery(known.delivery),
                "connection": connection,
                "gone": args.get("onprem_gone", False),
            },
            pulumi.ResourceOptions(parent=self, depends_on=[*depends, _nothing(args.get("path_ready"))]),
        )
        digests.append(replica.digest)
        gate = HostGate(
            f"{name}-replica",
            {
                "connection": connection,
                "role": "database",
                "options": gate_options,
                **elsewhere,  # type: ignore[typeddict-item]
                "triggers": [*machines, *digests, replica.delivered],
                "mode": GateMode(known.gate),
                "timeout_seconds": args.get("gate_timeout_seconds", GATE_SECONDS),
            },
            pulumi.ResourceOptions(parent=self, depends_on=[replica, *depends]),
        )
        if forgets and connection is not None:
            ec2_followup(
                f"{name}-aws-database",
                args["store"],
                SOURCE_HOST,
                {"replica_knows": digests[0]},
                pulumi.ResourceOptions(parent=self, depends_on=[gate]),
            )
        self.onprem_bundle = replica.bundle
        self.onprem_delivered = replica.delivered
        self.digest = pulumi.Output.all(*digests).apply("-".join)
        self.ready = gate.passed
        # Not declared above: no output.
        self.inventory = pair_entry(name, known, connection, self.host_key)
        self.register_outputs(
            {
                "source_address": self.source_address,
                "source_instance_id": self.source_instance_id,
                "binlog_retention_hours": self.binlog_retention_hours,
                "host_key": self.host_key,
                "digest": self.digest,
                "onprem_bundle": self.onprem_bundle,
                "onprem_delivered": self.onprem_delivered,
                "source_sql": self.source_sql,
                "ready": self.ready,
            }
        )

    def _password(
        self, name: str, kind: str, args: MySqlReplicaPairArgs, given: pulumi.Input[str] | None
    ) -> pulumi.Output[str]:
        if given is not None:
            return pulumi.Output.secret(given)
        generation = self._known.password_generation
        if args.get("existing_source") is not None:
            return self._drawn(f"{name}-{kind}-{generation}", generation)
        return self._drawn(f"{name}-{kind}", generation)

    def _drawn(self, name: str, generation: int) -> pulumi.Output[str]:
        password = random.RandomPassword(
            name,
            # MySQL's limit for a replication source; 190 bits.
            length=PASSWORD_LIMIT,
            special=False,
            keepers={"generation": str(generation)},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.secret(password.result)

    def _source(
        self, name: str, args: MySqlReplicaPairArgs, passwords: dict[str, pulumi.Output[str]], followup: bool
    ) -> tuple[pulumi.Output[str], Ec2Host, pulumi.Output[str | None]]:
        authority, certificate, key = server_certificate(
            name, SOURCE_HOST, "aws-database", args["source_address"], self
        )
        config = {
            **self._common(args, authority),
            "role": "source",
            "server_id": self._known.source_server_id,
            # Its security group says who gets here.
            "bind_address": "*",
            "tls_cert": certificate,
            "settings": self._known.source_settings,
        }
        secrets = {**{f"{kind}_password": value for kind, value in passwords.items()}, "tls_key": key}
        host = Ec2Host(
            f"{name}-aws-database",
            {
                "host": SOURCE_HOST,
                "role": "database",
                "config": config,
                "secrets": secrets,
                "ami": args["ami"],
                "instance_type": args["instance_type"],
                "availability_zone": args["availability_zone"],
                "subnet_id": args["subnet_id"],
                "private_address": args["source_address"],
                "security_group_ids": [self._security_group(name, args).id],
                "store": args["store"],
                "operator_keys": args.get("operator_keys", []),
                "data_volume_gib": args["data_volume_gib"],
                "generation": self._known.source_generation,
                "site_is_active": self._known.site_is_active,
                "followup": followup,
                "tags": args.get("tags", {}),
            },
            pulumi.ResourceOptions(
                parent=self,
                hooks=for_life(
                    f"{name}-aws-database",
                    "the source's machine",
                    {"private_address": "source_address"},
                    self._known.site_is_active,
                ),
            ),
        )
        return authority, host, pulumi.Output.from_input(None)

    def _security_group(self, name: str, args: MySqlReplicaPairArgs) -> aws.ec2.SecurityGroup:
        """MySQL from the replica (and named clients), SSH from the gateway, nothing else in; everything out."""
        child = pulumi.ResourceOptions(parent=self)
        region, tags = args["region"], args.get("tags", {})
        group = aws.ec2.SecurityGroup(
            f"{name}-aws-database",
            description="MySQL source: 3306 from the replica through the tunnel, SSH from the gateway",
            vpc_id=args["vpc_id"],
            region=region,
            tags={**tags, "Name": SOURCE_HOST},
            opts=child,
        )
        allowed = [
            ("replica", f"{args['replica_address']}/32", 3306),
            ("ssh", f"{args['source_gateway_address']}/32", 22),
        ]
        allowed += [(f"client-{cidr.replace('/', '-')}", cidr, 3306) for cidr in self._known.client_ranges]
        for what, cidr, port in allowed:
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-aws-database-{what}",
                security_group_id=group.id,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                region=region,
                tags=tags,
                opts=child,
            )
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-aws-database-out",
            security_group_id=group.id,
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="-1",
            region=region,
            tags=tags,
            opts=child,
        )
        return group

    def _common(self, args: MySqlReplicaPairArgs, authority: pulumi.Input[str]) -> dict[str, Any]:
        """What both hosts are told."""
        connection = args.get("onprem_connection")
        return {
            "port": 3306,
            "source_address": args["source_address"],
            "replica_address": args["replica_address"],
            "replication_user": REPLICATION_USER,
            "clone_user": CLONE_USER,
            "tls_ca": authority,
            "binlog_retention_hours": self.binlog_retention_hours,
            # Accounts are made on the source and arrive by replication; a replica takes no writes of its own.
            "operator_users": [] if args.get("existing_source") is not None else _operators(connection),
            **self._known.timers,
        }

    def _replica_config(self, args: MySqlReplicaPairArgs, authority: pulumi.Input[str]) -> dict[str, Any]:
        return {
            **self._common(args, authority),
            "role": "replica",
            "server_id": self._known.replica_server_id,
            "bind_address": self._known.replica_bind_address,
            "peer_route": {"range": args["vpc_range"], "via": args["gateway_address"]},
            "settings": self._known.replica_settings,
            "existing_source": args.get("existing_source") is not None,
            # A new source installs its packages first; an `up` waits for it here, before its gate.
            "source_wait_seconds": 600,
        }

    def _sql_to_run(
        self, name: str, args: MySqlReplicaPairArgs, passwords: dict[str, pulumi.Output[str]]
    ) -> pulumi.Output[str | None]:
        """Statements for an existing source. Its file needs gtid_mode, enforce_gtid_consistency, server_id and TLS."""
        users = {"replication": REPLICATION_USER, "clone": CLONE_USER}
        generation = self._known.password_generation + 1
        # Drawn one generation ahead, so that the source knows it before the replica goes over to it (ADR 27).
        coming = {
            kind: self._drawn(f"{name}-{kind}-{generation}", generation)
            for kind in users
            if args.get(f"{kind}_password") is None
        }
        values = {
            "replica_address": args["replica_address"],
            "replication_user": REPLICATION_USER,
            "clone_user": CLONE_USER,
            "binlog_expire_logs_seconds": str(self.binlog_retention_hours * 3600),
        }
        # Output.all without anything makes a list.
        after: Any = pulumi.Output.all(**coming) if coming else {}
        told: dict[str, Any] = {"now": pulumi.Output.all(**passwords), "next": after}

        def filled(known: dict[str, dict[str, str]]) -> str | None:
            return statements(values, users, known["now"], known["next"])

        return pulumi.Output.secret(pulumi.Output.all(**told).apply(filled))


def _operators(connection: Connection | None) -> list[pulumi.Input[str]]:
    return [OPERATOR, connection.get("user", "ubuntu")] if connection else [OPERATOR]


def _nothing(after: pulumi.Input[Any]) -> pulumi.Output[pulumi.Resource]:
    """For depends_on: waits for what `after` depends on, and names no resource itself."""
    return pulumi.Output.from_input(after).apply(lambda _: cast(pulumi.Resource, None))
