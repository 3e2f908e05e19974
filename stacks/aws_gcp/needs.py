"""What topology aws-gcp needs of its accounts: of AWS nothing that is counted, of Google also what a failover adds.

Raising the mode at three in the morning must not be the first to ask for a quota, a zone or a version.
"""

import pulumi

from twinsite.needs import Aws, Cloudflare, Cluster, DmsTask, Google, Home, Needs
from twinsite.rules.cloud_sql import CloudSqlStandbyIntent
from twinsite.rules.gke import GkeStandbyIntent
from twinsite.rules.vpn import TUNNELS

from .args import arguments, registers, tags
from .settings import NAME, Settings


def needs(settings: Settings, home: Home) -> Needs:
    """From settings that may still have gaps. The primary's database is PostgreSQL, which the doctor cannot ask."""
    plain = arguments(settings, tags())
    cluster, database = GkeStandbyIntent.of(plain.cluster), CloudSqlStandbyIntent.of(plain.database)
    register = next((one.removeprefix("s3://") for one in registers(settings) if one.startswith("s3://")), "")
    return Needs(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        home=home,
        aws=Aws(region=settings.region, profile=pulumi.Config("aws").get("profile") or "", task=_task(settings)),
        google=Google(
            project=settings.project,
            region=settings.location,
            prefix=settings.prefix,
            zones=settings.zones,
            machine_type=cluster.machine_type,
            # The system's own node counts as one of the others, which is too many by a little.
            nodes=(cluster.warm_nodes + cluster.serving_nodes) * len(settings.zones) + 1,
            node_disk_gib=cluster.disk_gib,
            release_channel=cluster.release_channel,
            database_version=settings.database_version,
            database_tier=settings.database_tier,
            database_flags=tuple(database.all_flags) if database.engine else (),
            tunnels=TUNNELS,
        ),
        cloudflare=Cloudflare(
            account=settings.cloudflare_account_id,
            zone=settings.cloudflare_zone_id,
            fqdn=settings.fqdn,
            plan=settings.cloudflare_plan.value,
        ),
        cluster=_cluster(settings),
        further_rights={
            "operator": (
                *(["registers"] if register else []),
                *(["dms.operator"] if settings.task is not None else []),
            ),
            "deployer": (
                *(["writer"] if settings.writers is not None else []),
                *(["dms"] if settings.task is not None else []),
            ),
        },
        words={
            "region": settings.region,
            "vpc_id": settings.vpc_id,
            "prefix": settings.prefix,
            "stack_tag": tags()["twinsite-stack"],
            "cloudflare_account_id": settings.cloudflare_account_id,
            "cloudflare_zone_id": settings.cloudflare_zone_id,
            "writer_bucket": settings.writers.bucket if settings.writers is not None else "",
            "writer_register": register,
            "writer_register_bucket": register.partition("/")[0],
            "namespace": settings.primary_namespace,
            "application": settings.application,
            # Where pods are told no role there is nothing of that name, and nothing is allowed by it.
            "role_config": settings.primary_role_config or f"{settings.application}-role",
        },
    )


def _cluster(settings: Settings) -> Cluster | None:
    """The primary's, where something of the stack's is in it or a move tells its pods their role."""
    inside = settings.backups or settings.writers
    if inside is None and not settings.primary_role_config:
        return None
    return Cluster(
        settings.primary_cluster_context,
        settings.primary_namespace,
        inside.issuer if inside is not None else None,
        setting="primary_cluster_context",
    )


def _task(settings: Settings) -> DmsTask | None:
    """In every mode: raising must not be the first to ask."""
    known = settings.task
    return None if known is None else DmsTask(settings.prefix, known.storage_gib, known.account_roles)
