"""Alarms that stay quiet when what they watch falls silent."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .judging import Resource, each

_SILENT_WHEN_DEAD = (
    "HealthCheckStatus", "HealthyHostCount", "ReplicaLag", "AuroraReplicaLag", "AuroraGlobalDBReplicationLag",
    "CDCLatencySource", "CDCLatencyTarget", "TunnelState",
)  # fmt: skip
"""Metrics that stop when their subject dies."""


def problems(one: Resource) -> Iterator[str]:
    if not one.get("alarmActions"):
        return  # a part of a composite alarm, whose rule says what silence means
    metric, missing = one.get("metricName"), one.get("treatMissingData", "missing")
    told = missing == "missing" and one.get("insufficientDataActions")
    if metric in _SILENT_WHEN_DEAD and missing != "breaching" and not told:
        yield (
            f"treatMissingData is {missing}, and {metric} is missing when its subject is dead: set treatMissingData to "
            "breaching, or missing with insufficientDataActions"
        )


POLICY = each(
    "alarm-blind-when-dead",
    Severity.HIGH,
    "An alarm over what stops with its subject takes silence for a failure (K53; CloudWatch user guide, missing data).",
    {"aws:cloudwatch/metricAlarm:MetricAlarm": problems},
)
