"""PostgresBackupJob: the scheduled backup of a PostgreSQL into a bucket of another cloud (guest role `archive`)."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi

from .. import inventory
from ..component import Component
from ..database.postgres import PostgresHandle
from ..handle import Given, handle_of
from ..machine import documents
from ..payload import payload_sha256
from ..rules.gcs_backup import PostgresBackupJobIntent
from ..schedule import longest_gap_seconds
from ..storage.gcs_backup_store import GcsBackupStoreHandle
from .pod import WORK_FOLDER, PodGiven, guest_cron_job, guest_pod, pod_given, pod_metadata

ROLE = "archive"
TOKEN_FOLDER, TOKEN = "/var/run/secrets/google", "token"


class PostgresBackupJobArgs(TypedDict):
    """Arguments of PostgresBackupJob."""

    namespace: str
    """Kubernetes namespace in a cluster that reaches the database. It exists."""

    image: str
    """Image with Python 3.10 or later and PostgreSQL's client, pinned by digest (`…@sha256:…`). Plain, because a rule
    refuses an unpinned one. Containerfile.postgres beside this builds one (page postgres-backup-job)."""

    client_version: int
    """Major version of the client in the image: best the server's own."""

    restores_to: NotRequired[int]
    """Major version of the server that backups are to come back to, for instance the standby's. Not judged by
    default."""

    schedule: str
    """Cron expression, UTC, for instance `17 18 * * *`. Plain, because the RPO is computed from it."""

    database: Given[PostgresHandle]
    """What is backed up. The user reads every table: GRANT pg_read_all_data, and where rows are secured BYPASSRLS."""

    store: Given[GcsBackupStoreHandle]
    """Where to. Its writer is this job's service account."""

    site: NotRequired[str]
    """Name of this site, for the inventory. With writer_store, backups then say of which writer's epoch they are
    (ADR 18), and the data live here in quiet times."""

    context: NotRequired[str]
    """kubectl context of the cluster, for the inventory. Defaults to the one that the operator uses."""

    max_age_hours: NotRequired[float]
    """An older newest backup is told by `twinsite status`. Defaults to the schedule's longest gap and the longest run,
    which is what the RPO is computed of."""

    writer_store: NotRequired[pulumi.Input[str]]
    """gs://BUCKET with writer.json (ADR 44), which the store's account may read. By default backups have no branch."""

    job: NotRequired[str]
    """Name of the CronJob and its service account. Defaults to postgres-backup."""

    streams: NotRequired[int]
    """Parallel processes of pg_dump. Defaults to 4."""

    disk_gib: NotRequired[int]
    """Disk of the node that a pod asks for: the compressed dump is there before it is in the store. Defaults to 20."""

    starting_deadline_seconds: NotRequired[int]
    """A run that could not begin for this long is skipped, and counted as missed. Defaults to 3600."""

    active_deadline_seconds: NotRequired[int]
    """A run that takes longer is ended. Defaults to 14400."""

    cpu: NotRequired[str]
    memory: NotRequired[str]
    """Requests of the job's pod. Default to 500m and 512Mi."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything; a colon in a tag's name becomes a slash."""


class PostgresBackupJob(Component):
    """CronJob that backs a PostgreSQL up: service account, configuration, secret, CronJob.

    The same in every mode; none of it is at Google. The job gets a token of its service account, which Google's STS
    exchanges: no key of either cloud is in the cluster.
    """

    digest: pulumi.Output[str]
    """Changes when anything that the job is told changes."""

    job: str
    """Name of the CronJob."""

    by_hand: str
    """Command that starts one run now. Such a run is marked as not scheduled: it does not count for the RPO."""

    def __init__(self, name: str, args: PostgresBackupJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        database = handle_of(args["database"])
        known = PostgresBackupJobIntent.of({**args, "database": database})
        super().__init__("PostgresBackupJob", name, known, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = pod_metadata(known.job, known.namespace, known.tags)
        store = handle_of(args["store"])
        config = _config(args, known, database, store)
        self.digest = config.apply(lambda text: documents.digest(text, payload_sha256(ROLE)))
        words = pulumi.Output.secret(database["password"]).apply(lambda word: json.dumps({"password": word}))
        given = pod_given(name, ROLE, metadata, config, words, child)
        guest_cron_job(f"{name}-job", metadata, known, _pod(args, known, store, given), child)
        self.job = known.job
        self.by_hand = (
            f"kubectl create job {known.job}-manual-$(date +%H%M) --from=cronjob/{known.job} -n {known.namespace}"
        )
        # Not declared above: no output.
        self.inventory = pulumi.Output.from_input(store["store"]).apply(lambda place: _entry(args, known, place))
        self.register_outputs({"digest": self.digest, "job": self.job, "by_hand": self.by_hand})


def _entry(args: PostgresBackupJobArgs, known: PostgresBackupJobIntent, store: str) -> inventory.Entry:
    site, way = known.site or "", inventory.Pod(args.get("context", ""), known.namespace, known.job)
    longest = longest_gap_seconds(known.schedule) + known.active_deadline_seconds
    return inventory.Entry(
        hosts=(inventory.Host(f"{site}-{known.job}", site, "", (ROLE,), way),) if site else (),
        backups=inventory.Backups(
            store=store,
            schema=known.database.database,
            schedule=known.schedule,
            max_age_hours=float(args.get("max_age_hours", longest / 3600)),
        ),
    )


def _config(
    args: PostgresBackupJobArgs,
    known: PostgresBackupJobIntent,
    database: PostgresHandle,
    store: GcsBackupStoreHandle,
) -> pulumi.Output[str]:
    """archive.json."""

    def config(found: dict[str, Any]) -> str:
        end = {name: found[name] for name in ("address", "tls_ca", "certificate_name") if found[name]}
        writer = {"store": found["writer_store"], "site": known.site, "home": known.site}
        return json.dumps(
            {
                "store": found["store"],
                "identity": {
                    "audience": found["audience"],
                    "token_file": f"{TOKEN_FOLDER}/{TOKEN}",
                    "service_account": found["service_account"],
                },
                "database": {
                    **end,
                    "port": known.database.port,
                    "database": known.database.database,
                    "user": known.database.user,
                },
                "streams": known.streams,
                "keep_days": store["keep_days"],
                "key_id": store["kms_key"],
                "spool": f"{WORK_FOLDER}/spool",
                **({"writer": writer} if found["writer_store"] and known.site else {}),
            },
            indent=1,
            sort_keys=True,
        )

    return pulumi.Output.all(
        address=database["address"],
        tls_ca=database.get("tls_ca"),
        certificate_name=database.get("certificate_name"),
        store=store["store"],
        audience=store["audience"],
        service_account=store["service_account"],
        writer_store=args.get("writer_store"),
    ).apply(config)


def _pod(
    args: PostgresBackupJobArgs,
    known: PostgresBackupJobIntent,
    store: GcsBackupStoreHandle,
    given: PodGiven,
) -> Any:
    # Google takes the provider's whole name, with https: before it, for an audience without being told of any.
    audience = pulumi.Output.from_input(store["audience"]).apply(lambda name: f"https:{name}")
    token = {"audience": audience, "expiration_seconds": 3600, "path": TOKEN}
    return guest_pod(
        ROLE,
        known.image,
        ["python3", "-m", ROLE, "run"],
        given,
        {
            "cpu": args.get("cpu", "500m"),
            "memory": args.get("memory", "512Mi"),
            "ephemeral-storage": f"{known.disk_gib}Gi",
        },
        env=[
            {"name": "CRONJOB", "value": known.job},
            {"name": "JOB_NAME", "value_from": {"field_ref": {"field_path": "metadata.labels['job-name']"}}},
        ],
        volumes=[
            (
                {"name": "token", "projected": {"sources": [{"service_account_token": token}]}},
                {"name": "token", "mount_path": TOKEN_FOLDER, "read_only": True},
            )
        ],
    )
