"""Topology onprem-aws: MySQL on EC2, its replica on-prem, an IPsec tunnel between them (source document 000).

on-prem 192.168.64.0/24                        VPC 10.20.0.0/16
database (replica) ── gateway ══ IKEv2, NAT-T ══ gateway ── database (source)
                     initiates                    answers, and is the private subnet's way out
"""

from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from twinsite import (
    AwsNetwork,
    AwsNetworkArgs,
    Connection,
    Delivery,
    GuestStore,
    MySqlReplicaPair,
    MySqlReplicaPairArgs,
    StrongSwanTunnel,
    StrongSwanTunnelArgs,
    inventory,
    onprem_file,
)
from twinsite.database.entry import BUNDLE as DATABASE_BUNDLE
from twinsite.protection import for_life
from twinsite.rules import require
from twinsite.tunnel.entry import BUNDLE as GATEWAY_BUNDLE

from ..asked import Intents, problems, stack_digest
from ..promise import promised
from .args import connection, intents, made_network, network_refusals, pair_args, refusals, tunnel_args
from .estimate import estimate
from .needs import needs
from .settings import DATABASE, GATEWAY, MODES, NAME, SITES, OwnNetwork, Settings, Site, read

__all__ = ["MODES", "NAME", "SITES", "Settings", "build", "estimate", "needs", "read", "refusals"]

STORE = "/var/lib/twinsite"


@dataclass(frozen=True)
class _Place:
    """Where in AWS things are put."""

    vpc_id: pulumi.Input[str]
    zone: pulumi.Input[str]
    gateway_subnet_id: pulumi.Input[str]
    database_subnet_id: pulumi.Input[str]
    route_table_ids: dict[str, pulumi.Input[str]]

    @staticmethod
    def of(own: OwnNetwork, zone: str) -> "_Place":
        return _Place(own.vpc_id, zone, own.gateway_subnet_id, own.database_subnet_id, dict(own.route_table_ids))


def _made(settings: Settings, tags: dict[str, str]) -> _Place:
    network = AwsNetwork(
        NAME,
        cast(AwsNetworkArgs, {**made_network(settings), "tags": tags}),
        pulumi.ResourceOptions(
            hooks=for_life(
                NAME,
                "the network with the source in it",
                {part: part for part in ("vpc_range", "public_range", "private_range")},
                settings.active_site == Site.AWS,
            )
        ),
    )
    tables: dict[str, pulumi.Input[str]] = {
        "public": network.public_route_table_id,
        "private": network.private_route_table_id,
    }
    return _Place(
        network.vpc_id, network.availability_zone, network.public_subnet_id, network.private_subnet_id, tables
    )


def build(settings: Settings) -> dict[str, Any]:
    """Create the components; returns the stack's exports. Refused before the first resource exists."""
    meant = intents(settings)
    require(f"topology {NAME}", problems(meant))
    tags = {"twinsite:stack": pulumi.get_stack(), "twinsite:topology": NAME}
    own = settings.own_network
    if own is not None:
        require(f"topology {NAME}", network_refusals(settings, own, tags))
    place = _made(settings, tags) if own is None else _Place.of(own, settings.availability_zone)
    store = GuestStore(NAME, {"region": settings.region, "tags": tags})
    tunnel = StrongSwanTunnel(
        NAME,
        cast(
            StrongSwanTunnelArgs,
            {
                **tunnel_args(settings),
                "vpc_id": place.vpc_id,
                "subnet_id": place.gateway_subnet_id,
                "route_table_ids": place.route_table_ids,
                "availability_zone": place.zone,
                "store": store,
                "tags": tags,
            },
        ),
    )
    if own is None:
        aws.ec2.Route(
            f"{NAME}-way-out",
            route_table_id=place.route_table_ids["private"],
            destination_cidr_block="0.0.0.0/0",
            network_interface_id=tunnel.gateway_interface_id,
            region=settings.region,
        )
    pair = MySqlReplicaPair(
        NAME,
        cast(
            MySqlReplicaPairArgs,
            {
                **pair_args(settings),
                "vpc_id": place.vpc_id,
                "subnet_id": place.database_subnet_id,
                "availability_zone": place.zone,
                "store": store,
                "path_ready": tunnel.ready,
                "tags": tags,
            },
        ),
    )
    _handed_over(settings)
    published = pulumi.Output.all(
        entries=[tunnel.inventory, pair.inventory], digests=[tunnel.digest, pair.digest]
    ).apply(lambda known: inventory.to_dict(_inventory(settings, meant, known)))
    if settings.delivery == Delivery.SSH:
        onprem_file(
            f"{NAME}-inventory",
            _required(connection(settings.database_login, settings.database_host_key)),
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
        "source_sql": pair.source_sql,
        "binlog_retention_hours": pair.binlog_retention_hours,
    }


def _handed_over(settings: Settings) -> None:
    """What this `up` does not do at the hosts on-prem."""
    for name, bundle in ((GATEWAY, GATEWAY_BUNDLE), (DATABASE, DATABASE_BUNDLE)):
        if name in settings.onprem_gone:
            pulumi.log.warn(f"{name} is in onprem_gone, so nothing is undone there when it goes from this stack")
        if settings.delivery == Delivery.BUNDLE:
            pulumi.log.warn(
                f"{name} is handed over, so this `up` leaves it as it is: {inventory.handed_over(name, bundle)}"
            )


def _inventory(settings: Settings, meant: Intents, known: dict[str, Any]) -> inventory.Inventory:
    return inventory.together(
        inventory.Inventory(
            topology=NAME,
            dr_mode=settings.dr_mode.value,
            sites=(
                inventory.Site(Site.AWS.value, ("aws",), settings.region),
                inventory.Site(Site.ONPREM.value, ("command",)),
            ),
            home=Site.AWS.value,
            away=Site.ONPREM.value,
            active_site=settings.active_site.value,
            promise=promised(estimate, settings),
            store=f"ssh://{DATABASE}{STORE}",
            digest=stack_digest(meant, known["digests"]),
        ),
        known["entries"],
    )


def _required(found: Connection | None) -> Connection:
    if found is None:
        raise ValueError("unreachable: read() refuses delivery by SSH without a login")
    return found
