"""What topology onprem-aws needs of its account: two machines, an address and a network."""

import pulumi

from twinsite.needs import Aws, Home, Machine, Needs

from .settings import NAME, Settings


def needs(settings: Settings, home: Home) -> Needs:
    """From settings that may still have gaps. What exists already is not wanted: a network of one's own, a source."""
    machines = [Machine("gateway", settings.gateway_instance_type, settings.gateway_ami)]
    if not settings.existing_source_ca:
        machines.append(Machine("source", settings.source_instance_type, settings.source_ami))
    return Needs(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        home=home,
        aws=Aws(
            region=settings.region,
            profile=pulumi.Config("aws").get("profile") or "",
            zone=settings.availability_zone if settings.region else "",
            machines=tuple(machines),
            addresses=1,
            vpcs=0 if settings.own_network else 1,
        ),
        further_rights={"deployer": ("own-network",)} if settings.own_network else {},
        words={
            **_network(settings),
            "region": settings.region,
            "gateway_ami": settings.gateway_ami,
            "source_ami": settings.source_ami,
        },
    )


def _network(settings: Settings) -> dict[str, str]:
    """What the list of rights for a network of one's own names."""
    own = settings.own_network
    if own is None:
        return {}
    return {
        "vpc_id": own.vpc_id,
        "gateway_subnet_id": own.gateway_subnet_id,
        "database_subnet_id": own.database_subnet_id,
    }
