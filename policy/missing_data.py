"""Alarms that stay quiet when what they watch falls silent."""

from collections.abc import Iterator

from pulumi_policy import Severity

from .judging import Resource, each

_SILENT_WHEN_DEAD = (
    "HealthCheckStatus", "HealthyHostCount", "ReplicaLag", "AuroraReplicaLag", "AuroraGlobalDBReplicationLag",
    "CDCLatencySource", "CDCLatencyTarget", "TunnelState",
)  # fmt: skip
"""Metrics that stop when their subject dies."""

_AT_GOOGLE = (
    "vpn.googleapis.com/tunnel_established", "router.googleapis.com/bgp/session_up",
    "cloudsql.googleapis.com/database/up", "cloudsql.googleapis.com/database/replication/replica_lag",
    "kubernetes.io/container/uptime", "custom.googleapis.com/",
)  # fmt: skip
"""The same at Google; whoever writes a metric of his own may die, too."""


def google_problems(one: Resource) -> Iterator[str]:
    conditions = one.parts("conditions")
    absent = [part.get("conditionAbsent.filter") for part in conditions]
    for part in conditions:
        told = str(part.get("conditionThreshold.filter") or "")
        metric = next((name for name in _AT_GOOGLE if f'"{name}' in told), "")
        active = part.get("conditionThreshold.evaluationMissingData") == "EVALUATION_MISSING_DATA_ACTIVE"
        if metric and not active and told not in absent:
            yield (
                f"nothing is said when {metric.rstrip('/')} falls silent, and a threshold rests without data: add a "
                "condition with conditionAbsent of the same filter"
            )


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
    "An alarm over what stops with its subject takes silence for a failure (K53; CloudWatch user "
    "guide, missing data; Cloud Monitoring manual, partial metric data).",
    {
        "aws:cloudwatch/metricAlarm:MetricAlarm": problems,
        "gcp:monitoring/alertPolicy:AlertPolicy": google_problems,
    },
)
