"""A whole number in a range."""

import secrets
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.providers.random.drawing import RandomType


class RandomInteger(RandomType):
    """Both ends are inclusive. The same `seed` gives the same number here, though not Go's."""

    token = "random:index/randomInteger:RandomInteger"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        low, high = inputs.get("min"), inputs.get("max")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield Problem("min", f"the minimum value {low} must be smaller than or equal to the maximum {high}")

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        low, high = inputs["min"], inputs["max"]
        seed = inputs.get("seed")
        result = Random(seed).randint(low, high) if seed else low + secrets.randbelow(high - low + 1)
        return str(result), {"result": result}
