"""Who is notified by a topic."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.types import Call
from lab.services.credentials import ACCOUNT


class TopicSubscription(AwsType):
    """Recorded: nobody is notified in the lab."""

    token = "aws:sns/topicSubscription:TopicSubscription"
    live = False
    tagged = False
    service = "sns"
    replaces = frozenset({"endpoint", "protocol", "topic"})
    updates = frozenset(
        {"confirmationTimeoutInMinutes", "deliveryPolicy", "endpointAutoConfirms", "filterPolicy", "filterPolicyScope",
         "rawMessageDelivery", "redrivePolicy", "replayPolicy", "subscriptionRoleArn"}
    )  # fmt: skip
    keeps = frozenset({"filterPolicyScope"})
    defaults: ClassVar[Mapping[str, Any]] = {
        "confirmationTimeoutInMinutes": 1,
        "endpointAutoConfirms": False,
        "rawMessageDelivery": False,
    }

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return f"{inputs['topic']}:{uuid.uuid4()}"

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        waits = inputs["protocol"] in ("email", "email-json", "http", "https")
        return {
            "arn": identity,
            "ownerId": ACCOUNT,
            "pendingConfirmation": waits,
            "confirmationWasAuthenticated": not waits,
        }
