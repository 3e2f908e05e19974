"""A version 4 UUID."""

import uuid
from typing import Any

from lab.providers.framework.types import Call
from lab.providers.random.drawing import RandomType


class RandomUuid(RandomType):
    """Its id is the UUID."""

    token = "random:index/randomUuid:RandomUuid"

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        result = str(uuid.uuid4())
        return result, {"result": result}
