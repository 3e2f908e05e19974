"""A password; secret in state and output."""

from typing import Any

from lab.providers.framework.types import Call
from lab.providers.random.drawing import Characters, bcrypt_hash


class RandomPassword(Characters):
    """`result` and `bcryptHash` are secret outputs of the real type, too."""

    token = "random:index/randomPassword:RandomPassword"
    secret_outputs = frozenset({"result", "bcryptHash"})

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        result = self.draw(inputs)
        return "none", {"result": result, "bcryptHash": bcrypt_hash(result)}
