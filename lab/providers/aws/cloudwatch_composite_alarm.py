"""An alarm made of alarms."""

from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.types import Call


class CompositeAlarm(AwsType):
    """Recorded: the lab has no metrics, so no alarm goes off there."""

    token = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    live = False
    service = "cloudwatch"
    arn_path = "alarm:"
    replaces = frozenset({"alarmName", "actionsEnabled"})
    updates = frozenset({"actionsSuppressor", "alarmActions", "alarmDescription", "alarmRule",
                         "insufficientDataActions", "okActions"})  # fmt: skip
    sets = frozenset({"alarmActions", "insufficientDataActions", "okActions"})
    defaults: ClassVar[Mapping[str, Any]] = {"actionsEnabled": True}

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["alarmName"])
