"""Topology onprem-aws: MySQL on EC2, its replica on-prem, an IPsec tunnel between them (source document 000).

on-prem 192.168.64.0/24                        VPC 10.20.0.0/16
database (replica) ── gateway ══ IKEv2, NAT-T ══ gateway ── database (source)
                     initiates                    answers, and is the private subnet's way out
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pulumi
import pulumi_aws as aws

from components import inventory
from components.database import MySqlReplicaPair, resume_seconds
from components.estimate import onprem_aws_estimate
from components.machine import Connection, Delivery, GateMode, GuestStore, onprem_file
from components.machine.documents import digest
from components.modes import DrMode
from components.network import AwsNetwork
from components.rules.tunnel import detect_seconds
from components.tunnel import StrongSwanTunnel

from .settings import Reader

NAME = "onprem-aws"
MODES = (DrMode.PILOT_LIGHT,)
STORE = "/var/lib/twinsite"
HEARTBEAT_TABLE = "twinsite.heartbeat"
GATEWAY, DATABASE = "onprem-gateway", "onprem-database"
"""The existing hosts' names in the inventory."""
GATEWAY_BUNDLE = "onprem_bundle"
DATABASE_BUNDLE = "onprem_database_bundle"
"""Stack outputs: the archives to hand over."""


class Site(str, Enum):
    """The two sites."""

    AWS = "aws"
    ONPREM = "onprem"


@dataclass(frozen=True)
class Login:
    """USER@HOST[:PORT], parsed."""

    user: str
    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """Settings of this topology; descriptions and defaults are in Pulumi.yaml."""

    dr_mode: DrMode
    active_site: Site
    region: str
    availability_zone: str
    gateway_ami: str
    source_ami: str
    source_generation: int
    vpc_range: str
    public_range: str
    private_range: str
    gateway_address: str
    gateway_instance_type: str
    source_address: str
    source_instance_type: str
    data_volume_gib: int
    connection_name: str
    psk_generation: int
    onprem_range: str
    onprem_gateway_address: str
    onprem_database_address: str
    onprem_public_range: str
    delivery: Delivery
    gate: GateMode
    gateway_login: Login | None
    database_login: Login | None
    gateway_host_key: str
    database_host_key: str
    onprem_gone: tuple[str, ...]
    operator_keys: tuple[str, ...]
    operator_ranges: tuple[str, ...]
    tolerated_outage_hours: int


def read(reader: Reader) -> Settings:
    """Settings from the stack's configuration; what is wrong is collected in the reader."""
    region = pulumi.Config("aws").get("region") or ""
    if not region:
        reader.problems.append("aws:region is not set: `pulumi config set aws:region ap-northeast-2`")
    delivery = reader.choice("onprem_delivery", Delivery)
    gate = reader.choice("gate", GateMode)
    over_ssh = delivery == Delivery.SSH or gate == GateMode.WAIT
    if delivery == Delivery.BUNDLE and gate == GateMode.WAIT:
        reader.problems.append(
            "onprem_delivery bundle cannot work in the same `up`, because people install it afterwards: "
            "`pulumi config set gate handover`"
        )
    if over_ssh:
        reader.secret(
            "onprem_ssh_private_key",
            "`pulumi config set --secret onprem_ssh_private_key < KEYFILE`, or hand the on-prem end over with "
            "`pulumi config set onprem_delivery bundle` and gate handover",
        )
    return Settings(
        dr_mode=reader.mode(MODES, NAME),
        active_site=reader.choice("active_site", Site),
        region=region,
        availability_zone=reader.text("availability_zone", required=False) or f"{region}a",
        gateway_ami=reader.text("gateway_ami", required=False) or reader.text("ami"),
        source_ami=reader.text("source_ami", required=False) or reader.text("ami"),
        source_generation=reader.integer("source_generation"),
        vpc_range=reader.text("vpc_range"),
        public_range=reader.text("public_range"),
        private_range=reader.text("private_range"),
        gateway_address=reader.text("gateway_address"),
        gateway_instance_type=reader.text("gateway_instance_type"),
        source_address=reader.text("source_address"),
        source_instance_type=reader.text("source_instance_type"),
        data_volume_gib=reader.integer("data_volume_gib"),
        connection_name=reader.text("connection_name"),
        psk_generation=reader.integer("psk_generation"),
        onprem_range=reader.text("onprem_range"),
        onprem_gateway_address=reader.text("onprem_gateway_address"),
        onprem_database_address=reader.text("onprem_database_address"),
        onprem_public_range=reader.text("onprem_public_range", required=False),
        delivery=delivery,
        gate=gate,
        gateway_login=_login(reader, "onprem_gateway_ssh", over_ssh),
        database_login=_login(reader, "onprem_database_ssh", over_ssh),
        gateway_host_key=reader.text("onprem_gateway_host_key", required=over_ssh),
        database_host_key=reader.text("onprem_database_host_key", required=over_ssh),
        onprem_gone=_gone(reader),
        operator_keys=reader.strings("operator_keys"),
        operator_ranges=reader.strings("operator_ranges"),
        tolerated_outage_hours=reader.integer("tolerated_outage_hours"),
    )


def build(settings: Settings) -> dict[str, Any]:
    """Create the components; returns the stack's exports."""
    tags = {"twinsite:stack": pulumi.get_stack(), "twinsite:topology": NAME}
    network = AwsNetwork(
        NAME,
        {
            "region": settings.region,
            "availability_zone": settings.availability_zone,
            "vpc_range": settings.vpc_range,
            "public_range": settings.public_range,
            "private_range": settings.private_range,
            "tags": tags,
        },
    )
    store = GuestStore(NAME, {"region": settings.region, "tags": tags})
    tunnel = StrongSwanTunnel(
        NAME,
        {
            "connection_name": settings.connection_name,
            "region": settings.region,
            "availability_zone": settings.availability_zone,
            "vpc_id": network.vpc_id,
            "vpc_range": settings.vpc_range,
            "subnet_id": network.public_subnet_id,
            "subnet_range": settings.public_range,
            "route_table_ids": [network.public_route_table_id, network.private_route_table_id],
            "gateway_address": settings.gateway_address,
            "ami": settings.gateway_ami,
            "instance_type": settings.gateway_instance_type,
            "store": store,
            "onprem_range": settings.onprem_range,
            "onprem_gateway_address": settings.onprem_gateway_address,
            "onprem_public_range": settings.onprem_public_range,
            "onprem_connection": _connection(settings.gateway_login, settings.gateway_host_key),
            "delivery": settings.delivery,
            "onprem_gone": GATEWAY in settings.onprem_gone,
            "gate": settings.gate,
            "psk_generation": settings.psk_generation,
            "nat_range": settings.private_range,
            "operator_ranges": list(settings.operator_ranges),
            "operator_keys": list(settings.operator_keys),
            "tags": tags,
        },
    )
    aws.ec2.Route(
        f"{NAME}-way-out",
        route_table_id=network.private_route_table_id,
        destination_cidr_block="0.0.0.0/0",
        network_interface_id=tunnel.gateway_interface_id,
        region=settings.region,
    )
    pair = MySqlReplicaPair(
        NAME,
        {
            "region": settings.region,
            "availability_zone": settings.availability_zone,
            "vpc_id": network.vpc_id,
            "vpc_range": settings.vpc_range,
            "subnet_id": network.private_subnet_id,
            "subnet_range": settings.private_range,
            "source_address": settings.source_address,
            "ami": settings.source_ami,
            "source_generation": settings.source_generation,
            "instance_type": settings.source_instance_type,
            "data_volume_gib": settings.data_volume_gib,
            "store": store,
            "site_is_active": settings.active_site == Site.AWS,
            "onprem_range": settings.onprem_range,
            "replica_address": settings.onprem_database_address,
            "onprem_connection": _connection(settings.database_login, settings.database_host_key),
            "gateway_address": settings.onprem_gateway_address,
            "source_gateway_address": settings.gateway_address,
            "delivery": settings.delivery,
            "onprem_gone": DATABASE in settings.onprem_gone,
            "gate": settings.gate,
            "path_ready": tunnel.ready,
            "tolerated_outage_hours": settings.tolerated_outage_hours,
            "operator_keys": list(settings.operator_keys),
            "tags": tags,
        },
    )
    for host in _onprem_hosts(settings):
        if host.name in settings.onprem_gone:
            pulumi.log.warn(f"{host.name} is in onprem_gone, so nothing is undone there when it goes from this stack")
        if host.bundle:
            pulumi.log.warn(f"{host.name} is handed over, so this `up` leaves it as it is: {host.delivery}")
    published = pulumi.Output.all(
        public_address=tunnel.public_address,
        gateway_key=tunnel.host_key,
        source_key=pair.host_key,
        digests=[tunnel.digest, pair.digest],
    ).apply(lambda known: inventory.to_dict(_inventory(settings, known)))
    if settings.delivery == Delivery.SSH:
        onprem_file(
            f"{NAME}-inventory",
            _required(_connection(settings.database_login, settings.database_host_key)),
            f"{STORE}/inventory.json",
            pulumi.Output.json_dumps(published, indent=1, sort_keys=True),
            pair.onprem_delivered,
            gone=DATABASE in settings.onprem_gone,
        )
    return {
        "inventory": published,
        "gateway_public_address": tunnel.public_address,
        GATEWAY_BUNDLE: tunnel.onprem_bundle,
        DATABASE_BUNDLE: pair.onprem_bundle,
        "binlog_retention_hours": pair.binlog_retention_hours,
        "estimate": onprem_aws_estimate(
            gateway_type=settings.gateway_instance_type,
            source_type=settings.source_instance_type,
            data_volume_gib=settings.data_volume_gib,
            detect_seconds=detect_seconds(),
            resume_seconds=resume_seconds(),
        ),
    }


def _inventory(settings: Settings, known: dict[str, Any]) -> inventory.Inventory:
    gateway = inventory.Ssh(known["public_address"] or "", "twinsite", known["gateway_key"] or "")
    return inventory.Inventory(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        active_site=settings.active_site.value,
        standby_site=(Site.ONPREM if settings.active_site == Site.AWS else Site.AWS).value,
        hosts=(
            inventory.Host("aws-gateway", "aws", settings.gateway_address, ("gateway",), gateway),
            inventory.Host(
                "aws-source",
                "aws",
                settings.source_address,
                ("database",),
                inventory.Ssh(settings.source_address, "twinsite", known["source_key"] or "", jump="aws-gateway"),
            ),
            *_onprem_hosts(settings),
        ),
        tunnels=(
            inventory.Tunnel(
                name=settings.connection_name,
                initiator=GATEWAY,
                responder="aws-gateway",
                initiator_range=settings.onprem_range,
                responder_range=settings.vpc_range,
                initiator_peer=known["public_address"] or "",
                detect_seconds=detect_seconds(),
            ),
        ),
        replicas=(
            inventory.Replica(
                name=NAME,
                source="aws-source",
                replica=DATABASE,
                source_address=settings.source_address,
                source_port=3306,
                heartbeat_table=HEARTBEAT_TABLE,
                resume_seconds=resume_seconds(),
                tolerated_outage_hours=float(settings.tolerated_outage_hours),
            ),
        ),
        store=f"{DATABASE}:{STORE}",
        digest=digest(known["digests"]),
    )


def _onprem_hosts(settings: Settings) -> tuple[inventory.Host, inventory.Host]:
    handed_over = settings.delivery == Delivery.BUNDLE

    def host(name: str, address: str, login: Login | None, host_key: str, bundle: str, again: str) -> inventory.Host:
        found = login or Login("", address, 22)
        way = inventory.Ssh(found.host, found.user, host_key, port=found.port)
        roles = (name.removeprefix("onprem-"),)
        if handed_over:
            return inventory.Host(name, "onprem", address, roles, way, bundle=bundle)
        return inventory.Host(name, "onprem", address, roles, way, again=again)

    gateway = (settings.onprem_gateway_address, settings.gateway_login, settings.gateway_host_key)
    database = (settings.onprem_database_address, settings.database_login, settings.database_host_key)
    return (
        host(GATEWAY, *gateway, GATEWAY_BUNDLE, f"{NAME}-onprem-gateway-apply"),
        host(DATABASE, *database, DATABASE_BUNDLE, f"{NAME}-onprem-apply"),
    )


def _gone(reader: Reader) -> tuple[str, ...]:
    found = reader.strings("onprem_gone")
    unknown = [name for name in found if name not in (GATEWAY, DATABASE)]
    if unknown:
        reader.problems.append(
            f"onprem_gone has {', '.join(unknown)}, which is no host of this stack: name {GATEWAY} or {DATABASE}, "
            f"`pulumi config set --path 'onprem_gone[0]' {GATEWAY}`"
        )
    return found


def _login(reader: Reader, key: str, required: bool) -> Login | None:
    value = reader.text(key, required=required)
    if not value:
        return None
    match = re.fullmatch(r"([a-z_][a-z0-9_-]*)@([A-Za-z0-9.-]+)(?::(\d{1,5}))?", value)
    if match is None:
        reader.problems.append(
            f"{key} is {value!r}: `pulumi config set {key} USER@HOST[:PORT]`, for instance ubuntu@gw:22"
        )
        return None
    return Login(match[1], match[2], int(match[3] or 22))


def _connection(login: Login | None, host_key: str) -> Connection | None:
    if login is None:
        return None
    return Connection(
        host=login.host,
        port=login.port,
        user=login.user,
        private_key=pulumi.Config().require_secret("onprem_ssh_private_key"),
        host_key=host_key,
    )


def _required(connection: Connection | None) -> Connection:
    if connection is None:
        raise ValueError("unreachable: read() refuses delivery by SSH without a login")
    return connection
