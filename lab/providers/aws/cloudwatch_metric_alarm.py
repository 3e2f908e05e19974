"""An alarm."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.types import AutoName, Call


class MetricAlarm(AwsType):
    """Recorded: the lab has no metrics, so no alarm goes off there."""

    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    live = False
    service = "cloudwatch"
    arn_path = "alarm:"
    replaces = frozenset({"name"})
    updates = frozenset(
        {"actionsEnabled", "alarmActions", "alarmDescription", "comparisonOperator", "datapointsToAlarm", "dimensions",
         "evaluateLowSampleCountPercentiles", "evaluationPeriods", "extendedStatistic", "insufficientDataActions",
         "metricName", "metricQueries", "namespace", "okActions", "period", "statistic", "threshold",
         "thresholdMetricId", "treatMissingData", "unit", "evaluationCriteria", "evaluationInterval",
         "evaluationWindow", "warmUpConfiguration"}
    )  # fmt: skip
    sets = frozenset({"alarmActions", "insufficientDataActions", "okActions", "metricQueries"})
    keeps = frozenset({"evaluateLowSampleCountPercentiles"})
    defaults: ClassVar[Mapping[str, Any]] = {"actionsEnabled": True, "treatMissingData": "missing"}
    autoname = AutoName("name", 255)

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["name"])
