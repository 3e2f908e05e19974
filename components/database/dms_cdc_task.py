"""A DMS task that keeps a database at the standby site current, and all that it needs on AWS."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from ..component import Component
from ..inventory import DMS, Entry, Flow
from ..modes import DrMode
from ..rules.dms import PERIOD_SECONDS, PORTS, DmsCdcTaskIntent, DmsEndPart
from ..rules.dms_task import schemas
from ..rules.logical import BEATS
from .dms_still import while_stopped

ACCOUNT_ROLES = {
    "dms-vpc-role": "AmazonDMSVPCManagementRole",
    "dms-cloudwatch-logs-role": "AmazonDMSCloudWatchLogsRole",
}
"""DMS looks for them in the account by exactly these names [DMS user guide, IAM roles for the CLI and API]."""

SESSION = {"mysql": "SET FOREIGN_KEY_CHECKS=0", "postgres": "SET session_replication_role='replica'"}
"""Of each session at the target: rows come table by table, children before parents."""

TASK_EVENTS = ["failure", "state change", "deletion"]
INSTANCE_EVENTS = ["failure", "failover", "low storage", "deletion"]

TOLD = {"execute_timeout": 60, "max_file_size": 32768}
"""Seconds and KB: DMS's own defaults [DMS API, PostgreSQLSettings]. The provider sends 0 for a number that is left out
(expandPostgreSQLSettings); heartbeats without a pause came of that [modernisation-platform-environments 8799]."""

MIB = 1024 * 1024


class DmsEnd(TypedDict):
    """A database at one end of a DmsCdcTask."""

    engine: str
    """mysql, aurora, postgres or aurora-postgresql; the same database at both ends."""

    address: pulumi.Input[str]
    """Host name that its certificate is for, as it is in the secret; not judged while it is an Output."""

    name: NotRequired[str]
    """In the inventory, as its databases or people have it. Defaults to the address."""

    port: NotRequired[int]
    """As it is in the secret. Defaults to the engine's own."""

    database: NotRequired[str]
    """PostgreSQL's database. MySQL has none: schemas go by `tables`."""

    secret_arn: pulumi.Input[str]
    """Secret of AWS Secrets Manager, JSON with host, port, username, password: what DMS connects with."""

    secret_key_arn: NotRequired[pulumi.Input[str]]
    """KMS key of that secret; the account's own key for secrets by default."""

    tls: NotRequired[str]
    """verify-full, or verify-ca where the certificate has no name. Defaults to verify-full."""

    tls_ca: pulumi.Input[str]
    """PEM of the authority that signed its certificate: RDS's regional bundle, Cloud SQL's own, yours."""

    slot_name: NotRequired[str]
    """A slot that exists at a PostgreSQL source; DMS makes its own by default."""

    heartbeat_schema: NotRequired[str]
    """Of a PostgreSQL source, where the login may make the table of DMS's own heartbeat. Defaults to DMS's, public."""


class DmsTables(TypedDict):
    """Tables that go, or do not."""

    schema: str
    """Of MySQL a database. % stands for any text."""

    table: NotRequired[str]
    """Defaults to %, all of them."""

    action: NotRequired[str]
    """include, exclude or explicit. Defaults to include."""


class DmsTransformation(TypedDict):
    """What is called otherwise at the target."""

    target: str
    """schema, table or column."""

    action: str
    """For instance rename, add-prefix, convert-lowercase."""

    schema: str
    """Whose; % for all."""

    table: NotRequired[str]
    """For a table or a column."""

    column: NotRequired[str]
    """For a column."""

    value: NotRequired[str]
    """The new name or the affix."""

    old_value: NotRequired[str]
    """What replace-prefix and replace-suffix look for."""


class DmsCdcTaskArgs(TypedDict):
    """Arguments of DmsCdcTask."""

    dr_mode: DrMode
    """In cold nothing runs: no instance, no task, no alarm."""

    region: str
    """Of everything here but the databases, for instance ap-northeast-2."""

    task_id: NotRequired[str]
    """Names the task and, with suffixes, instance, endpoints and certificates (there also a digest of the PEM); at most
    31 characters. Defaults to the component's name."""

    source: DmsEnd
    target: DmsEnd
    """Writable for whoever has grants there: what keeps the application out are those (K44)."""

    migration_type: NotRequired[str]
    """full-load-and-cdc into empty tables, or cdc after a native seed. Defaults to full-load-and-cdc."""

    start_time: NotRequired[str]
    """Of cdc from MySQL: a moment of the seed or before it, UTC, like 2026-11-29T03:00:00Z."""

    start_position: NotRequired[str]
    """Of cdc: where the seed was taken, binlog.000024:373 or 4AF/B00000D0."""

    tables: NotRequired[list[DmsTables]]
    """What goes."""

    transformations: NotRequired[list[DmsTransformation]]
    """Defaults to none."""

    table_mappings: NotRequired[str]
    """Instead of both: DMS's own JSON. Taken when it passes the same rules."""

    largest_lob_kib: int
    """Largest value at the source, KiB, as rules.dms_source measures it; 0 where there is no LOB."""

    settings: NotRequired[str]
    """More settings of the task, DMS's own JSON by sections. Defaults to none."""

    instance_class: NotRequired[str]
    """Defaults to dms.t3.medium; `twinsite dms start` says when a load needs more."""

    storage_gib: NotRequired[int]
    """Where changes wait while the target is away. Defaults to 100."""

    multi_az: NotRequired[bool]
    """Defaults to True: the standby follows although one zone is lost."""

    engine_version: NotRequired[str]
    """Of DMS, like 3.5.4; its newest by default. Never raised by AWS."""

    subnet_ids: dict[str, pulumi.Input[str]]
    """Zone -> private subnet, two at least, from which both databases are reached."""

    security_group_ids: list[pulumi.Input[str]]
    """Of the instance: to both databases, and out to the APIs of Secrets Manager and CloudWatch."""

    topic_arn: pulumi.Input[str]
    """SNS topic in the region that alarms and events go to; its policy must let DMS publish."""

    log_retention_hours: int
    """How long the source keeps its log, and so how long the task may stand still: 24 or more."""

    latency_alarm_seconds: NotRequired[int]
    """Either latency above this is told. Defaults to 60."""

    latency_alarm_minutes: NotRequired[int]
    """For so long, as storage and memory, too. Defaults to 3; a cut of a minute is told with 1."""

    free_memory_mib: NotRequired[int]
    """Less free memory at the instance is told. Defaults to 512."""

    account_roles: NotRequired[bool]
    """Whether dms-vpc-role and dms-cloudwatch-logs-role are made here; an account has each once. Defaults to False."""

    through: NotRequired[str]
    """Host of the LogicalReplica that looks at both ends, called as the task with _ for -. Defaults to none: each end
    is asked itself."""

    look_seconds: NotRequired[float]
    """How often it looks, at the longest."""

    serverless: NotRequired[bool]
    """Refused (ADR 51). Defaults to False."""

    stopped_for: NotRequired[list[str]]
    """Digests of the changes that may be made, since the task is stopped for them. Defaults to none."""

    tags: NotRequired[dict[str, str]]
    """Put on everything that takes tags."""


class DmsCdcTask(Component):
    """Change data of one database, carried to another by AWS DMS, watched.

    Creates in every mode: the role that reads both secrets, certificates, endpoints and the subnet group. From
    pilot-light on: the private replication instance, the task (ready, not started), event subscriptions and alarms. It
    never starts the task: what must be true before a start is asked first (rules.dms_source).
    """

    task_arn: pulumi.Output[str | None]
    """None while dr_mode is cold."""
    task_id: str
    region: str
    ready: pulumi.Output[str | None]
    """The task's ARN, known when its alarms and subscriptions are there; None while dr_mode is cold."""

    def __init__(self, name: str, args: DmsCdcTaskArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = DmsCdcTaskIntent.of({"task_id": name, **args})
        super().__init__("DmsCdcTask", name, known, opts)
        self._name, self._args, self._known = name, args, known
        self._here: dict[str, Any] = {"region": known.region, "tags": args.get("tags", {})}
        self.task_id, self.region = known.task_id, known.region
        # In every mode: the engine wants the hook for what a mode takes away.
        self._still = while_stopped(name, known.runs, known.stopped_for)
        account = self._account_roles() if known.account_roles else []
        source, target = self._endpoints()
        group = aws.dms.ReplicationSubnetGroup(
            f"{name}-subnets",
            replication_subnet_group_id=f"{known.task_id}-subnets",
            replication_subnet_group_description=f"Where the task {known.task_id} runs",
            subnet_ids=list(args["subnet_ids"].values()),
            **self._here,
            opts=self._child(depends_on=account),
        )
        nothing: pulumi.Output[str | None] = pulumi.Output.from_input(None)
        self.task_arn = self.ready = nothing
        if known.runs:
            instance = self._instance(group)
            task = self._task(instance, source, target)
            watching = [*self._events(instance, task), *self._alarms(instance, task)]
            self.task_arn = task.replication_task_arn
            self.ready = pulumi.Output.all(task.replication_task_arn, *watching).apply(lambda found: str(found[0]))
        ends = pulumi.Output.all(args["source"]["address"], args["target"]["address"])
        self.inventory = ends.apply(lambda both: self._entry(*both))
        self.register_outputs(
            {"task_arn": self.task_arn, "task_id": self.task_id, "region": self.region, "ready": self.ready}
        )

    def _entry(self, source: str, target: str) -> Entry:
        """The flow, from one end to the other; both addresses."""
        known, port = self._known, PORTS[self._known.source.family]
        flow = Flow(
            name=known.task_id,
            engine=known.source.family,
            kind=DMS,
            source=known.source.name or source,
            target=known.target.name or target,
            source_address=source,
            source_port=known.source.port or port,
            target_address=target,
            target_port=known.target.port or port,
            through=self._args.get("through", ""),
            look_seconds=float(self._args.get("look_seconds", 0.0)),
            heartbeat_table=".".join(BEATS.values()) if "through" in self._args else "",
            tolerated_outage_hours=float(known.log_retention_hours),
            region=known.region,
            lag_alarm_seconds=float(known.latency_alarm_seconds),
            schemas=schemas(known.tables, known.table_mappings),
        )
        return Entry(flows=(flow,) if known.runs else ())

    def _child(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, **more)

    def _account_roles(self) -> list[pulumi.Resource]:
        made: list[pulumi.Resource] = []
        for called, policy in ACCOUNT_ROLES.items():
            role = aws.iam.Role(
                f"{self._name}-{called}",
                name=called,
                assume_role_policy=_trusted("dms.amazonaws.com"),
                tags=self._here["tags"],
                opts=self._child(),
            )
            made.append(
                aws.iam.RolePolicyAttachment(
                    f"{self._name}-{called}",
                    role=role.name,
                    policy_arn=f"arn:aws:iam::aws:policy/service-role/{policy}",
                    opts=self._child(),
                )
            )
        return made

    def _endpoints(self) -> tuple[aws.dms.Endpoint, aws.dms.Endpoint]:
        name, args = self._name, self._args
        role = aws.iam.Role(
            f"{name}-secrets",
            # The region's own principal: the one without a region reads no secret [DMS user guide, using secrets].
            assume_role_policy=_trusted(f"dms.{self.region}.amazonaws.com"),
            tags=self._here["tags"],
            opts=self._child(),
        )
        ends = (args["source"], args["target"])
        keys = [end["secret_key_arn"] for end in ends if "secret_key_arn" in end]
        reads = aws.iam.RolePolicy(
            f"{name}-secrets",
            role=role.name,
            policy=pulumi.Output.all(secrets=[end["secret_arn"] for end in ends], keys=keys).apply(_reading),
            opts=self._child(),
        )
        # An endpoint is refused while its role may not read yet.
        arn = pulumi.Output.all(role.arn, reads.id).apply(lambda both: str(both[0]))
        source = self._endpoint("source", args["source"], self._known.source, arn)
        return source, self._endpoint("target", args["target"], self._known.target, arn)

    def _endpoint(self, side: str, end: DmsEnd, known: DmsEndPart, role: pulumi.Output[str]) -> aws.dms.Endpoint:
        name, called = f"{self._name}-{side}", f"{self.task_id}-{side}"
        # Another authority is another certificate, made before the old one goes: DMS refuses a second of one name, and
        # to delete one that an endpoint uses.
        certificate = aws.dms.Certificate(
            name,
            certificate_id=pulumi.Output.from_input(end["tls_ca"]).apply(lambda pem: f"{called}-{_digest(pem)}"),
            certificate_pem=end["tls_ca"],
            **self._here,
            opts=self._child(),
        )
        own: dict[str, Any] = {"database_name": known.database} if known.database else {}
        if known.family == "postgres":
            own["postgres_settings"] = _postgres(side, known)
        elif side == "target":
            own["extra_connection_attributes"] = f"Initstmt={SESSION['mysql']}"
        return aws.dms.Endpoint(
            name,
            endpoint_id=called,
            endpoint_type=side,
            engine_name=known.engine,
            secrets_manager_arn=end["secret_arn"],
            secrets_manager_access_role_arn=role,
            ssl_mode=known.tls,
            certificate_arn=certificate.certificate_arn,
            **own,
            **self._here,
            opts=self._child(hooks=self._still),
        )

    def _instance(self, group: aws.dms.ReplicationSubnetGroup) -> aws.dms.ReplicationInstance:
        known = self._known
        version: dict[str, Any] = {"engine_version": known.engine_version} if known.engine_version else {}
        return aws.dms.ReplicationInstance(
            f"{self._name}-instance",
            replication_instance_id=f"{known.task_id}-instance",
            replication_instance_class=known.instance_class,
            allocated_storage=known.storage_gib,
            multi_az=known.multi_az,
            publicly_accessible=False,
            # An upgrade stops the task at a moment of AWS's choice.
            auto_minor_version_upgrade=False,
            # Else a change waits for the window, and each refresh until then shows it as drift.
            apply_immediately=True,
            replication_subnet_group_id=group.id,
            vpc_security_group_ids=self._args["security_group_ids"],
            **version,
            **self._here,
            opts=self._child(),
        )

    def _task(
        self, instance: aws.dms.ReplicationInstance, source: aws.dms.Endpoint, target: aws.dms.Endpoint
    ) -> aws.dms.ReplicationTask:
        known = self._known
        start = {"cdc_start_time": known.start_time, "cdc_start_position": known.start_position}
        begins: dict[str, Any] = {name: value for name, value in start.items() if value}
        return aws.dms.ReplicationTask(
            f"{self._name}-task",
            replication_task_id=known.task_id,
            # Ends the ARN, by which CloudWatch knows the task: without it that is a text of AWS's own.
            resource_identifier=known.task_id,
            migration_type=known.migration_type,
            table_mappings=known.mappings,
            replication_task_settings=known.task_settings,
            replication_instance_arn=instance.replication_instance_arn,
            source_endpoint_arn=source.endpoint_arn,
            target_endpoint_arn=target.endpoint_arn,
            # Whoever starts it has asked the source first; and no `up` starts it again over a promoted target.
            start_replication_task=False,
            **begins,
            **self._here,
            opts=self._child(hooks=self._still),
        )

    def _events(self, instance: aws.dms.ReplicationInstance, task: aws.dms.ReplicationTask) -> list[pulumi.Output[str]]:
        made = []
        for kind, of, categories in (
            ("task", task.replication_task_id, TASK_EVENTS),
            ("instance", instance.replication_instance_id, INSTANCE_EVENTS),
        ):
            events = aws.dms.EventSubscription(
                f"{self._name}-{kind}-events",
                name=f"{self.task_id}-{kind}",
                source_type=f"replication-{kind}",
                source_ids=[of],
                event_categories=categories,
                sns_topic_arn=self._args["topic_arn"],
                **self._here,
                opts=self._child(),
            )
            made.append(events.id)
        return made

    def _alarms(self, instance: aws.dms.ReplicationInstance, task: aws.dms.ReplicationTask) -> list[pulumi.Output[str]]:
        known = self._known
        at = {"ReplicationInstanceIdentifier": instance.replication_instance_id}
        of = {**at, "ReplicationTaskIdentifier": task.replication_task_arn.apply(lambda arn: arn.rpartition(":")[2])}
        storage = known.storage_gib * 1024 * MIB // 5
        late = f"behind by more than {known.latency_alarm_seconds} s, stopped or failed"
        return [
            self._alarm("latency-source", "CDCLatencySource", of, known.latency_alarm_seconds, late),
            self._alarm("latency-target", "CDCLatencyTarget", of, known.latency_alarm_seconds, late),
            self._alarm(
                "storage", "FreeStorageSpace", at, storage, "a fifth of its storage left, or silent", least=True
            ),
            self._alarm(
                "memory", "FreeableMemory", at, known.free_memory_mib * MIB, "short of memory, or silent", least=True
            ),
        ]

    def _alarm(
        self, part: str, metric: str, of: Mapping[str, Any], threshold: int, what: str, least: bool = False
    ) -> pulumi.Output[str]:
        """A task that is not running has no latency: silence is the failure."""
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{part}",
            alarm_description=f"DMS task {self.task_id}: {what}",
            namespace="AWS/DMS",
            metric_name=metric,
            dimensions=dict(of),
            statistic="Minimum" if least else "Maximum",
            period=PERIOD_SECONDS,
            evaluation_periods=self._known.latency_alarm_minutes,
            comparison_operator="LessThanThreshold" if least else "GreaterThanThreshold",
            threshold=threshold,
            treat_missing_data="breaching",
            alarm_actions=[self._args["topic_arn"]],
            ok_actions=[self._args["topic_arn"]],
            **self._here,
            opts=self._child(),
        ).name


def _postgres(side: str, known: DmsEndPart) -> dict[str, Any]:
    if side == "target":
        return {"after_connect_script": SESSION["postgres"], **TOLD}
    # While nobody writes to these tables, only a row of its own moves the slot on, which else holds the log.
    own: dict[str, Any] = {"heartbeat_enable": True, "heartbeat_frequency": 5, "fail_tasks_on_lob_truncation": True}
    own |= TOLD
    # A change of the schema is made at both ends by hand, the target first: no triggers of DMS at the source.
    own["capture_ddls"] = False
    if known.heartbeat_schema:
        own["heartbeat_schema"] = known.heartbeat_schema
    return {**own, "slot_name": known.slot_name} if known.slot_name else own


def _trusted(service: str) -> str:
    who = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [who]})


def _digest(pem: str) -> str:
    """What ends a certificate's identifier: letters, digits, no hyphen at its end [DMS API, ImportCertificate]."""
    return hashlib.sha256(pem.encode()).hexdigest()[:12]


def _reading(found: Mapping[str, Any]) -> str:
    actions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
    said: list[dict[str, Any]] = [{"Effect": "Allow", "Action": actions, "Resource": list(found["secrets"])}]
    if found["keys"]:
        said.append({"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": list(found["keys"])})
    return json.dumps({"Version": "2012-10-17", "Statement": said})
