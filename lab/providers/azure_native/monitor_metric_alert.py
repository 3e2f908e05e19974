"""An alert on a metric."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call


class MetricAlert(AzureType):
    """Criteria change in place. The lab evaluates nothing."""

    token = "azure-native:monitor:MetricAlert"
    path = GROUP + "/providers/Microsoft.Insights/metricAlerts/{ruleName}"
    api = "2018-03-01"
    autoname = generated("ruleName", 260)
    provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        severity = inputs.get("severity")
        if isinstance(severity, int) and not 0 <= severity <= 4:
            yield Problem("severity", f"BadRequest: severity is 0 to 4, found {severity}")
        criteria = inputs.get("criteria")
        if isinstance(criteria, Mapping) and not str(criteria.get("odataType", "")).startswith(
            "Microsoft.Azure.Monitor."
        ):
            yield Problem(
                "criteria.odataType",
                "BadRequest: criteria name their kind, for instance "
                "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
            )
