"""Backups of the primary's PostgreSQL in a bucket at Google, in every mode: settings, arguments, components."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_gcp as gcp

from twinsite.rules.cloud_sql import series
from twinsite.rules.gcs_backup import GcsBackupStoreIntent, PostgresBackupJobIntent, PostgresRestoreJobIntent
from twinsite.rules.intent import Intent

from ..settings import Reader
from .writers import Made as WritersMade

if TYPE_CHECKING:
    from twinsite import CloudSqlStandby, GkeStandby

SERVICE_ACCOUNT = "postgres-backup"
RESTORES = "postgres-restore"
"""Of Kubernetes, in the cluster at Google."""
IDENTITY = "load"
"""Of that cluster's identities: whom the job that restores acts as at Google. Short, for the cluster's name is in
front of it."""
READS = "roles/storage.objectViewer"
Args = dict[str, Any]


@dataclass(frozen=True)
class Backups:
    """Settings, where `backup_bucket` names one."""

    bucket: str
    location: str
    """Of the bucket: Google's region, or another place of Cloud Storage."""
    generation: int
    keep_days: int
    kms_key: str
    readers: tuple[str, ...]
    schedule: str
    image: str
    restore_image: str
    left_out_extensions: tuple[str, ...]
    client_version: int
    namespace: str
    """In the primary's cluster."""
    issuer: str
    context: str
    user: str
    tls_ca: str


def read(reader: Reader, version: str, location: str) -> Backups | None:
    """None: nothing is backed up. `version` is the primary's, `location` Google's region."""
    bucket = reader.text("backup_bucket", required=False)
    if not bucket:
        return None
    reader.secret("backup_password", "`pulumi config set --secret backup_password`, of backup_user at the primary")
    return Backups(
        bucket=bucket,
        location=reader.text("backup_location", required=False) or location,
        generation=reader.integer("backup_generation"),
        keep_days=reader.integer("backup_keep_days"),
        kms_key=reader.text("backup_kms_key", required=False),
        readers=reader.strings("backup_readers"),
        schedule=reader.text("backup_schedule"),
        image=reader.text("backup_image"),
        restore_image=reader.text("restore_image", required=False),
        left_out_extensions=reader.strings("left_out_extensions"),
        client_version=reader.integer("backup_client_version") or (series(version) or (0,))[0],
        namespace=reader.text("primary_namespace"),
        issuer=reader.text("primary_oidc_issuer"),
        context=reader.text("primary_cluster_context", required=False),
        user=reader.text("backup_user"),
        tls_ca=reader.text("primary_database_ca", required=False),
    )


@dataclass(frozen=True)
class BackupArguments:
    """The plain arguments of three components."""

    store: Args
    job: Args
    restore: Args

    def intents(self) -> dict[str, Intent]:
        """What each is meant to be."""
        return {
            "GcsBackupStore": GcsBackupStoreIntent.of(self.store),
            "PostgresBackupJob": PostgresBackupJobIntent.of(self.job),
            "PostgresRestoreJob": PostgresRestoreJobIntent.of(self.restore),
        }


def arguments(
    known: Backups,
    project: str,
    sites: tuple[str, str],
    database: Args,
    restores_to: str,
    namespace: str,
    serves: bool,
    tags: dict[str, str],
) -> BackupArguments:
    """`sites` are AWS's and Google's, `database` the primary's: address, database and version. `restores_to` is the
    standby's, like POSTGRES_17; `namespace` of its cluster; `serves` whether Google is the active site."""
    return BackupArguments(
        store={
            "project": project,
            "bucket": known.bucket,
            "location": known.location,
            "writer": {"issuer": known.issuer, "namespace": known.namespace, "service_account": SERVICE_ACCOUNT},
            "generation": known.generation,
            "keep_days": known.keep_days,
            "kms_key": known.kms_key,
            "readers": list(known.readers),
            "site_is_active": serves,
            "labels": tags,
        },
        job={
            "namespace": known.namespace,
            "image": known.image,
            "client_version": known.client_version,
            "restores_to": (series(restores_to.removeprefix("POSTGRES_")) or (0,))[0],
            "schedule": known.schedule,
            "database": {**database, "user": known.user, "tls_ca": known.tls_ca},
            "job": SERVICE_ACCOUNT,
            "site": sites[0],
            "tags": tags,
        },
        restore={
            "namespace": namespace,
            "image": known.restore_image or known.image,
            "job": RESTORES,
            "site": sites[1],
            "left_out_extensions": list(known.left_out_extensions),
            "tags": tags,
        },
    )


@dataclass(frozen=True)
class Made:
    """What a stack publishes of the components."""

    store: pulumi.Output[str]
    """Where backups are."""
    inventory: list[Any]


def made(
    name: str,
    plain: BackupArguments,
    context: str,
    register: str,
    held: WritersMade | None,
    cluster: "GkeStandby",
    target: "CloudSqlStandby",
    opts: pulumi.ResourceOptions,
) -> Made:
    """All components, the backups' job in the cluster that kubectl's `context` names, the restores' in Google's
    `cluster`, of which `opts` are. With a bucket of Google's for `register` backups are of the writer's epoch that it
    says (ADR 18)."""
    # Only now: whoever reads settings needs no SDK.
    from twinsite import GcsBackupStore, PostgresBackupJob, PostgresRestoreJob, cluster_provider

    store = GcsBackupStore(name, plain.store)  # type: ignore[arg-type]
    # An `up` while AWS is dead passes over what is in its cluster.
    here = cluster_provider(f"{name}-eks", {"site": "aws", "exists": True, "context": context, "kubeconfig": None})
    writer: Args = {}
    if register:
        gcp.storage.BucketIAMMember(
            f"{name}-register",
            bucket=register,
            role=READS,
            member=store.service_account.apply(lambda email: f"serviceAccount:{email}"),
            opts=pulumi.ResourceOptions(depends_on=held.registers if held else []),
        )
        writer = {"writer_store": f"gs://{register}"}
    database = {**plain.job["database"], "password": pulumi.Config().require_secret("backup_password")}
    job = PostgresBackupJob(
        name,
        {**plain.job, **writer, "context": context, "database": database, "store": store},  # type: ignore[typeddict-item]
        pulumi.ResourceOptions(provider=here),
    )
    account = cluster.identity_accounts.apply(lambda found: found[IDENTITY])
    reads = gcp.storage.BucketIAMMember(
        f"{name}-restore",
        bucket=store.store.apply(lambda place: place.removeprefix("gs://")),
        role=READS,
        member=account.apply(lambda email: f"serviceAccount:{email}"),
    )
    restore = PostgresRestoreJob(
        f"{name}-restore",
        {
            **plain.restore,  # type: ignore[typeddict-item]
            "exists": cluster.handle["exists"],
            "context": cluster.handle["context"],
            "database": target,
            "store": store.store,
            "account_annotations": {"iam.gke.io/gcp-service-account": account},
        },
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[reads])),
    )
    return Made(store.store, [job.inventory, restore.inventory])
