"""The intent of every component, by its type in Pulumi: for whoever reads the output `intent`."""

from collections.abc import Mapping
from typing import Any

from .aws_network import AwsNetworkIntent
from .backup import BackupJobIntent, BackupStoreIntent, SecretVaultIntent
from .cache import CacheStanceIntent
from .cloud_sql import CloudSqlStandbyIntent
from .cloudflare import CloudflareFailoverIntent
from .database import MySqlReplicaPairIntent
from .dms import DmsCdcTaskIntent
from .gcs_backup import GcsBackupStoreIntent, PostgresBackupJobIntent, PostgresRestoreJobIntent
from .gke import GkeStandbyIntent
from .hosts import AzureHostIntent, Ec2HostIntent, GuestStoreIntent, HostGateIntent, OnPremHostIntent
from .intent import VERSION, Intent
from .link_alarms import AwsLinkAlarmsIntent, GcpAlarmsIntent
from .logical import LogicalReplicaIntent
from .pages import EdgeCertificateIntent, FrontDoorIntent, MaintenancePageIntent, StaticSiteIntent
from .standby import AzureNetworkIntent, ColdWarmVmIntent, StandbyDatabaseIntent
from .traffic import LatchIntent, Route53FailoverPairIntent
from .tunnel import StrongSwanTunnelIntent
from .vpn import AwsGcpVpnIntent
from .watching import AlarmsIntent, ObserverIntent
from .workload import WorkloadIntent
from .writer import WriterAgentIntent, WriterRegistersIntent

INTENTS: dict[str, type[Intent]] = {
    f"twinsite:index:{kind.__name__.removesuffix('Intent')}": kind
    for kind in (
        AlarmsIntent,
        AwsGcpVpnIntent,
        AwsLinkAlarmsIntent,
        AwsNetworkIntent,
        AzureHostIntent,
        AzureNetworkIntent,
        BackupJobIntent,
        BackupStoreIntent,
        CacheStanceIntent,
        CloudSqlStandbyIntent,
        CloudflareFailoverIntent,
        ColdWarmVmIntent,
        DmsCdcTaskIntent,
        Ec2HostIntent,
        EdgeCertificateIntent,
        FrontDoorIntent,
        GcpAlarmsIntent,
        GcsBackupStoreIntent,
        GkeStandbyIntent,
        GuestStoreIntent,
        HostGateIntent,
        LatchIntent,
        LogicalReplicaIntent,
        MaintenancePageIntent,
        MySqlReplicaPairIntent,
        ObserverIntent,
        OnPremHostIntent,
        PostgresBackupJobIntent,
        PostgresRestoreJobIntent,
        Route53FailoverPairIntent,
        SecretVaultIntent,
        StandbyDatabaseIntent,
        StaticSiteIntent,
        StrongSwanTunnelIntent,
        WorkloadIntent,
        WriterAgentIntent,
        WriterRegistersIntent,
    )
}


def read(kind: str, published: Mapping[str, Any]) -> Intent:
    """What a component has published. ValueError for a version that this library does not know, KeyError for a type
    that has no intent."""
    version = published.get("intent_version", 0)
    if version != VERSION:
        raise ValueError(
            f"{kind} was published with version {version:g} of its intent, and this twinsite reads {VERSION}: use the "
            "twinsite that wrote it, or `pulumi up` with this one"
        )
    return INTENTS[kind].of(published)
