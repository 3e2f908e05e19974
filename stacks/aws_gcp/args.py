"""The plain arguments of aws-gcp's components, each made once: asked of every rule, then given to its constructor.

`build` adds what other components give; LATER stands for it where a rule asks whether there will be such a thing.
"""

import re
from dataclasses import dataclass
from typing import Any

import pulumi

from twinsite.rules.cache import CacheStanceIntent
from twinsite.rules.cloud_sql import CloudSqlStandbyIntent
from twinsite.rules.cloudflare import CloudflareFailoverIntent
from twinsite.rules.dms import DmsCdcTaskIntent
from twinsite.rules.gke import GkeStandbyIntent
from twinsite.rules.intent import Intent
from twinsite.rules.link_alarms import AwsLinkAlarmsIntent, GcpAlarmsIntent
from twinsite.rules.logical import LogicalReplicaIntent
from twinsite.rules.vpn import AwsGcpVpnIntent
from twinsite.rules.workload import WorkloadIntent

from ..asked import Intents
from . import backups, task, writers
from .backups import BackupArguments
from .replica import IDENTITY, LOOK_MINUTES, Replica, Replication
from .settings import NAME, Settings, Site
from .writers import Gates, WriterArguments

POSTGRES_PORT = 5432

Args = dict[str, Any]


@dataclass(frozen=True)
class Arguments:
    """Of each component."""

    vpn: Args
    database: Args
    cluster: Args
    workload: Args
    name: Args
    aws_alarms: Args
    gcp_alarms: Args
    cache: Args | None
    """None: the application has none at the standby."""
    backups: BackupArguments | None
    """None: nothing is backed up at Google."""
    replica: Args | None
    """None: somebody else replicates."""
    task: Args | None
    """None: rows come by a subscription, or not at all."""
    writers: WriterArguments | None
    """None: agents and registers are somebody else's."""

    def intents(self) -> Intents:
        """What each component is meant to be."""
        found: dict[str, Intent] = {
            "AwsGcpVpn": AwsGcpVpnIntent.of(self.vpn),
            "CloudSqlStandby": CloudSqlStandbyIntent.of(self.database),
            "GkeStandby": GkeStandbyIntent.of(self.cluster),
            "Workload": WorkloadIntent.of(
                {
                    **self.workload,
                    "site": Site.GCP.value,
                    "role": "reader",
                    "ingress_host": self.workload["ingress"]["host"],
                }
            ),
            "CloudflareFailover": CloudflareFailoverIntent.of(self.name),
            "AwsLinkAlarms": AwsLinkAlarmsIntent.of(self.aws_alarms),
            "GcpAlarms": GcpAlarmsIntent.of(self.gcp_alarms),
        }
        if self.cache is not None:
            given = {**self.cache, "site": Site.GCP.value, "namespace": self.cache["namespace_name"]}
            found["CacheStance"] = CacheStanceIntent.of(given)
        if self.backups is not None:
            found |= self.backups.intents()
        if self.replica is not None:
            found["LogicalReplica"] = LogicalReplicaIntent.of(self.replica)
        if self.task is not None:
            found["DmsCdcTask"] = DmsCdcTaskIntent.of(self.task)
        if self.writers is not None:
            found |= self.writers.intents()
        return found


def tags() -> dict[str, str]:
    """On all that is made. Also taken by Google, whose labels have small letters, digits, - and _ only."""
    stack = re.sub(r"[^a-z0-9_-]", "-", pulumi.get_stack().lower())[:63]
    return {"twinsite-stack": stack, "twinsite-topology": NAME}


def arguments(settings: Settings, tags: dict[str, str]) -> Arguments:
    """Of every component, from settings; `tags` are on all of them, at Google as labels."""
    replica = settings.replica
    # Pools are not watched: nobody asks Cloudflare on a schedule. The slot is RDS's own metric, and may be there still
    # when the flow was given up; lag is measured by the look at Google, of which AWS hears nothing: no pod there has an
    # identity of AWS's.
    slot, seen = {}, {}
    if replica is not None and replica.replication != Replication.TAKEN_AWAY:
        slot = {"slot_gib": replica.slot_alarm_gib}
    if replica is not None and replica.replication == Replication.FOLLOWS:
        # A task's slot has a name of DMS's own, which the look does not know.
        seen = {**({} if replica.carrier else slot), "lag_seconds": replica.lag_alarm_seconds, "flow": _flow(settings)}
    told = {
        "dr_mode": settings.dr_mode,
        "prefix": settings.prefix,
        "emails": list(settings.alarm_emails),
        "urls": dict.fromkeys(settings.alarm_urls, ""),
    }
    pods = {"namespace": settings.application_namespace, "workload": settings.application}
    flow = None if replica is None else _replica(settings, replica, tags)
    at_home = {"cluster": settings.primary_cluster, **pods} if settings.primary_cluster else {}
    return Arguments(
        vpn={
            "dr_mode": settings.dr_mode,
            "prefix": settings.prefix,
            "aws_region": settings.region,
            "vpc_id": settings.vpc_id,
            "vpc_range": settings.vpc_range,
            "route_table_ids": settings.route_table_ids,
            "gcp_region": settings.location,
            "gcp_ranges": [settings.nodes_range, settings.pods_range],
            "service_range": settings.service_range,
            "aws_asn": settings.aws_asn,
            "gcp_asn": settings.gcp_asn,
            "inside_ranges": list(settings.inside_ranges),
            "psk_generations": list(settings.psk_generations),
            "aws_tcp_ports": [POSTGRES_PORT],
            "service_tcp_ports": [POSTGRES_PORT] if replica is not None and replica.back_user else [],
            "tags": tags,
            "labels": tags,
        },
        database={
            "dr_mode": settings.dr_mode,
            "instance": settings.prefix,
            "generation": settings.database_generation,
            "region": settings.location,
            "database_version": settings.database_version,
            "source_version": settings.primary_database_version,
            "source_settings": settings.primary_database_settings,
            "flags": settings.database_flags,
            "tier": settings.database_tier,
            "availability_type": settings.database_availability,
            "disk_gib": settings.database_disk_gib,
            "database": settings.database,
            "charset": settings.database_charset,
            "collation": settings.database_collation,
            "site_is_active": settings.standby_serves,
            "labels": tags,
        },
        cluster={
            "dr_mode": settings.dr_mode,
            "site": Site.GCP.value,
            "project": settings.project,
            "cluster": settings.prefix,
            "region": settings.location,
            "zones": list(settings.zones),
            "nodes_range": settings.nodes_range,
            "pods_range": settings.pods_range,
            "services_range": settings.cluster_services_range,
            "operator_ranges": list(settings.operator_ranges),
            "machine_type": settings.machine_type,
            "warm_nodes": settings.warm_nodes,
            "serving_nodes": settings.serving_nodes,
            "system_machine_type": settings.system_machine_type,
            "identities": identities(settings),
            "site_is_active": settings.standby_serves,
            "labels": tags,
        },
        workload={
            "dr_mode": settings.dr_mode,
            "standby": True,
            "definition": {
                "name": settings.application,
                "digest": settings.application_digest,
                "port": settings.application_port,
                "writer_path": settings.writer_path,
            },
            "namespace": settings.application_namespace,
            "namespace_exists": True,
            "repository": settings.application_repository,
            "database": {"port": POSTGRES_PORT, "schema": settings.database, "user": settings.application_user},
            "serving_replicas": settings.serving_replicas,
            "warm_replicas": settings.warm_replicas,
            "ingress": {"host": settings.standby_host},
            "site_is_active": settings.standby_serves,
            "tags": tags,
        },
        name={
            "fqdn": settings.fqdn,
            "account_id": settings.cloudflare_account_id,
            "zone_id": settings.cloudflare_zone_id,
            "plan": settings.cloudflare_plan.value,
            "primary": _end(Site.AWS.value, settings.primary_alb_name, settings.primary_host),
            "standby": _end(Site.GCP.value, None, settings.standby_host),
            "notice": _end("notice", settings.notice_address, settings.notice_host),
            "writer_path": settings.writer_path,
            "writer_text": settings.writer_text,
            "notice_text": settings.notice_text,
            "check_regions": list(settings.check_regions),
            "timeout_seconds": settings.check_timeout_seconds,
            "emails": list(settings.alarm_emails),
            "pages": {
                "path": settings.application_path,
                "primary_marker": settings.primary_marker,
                "standby_marker": settings.standby_marker,
            },
        },
        aws_alarms={
            **told,
            "region": settings.region,
            "database": settings.primary_database_address.partition(".")[0],
            **({"publishers": [task.PUBLISHER]} if settings.task is not None else {}),
            "tags": tags,
            **at_home,
            **slot,
        },
        gcp_alarms={
            **told,
            "project": settings.project,
            "region": settings.location,
            "cluster": settings.prefix,
            "labels": tags,
            **pods,
            **seen,
        },
        cache=_cache(settings),
        backups=_backups(settings, tags),
        replica=flow,
        task=_task(settings, flow, tags),
        writers=_writers(settings, flow, tags),
    )


def _task(settings: Settings, flow: Args | None, tags: dict[str, str]) -> Args | None:
    if settings.task is None or settings.replica is None or flow is None:
        return None
    return task.arguments(settings.task, flow, settings.replica, settings.region, settings.prefix, tags)


def _writers(settings: Settings, flow: Args | None, tags: dict[str, str]) -> WriterArguments | None:
    if settings.writers is None or flow is None:
        return None
    return writers.arguments(
        settings.writers,
        (Site.AWS.value, Site.GCP.value),
        (settings.region, settings.location),
        {"project": settings.project, "region": settings.location, "cluster": settings.prefix},
        flow,
        {"namespace": settings.application_namespace},
        settings.writer_text,
        settings.active_site.value,
        settings.writer_gates == Gates.RELEASED,
        tags,
    )


def _backups(settings: Settings, tags: dict[str, str]) -> BackupArguments | None:
    if settings.backups is None:
        return None
    primary = {
        "address": settings.primary_database_address,
        "port": POSTGRES_PORT,
        "database": settings.database,
        "version": settings.primary_database_version,
    }
    return backups.arguments(
        settings.backups,
        settings.project,
        (Site.AWS.value, Site.GCP.value),
        primary,
        settings.database_version,
        settings.application_namespace,
        settings.standby_serves,
        tags,
    )


def registers(settings: Settings) -> tuple[str, ...]:
    """Whoever made them."""
    plain = arguments(settings, {}).writers
    return settings.writer_registers if plain is None else tuple(plain.home["places"])


def register_regions(settings: Settings) -> tuple[str, ...]:
    """In the order of registers; "" is AWS' region, or no place of AWS."""
    plain = arguments(settings, {}).writers
    if plain is None:
        return settings.writer_register_regions
    told = plain.home["regions"]
    return tuple("" if told.get(one) == settings.region else told.get(one, "") for one in plain.home["places"])


def identities(settings: Settings) -> dict[str, str]:
    """Of the cluster's pods that are somebody at Google."""
    found = {IDENTITY: looker(settings)} if settings.replica is not None else {}
    if settings.backups is not None:
        found[backups.IDENTITY] = f"{settings.application_namespace}/{backups.RESTORES}"
    if settings.writers is not None:
        found[writers.IDENTITY] = f"{settings.application_namespace}/{writers.ACCOUNT}"
    return found


def looker(settings: Settings) -> str:
    """NAMESPACE/SERVICE-ACCOUNT of LogicalReplica's pods."""
    return f"{settings.application_namespace}/logical-{settings.prefix}"


def _flow(settings: Settings) -> str:
    return settings.prefix.replace("-", "_")


def _replica(settings: Settings, replica: Replica, tags: dict[str, str]) -> Args:
    """Slot, publication and subscription are named as the rest at Google is."""
    return {
        "dr_mode": settings.dr_mode,
        "replication": replica.replication.value,
        "target_serves": settings.standby_serves,
        "carrier": replica.carrier,
        "replica": _flow(settings),
        "source": {
            "address": settings.primary_database_address,
            "port": POSTGRES_PORT,
            "database": settings.database,
            "user": replica.source_user,
            "version": settings.primary_database_version,
            "tls_ca": replica.source_authority or None,
        },
        "target": {
            "database": settings.database,
            "user": CloudSqlStandbyIntent.user,
            "version": settings.database_version.removeprefix("POSTGRES_"),
        },
        "replication_user": replica.user,
        "schemas": list(replica.schemas),
        "authority_at_target": replica.authority_at_target,
        "back_user": replica.back_user,
        "authority_at_source": replica.authority_at_source,
        "target_bounds_slots": False,
        "left_out_extensions": list(replica.left_out_extensions),
        "wal_mib_per_hour": replica.wal_mib_per_hour,
        "tolerated_outage_hours": replica.tolerated_outage_hours,
        "source_free_gib": replica.source_free_gib,
        "namespace": settings.application_namespace,
        "image": replica.image,
        "schedule": f"*/{LOOK_MINUTES} * * * *",
        "copy_seconds": replica.first_copy_seconds,
        "metrics_project": settings.project,
        "lag_alarm_seconds": replica.lag_alarm_seconds,
        "site": Site.GCP.value,
        "source_host": settings.primary_database_address.partition(".")[0],
        "target_host": settings.prefix,
        "tags": tags,
    }


def _cache(settings: Settings) -> Args | None:
    if not settings.cache_image:
        return None
    return {
        "dr_mode": settings.dr_mode,
        "standby": True,
        "namespace_name": settings.application_namespace,
        "image": settings.cache_image,
        "memory_mib": settings.cache_memory_mib,
        "holds": list(settings.cache_holds),
    }


def _end(site: str, address: str | None, host: str) -> Args:
    """`address` is None where Google chooses it."""
    return {"site": site, "address": address, "host": host}


def joined(plain: Args, **handles: Any) -> Any:
    """Arguments, whole."""
    return {**plain, **handles}
