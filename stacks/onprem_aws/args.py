"""The plain arguments of onprem-aws's components, and what these would refuse, asked before any of them exists.

Each refuses in its constructor, too; but a mistake in the last one would be told after the network was made.
"""

from typing import Any

import pulumi

from twinsite import Connection
from twinsite.network.existing import Unasked, look
from twinsite.rules.aws_network import AwsNetworkIntent
from twinsite.rules.database import MySqlReplicaPairIntent
from twinsite.rules.hosts import GuestStoreIntent
from twinsite.rules.own_network import network_problems
from twinsite.rules.tunnel import StrongSwanTunnelIntent
from twinsite.tunnel.entry import AWS_HOST

from ..asked import Intents, problems
from ..settings import given
from .settings import DATABASE, GATEWAY, Facts, Login, OwnNetwork, Settings, Site


def intents(settings: Settings) -> Intents:
    """What each component is meant to be."""
    made: Intents = {} if settings.own_network else {"AwsNetwork": AwsNetworkIntent.of(made_network(settings))}
    return {
        **made,
        "GuestStore": GuestStoreIntent.of({"region": settings.region}),
        "StrongSwanTunnel": StrongSwanTunnelIntent.of(tunnel_args(settings)),
        "MySqlReplicaPair": MySqlReplicaPairIntent.of(pair_args(settings)),
    }


def refusals(settings: Settings) -> list[str]:
    """What components would refuse, with the one that would."""
    return problems(intents(settings))


def network_refusals(settings: Settings, own: OwnNetwork, tags: dict[str, str]) -> list[str]:
    """What the account says against the network that is to be used. Where it cannot be asked a preview only warns."""
    if own.facts == Facts.TRUST:
        return []
    subnets = {"gateway_subnet_id": own.gateway_subnet_id, "database_subnet_id": own.database_subnet_id}
    try:
        found = look(settings.region, own.vpc_id, **subnets, ours={**tags, "Name": AWS_HOST})
    except Unasked as unasked:
        words = f"{own.vpc_id} could not be looked at: {unasked}"
        if pulumi.runtime.is_dry_run():
            pulumi.log.warn(f"{words}; `pulumi up` refuses what does not fit before it makes anything")
            return []
        return [f"{words}: give credentials that may describe it, or `pulumi config set network_facts trust`"]
    wanted = {
        **subnets,
        "route_table_ids": own.route_table_ids,
        "vpc_range": settings.vpc_range,
        "public_range": settings.public_range,
        "private_range": settings.private_range,
        "availability_zone": settings.availability_zone,
        "onprem_range": settings.onprem_range,
        "created": not settings.existing_source_ca,
    }
    return list(network_problems(found, wanted))


def made_network(settings: Settings) -> dict[str, Any]:
    """Of AwsNetwork."""
    return {
        "region": settings.region,
        "availability_zone": settings.availability_zone,
        "vpc_range": settings.vpc_range,
        "public_range": settings.public_range,
        "private_range": settings.private_range,
    }


def tunnel_args(settings: Settings) -> dict[str, Any]:
    """Of StrongSwanTunnel, without what the network gives."""
    return {
        "connection_name": settings.connection_name,
        "region": settings.region,
        "availability_zone": settings.availability_zone,
        "vpc_range": settings.vpc_range,
        "subnet_range": settings.public_range,
        "gateway_address": settings.gateway_address,
        "ami": settings.gateway_ami,
        "instance_type": settings.gateway_instance_type,
        "onprem_range": settings.onprem_range,
        "onprem_gateway_address": settings.onprem_gateway_address,
        "onprem_public_range": settings.onprem_public_range,
        "onprem_connection": connection(settings.gateway_login, settings.gateway_host_key),
        "delivery": settings.delivery,
        "onprem_gone": GATEWAY in settings.onprem_gone,
        "gate": settings.gate,
        **given(gate_timeout_seconds=settings.tunnel_gate_timeout_seconds),
        "psk_generation": settings.psk_generation,
        # A network of one's own has its way out; its other machines reach on-prem only when somebody says so.
        "nat_range": "" if settings.own_network else settings.private_range,
        "forward_ranges": list(settings.gateway_client_ranges)
        or ([settings.private_range] if settings.own_network else []),
        "operator_ranges": list(settings.operator_ranges),
        "operator_keys": list(settings.operator_keys),
    }


def pair_args(settings: Settings) -> dict[str, Any]:
    """Of MySqlReplicaPair, without what network, store and tunnel give."""
    return {
        "region": settings.region,
        "availability_zone": settings.availability_zone,
        "vpc_range": settings.vpc_range,
        "subnet_range": settings.private_range,
        "source_address": settings.source_address,
        "ami": settings.source_ami,
        "source_generation": settings.source_generation,
        "instance_type": settings.source_instance_type,
        "data_volume_gib": settings.data_volume_gib,
        "site_is_active": settings.active_site == Site.AWS,
        "onprem_range": settings.onprem_range,
        "replica_address": settings.onprem_database_address,
        "onprem_connection": connection(settings.database_login, settings.database_host_key),
        "gateway_address": settings.onprem_gateway_address,
        "source_gateway_address": settings.gateway_address,
        "delivery": settings.delivery,
        "onprem_gone": DATABASE in settings.onprem_gone,
        "gate": settings.gate,
        **given(gate_timeout_seconds=settings.replica_gate_timeout_seconds),
        "client_ranges": list(settings.database_client_ranges),
        "replica_bind_address": settings.replica_bind_address,
        "source_server_id": settings.source_server_id,
        "replica_server_id": settings.replica_server_id,
        "source_settings": settings.source_settings,
        "replica_settings": settings.replica_settings,
        "tolerated_outage_hours": settings.tolerated_outage_hours,
        **given(binlog_retention_hours=settings.binlog_retention_hours or None),
        "heartbeat_period_seconds": settings.heartbeat_period_seconds,
        "net_timeout_seconds": settings.net_timeout_seconds,
        "password_generation": settings.password_generation,
        **({"existing_source": {"tls_ca": settings.existing_source_ca}} if settings.existing_source_ca else {}),
        "operator_keys": list(settings.operator_keys),
    }


def connection(login: Login | None, host_key: str) -> Connection | None:
    """How an on-prem host is reached; None where it is handed over without a login."""
    if login is None:
        return None
    return Connection(
        host=login.host,
        port=login.port,
        user=login.user,
        private_key=pulumi.Config().get_secret("onprem_ssh_private_key") or pulumi.Output.secret(""),
        host_key=host_key,
    )
