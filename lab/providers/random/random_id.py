"""Random bytes as an identifier."""

import base64
import secrets
from typing import Any

from lab.providers.framework.types import Call
from lab.providers.random.drawing import RandomType


class RandomId(RandomType):
    """Its id is the URL-safe base64 text without prefix."""

    token = "random:index/randomId:RandomId"

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        raw = secrets.token_bytes(inputs["byteLength"])
        prefix = inputs.get("prefix", "")
        url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return url, {
            "b64Url": prefix + url,
            "b64Std": prefix + base64.b64encode(raw).decode(),
            "hex": prefix + raw.hex(),
            "dec": prefix + str(int.from_bytes(raw, "big")),
        }
