"""A task of AWS's DMS: whether it runs, how far it is behind, which tables it gave up, which rows differ, and what a
standby by DMS is never promised.

Asked are DMS and CloudWatch. Tables that nobody compares (without a key, or validation is off) are told as such.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twinsite.inventory import DMS, Flow, Inventory
from twinsite.rules.dms import NOT_PROMISED

from ..amazon import Amazon, Refused
from ..unanswered import CouldNotAsk
from . import postgres_replica
from .clouds import Asks, Unknown, World
from .sources import Sources
from .subject import Subject, line

RUNS = "running"
PASSING = ("creating", "modifying", "starting", "stopping", "testing", "moving")
_PERIOD, _BACK = 60, 600
"""DMS tells its metrics each minute; one that is older than ten of them is none."""
_PAGE, _MOST = 500, 20
_BLIND = ("No primary key", "Not enabled")
_LOADING = "Full load"


@dataclass(frozen=True)
class TableSeen:
    """As DescribeTableStatistics has it."""

    name: str
    state: str
    validation: str
    failed: int


@dataclass(frozen=True)
class Task:
    """As DMS describes it. `state` is "" when there is none of that name."""

    state: str = ""
    arn: str = ""
    why: str = ""
    """Of one that stopped or failed."""
    instance: str = ""
    """State of what it runs on."""
    source_seconds: float | None = None
    target_seconds: float | None = None
    """Its two latencies; None where nobody told them for ten minutes."""
    tables: tuple[TableSeen, ...] = ()


def task(flow: Flow, aws: Amazon) -> Task:
    """Four calls or more."""
    named = [{"Name": "replication-task-id", "Values": [flow.name]}]
    try:
        found = aws.ask("dms", "DescribeReplicationTasks", flow.region, Filters=named, WithoutSettings=True)
    except Refused as refused:
        if refused.code != "ResourceNotFoundFault":
            raise
        found = {}
    for one in found.get("ReplicationTasks") or ():
        arn, on = str(one["ReplicationTaskArn"]), str(one["ReplicationInstanceArn"])
        where = [{"Name": "replication-instance-arn", "Values": [on]}]
        (instance,) = aws.ask("dms", "DescribeReplicationInstances", flow.region, Filters=where)["ReplicationInstances"]
        latencies = _latencies(aws, flow.region, str(instance["ReplicationInstanceIdentifier"]), arn.rpartition(":")[2])
        return described(one, instance, latencies, tables(aws, flow.region, arn))
    return Task()


def tables(aws: Amazon, region: str, arn: str) -> Sequence[Mapping[str, Any]]:
    """Every page of the task's statistics."""
    found: list[Mapping[str, Any]] = []
    given: dict[str, Any] = {}
    for _ in range(_MOST):
        page = aws.ask("dms", "DescribeTableStatistics", region, ReplicationTaskArn=arn, MaxRecords=_PAGE, **given)
        found += page.get("TableStatistics") or []
        if not page.get("Marker"):
            return found
        given = {"Marker": page["Marker"]}
    raise CouldNotAsk(f"the task has more than {_MOST * _PAGE} tables", "look at them in the console of DMS")


def _latencies(aws: Amazon, region: str, instance: str, task: str) -> Mapping[str, float]:
    """The last value of each."""
    of = [
        {"Name": "ReplicationInstanceIdentifier", "Value": instance},
        {"Name": "ReplicationTaskIdentifier", "Value": task},
    ]
    asked = [
        {
            "Id": side,
            "MetricStat": {
                "Metric": {"Namespace": "AWS/DMS", "MetricName": f"CDCLatency{side.title()}", "Dimensions": of},
                "Period": _PERIOD,
                "Stat": "Maximum",
            },
        }
        for side in ("source", "target")
    ]
    now = time.time()
    found = aws.ask(
        "cloudwatch", "GetMetricData", region, MetricDataQueries=asked, ScanBy="TimestampDescending",
        StartTime=datetime.fromtimestamp(now - _BACK, UTC), EndTime=datetime.fromtimestamp(now, UTC),
    )  # fmt: skip
    return {str(one["Id"]): float(one["Values"][0]) for one in found["MetricDataResults"] if one["Values"]}


def described(
    found: Mapping[str, Any],
    instance: Mapping[str, Any],
    latencies: Mapping[str, float],
    tables: Sequence[Mapping[str, Any]],
) -> Task:
    """Pure."""
    return Task(
        state=str(found.get("Status") or "unknown"),
        arn=str(found["ReplicationTaskArn"]),
        why=str(found.get("LastFailureMessage") or found.get("StopReason") or ""),
        instance=str(instance.get("ReplicationInstanceStatus") or "unknown"),
        source_seconds=latencies.get("source"),
        target_seconds=latencies.get("target"),
        tables=seen_tables(tables),
    )


def seen_tables(tables: Sequence[Mapping[str, Any]]) -> tuple[TableSeen, ...]:
    """Pure."""
    return tuple(
        TableSeen(
            f"{one['SchemaName']}.{one['TableName']}",
            str(one.get("TableState") or ""),
            str(one.get("ValidationState") or ""),
            int(one.get("ValidationFailedRecords") or 0),
        )
        for one in tables
    )


@dataclass(frozen=True)
class TaskSeen:
    """One flow of kind dms."""

    flow: Flow
    task: Task | Unknown
    job: postgres_replica.ReplicaSeen | None = None
    """What looks at both ends' definitions, gates and heartbeat, where a host does."""

    def problems(self) -> Iterator[str]:
        found, flow = self.task, self.flow
        if isinstance(found, Unknown):
            yield f"{flow.name}: how the DMS task is, is not known ({found})"
        elif not found.state:
            yield (
                f"{flow.name}: AWS has no DMS task of that name in {flow.region}, so nothing reaches {flow.target}: "
                "`pulumi up --refresh` makes it again, for a load into empty tables"
            )
        else:
            for words in (*_state(found, flow), *_late(found, flow), *_rows(found)):
                yield f"{flow.name}: {words}"
        if self.job is not None:
            yield from self.job.problems()

    def _values(self) -> dict[str, Any]:
        found = self.task if isinstance(self.task, Task) else None
        return {
            "name": self.flow.name,
            "kind": self.flow.kind,
            "source": self.flow.source,
            "target": self.flow.target,
            "state": (found.state or "absent") if found else None,
            "instance": found.instance or None if found else None,
            "latency_source_seconds": found.source_seconds if found else None,
            "latency_target_seconds": found.target_seconds if found else None,
            "tables_in_error": [one.name for one in found.tables if _in_error(one)] if found else None,
            "rows_that_differ": {one.name: one.failed for one in found.tables if one.failed} if found else None,
            "tables_loading": [one.name for one in found.tables if one.state == _LOADING] if found else None,
            "not_promised": list(NOT_PROMISED),
        }

    def shown(self) -> Mapping[str, Any]:
        looked = self.job.shown()["flows"][0] if self.job else {}
        kept = ("looked_seconds_ago", "lag_seconds", "heartbeat_age_seconds", "gates", "loading_since", "loaded_at")
        return {"flows": [self._values() | {name: looked[name] for name in kept if name in looked}]}

    def lines(self) -> Iterator[str]:
        found = self._values()
        late = found["latency_target_seconds"]
        behind = "latency unknown" if late is None else f"{late:.0f} s behind"
        loading = len(found["tables_loading"] or ())
        load = f", {loading} table{'s are' if loading > 1 else ' is'} being loaded: no standby yet" if loading else ""
        load += f", {self.job.load}" if self.job and self.job.load else ""
        yield line("task", self.flow.name, f"{found['state'] or 'unknown'}, {behind}, to {self.flow.target}{load}")
        for words in NOT_PROMISED:
            yield line("", "", f"not promised: {words}")


def _in_error(table: TableSeen) -> bool:
    return "error" in table.state.lower()


def _state(found: Task, flow: Flow) -> Iterator[str]:
    task, why = f"--task {flow.name}`", f" ({found.why})" if found.why else ""
    kept = f"the source keeps its log for {flow.tolerated_outage_hours:g} h and no longer"
    if found.instance not in ("available", ""):
        yield f"its replication instance is {found.instance}: look at its events; the task goes on when it is available"
    if found.state == "ready":
        yield (
            f"it was never started, so nothing has come: `twinsite dms start {task}, which asks both databases first"
        )
    elif found.state == "stopped":
        yield f"it is stopped{why}, and {kept}: `twinsite dms resume {task}, unless the target was promoted"
    elif found.state == "failed":
        yield f"it has failed{why}, and {kept}: mend what its log names, then `twinsite dms resume {task}"
    elif found.state in PASSING:
        yield f"it is {found.state}: ask again in some minutes"
    elif found.state != RUNS:
        yield f"it is {found.state}: look at it in the console of DMS"


def _late(found: Task, flow: Flow) -> Iterator[str]:
    if found.state != RUNS:
        return
    for side, seconds in (("source", found.source_seconds), ("target", found.target_seconds)):
        if seconds is None:
            yield (
                f"nobody has told its latency at the {side} for ten minutes, so how old the data are is not known: "
                "look at the task's log"
            )
        elif flow.lag_alarm_seconds and seconds > flow.lag_alarm_seconds:
            where = "reading the source's log" if side == "source" else "writing at the target"
            yield (
                f"it is {seconds:.0f} s behind in {where}, more than {flow.lag_alarm_seconds:g} s: look at the path, "
                f"and at the load of {flow.source if side == 'source' else flow.target}"
            )


def _rows(found: Task) -> Iterator[str]:
    if wrong := [one.name for one in found.tables if _in_error(one)]:
        yield (
            f"{', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} in error, no longer followed: mend what "
            "its log names, empty the table at the target, then `twinsite repair --confirm reload-tables`"
        )
    for one in found.tables:
        if one.failed:
            yield (
                f"{one.failed} rows of {one.name} differ between the ends: compare them by "
                "awsdms_validation_failures_v1 at the target; what it alone has is lost by a reload"
            )
    if blind := {one.name: one.validation for one in found.tables if one.validation in _BLIND}:
        why = ", ".join(sorted(set(blind.values())))
        yield (
            f"{', '.join(blind)} {'is' if len(blind) == 1 else 'are'} not compared ({why}): let it "
            "get a primary key, or compare it by hand before a failover"
        )


def asks(inventory: Inventory, world: World) -> Asks:
    """Of each whose region is known: an inventory of before has none."""
    return {
        ("dms", one.name): lambda one=one: task(one, world.amazon(one.region))  # type: ignore[misc]
        for one in inventory.flows_of(DMS)
        if one.region
    }


def read(sources: Sources) -> Sequence[Subject]:
    """One each."""
    old = Unknown("the inventory does not say its region", "`pulumi up` with this twinsite writes it")
    return [
        TaskSeen(
            one,
            sources.clouds()(("dms", one.name)) if one.region else old,
            postgres_replica.seen(sources, one) if one.through else None,
        )
        for one in sources.inventory.flows_of(DMS)
    ]
