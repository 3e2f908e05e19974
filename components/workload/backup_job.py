"""BackupJob: the scheduled backup of the primary's database into the standby's store."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi

from .. import inventory
from ..component import Component
from ..handle import Given, handle_of
from ..machine import documents
from ..payload import payload_sha256
from ..rules.backup import BackupJobIntent
from ..storage.backup_store import BackupStoreHandle
from .pod import WORK_FOLDER, PodGiven, guest_cron_job, guest_pod, pod_given, pod_metadata

ROLE = "backup"
JOB = "rds-backup"
MAX_AGE_HOURS = 26.0
TOKEN_FOLDER = "/var/run/secrets/azure/tokens"


class BackupDatabase(TypedDict):
    """The database that is backed up."""

    address: pulumi.Input[str]
    """Host name or address, as the job sees it."""

    port: NotRequired[int]
    """Defaults to 3306."""

    user: str
    """Not root. Page backup-job of the documentation has its grants (rules.backup.grants); a failback, which moves
    tables and restores, needs more: its plan says which GRANT."""

    password: pulumi.Input[str]
    """Kept secret; the job reads it from a file."""

    schema: str
    """Database to back up, for instance petclinic."""

    tls_ca: NotRequired[str]
    """PEM of the authority that signed its certificate; the system's authorities by default. RDS has Amazon's own:
    its region's bundle is demanded for hosts under rds.amazonaws.com. Plain, because a rule reads it."""


class BackupJobArgs(TypedDict):
    """Arguments of BackupJob."""

    namespace: str
    """Kubernetes namespace, for instance petclinic. It exists."""

    image: str
    """Container image with Python 3.10 or later, the MySQL client and zstd, pinned by digest (`…@sha256:…`). Plain,
    because a rule refuses an unpinned one. Containerfile beside this builds one (page backup-job)."""

    schedule: str
    """Cron expression, UTC, for instance `17 18 * * *`. Plain, because the RPO is computed from it."""

    database: BackupDatabase
    """What is backed up."""

    store: Given[BackupStoreHandle]
    """Where to. Its writer identity is federated to this job's service account."""

    site: NotRequired[str]
    """Name of this site, as the inventory has it: backups then say of which writer's epoch they are (ADR 18), and the
    data live here in quiet times. By default they have no branch."""

    max_age_hours: NotRequired[float]
    """A newest backup that is older than this is a problem in `twinsite status`. Defaults to 26: a day, two hours."""

    context: NotRequired[str]
    """kubectl context by which operations reach the cluster. Defaults to the one that the operator uses."""

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
    """Labels on everything; a colon in a tag's name becomes a slash, which is what a label's name may have."""


class BackupJob(Component):
    """CronJob that backs the database up: service account, configuration, secret, CronJob.

    The same in every mode; none of it is on Azure, and nothing of it changes with dr_mode. The job gets a token of its
    service account, which Azure exchanges for one of the writer identity: no key, no SAS.
    """

    digest: pulumi.Output[str]
    """Changes when anything that the job is told changes."""

    job: str
    """Name of the CronJob."""

    by_hand: str
    """Command that starts one run now. Such a run is marked as not scheduled: it does not count for the RPO."""

    def __init__(self, name: str, args: BackupJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = BackupJobIntent.of(args)
        super().__init__("BackupJob", name, known, opts)
        child = pulumi.ResourceOptions(parent=self)
        job, namespace = args.get("job", JOB), args["namespace"]
        metadata = pod_metadata(job, namespace, args.get("tags", {}))
        config = backup_config(args)
        self.digest = config.apply(lambda text: documents.digest(text, payload_sha256(ROLE)))
        password = pulumi.Output.secret(args["database"]["password"])
        words = password.apply(lambda word: json.dumps({"password": word}))
        given = pod_given(name, ROLE, metadata, config, words, child)
        guest_cron_job(f"{name}-job", metadata, known, _pod(args, given), child)
        self.job = job
        self.by_hand = f"kubectl create job {job}-manual-$(date +%H%M) --from=cronjob/{job} -n {namespace}"
        # Not declared above: no output.
        self.inventory = _entry(args)
        self.register_outputs({"digest": self.digest, "job": self.job, "by_hand": self.by_hand})


def _entry(args: BackupJobArgs) -> inventory.Entry:
    site, job, store = args.get("site", ""), args.get("job", JOB), handle_of(args["store"])
    way = inventory.Pod(args.get("context", ""), args["namespace"], job)
    return inventory.Entry(
        hosts=(inventory.Host(f"{site}-{job}", site, "", (ROLE,), way),) if site else (),
        backups=inventory.Backups(
            store=store["backups"],
            schema=args["database"]["schema"],
            schedule=args["schedule"],
            max_age_hours=float(args.get("max_age_hours", MAX_AGE_HOURS)),
            failback=store["failback"],
            standby=store["standby_backups"],
        ),
    )


def common_config(
    database: BackupDatabase, store: BackupStoreHandle, streams: int, address: str, client_id: str, site: str
) -> dict[str, Any]:
    """What the backup role is told wherever it runs (guest/backup/config.py reads it)."""
    return {
        **({"writer": {"store": store["operations"], "site": site, "home": site}} if site else {}),
        "store": store["backups"],
        "identity": {"client_id": client_id},
        "schema": database["schema"],
        "database": {
            "address": address,
            "port": database.get("port", 3306),
            "user": database["user"],
            "tls_ca": database.get("tls_ca", ""),
        },
        "streams": streams,
        "keep_days": store["keep_days"],
    }


def backup_config(args: BackupJobArgs) -> pulumi.Output[str]:
    """backup.json of the job."""
    store = handle_of(args["store"])

    def config(known: dict[str, str]) -> str:
        told = common_config(
            args["database"],
            store,
            args.get("streams", 4),
            known["address"],
            known["client_id"],
            args.get("site", ""),
        )
        told["identity"] |= {"tenant": known["tenant"], "token_file": f"{TOKEN_FOLDER}/azure-identity-token"}
        told["chunk_mib"] = 16
        # Of a failback's restore: the root is read-only.
        told["spool"] = f"{WORK_FOLDER}/spool"
        return json.dumps(told, indent=1, sort_keys=True)

    return pulumi.Output.all(
        address=args["database"]["address"],
        client_id=store["writer_client_id"],
        tenant=store["tenant_id"],
    ).apply(config)


def _pod(args: BackupJobArgs, given: PodGiven) -> Any:
    token = {
        "audience": "api://AzureADTokenExchange",
        "expiration_seconds": 3600,
        "path": "azure-identity-token",
    }
    return guest_pod(
        ROLE,
        args["image"],
        ["python3", "-m", ROLE, "run"],
        given,
        {"cpu": args.get("cpu", "500m"), "memory": args.get("memory", "512Mi")},
        env=[
            {"name": "CRONJOB", "value": args.get("job", JOB)},
            {"name": "JOB_NAME", "value_from": {"field_ref": {"field_path": "metadata.labels['job-name']"}}},
        ],
        volumes=[
            (
                {"name": "token", "projected": {"sources": [{"service_account_token": token}]}},
                {"name": "token", "mount_path": TOKEN_FOLDER, "read_only": True},
            )
        ],
    )
