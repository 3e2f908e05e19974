"""Settings of topology onprem-aws: read, checked, all problems at once. Descriptions, defaults: settings.yaml."""

import re
from dataclasses import dataclass
from enum import Enum

import pulumi

from twinsite import Delivery, GateMode
from twinsite.modes import DrMode
from twinsite.rules.hosts import GATE_LIMITS_SECONDS, region_problems
from twinsite.rules.own_network import named_problems

from ..declared import declared
from ..settings import Reader

NAME = "onprem-aws"
MODES = (DrMode.PILOT_LIGHT,)
GATEWAY, DATABASE = "onprem-gateway", "onprem-database"
"""The existing hosts' names in the inventory."""


class Site(str, Enum):
    """The two sites."""

    AWS = "aws"
    ONPREM = "onprem"


SITES = tuple(site.value for site in Site)


class Facts(str, Enum):
    """Whether the account is asked about a network that twinsite does not make."""

    ASK = "ask"
    TRUST = "trust"


@dataclass(frozen=True)
class OwnNetwork:
    """A network that exists. twinsite adds interfaces, security groups and routes, and takes only these away."""

    vpc_id: str
    gateway_subnet_id: str
    database_subnet_id: str
    route_table_ids: dict[str, str]
    facts: Facts


@dataclass(frozen=True)
class Login:
    """USER@HOST[:PORT], parsed."""

    user: str
    host: str
    port: int


@dataclass(frozen=True)
class Settings:
    """Settings of this topology; descriptions and defaults are in settings.yaml."""

    dr_mode: DrMode
    active_site: Site
    region: str
    availability_zone: str
    gateway_ami: str
    source_ami: str
    source_generation: int
    own_network: OwnNetwork | None
    existing_source_ca: str
    """PEM; empty: a source is made."""
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
    database_client_ranges: tuple[str, ...]
    gateway_client_ranges: tuple[str, ...]
    replica_bind_address: str
    source_server_id: int
    replica_server_id: int
    source_settings: dict[str, str]
    replica_settings: dict[str, str]
    tolerated_outage_hours: int
    binlog_retention_hours: int
    """0: twice tolerated_outage_hours, at least 72."""
    heartbeat_period_seconds: float
    net_timeout_seconds: int
    password_generation: int
    tunnel_gate_timeout_seconds: int | None
    replica_gate_timeout_seconds: int | None
    """None: the component's own."""


def read(reader: Reader) -> Settings:
    """Settings from the stack's configuration; what is wrong is collected in the reader."""
    reader.declared = declared(NAME)
    region = pulumi.Config("aws").get("region") or ""
    if not region:
        reader.lacks("aws:region is not set: `pulumi config set aws:region ap-northeast-2`")
    else:
        reader.problems += region_problems(region)
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
        dr_mode=reader.offered("dr_mode", DrMode, MODES, NAME),
        active_site=reader.choice("active_site", Site),
        region=region,
        availability_zone=reader.text("availability_zone", required=False),
        gateway_ami=reader.text("gateway_ami", required=False) or reader.text("ami"),
        source_ami=reader.text("source_ami", required=False) or reader.text("ami"),
        source_generation=reader.integer("source_generation"),
        own_network=_own_network(reader),
        existing_source_ca=_existing_source(reader),
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
        database_client_ranges=reader.strings("database_client_ranges"),
        gateway_client_ranges=reader.strings("gateway_client_ranges"),
        replica_bind_address=reader.text("replica_bind_address"),
        source_server_id=reader.integer("source_server_id"),
        replica_server_id=reader.integer("replica_server_id"),
        source_settings=reader.texts("source_settings"),
        replica_settings=reader.texts("replica_settings"),
        tolerated_outage_hours=reader.integer("tolerated_outage_hours"),
        binlog_retention_hours=reader.integer("binlog_retention_hours"),
        heartbeat_period_seconds=reader.number("heartbeat_period_seconds"),
        net_timeout_seconds=reader.integer("net_timeout_seconds"),
        password_generation=reader.integer("password_generation"),
        tunnel_gate_timeout_seconds=reader.seconds("tunnel_gate_timeout_seconds", GATE_LIMITS_SECONDS),
        replica_gate_timeout_seconds=reader.seconds("replica_gate_timeout_seconds", GATE_LIMITS_SECONDS),
    )


def _own_network(reader: Reader) -> OwnNetwork | None:
    names = ("vpc_id", "gateway_subnet_id", "database_subnet_id")
    given = {name: reader.text(name, required=False) for name in names}
    tables, facts = reader.texts("route_table_ids"), reader.choice("network_facts", Facts)
    reader.problems += named_problems({**given, "route_table_ids": tables})
    return OwnNetwork(**given, route_table_ids=tables, facts=facts) if given["vpc_id"] else None


def _existing_source(reader: Reader) -> str:
    text = reader.text("existing_source_ca", required=False)
    if text and not text.lstrip().startswith("-----BEGIN CERTIFICATE-----"):
        reader.problems.append(
            "existing_source_ca is no PEM certificate: `pulumi config set existing_source_ca < CA.pem`, the authority "
            "that signed the source's certificate, which names source_address"
        )
    if text and not reader.text("vpc_id", required=False):
        reader.problems.append(
            "existing_source_ca is set and vpc_id is not, and a source that exists is in a network that exists: set "
            "vpc_id, gateway_subnet_id, database_subnet_id (where the source is) and route_table_ids"
        )
    return text


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
