"""BackupJob: the scheduled backup of the primary's database into the standby's store."""

from typing import NotRequired, TypedDict

import pulumi

from ..storage import BackupStore


class BackupDatabase(TypedDict):
    """The database that is backed up."""

    address: pulumi.Input[str]
    """Host name or address, as the job sees it."""

    port: NotRequired[int]
    """Defaults to 3306."""

    user: str
    """Needs SELECT, SHOW VIEW, TRIGGER, EVENT and PROCESS; RELOAD is not needed."""

    password: pulumi.Input[str]
    """Kept secret; the job reads it from a file."""

    schema: str
    """Database to back up, for instance petclinic."""

    tls_ca: NotRequired[str]
    """PEM of the authority that signed its certificate; the system's authorities by default."""


class BackupJobArgs(TypedDict):
    """Arguments of BackupJob."""

    namespace: str
    """Kubernetes namespace, for instance petclinic. It exists."""

    image: str
    """Container image with Python 3.10 or later, the MySQL client and zstd, pinned by digest (`…@sha256:…`). Plain,
    because a rule refuses an unpinned one. docs/components/backup-job.md has a recipe."""

    schedule: str
    """Cron expression, UTC, for instance `17 18 * * *`. Plain, because the RPO is computed from it."""

    database: BackupDatabase
    """What is backed up."""

    store: BackupStore
    """Where to. Its writer identity is federated to this job's service account."""

    job: NotRequired[str]
    """Name of the CronJob and its service account. Defaults to rds-backup."""

    streams: NotRequired[int]
    """Parallel streams. Defaults to 4."""

    starting_deadline_seconds: NotRequired[int]
    """A run that could not begin for this long is skipped, and counted as missed. Defaults to 3600."""

    active_deadline_seconds: NotRequired[int]
    """A run that takes longer is ended. Defaults to 14400."""

    cpu: NotRequired[str]
    memory: NotRequired[str]
    """Requests of the job's pod. Default to 500m and 512Mi."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything."""


class BackupJob(pulumi.ComponentResource):
    """CronJob that backs the database up: service account, configuration, secret, CronJob.

    The same in every mode; none of it is on Azure, and nothing of it changes with dr_mode. The job gets a token of its
    service account, which Azure exchanges for one of the writer identity: no key, no SAS.
    """

    job: str
    """Name of the CronJob."""

    by_hand: str
    """Command that starts one run now. Such a run is marked as not scheduled: it does not count for the RPO."""
