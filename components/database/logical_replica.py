"""LogicalReplica: a PostgreSQL that follows another one by PostgreSQL's own logical replication."""

import base64
import json
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import batch, core

from .. import inventory
from ..component import Component
from ..guest.backup.cron import kubernetes
from ..handle import Given, handle_of
from ..machine import documents
from ..modes import DrMode
from ..payload import guest_file, payload, payload_sha256
from ..rules.backup import label
from ..rules.logical import LogicalReplicaIntent, resume_seconds
from ..workload.pod import guest_pod
from .postgres import PostgresHandle

ROLE = "logical"
DEADLINE_SECONDS = 600
"""How long a run may take beside the first copy."""


class LogicalReplicaArgs(TypedDict):
    """Arguments of LogicalReplica."""

    dr_mode: DrMode
    """In cold nothing follows."""

    replica: str
    """Names slot, publication and subscription alike, for instance crm: lower-case letters, digits, _."""

    source: Given[PostgresHandle]
    target: Given[PostgresHandle]
    """Both are reached from the cluster, and the source from the target's server."""

    replication_user: str
    """Role of the source that the subscription logs in as: it reads the schemas and replicates, and owns nothing."""

    replication_password: pulumi.Input[str]
    """Kept secret here. PostgreSQL keeps it in the target's pg_subscription, which only superusers read."""

    schemas: list[str]
    """Replicated with all their tables, for instance public."""

    authority_at_target: str
    """Where the target's server has the authority of the source's certificate: a file of its own, or `system`."""

    wal_mib_per_hour: float
    """WAL that the source writes in its busiest hour, MiB: the difference of pg_current_wal_lsn() over one."""

    tolerated_outage_hours: float
    """An outage that heals by itself; max_slot_wal_keep_size is computed from it."""

    source_free_gib: NotRequired[float]
    """Free disk of the source in GiB, which must hold that WAL. Not judged by default."""

    source_settings: NotRequired[dict[str, str]]
    """What the source says of the settings that `source_parameters` lists; the job asks the server in any case."""

    left_out_extensions: NotRequired[list[str]]
    """Extensions of the source that no table needs. Defaults to none."""

    owner_at_target: NotRequired[str]
    """Role that owns the tables there. Defaults to the target's user."""

    margin: NotRequired[int]
    """How far sequences are set ahead, in steps. Defaults to 1000."""

    namespace: str
    """Of Kubernetes, in a cluster that reaches both ends. It exists."""

    image: str
    """Image with Python 3.10 or later and PostgreSQL's client of the target's version, pinned by digest."""

    schedule: NotRequired[str]
    """When it is looked at: cron expression, UTC. Defaults to every five minutes."""

    copy_seconds: NotRequired[int]
    """How long the first copy may take, while `pulumi up` waits. Defaults to 3600."""

    site: NotRequired[str]
    """Where the cluster is, as the inventory has it; with source_host and target_host it gives the inventory's flow."""

    source_host: NotRequired[str]
    target_host: NotRequired[str]
    """Names of both ends among the inventory's hosts or endpoints."""

    context: NotRequired[str]
    """kubectl context of the cluster. Defaults to the one that the operator uses."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything; a colon in a tag's name becomes a slash."""


class LogicalReplica(Component):
    """A live copy of a PostgreSQL at another server: schema, publication, slot, subscription, first copy.

    Creates from pilot-light on: service account, configuration, secret, a Job that sets all of it up and a CronJob that
    looks at it. `pulumi up` waits for the Job, and so for the first copy. SQL runs in the cluster, never at the desk.
    """

    ready: pulumi.Output[str | None]
    """Name of the Job, known when the first copy is at the target; None while dr_mode is cold."""
    slot_wal_keep_mib: int
    """max_slot_wal_keep_size that the source must have, MiB; the same in every mode, as is what follows."""
    source_parameters: dict[str, str]
    """For the source's parameter group at RDS."""
    by_hand: dict[str, str]
    """Verb → command that runs it now: look, sequences, take-away."""

    def __init__(self, name: str, args: LogicalReplicaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        source, target = handle_of(args["source"]), handle_of(args["target"])
        known = LogicalReplicaIntent.of({**args, "source": source, "target": target})
        super().__init__("LogicalReplica", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self._ends = {"source": source, "target": target}
        self._job = f"logical-{known.replica.replace('_', '-')}"
        self.slot_wal_keep_mib, self.source_parameters = known.slot_wal_keep_mib, known.source_parameters
        self.by_hand = {verb: self._by_hand(verb) for verb in ("look", "sequences", "take-away")}
        self.ready = pulumi.Output.from_input(None)
        if known.runs:
            self.ready = self._run()
        # Not declared above: no output.
        self.inventory = self._entry()
        self.register_outputs(
            {
                "ready": self.ready,
                "slot_wal_keep_mib": self.slot_wal_keep_mib,
                "source_parameters": self.source_parameters,
                "by_hand": self.by_hand,
            }
        )

    def _by_hand(self, verb: str) -> str:
        job, namespace = self._job, self._known.namespace
        make = f"kubectl create job {job}-{verb} --from=cronjob/{job} -n {namespace} --dry-run=client -o json"
        args = json.dumps(["python3", "-m", ROLE, verb])
        change = f"jq '.spec.template.spec.containers[0].args = {args}'"
        return f"{make} | {change} | kubectl create -n {namespace} -f -"

    def _run(self) -> pulumi.Output[str | None]:
        name, known, job = self._name, self._known, self._job
        child = pulumi.ResourceOptions(parent=self)
        labels = {label(tag): value for tag, value in (known.tags or {}).items()} | {"app.kubernetes.io/name": job}
        metadata = {"name": job, "namespace": known.namespace, "labels": labels}
        config, secrets = self._config(), self._secrets()
        account = core.v1.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=child
        )
        told = core.v1.ConfigMap(
            f"{name}-told",
            metadata=metadata,
            data={"logical.json": config, "in-container.sh": guest_file("agent/in-container.sh")},
            binary_data={"payload.tar.gz": base64.b64encode(payload(ROLE)).decode()},
            opts=child,
        )
        secret = core.v1.Secret(
            f"{name}-secret", metadata=metadata, string_data={"logical.secrets.json": secrets}, opts=child
        )

        def pod(*verb: str) -> Any:
            spec = guest_pod(
                ROLE,
                known.image,
                ["python3", "-m", ROLE, *verb],
                (account, told, secret),
                {"cpu": "100m", "memory": "128Mi"},
            )
            return {"metadata": {"labels": labels}, "spec": spec}

        # A Job is never changed: another configuration or another password is another Job, which runs.
        digest = pulumi.Output.all(config, secrets).apply(
            lambda both: documents.digest("\n".join(both), payload_sha256(ROLE))[:10]
        )
        set_up = batch.v1.Job(
            f"{name}-set-up",
            metadata={**metadata, "name": pulumi.Output.unsecret(digest).apply(lambda end: f"{job}-{end}")},
            spec={
                "backoff_limit": 3,
                "active_deadline_seconds": known.copy_seconds + DEADLINE_SECONDS,
                "template": pod("set-up", "--wait", str(known.copy_seconds)),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[account, told, secret],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{known.copy_seconds + 2 * DEADLINE_SECONDS}s"),
            ),
        )
        batch.v1.CronJob(
            f"{name}-look",
            metadata=metadata,
            spec={
                "schedule": kubernetes(known.schedule),
                "time_zone": "Etc/UTC",
                "concurrency_policy": "Forbid",
                "successful_jobs_history_limit": 1,
                "failed_jobs_history_limit": 3,
                "job_template": {
                    "spec": {
                        "backoff_limit": 0,
                        "active_deadline_seconds": DEADLINE_SECONDS,
                        "template": pod("look"),
                    }
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[set_up]),
        )
        made: pulumi.Output[str | None] = set_up.metadata.name
        return made

    def _config(self) -> pulumi.Output[str]:
        known = self._known
        plain = {
            "name": known.replica,
            "replication_user": known.replication_user,
            "schemas": list(known.schemas),
            "slot_wal_keep_mib": known.slot_wal_keep_mib,
            "authority_at_target": known.authority_at_target,
            "left_out_extensions": list(known.left_out_extensions),
            "owner_at_target": known.owner_at_target,
            "margin": known.margin,
        }

        def config(found: dict[str, dict[str, Any]]) -> str:
            ends = {
                which: {
                    "address": found[which]["address"],
                    "port": end.get("port", 5432),
                    "database": end["database"],
                    "user": end["user"],
                    "tls_ca": found[which]["tls_ca"] or "",
                    "certificate_name": found[which]["certificate_name"] or "",
                }
                for which, end in self._ends.items()
            }
            return json.dumps(plain | ends, indent=1, sort_keys=True)

        later = {
            which: {
                "address": end["address"],
                "tls_ca": end.get("tls_ca"),
                "certificate_name": end.get("certificate_name"),
            }
            for which, end in self._ends.items()
        }
        return pulumi.Output.all(**later).apply(config)

    def _secrets(self) -> pulumi.Output[str]:
        words = pulumi.Output.all(
            source_password=self._ends["source"]["password"],
            target_password=self._ends["target"]["password"],
            replication_password=self._args["replication_password"],
        )
        text: pulumi.Output[str] = words.apply(lambda all_: json.dumps(all_, sort_keys=True))
        return pulumi.Output.secret(text)

    def _entry(self) -> inventory.Entry:
        args, known = self._args, self._known
        site, ends = args.get("site", ""), (args.get("source_host", ""), args.get("target_host", ""))
        if not (known.runs and site and all(ends)):
            return inventory.Entry()
        way = inventory.Pod(args.get("context", ""), known.namespace, self._job)
        return inventory.Entry(
            hosts=(inventory.Host(f"{site}-{self._job}", site, "", (ROLE,), way),),
            flows=(
                inventory.Flow(
                    name=known.replica,
                    engine="postgres",
                    kind=inventory.POSTGRES_LOGICAL,
                    source=ends[0],
                    target=ends[1],
                    source_address=known.source.address or "",
                    source_port=known.source.port,
                    heartbeat_table="twinsite.heartbeat",
                    resume_seconds=float(resume_seconds()),
                    tolerated_outage_hours=known.tolerated_outage_hours,
                ),
            ),
        )
