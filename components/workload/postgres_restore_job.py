"""PostgresRestoreJob: what restores a PostgreSQL's backups where the standby's database is (guest role `archive`)."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import batch

from .. import inventory
from ..component import Component
from ..database.postgres import PostgresHandle
from ..handle import Given, handle_of
from ..rules.gcs_backup import PostgresRestoreJobIntent
from .pod import WORK_FOLDER, guest_pod, pod_given, pod_metadata

ROLE = "archive"
NEVER = "0 0 1 1 *"
"""A CronJob must have a schedule; this one is suspended."""


class PostgresRestoreJobArgs(TypedDict):
    """Arguments of PostgresRestoreJob."""

    exists: NotRequired[bool]
    """Whether there is a cluster: in cold there is none, and nothing is made. Defaults to true."""

    namespace: str
    """Kubernetes namespace in a cluster that reaches the database. It exists."""

    image: str
    """The image of PostgresBackupJob, or one with a client that is no older, pinned by digest."""

    database: Given[PostgresHandle]
    """Where backups go in. The user may make all that is in them; the database is empty, or nothing is written."""

    store: pulumi.Input[str]
    """gs://BUCKET, which the pod's account may read."""

    left_out_extensions: NotRequired[list[str]]
    """Extensions of backups that the target has not, and the application does without. Defaults to none."""

    account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """On the service account, like iam.gke.io/gcp-service-account. Default to none."""

    site: str
    """Name of this site, for the inventory."""

    context: NotRequired[str]
    """kubectl context of the cluster, for the inventory. Defaults to the one that the operator uses."""

    job: NotRequired[str]
    """Name of the CronJob and its service account. Defaults to postgres-restore."""

    streams: NotRequired[int]
    """Parallel processes of pg_restore. Defaults to 4."""

    disk_gib: NotRequired[int]
    """Disk of the node that a pod asks for: the compressed dump is on it once, its larger files twice. Defaults to 15:
    of the 50 GiB of GkeStandby's nodes GKE keeps 6 and 35 %, and the kubelet a tenth [GKE, Plan node sizes]; for a pod
    that asks for more there would be no node. It is no limit."""

    active_deadline_seconds: NotRequired[int]
    """A run that takes longer is ended. Defaults to 14400."""

    cpu: NotRequired[str]
    memory: NotRequired[str]
    """Requests of the job's pod. Default to 500m and 512Mi."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything; a colon in a tag's name becomes a slash."""


class PostgresRestoreJob(Component):
    """A suspended CronJob, from which `twinsite restore` makes a Job: service account, configuration, secret, CronJob.

    Creates them once there is a cluster. It runs nothing by itself.
    """

    job: str
    """Name of the CronJob."""

    def __init__(self, name: str, args: PostgresRestoreJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = PostgresRestoreJobIntent.of(args)
        super().__init__("PostgresRestoreJob", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self.job = known.job
        if known.exists:
            self._run()
        way = inventory.Pod(args.get("context", ""), known.namespace, known.job)
        host = inventory.Host(f"{known.site}-{known.job}", known.site, "", (ROLE,), way)
        # In every mode: an `up` that leaves a dead site out publishes nothing, and what was published before is used.
        # Not declared above: no output.
        self.inventory = inventory.Entry(hosts=(host,))
        self.register_outputs({"job": self.job})

    def _run(self) -> None:
        name, known, args = self._name, self._known, self._args
        child = pulumi.ResourceOptions(parent=self)
        metadata = pod_metadata(known.job, known.namespace, known.tags)
        database = handle_of(args["database"])
        words = pulumi.Output.secret(database["password"]).apply(lambda word: json.dumps({"password": word}))
        annotations = args.get("account_annotations", {})
        given = pod_given(name, ROLE, metadata, self._config(database), words, child, annotations)
        requests = {
            "cpu": args.get("cpu", "500m"),
            "memory": args.get("memory", "512Mi"),
            "ephemeral-storage": f"{known.disk_gib}Gi",
        }
        # What it does without a word of operations' harms nobody.
        pod = guest_pod(ROLE, known.image, ["python3", "-m", ROLE, "list"], given, requests)
        batch.v1.CronJob(
            f"{name}-job",
            metadata=metadata,
            spec={
                "schedule": NEVER,
                "suspend": True,
                "concurrency_policy": "Forbid",
                "job_template": {
                    "spec": {
                        "backoff_limit": 0,
                        "active_deadline_seconds": known.active_deadline_seconds,
                        "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod},
                    }
                },
            },
            opts=child,
        )

    def _config(self, database: PostgresHandle) -> pulumi.Output[str]:
        """archive.json. Who the pod is at Google, the metadata server says."""
        known = self._known

        def config(found: dict[str, Any]) -> str:
            end = {name: found[name] for name in ("address", "tls_ca", "certificate_name") if found[name]}
            return json.dumps(
                {
                    "store": found["store"],
                    "database": {
                        **end,
                        "port": database.get("port", 5432),
                        "database": database["database"],
                        "user": database["user"],
                    },
                    "streams": known.streams,
                    "left_out_extensions": list(known.left_out_extensions),
                    "spool": f"{WORK_FOLDER}/spool",
                },
                indent=1,
                sort_keys=True,
            )

        return pulumi.Output.all(
            address=database["address"],
            tls_ca=database.get("tls_ca"),
            certificate_name=database.get("certificate_name"),
            store=self._args["store"],
        ).apply(config)
