"""DMS tasks that nobody would see stop."""

from collections.abc import Iterator, Sequence

from pulumi_policy import Severity

from ..judging import Resource, together

_TASK = "aws:dms/replicationTask:ReplicationTask"
_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
_EVENTS = "aws:dms/eventSubscription:EventSubscription"
_LATENCIES = ("CDCLatencySource", "CDCLatencyTarget")


def problems(found: Sequence[Resource]) -> Iterator[str]:
    watched = {str(one.get("metricName", "")) for one in found if one.type == _ALARM}
    unseen = [metric for metric in _LATENCIES if metric not in watched]
    failures = any(one.get("sourceType") == "replication-task" for one in found if one.type == _EVENTS)
    for one in found:
        if one.type == _TASK and unseen:
            yield (
                f"{one.name}: no alarm looks at {' and '.join(unseen)}, so it may fall behind unseen: add a "
                "MetricAlarm on AWS/DMS with treatMissingData breaching"
            )
        if one.type == _TASK and not failures:
            yield (
                f"{one.name}: nobody is told when it fails or stops: add an EventSubscription with sourceType "
                "replication-task and eventCategories failure"
            )


POLICY = together(
    "migration-task-unwatched",
    Severity.MEDIUM,
    "A task's lag and its failure reach somebody (K40; DMS user guide, monitoring tasks).",
    {_TASK: (), _ALARM: ("metricName",), _EVENTS: ("sourceType",)},
    problems,
)
