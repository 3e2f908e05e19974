"""An alert on what a log query finds."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.azure_native.cloud import GROUP, AzureType, generated
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call

OPERATORS = ("Equals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual")


class ScheduledQueryRule(AzureType):
    """Everything but its name and place changes in place. The lab runs no query."""

    token = "azure-native:monitor:ScheduledQueryRule"
    path = GROUP + "/providers/Microsoft.Insights/scheduledQueryRules/{ruleName}"
    api = "2025-01-01-preview"
    autoname = generated("ruleName", 260)
    provisioned = False

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        criteria = inputs.get("criteria")
        conditions = criteria.get("allOf") if isinstance(criteria, Mapping) else None
        for at, condition in enumerate(conditions if isinstance(conditions, list) else []):
            operator = condition.get("operator")
            if isinstance(operator, str) and operator not in OPERATORS:
                yield Problem(
                    f"criteria.allOf[{at}].operator",
                    f"BadRequest: operator is one of {', '.join(OPERATORS)}, found {operator}",
                )
