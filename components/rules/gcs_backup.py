"""Refusals about backups of PostgreSQL in Google Cloud Storage: the bucket, who may write to it, the job. Pure."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import rds
from .backup import (
    KEEP_DAYS,
    SHORTEST_KEEP_DAYS,
    Writer,
    federation_problems,
    label_problems,
    pod_problems,
    schedule_problems,
)
from .cloud_sql import series
from .hosts import generation_problems
from .intent import Intent, Part

SOFT_DELETE_DAYS = (7, 90)
"""What a bucket's soft delete policy takes besides 0, which is off [Cloud Storage: Soft delete]."""
OLDEST = 13
"""The oldest server that the guest's statements were written for: before it `sha256` and partitions differ."""
CLIENT_SETS_TIMEOUT = 17
"""guest/archive/concerns.py: what a client of this version or later dumps comes back to such a server only."""


@dataclass(frozen=True, kw_only=True)
class GcsBackupStoreIntent(Intent):
    """What a GcsBackupStore is meant to be."""

    project: str = ""
    bucket: str = ""
    location: str = ""
    writer: Writer = field(default_factory=Writer)
    generation: int = 1
    keep_days: int = KEEP_DAYS
    soft_delete_days: int = 14
    kms_key: str = ""
    readers: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    site_is_active: bool = False

    @property
    def pool(self) -> str:
        """Of workload identities: its name is kept from others for 30 days after it is deleted."""
        return f"{shortened(self.bucket, 24)}-{self.generation}"

    @property
    def account(self) -> str:
        """Of the writer, without its domain."""
        return f"{shortened(self.bucket, 22)}-writer"

    def problems(self) -> list[str]:
        """Why backups must not rest like this."""
        problems = [*_bucket(self), *federation_problems(self.writer)]
        if self.keep_days < SHORTEST_KEEP_DAYS:
            problems.append(
                f"keep_days is {self.keep_days}: a mistake in the data that is seen after a holiday would be in every "
                f"backup; set keep_days to {SHORTEST_KEEP_DAYS} or more"
            )
        low, high = SOFT_DELETE_DAYS
        if not low <= self.soft_delete_days <= high:
            problems.append(
                f"soft_delete_days is {self.soft_delete_days}: set it from {low} to {high}, so that whoever may delete "
                "cannot do it for good"
            )
        return [*problems, *_key(self), *_readers(self), *generation_problems("generation", self.generation)]


def shortened(bucket: str, most: int) -> str:
    """A name of at most `most` characters that no other bucket's is, however long both begin alike."""
    if len(bucket) <= most:
        return bucket
    return f"{bucket[: most - 7].rstrip('-')}-{hashlib.sha256(bucket.encode()).hexdigest()[:6]}"


def _bucket(known: GcsBackupStoreIntent) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9-]{4,61}[a-z0-9]", known.bucket):
        yield (
            f"bucket is {known.bucket!r}: use 6 to 63 lower-case letters, digits and hyphens, a letter first and no "
            "hyphen last (a dot would make it a domain that Google wants proved)"
        )
    elif known.bucket.startswith(("goog", "gcp-")) or "google" in known.bucket:
        yield f"bucket is {known.bucket!r}: Google keeps names that begin so, or have its own in them; choose another"
    for name, example in (("project", "crm-dr"), ("location", "asia-northeast3")):
        if not getattr(known, name):
            yield f"{name} is empty: set it, like {example}"


def _key(known: GcsBackupStoreIntent) -> Iterator[str]:
    if not known.kms_key:
        return
    found = re.fullmatch(r"projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+", known.kms_key)
    if not found:
        yield (
            f"kms_key is {known.kms_key!r}: give projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version, or "
            "leave it out for Google's own"
        )
    elif found[1].lower() != known.location.lower():
        yield (
            f"kms_key is in {found[1]} and the bucket in {known.location}: Cloud Storage takes a key of the bucket's "
            "own location only; make one there"
        )


def _readers(known: GcsBackupStoreIntent) -> Iterator[str]:
    for one in known.readers:
        if one in ("allUsers", "allAuthenticatedUsers"):
            yield f"readers has {one}: backups would be everybody's; name who restores"
        elif not re.fullmatch(r"(user|group|serviceAccount|principal|principalSet):.+", one):
            yield f"readers has {one!r}: write user:…, group:… or serviceAccount:… before it"


@dataclass(frozen=True, kw_only=True)
class ArchivedDatabase(Part):
    """What is backed up, and by whom."""

    address: str | None = None
    port: int = 5432
    database: str = ""
    user: str = ""
    version: str = ""
    tls_ca: str | None = None


@dataclass(frozen=True, kw_only=True)
class PostgresBackupJobIntent(Intent):
    """What a PostgresBackupJob is meant to do."""

    namespace: str = ""
    job: str = "postgres-backup"
    image: str = ""
    client_version: int = 0
    restores_to: int | None = None
    schedule: str = ""
    database: ArchivedDatabase = ArchivedDatabase()
    site: str | None = None
    streams: int = 4
    disk_gib: int = 20
    starting_deadline_seconds: int = 3600
    active_deadline_seconds: int = 14400
    tags: dict[str, str] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Why the job must not run like this."""
        problems = [*pod_problems(self.image, namespace=self.namespace, job=self.job)]
        problems += [
            f"database.{name} is empty: name it" for name in ("database", "user") if not getattr(self.database, name)
        ]
        if self.disk_gib < 1:
            problems.append(f"disk_gib is {self.disk_gib}: the dump is on the pod's disk first; set 1 or more")
        return [
            *problems,
            *_versions(self),
            *label_problems(self.tags),
            *schedule_problems(self.schedule),
            *rds.authority_problems("database.tls_ca", self.database.address, self.database.tls_ca),
        ]


@dataclass(frozen=True, kw_only=True)
class PostgresRestoreJobIntent(Intent):
    """What a PostgresRestoreJob is meant to do."""

    exists: bool = True
    namespace: str = ""
    job: str = "postgres-restore"
    image: str = ""
    site: str = ""
    streams: int = 4
    disk_gib: int = 15
    active_deadline_seconds: int = 14400
    left_out_extensions: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    def problems(self) -> list[str]:
        """Why the job must not be there like this."""
        problems = [*pod_problems(self.image, namespace=self.namespace, job=self.job), *label_problems(self.tags)]
        if not self.site:
            problems.append("site is empty: name the standby's, or no command finds the job")
        if self.disk_gib < 1:
            problems.append(f"disk_gib is {self.disk_gib}: the dump is on the pod's disk first; set 1 or more")
        return problems


def _versions(known: PostgresBackupJobIntent) -> Iterator[str]:
    source, client, target = (series(known.database.version) or (0,))[0], known.client_version, known.restores_to
    if source < OLDEST:
        yield (
            f"database.version is {known.database.version!r}: say what `SHOW server_version` does, {OLDEST} or later, "
            "like 16.4"
        )
        return
    if client < source:
        yield (
            f"client_version is {client} and the server is {source}: its pg_dump would refuse a newer server; build "
            f"the image with PostgreSQL's client of {source}"
        )
    if target is not None and target < source:
        yield (
            f"restores_to is {target} and the server is {source}: a newer server's backup does not come back to an "
            f"older one; restore to {source} or later"
        )
    elif target is not None and target < CLIENT_SETS_TIMEOUT <= client:
        yield (
            f"client_version is {client} and restores_to {target}: clients from {CLIENT_SETS_TIMEOUT} on set "
            f"transaction_timeout, which {target} does not know, so nothing would come back; build the image with the "
            f"client of {target}"
        )
