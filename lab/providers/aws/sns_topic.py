"""A topic for notifications."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.changes import Declared
from lab.providers.framework.types import AutoName, Call
from lab.services.credentials import ACCOUNT


class Topic(AwsType):
    """Recorded: nobody is notified in the lab."""

    token = "aws:sns/topic:Topic"
    live = False
    service = "sns"
    replaces = frozenset({"name", "namePrefix", "fifoTopic"})
    defaults: ClassVar[Mapping[str, Any]] = {"fifoTopic": False, "contentBasedDeduplication": False}
    keeps = frozenset({"policy", "tracingConfig", "signatureVersion"})
    autoname = AutoName("name", 256)

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        # "topic attributes": everything but the three above is set by SetTopicAttributes in place
        base = super().declared(schema)
        return replace(base, updates=frozenset(schema["inputs"]) - base.replaces)

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return self.arn(call, str(inputs["name"]), inputs)

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"arn": identity, "owner": ACCOUNT, "beginningArchiveTime": ""}
