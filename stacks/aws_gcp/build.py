"""Topology aws-gcp: a primary site that exists in AWS, a standby in Google Cloud by mode (source document 004).

AWS (exists): ALB, EKS, RDS for PostgreSQL       Google: network, address; from pilot-light on Cloud SQL and GKE
    a CronJob in EKS ── pg_dump ──▶ bucket, in every mode, if one is named
    VPC ══ AwsGcpVpn: four tunnels, BGP in each, from pilot-light on ══ network
FQDN  Cloudflare: the first of ALB and Google's address that says it may write, else a notice

cold ⊂ pilot-light ⊂ warm. What warm adds is at Google alone, so that it works while AWS is dead.
"""

from typing import Any

import pulumi
import pulumi_gcp as gcp

from twinsite import (
    AwsGcpVpn,
    AwsLinkAlarms,
    CloudflareFailover,
    CloudSqlStandby,
    GcpAlarms,
    GkeStandby,
    inventory,
)
from twinsite.database.dms_still import while_stopped
from twinsite.database.logical_replica import keep_slot
from twinsite.modes import DrMode
from twinsite.protection import keep_registers
from twinsite.rules import require
from twinsite.rules.logical import FOLLOWS

from ..asked import Intents, problems, stack_digest
from ..promise import promised
from . import backups, store, writers
from .args import Args, arguments, joined, register_regions, registers, tags
from .cluster import application, cache, inside, replica
from .estimate import estimate
from .needs import needs
from .settings import MODES, NAME, PACKAGES, SITES, Settings, Site, read
from .writers import Gates

__all__ = ["MODES", "NAME", "PACKAGES", "SITES", "Settings", "build", "estimate", "needs", "read", "refusals"]


def refusals(settings: Settings) -> list[str]:
    """What components would refuse, with the one that would."""
    return problems(arguments(settings, tags()).intents())


def build(settings: Settings) -> dict[str, Any]:
    """Create the components; returns the stack's exports. Refused before the first resource exists."""
    plain = arguments(settings, tags())
    intents = plain.intents()
    require(f"topology {NAME}", problems(intents))
    there = store.bucket(settings)
    network = _network(settings)
    vpn = AwsGcpVpn(NAME, joined(plain.vpn, gcp_network_id=network.id))
    database = CloudSqlStandby(
        NAME,
        joined(
            plain.database,
            network_id=network.id,
            service_connection=vpn.service_connection,
            service_range_name=vpn.service_range_name,
        ),
    )
    cluster = GkeStandby(f"{NAME}-gke", joined(plain.cluster, network_id=network.id))
    opts = inside(plain, cluster)
    kept = cache(plain.cache, cluster, opts) if plain.cache is not None else None
    held = None
    if plain.writers is not None and settings.writers is not None:
        held = writers.made(NAME, plain.writers, settings.writers, cluster, database, opts)
    else:
        for part in ("registers", "writer-aws", "writer-gcp"):  # of a stack that had them before
            keep_registers(f"{NAME}-{part}", settings.writer_gates == Gates.RELEASED)
    pods = application(plain, cluster, database, kept, opts, held.service if held else None)
    name = CloudflareFailover(NAME, joined(plain.name, standby={**plain.name["standby"], "address": cluster.address}))
    saved = None
    if plain.backups is not None and settings.backups is not None:
        register = settings.writers.bucket if settings.writers is not None else ""
        saved = backups.made(
            f"{NAME}-backups", plain.backups, settings.backups.context, register, held, cluster, database, opts
        )
    at_aws = AwsLinkAlarms(
        f"{NAME}-watch-aws",
        joined(_told(plain.aws_alarms), aws_addresses=vpn.aws_addresses, account_id=vpn.aws_secret_arn.apply(_account)),
    )
    watch = [
        at_aws,
        GcpAlarms(f"{NAME}-watch-gcp", joined(_told(plain.gcp_alarms), tunnel_names=vpn.tunnel_names)),
    ]
    flow = None
    if plain.replica is None:
        keep_slot(f"{NAME}-replica", settings.prefix, FOLLOWS)  # of a flow that was ours before
    else:
        after = [vpn, database, cluster, pods, name, *watch, *([kept] if kept else []), *(held.after if held else [])]
        flow = replica(plain.replica, cluster, database, there.name, opts, after)
    task = None
    if plain.task is not None and flow is not None and settings.dr_mode != DrMode.COLD:
        from . import carrier  # only where there is one: it brings DMS's part of the SDK

        task = carrier.made(f"{NAME}-dms", plain, vpn, database, flow, at_aws)
    else:
        while_stopped(f"{NAME}-dms", runs=False)  # of a task that was there before
    entries = [one.inventory for one in (vpn, database, cluster, pods, name, flow, task) if one is not None]
    entries += [*(saved.inventory if saved else []), *(held.inventory if held else [])]
    published = pulumi.Output.all(entries=entries, bucket=there.name).apply(
        lambda known: inventory.to_dict(
            inventory.together(_inventory(settings, intents, f"gs://{known['bucket']}"), known["entries"])
        )
    )
    store.publish(there, published)
    return {
        "inventory": published,
        "dr_mode": settings.dr_mode.value,
        "name": name.fqdn,
        "standby_address": cluster.address,
        "aws_security_group_id": vpn.aws_security_group_id,
        "tunnels": vpn.tunnel_names.apply(lambda found: found or []),  # an output that is None would not be there
        "standby_database": database.address.apply(lambda found: found or ""),
        "standby_database_password": database.password_secret,
        "resize": cluster.resize,
        "scale": pods.scale,
        "backups": saved.store if saved else "",
        "replica_by_hand": flow.by_hand if flow else {},
        "source_parameters": flow.source_parameters if flow else {},
        "dms_task": task.ready.apply(lambda found: found or "") if task else "",
    }


def _network(settings: Settings) -> gcp.compute.Network:
    return gcp.compute.Network(
        f"{NAME}-network",
        name=settings.prefix,
        auto_create_subnetworks=False,
        # With the default a router tells AWS of its own region alone, and lets nobody elsewhere through.
        routing_mode="GLOBAL",
    )


def _at_home(settings: Settings) -> tuple[inventory.Workload, ...]:
    """The primary's pods, if whoever moves the writer may tell them their role."""
    if not settings.primary_role_config:
        return ()
    return (
        inventory.Workload(
            name=settings.application,
            site=Site.AWS.value,
            context=settings.primary_cluster_context,
            namespace=settings.primary_namespace,
            role_config=settings.primary_role_config,
            serving_replicas=settings.serving_replicas,
            exists=True,
        ),
    )


def _account(arn: str) -> str:
    return arn.split(":")[4]


def _told(alarms: Args) -> Args:
    """With the places of the endpoints that get them."""
    if not alarms["urls"]:
        return alarms
    found = pulumi.Config().require_secret_object("alarm_urls")
    return {**alarms, "urls": {whose: found.apply(_at(whose)) for whose in alarms["urls"]}}


def _at(whose: str) -> Any:
    return lambda found: str(found[whose])


def _inventory(settings: Settings, intents: Intents, place: str) -> inventory.Inventory:
    return inventory.Inventory(
        topology=NAME,
        dr_mode=settings.dr_mode.value,
        sites=(
            inventory.Site(Site.AWS.value, ("aws",), settings.region),
            inventory.Site(Site.GCP.value, ("gcp", "kubernetes"), settings.location),
        ),
        home=Site.AWS.value,
        away=Site.GCP.value,
        active_site=settings.active_site.value,
        promise=promised(estimate, settings),
        store=place,
        registers=registers(settings),
        register_regions=register_regions(settings),
        workloads=_at_home(settings),
        digest=stack_digest(intents, []),
    )
