"""What topology aws-azure needs of its accounts: of AWS nothing that is counted, of Azure also what `warm` adds.

Raising the mode at three in the morning must not be the first to ask for a size, a quota or an image.
"""

import pulumi

from twinsite.database.standby_database import StandbyDatabaseKind
from twinsite.needs import Aws, Azure, Cluster, Database, DatabaseSettings, Home, Machine, MySqlServer, Needs, Page

from .settings import NAME, Settings

ORIGIN_CERTIFICATE = "origin_certificate"
DATABASE = DatabaseSettings(
    "primary_database_address", "primary_database_user", "primary_database_password", "primary_database_ca"
)


def needs(settings: Settings, home: Home) -> Needs:
    """From settings that may still have gaps."""
    certified = [settings.origin_host, *([settings.application_name] if settings.one_name else [])]
    machines = [Machine("standby", settings.machine_size, settings.machine_image)]
    if settings.database_kind == StandbyDatabaseKind.MACHINE:
        machines.append(Machine("database", settings.database_size, settings.machine_image))
    served = [name for name in (settings.notice_name, settings.application_name) if name and settings.domain]
    region = pulumi.Config("aws").get("region") or ""
    return Needs(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        home=home,
        aws=Aws(region=region, profile=pulumi.Config("aws").get("profile") or ""),
        azure=Azure(
            subscription=settings.subscription,
            location=settings.location,
            other_locations=(settings.public_location,),
            resource_group=settings.resource_group,
            machines=tuple(machines),
            server=MySqlServer(settings.database_size, settings.database_version)
            if settings.managed_database
            else None,
            storage_accounts=tuple(
                name
                for name in (
                    settings.backup_account,
                    settings.standby_backup_account,
                    settings.public_account,
                    settings.latch_account,
                )
                if name
            ),
            vault=settings.vault,
            # A database on a machine has a way out of its own.
            addresses=len(machines),
        ),
        cluster=Cluster(settings.kubernetes_context, settings.primary_namespace, settings.primary_oidc_issuer),
        database=Database(
            address=settings.primary_database_address,
            user=settings.primary_database_user,
            schema=settings.schema,
            settings=DATABASE,
            version=settings.primary_database_version,
            authority=settings.primary_database_ca,
        ),
        names=True,
        domain=settings.domain,
        zone_id=settings.zone_id,
        pages=tuple(
            Page(name, settings.primary_alb_name)
            for name in dict.fromkeys([*served, settings.primary_host])
            if name and settings.primary_alb_name
        ),
        certificates={ORIGIN_CERTIFICATE: tuple(certified)} if settings.domain else {},
        words={
            "region": region,
            "zone_id": settings.zone_id,
            "subscription": settings.subscription,
            "resource_group": settings.resource_group,
            "namespace": settings.primary_namespace,
        },
    )
