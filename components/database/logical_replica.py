"""LogicalReplica: a PostgreSQL that follows another one by PostgreSQL's own logical replication."""

import json
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes import batch

from .. import inventory, rules
from ..component import Component
from ..guest.backup.cron import kubernetes
from ..handle import Given, handle_of
from ..machine import documents
from ..modes import DrMode
from ..payload import payload_sha256
from ..rules.logical import ABANDONED, FOLLOWS, TAKEN_AWAY, LogicalReplicaIntent, resume_seconds
from ..schedule import longest_gap_seconds
from ..workload.pod import guest_pod, pod_given, pod_metadata
from .postgres import PostgresHandle

ROLE = "logical"
VERBS = {
    FOLLOWS: ["set-up"],
    TAKEN_AWAY: ["take-away"],
    ABANDONED: ["take-away", "--without-source"],
}
"""What the Job does."""
BY_HAND = ("look", "compare", "set-up", "reseed", "sequences", "take-away", "prepare")
NOT_CARRIED = ("reseed",)
"""Of them, what asks nothing of who carries the rows and empties a standby that is well: `twinsite` runs it in time."""
MOVES = ("switch", "back-out", "promote", "rejoin")
"""Verbs that want the registers' number."""
LAG_ALARM_SECONDS = 30
SUSPEND = "suspend"
"""Of the CronJob, true once the flow is taken away."""
DEADLINE_SECONDS = 600
"""How long a run may take beside the first copy."""


class LogicalReplicaArgs(TypedDict):
    """Arguments of LogicalReplica."""

    dr_mode: DrMode
    """In cold nothing follows."""

    replication: NotRequired[str]
    """What is to become of it. follows, the default. taken-away: subscription, slot and publication go, the data stay;
    before cold. abandoned: the same while the source is gone, so that its slot stays there."""

    replica: str
    """Names slot, publication and subscription alike, for instance crm: lower-case letters, digits, _."""

    source: Given[PostgresHandle]
    target: Given[PostgresHandle]
    """Both are reached from the cluster, and the source from the target's server."""

    target_serves: NotRequired[bool]
    """Whether the target's site is the one that serves now (config active_site). Where it writes and this is false, no
    flow is taken away: what comes next may delete it. Defaults to false."""

    carrier: NotRequired[str]
    """Who brings the rows. PostgreSQL itself by default. `dms`: a DmsCdcTask, which carries `rules.logical.BEATS`
    beside the schemas; here is made what it leaves behind, before its first row, and a gate that shuts the target."""

    replication_user: str
    """Role of the source that the subscription logs in as: it reads the schemas and replicates, and owns nothing."""

    replication_password: NotRequired[pulumi.Input[str]]
    """Kept secret here. PostgreSQL keeps it in the target's pg_subscription, which only superusers read. Needed where
    a subscription brings the rows."""

    schemas: list[str]
    """Replicated with all their tables, for instance public."""

    authority_at_target: NotRequired[str]
    """Where the target's server has the authority of the source's certificate: a file of its own, or `system`. Or
    `channel-binding`: the role's SCRAM password proves the server, for services that have no such file. Needed where a
    subscription brings the rows."""

    back_user: NotRequired[str]
    """Role of the target that the way back logs in as, once the target writes: it reads and replicates, and owns
    nothing. Without one the writer is never switched."""

    back_password: NotRequired[pulumi.Input[str]]
    """Kept secret here, and in the source's pg_subscription once the target writes. Needed with back_user."""

    authority_at_source: NotRequired[str]
    """Where the source's server has the authority of the target's certificate: as above. Needed with
    back_user."""

    target_bounds_slots: NotRequired[bool]
    """Whether the target's server has max_slot_wal_keep_size, for the slot of the way back. Cloud SQL has no such flag
    [Google, Work with PostgreSQL database WAL log files, note]: false there, and each look drops a slot that nobody
    reads once it holds more than the source keeps. Defaults to true."""

    target_as_seen_by_source: NotRequired[str]
    """Another address of the target, by which the source's server reaches it. Defaults to the job's."""

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

    metrics_project: NotRequired[str]
    """Google's project whose Cloud Monitoring is told of each look, lag and slot, for GcpAlarms: the pod's account may
    write metrics there. Defaults to none."""

    report: NotRequired[pulumi.Input[str]]
    """gs://BUCKET/NAME that each look writes over, for `twinsite status` at any desk: the pod's account may write it.
    Defaults to none: then operations know nothing of the flow."""

    lag_alarm_seconds: NotRequired[int]
    """Rows that take longer are late, to whoever reads the report. Defaults to 30."""

    account_annotations: NotRequired[dict[str, pulumi.Input[str]]]
    """On the service account, like iam.gke.io/gcp-service-account. Default to none."""

    site: NotRequired[str]
    """Where the cluster is, as the inventory has it; with source_host and target_host it gives the inventory's flow."""

    source_host: NotRequired[str]
    target_host: NotRequired[str]
    """Names of both ends, as the inventory's hosts, endpoints or databases have them, or as people do."""

    context: NotRequired[str]
    """kubectl context of the cluster. Defaults to the one that the operator uses."""

    tags: NotRequired[dict[str, str]]
    """Labels on everything; a colon in a tag's name becomes a slash."""


class LogicalReplica(Component):
    """A live copy of a PostgreSQL at another server: schema, publication, slot, subscription, first copy.

    Creates from pilot-light on: service account, configuration, secret, a Job that sets all of it up and a CronJob that
    looks at it. `pulumi up` waits for the Job, and so for the first copy. SQL runs in the cluster, never at the desk.
    The Job comes after what the component comes after (`depends_on`).

    A slot that nobody reads fills the source's disk. So the CronJob is not deleted, in preview or in `up`, before the
    flow was taken away: that `up`'s Job does it, and suspends the CronJob, which is how the state says so (ADR 52).
    """

    ready: pulumi.Output[str | None]
    """Name of the Job, known when it is done: the first copy is at the target, or the flow is taken away. None while
    dr_mode is cold."""
    slot_wal_keep_mib: int
    """max_slot_wal_keep_size that the source must have, MiB; the same in every mode, as is what follows."""
    source_parameters: dict[str, str]
    """For the source's parameter group at RDS."""
    by_hand: dict[str, str]
    """Verb → command that runs it now: look, compare, set-up, reseed, sequences, take-away, prepare; and with EPOCH, a
    number that rises with each move: switch, back-out, promote, rejoin. With a `carrier` no reseed."""
    host: str
    """Name of the job in the inventory, by which a DmsCdcTask goes `through` it; "" without `site`."""
    look_seconds: float
    """How often it looks, at the longest."""

    def __init__(self, name: str, args: LogicalReplicaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        source, target = handle_of(args["source"]), handle_of(args["target"])
        known = LogicalReplicaIntent.of({**args, "source": source, "target": target})
        if known.back_user and "back_password" not in args:
            lacks = f"back_user is {known.back_user} without back_password: set that one, too"
            rules.require(f"LogicalReplica {name}", [lacks])
        if not known.carrier and "replication_password" not in args:
            lacks = f"replication_password is not given, with which {known.replication_user} logs in: set it"
            rules.require(f"LogicalReplica {name}", [lacks, *known.problems()])
        super().__init__("LogicalReplica", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self._ends = {"source": source, "target": target}
        self._job = f"logical-{known.replica.replace('_', '-')}"
        # In every mode: the engine wants the hook for what a mode takes away.
        self._kept = keep_slot(name, known.replica, known.replication)
        self._after = _listed(opts)
        self.slot_wal_keep_mib, self.source_parameters = known.slot_wal_keep_mib, known.source_parameters
        left_out = NOT_CARRIED if known.carrier else ()
        self.by_hand = {verb: self._by_hand(verb) for verb in BY_HAND if verb not in left_out}
        self.by_hand |= {verb: self._by_hand(verb, "--epoch", "EPOCH") for verb in MOVES}
        self.host = f"{args['site']}-{self._job}" if args.get("site") else ""
        self.look_seconds = float(longest_gap_seconds(known.schedule))
        self.ready = pulumi.Output.from_input(None)
        if known.runs:
            self.ready = self._run()
        # Not declared above: no output.
        self.inventory = pulumi.Output.from_input(args.get("report", "")).apply(self._entry)
        self.register_outputs(
            {
                "ready": self.ready,
                "slot_wal_keep_mib": self.slot_wal_keep_mib,
                "source_parameters": self.source_parameters,
                "by_hand": self.by_hand,
                "host": self.host,
                "look_seconds": self.look_seconds,
            }
        )

    def _by_hand(self, verb: str, *options: str) -> str:
        job, namespace = self._job, self._known.namespace
        make = f"kubectl create job {job}-{verb} --from=cronjob/{job} -n {namespace} --dry-run=client -o json"
        args = json.dumps(["python3", "-m", ROLE, verb, *options])
        change = f"jq '.spec.template.spec.containers[0].args = {args}'"
        return f"{make} | {change} | kubectl create -n {namespace} -f -"

    def _run(self) -> pulumi.Output[str | None]:
        name, known, job = self._name, self._known, self._job
        child = pulumi.ResourceOptions(parent=self)
        metadata = pod_metadata(job, known.namespace, known.tags or {})
        config, secrets = self._config(), self._secrets()
        given = pod_given(name, ROLE, metadata, config, secrets, child, self._args.get("account_annotations", {}))

        def pod(*verb: str) -> Any:
            spec = guest_pod(
                ROLE,
                known.image,
                ["python3", "-m", ROLE, *verb],
                given,
                {"cpu": "100m", "memory": "128Mi"},
            )
            return {"metadata": {"labels": metadata["labels"]}, "spec": spec}

        verb = VERBS[known.replication]
        if known.follows and not known.carrier:
            verb = [*verb, "--wait", str(known.copy_seconds)]
        elif not known.follows and self._args.get("target_serves", False):
            verb = [*verb, "--target-writes"]
        # A Job is never changed: another configuration, password or verb is another Job, which runs.
        digest = pulumi.Output.all(config, secrets).apply(
            lambda both: documents.digest("\n".join([*both, *verb]), payload_sha256(ROLE))[:10]
        )
        set_up = batch.v1.Job(
            f"{name}-set-up",
            metadata={
                **metadata,
                "name": pulumi.Output.unsecret(digest).apply(lambda end: f"{job}-{end}"),
                # One that failed runs again with the next `up`; else the provider goes on waiting for that one.
                "annotations": {"pulumi.com/replaceUnready": "true"},
            },
            spec={
                "backoff_limit": 3,
                "active_deadline_seconds": known.copy_seconds + DEADLINE_SECONDS,
                "template": pod(*verb),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*given, *self._after],
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
                SUSPEND: not known.follows,
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
            opts=pulumi.ResourceOptions(parent=self, depends_on=[set_up, *self._after], hooks=self._kept),
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
            "metrics_project": known.metrics_project,
            "back_user": known.back_user,
            "authority_at_source": known.authority_at_source,
            "target_as_seen_by_source": known.target_as_seen_by_source,
            "target_bounds_slots": known.target_bounds_slots,
            **({"carrier": known.carrier} if known.carrier else {}),
        }

        def config(found: dict[str, Any]) -> str:
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
            return json.dumps(plain | ends | {"report": found["report"]}, indent=1, sort_keys=True)

        later = {
            which: {
                "address": end["address"],
                "tls_ca": end.get("tls_ca"),
                "certificate_name": end.get("certificate_name"),
            }
            for which, end in self._ends.items()
        }
        return pulumi.Output.all(**later, report=self._args.get("report", "")).apply(config)

    def _secrets(self) -> pulumi.Output[str]:
        known = self._known
        words = pulumi.Output.all(
            source_password=self._ends["source"]["password"],
            target_password=self._ends["target"]["password"],
            **({"replication_password": self._args["replication_password"]} if not known.carrier else {}),
            **({"back_password": self._args["back_password"]} if known.back_user else {}),
        )
        text: pulumi.Output[str] = words.apply(lambda all_: json.dumps(all_, sort_keys=True))
        return pulumi.Output.secret(text)

    def _entry(self, report: str) -> inventory.Entry:
        """While rows are to come: of a flow that was taken away nobody is to ask."""
        args, known = self._args, self._known
        site, ends = args.get("site", ""), (args.get("source_host", ""), args.get("target_host", ""))
        if not (known.follows and site and all(ends)):
            return inventory.Entry()
        way = inventory.Pod(args.get("context", ""), known.namespace, self._job)
        host = inventory.Host(self.host, site, "", (ROLE,), way, status=report)
        if known.carrier:
            return inventory.Entry(hosts=(host,))  # the flow is the carrier's, and goes `through` it
        return inventory.Entry(
            hosts=(host,),
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
                    through=host.name,
                    look_seconds=self.look_seconds,
                    lag_alarm_seconds=float(args.get("lag_alarm_seconds", LAG_ALARM_SECONDS)),
                ),
            ),
        )


def keep_slot(name: str, replica: str, replication: str) -> pulumi.ResourceHookBinding:
    """Hook binding for the CronJob: it goes when the flow was taken away, which its state says, or was given up. For a
    program that makes no LogicalReplica `name` any more as well: the engine wants the hook of what the state has."""

    async def refuse(args: pulumi.ResourceHookArgs) -> None:
        spec = (args.old_inputs or {}).get("spec") or {}
        if replication == ABANDONED or spec.get(SUSPEND):
            return
        raise ValueError(
            f"{args.name} looks at replica {replica}, whose slot is at the source: with nobody to read it, it keeps "
            f"WAL there up to max_slot_wal_keep_size. In the mode of before set replication to {TAKEN_AWAY} "
            f"(`pulumi config set replication {TAKEN_AWAY}`) and run `pulumi up`, then this again; where the source is "
            f"gone for good, set it to {ABANDONED}"
        )

    hook = pulumi.ResourceHook(f"{name}-keep-slot", refuse, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceHookBinding(before_delete=[hook])


def _listed(opts: pulumi.ResourceOptions | None) -> list[pulumi.Resource]:
    """What the component was told to come after: Pulumi does not tell a component's parts."""
    given: Any = opts.depends_on if opts is not None else None
    if given is None:
        return []
    return list(given) if isinstance(given, (list, tuple)) else [given]
