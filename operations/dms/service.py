"""DMS and its own words: one task, what it is told, and the calls that change how it runs."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from twinsite.inventory import Flow
from twinsite.rules.dms_task import carried, schemas

from ..amazon import LATER, Amazon, Refused
from ..steps import StepFailed, wait
from ..subjects import dms_task
from ..subjects.dms_task import TableSeen, seen_tables, tables
from ..unanswered import CouldNotAsk, NoAnswer

LOOK_SECONDS = 5.0
"""Between two looks at what DMS is doing."""
SETTLES_SECONDS = 900.0
"""A task that holds a large transaction stops when that is written."""
SILENT_SECONDS = 120.0
"""So long a wait bears that AWS says nothing, or to come later. One ask of ours ends after 40 s (operations/amazon.py:
two tries)."""
RIGHTS = "have policies/aws/dms.operator.json attached to whom you are"
DRILL_RIGHTS = "have policies/aws/dms.drill.json attached to whom you are, beside dms.operator.json"
MOST_TABLES = 10
"""Of one reload [DMS user guide, reloading tables during a task]."""

FIXES = (
    ("Test connection", "look at the endpoints' connections in the console of DMS, then run this again"),
    ("secret", "let the role of the endpoints read both secrets (`pulumi up` makes it), and look at what they hold"),
    ("binlog_checksum", "set binlog_checksum to NONE at the source, then `twinsite dms resume`"),
    ("binlog", "set binlog_format ROW and binlog_row_image FULL at the source, and keep its log for longer"),
    ("replication slot", "look who holds the slot at the source (pg_replication_slots): one task has one of its own"),
    ("wal_level", "set rds.logical_replication to 1 in the source's parameter group, and let it be rebooted"),
    ("truncat", "raise largest_lob_kib, `twinsite dms modify`, then reload the table"),
    ("No tables were found", "name the schemas that go in `tables`, as the source spells them"),
    ("storage", "raise storage_gib of the task's instance: `twinsite dms modify`"),
    ("memory", "choose a larger instance_class: `twinsite dms modify`"),
)
"""What a word of DMS's calls for; the first that fits."""


@dataclass(frozen=True)
class Described:
    """As DMS has it."""

    state: str
    arn: str
    why: str
    migration_type: str
    mappings: str
    settings: Mapping[str, Mapping[str, Any]]
    ends: Mapping[str, str]
    """source and target → ARN of the endpoint."""
    instance: str
    """ARN."""
    instance_class: str
    instance_state: str
    multi_az: bool = False
    tables: tuple[TableSeen, ...] = field(default=())

    @property
    def schemas(self) -> tuple[str, ...]:
        """Whose tables go."""
        return schemas((), self.mappings)

    def carries(self, table: str) -> bool:
        """`schema.table`, and what may follow it."""
        schema, _, rest = table.partition(".")
        return carried(self.mappings, schema, rest.partition(".")[0])

    def setting(self, path: str) -> Any:
        """`Section.Key`; None where DMS does not say."""
        section, _, key = path.partition(".")
        return (self.settings.get(section) or {}).get(key)


def with_fix(words: str) -> str:
    """DMS's words, and what they call for."""
    fix = next((fix for mark, fix in FIXES if mark.lower() in words.lower()), "")
    return f"{words}: {fix or 'look at the log of the task in CloudWatch'}"


class Unheard(StepFailed):
    """AWS did not answer, or wants to be asked later: what it does goes on meanwhile."""


def told(problem: CouldNotAsk, service: str = "dms") -> StepFailed:
    """AWS's own words, and what to do."""
    if isinstance(problem, Refused):
        return (Unheard if problem.code in LATER else StepFailed)(with_fix(problem.words))
    rights = RIGHTS if service in ("dms", "secretsmanager") else DRILL_RIGHTS
    fix = rights if "is refused" in problem.words else problem.fix
    words = f"{problem.words}: {fix}" if fix else problem.words
    return Unheard(words) if isinstance(problem, NoAnswer) else StepFailed(words)


Found = TypeVar("Found")


def patient(look: Callable[[], Found], meanwhile: Found, seconds: float = SILENT_SECONDS) -> Callable[[], Found]:
    """`look` for a wait: `meanwhile` where AWS is not heard. StepFailed when it was not for `seconds`."""
    heard = time.monotonic()

    def again() -> Found:
        nonlocal heard
        try:
            found = look()
        except Unheard as problem:
            silent = time.monotonic() - heard
            if silent < seconds:
                return meanwhile
            raise StepFailed(
                f"AWS has not been heard for {silent:.0f} s, and what it was asked for may go on ({problem}); when it "
                "answers, run the same command again"
            ) from None
        heard = time.monotonic()
        return found

    return again


class Service:
    """DMS in the flow's region, about the flow's task."""

    def __init__(self, aws: Amazon, flow: Flow, look_seconds: float = LOOK_SECONDS) -> None:
        self._aws, self.pause = aws, look_seconds
        self.silent = SILENT_SECONDS
        self.flow = flow

    def ask(self, operation: str, service: str = "dms", **given: Any) -> Mapping[str, Any]:
        """StepFailed with AWS's own words, and what to do."""
        try:
            return self._aws.ask(service, operation, self.flow.region, **given)
        except CouldNotAsk as problem:
            raise told(problem, service) from None

    def describe(self) -> Described:
        """StepFailed when there is no such task."""
        try:
            found = self._tasks()
        except StepFailed as problem:
            # AWS's way to say that none is of that name.
            if "ResourceNotFoundFault" not in str(problem):
                raise
            found = []
        if not found:
            raise StepFailed(f"AWS has no DMS task {self.flow.name} in {self.flow.region}: `pulumi up` makes it")
        one = found[0]
        arn, on = str(one["ReplicationTaskArn"]), str(one["ReplicationInstanceArn"])
        where = [{"Name": "replication-instance-arn", "Values": [on]}]
        (instance,) = self.ask("DescribeReplicationInstances", Filters=where)["ReplicationInstances"]
        try:
            statistics = tables(self._aws, self.flow.region, arn)
        except CouldNotAsk as problem:
            raise told(problem) from None
        return Described(
            state=str(one.get("Status") or "unknown"),
            arn=arn,
            why=str(one.get("LastFailureMessage") or one.get("StopReason") or ""),
            migration_type=str(one.get("MigrationType") or ""),
            mappings=str(one.get("TableMappings") or '{"rules": []}'),
            settings=json.loads(one.get("ReplicationTaskSettings") or "{}"),
            ends={side: str(one.get(f"{side.title()}EndpointArn") or "") for side in ("source", "target")},
            instance=on,
            instance_class=str(instance.get("ReplicationInstanceClass") or ""),
            instance_state=str(instance.get("ReplicationInstanceStatus") or "unknown"),
            multi_az=bool(instance.get("MultiAZ")),
            tables=seen_tables(statistics),
        )

    def seen(self) -> dms_task.Task:
        """As `twinsite status` sees it. StepFailed when it cannot be asked."""
        try:
            return dms_task.task(self.flow, self._aws)
        except CouldNotAsk as problem:
            raise told(problem) from None

    def known_state(self) -> str:
        """How the task is now; "" when there is none."""
        try:
            found = self._tasks()
        except StepFailed as problem:
            if "ResourceNotFoundFault" in str(problem):
                return ""
            raise
        return str(found[0].get("Status") or "unknown") if found else ""

    def _tasks(self) -> Sequence[Mapping[str, Any]]:
        named = [{"Name": "replication-task-id", "Values": [self.flow.name]}]
        found: Sequence[Mapping[str, Any]] = (
            self.ask("DescribeReplicationTasks", Filters=named).get("ReplicationTasks") or []
        )
        return found

    def until(self, states: Sequence[str], seconds: float = SETTLES_SECONDS) -> Described:
        """As it is when it is in one of `states`. StepFailed when it fails instead, TimeoutError when it does not get
        there."""
        found: list[Described] = []

        def there() -> bool:
            found[:] = [self.describe()]
            one = found[0]
            if one.state == "failed" and "failed" not in states:
                raise StepFailed(with_fix(f"the task has failed ({one.why})"))
            return one.state in states

        wait(
            f"the task to be {' or '.join(states)}",
            patient(there, False, self.silent),
            seconds,
            lambda: found[0].state if found else "",
            self.pause,
        )
        return found[0]

    def connects(self, side: str, task: Described, seconds: float = SETTLES_SECONDS) -> None:
        """Let the instance try the endpoint; DMS starts no task without that. StepFailed with its words."""
        endpoint = task.ends[side]
        self.ask("TestConnection", ReplicationInstanceArn=task.instance, EndpointArn=endpoint)
        last: dict[str, str] = {}

        def tried() -> bool:
            pair = [
                {"Name": "endpoint-arn", "Values": [endpoint]},
                {"Name": "replication-instance-arn", "Values": [task.instance]},
            ]
            for one in self.ask("DescribeConnections", Filters=pair).get("Connections") or ():
                last.update(status=str(one.get("Status")), words=str(one.get("LastFailureMessage") or ""))
            return last.get("status") in ("successful", "failed")

        wait(
            f"the instance to try the {side}",
            patient(tried, False, self.silent),
            seconds,
            lambda: last.get("status", ""),
            self.pause,
        )
        if last["status"] == "failed":
            words = f"the instance does not get into the {side} ({last['words']})"
            raise StepFailed(f"{words}: look at security group, route, the account in the secret, the authority")
