"""The bucket at Google that holds backups of a database elsewhere, and the identity that writes to it."""

from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_gcp as gcp

from ..component import Component
from ..protection import keep_while_active
from ..rules.gcs_backup import GcsBackupStoreIntent
from .cluster_writer import Writer
from .federation import trusted

WRITES, READS = "roles/storage.objectUser", "roles/storage.objectViewer"
DAY_SECONDS = 24 * 3600


class GcsBackupStoreArgs(TypedDict):
    """Arguments of GcsBackupStore."""

    project: str
    """Id of the project that it is in."""

    bucket: str
    """Name of the bucket to create, unique in the world: 6 to 63 lower-case letters, digits and hyphens."""

    location: str
    """For instance asia-northeast3, or a dual-region such as ASIA1. Plain, because a rule reads it."""

    writer: Writer
    """The service account of Kubernetes that writes, by its cluster's OIDC issuer."""

    generation: NotRequired[int]
    """Raise by 1 for another pool of identities: Google keeps a deleted one's name for 30 days. Defaults to 1."""

    keep_days: NotRequired[int]
    """The job deletes older backups than this once a newer one is complete. Defaults to 35, at least 7."""

    soft_delete_days: NotRequired[int]
    """What was deleted stays recoverable for so long, whoever deleted it. Defaults to 14, 7 to 90."""

    kms_key: NotRequired[str]
    """projects/P/locations/L/keyRings/R/cryptoKeys/K in the bucket's location, which the project's storage service
    agent may use. Defaults to Google's own keys."""

    readers: NotRequired[list[str]]
    """Who else reads backups: `group:…`, `serviceAccount:…` of whatever restores. Defaults to nobody."""

    site_is_active: bool
    """True while Google's site serves: deleting the bucket is then refused, also in preview."""

    latch_urls: NotRequired[list[pulumi.Input[str]]]
    """Latch objects that `up` reads before it deletes the bucket. Defaults to none."""

    labels: NotRequired[dict[str, str]]
    """Put on the bucket."""


class GcsBackupStoreHandle(TypedDict):
    """What jobs read of a GcsBackupStore."""

    store: pulumi.Input[str]
    """gs://BUCKET, known once whoever writes may write."""

    audience: pulumi.Input[str]
    """Of the pool's provider: what Google's STS is asked with, and with https: before it whom the token is for."""

    service_account: pulumi.Input[str]
    """E-mail of the account that the writer becomes."""

    keep_days: int
    kms_key: str


class GcsBackupStore(Component):
    """A private, versioned bucket for backups, and who may write to it without any key.

    The same in every mode: the bucket (uniform access, no public access ever, versions, soft delete), the writer's
    service account, a pool of workload identities that trusts one cluster's issuer for one service account, and grants.
    Objects are in it under backups/; no rule of the bucket deletes one, the job does after a newer one is complete.
    """

    store: pulumi.Output[str]
    """gs://BUCKET, known once whoever writes may write."""
    audience: pulumi.Output[str]
    service_account: pulumi.Output[str]

    def __init__(self, name: str, args: GcsBackupStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = GcsBackupStoreIntent.of(args)
        super().__init__("GcsBackupStore", name, known, opts)
        self._name, self._known = name, known
        kept = keep_while_active(
            f"{name}-bucket", f"the bucket {known.bucket}", known.site_is_active, args.get("latch_urls", [])
        )
        bucket = self._bucket(kept)
        account = gcp.serviceaccount.Account(
            f"{name}-writer",
            project=known.project,
            account_id=known.account,
            display_name=f"Writes backups to {known.bucket}",
            opts=self._child(),
        )
        self.audience, lends = trusted(
            name,
            known.project,
            known.pool,
            f"Backups of {known.writer.namespace}",
            known.writer,
            args["writer"]["issuer"],
            account,
            self._child(),
        )
        grants = [lends, self._grant("writer", bucket, WRITES, pulumi.Output.concat("serviceAccount:", account.email))]
        for reader in known.readers:
            grants.append(self._grant(f"reader-{reader.replace(':', '-')}", bucket, READS, reader))
        self.store = pulumi.Output.all(bucket.name, *grants).apply(lambda found: f"gs://{found[0]}")
        self.service_account = account.email
        self.register_outputs({"store": self.store, "audience": self.audience, "service_account": self.service_account})

    @property
    def handle(self) -> GcsBackupStoreHandle:
        """What jobs read of it."""
        return {
            "store": self.store,
            "audience": self.audience,
            "service_account": self.service_account,
            "keep_days": self._known.keep_days,
            "kms_key": self._known.kms_key,
        }

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _bucket(self, kept: pulumi.ResourceHookBinding) -> gcp.storage.Bucket:
        known = self._known
        return gcp.storage.Bucket(
            f"{self._name}-bucket",
            name=known.bucket,
            project=known.project,
            location=known.location.upper(),
            storage_class="STANDARD",
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            # A bucket with backups in it is deleted by nobody's `destroy`.
            force_destroy=False,
            versioning={"enabled": True},
            soft_delete_policy={"retention_duration_seconds": known.soft_delete_days * DAY_SECONDS},
            # A former version is one that was deleted, for none is ever written over; soft delete then keeps it on, and
            # for the days that count.
            lifecycle_rules=[
                {"action": {"type": "Delete"}, "condition": {"days_since_noncurrent_time": 1, "with_state": "ARCHIVED"}}
            ],
            encryption={"default_kms_key_name": known.kms_key} if known.kms_key else None,
            labels=known.labels,
            opts=self._child(hooks=kept),
        )

    def _grant(self, who: str, bucket: gcp.storage.Bucket, role: str, member: pulumi.Input[str]) -> pulumi.Output[str]:
        granted = gcp.storage.BucketIAMMember(
            f"{self._name}-{who}", bucket=bucket.name, role=role, member=member, opts=self._child()
        )
        found: pulumi.Output[str] = granted.id
        return found
