"""A random text that is no secret."""

from typing import Any

from lab.providers.framework.types import Call
from lab.providers.random.drawing import Characters


class RandomString(Characters):
    """Its id is the text."""

    token = "random:index/randomString:RandomString"

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        result = self.draw(inputs)
        return result, {"result": result}
