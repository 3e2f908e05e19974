"""Random bytes that are a secret."""

import base64
import secrets
from typing import Any

from lab.providers.framework.types import Call
from lab.providers.random.drawing import RandomType


class RandomBytes(RandomType):
    """For keys of symmetric ciphers."""

    token = "random:index/randomBytes:RandomBytes"
    secret_outputs = frozenset({"base64", "hex"})

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        raw = secrets.token_bytes(inputs["length"])
        return "none", {"base64": base64.b64encode(raw).decode(), "hex": raw.hex()}
