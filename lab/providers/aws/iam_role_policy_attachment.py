"""A managed policy on a role."""

import secrets
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.identity import IamType
from lab.providers.framework.types import Call


class RolePolicyAttachment(IamType):
    """Recorded: the lab does not have AWS's managed policies, so they allow nothing there."""

    token = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    live = False
    tagged = False
    replaces = frozenset({"role", "policyArn"})

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return f"{inputs['role']}-{secrets.token_hex(13)}"
