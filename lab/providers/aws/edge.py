"""What the CloudFront types share: ids, and the etag that each change makes anew."""

import secrets
import string
from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import AwsType
from lab.providers.framework.types import Call

_LETTERS = string.ascii_uppercase + string.digits


def etag() -> str:
    return "E" + "".join(secrets.choice(_LETTERS) for _ in range(13))


class EdgeType(AwsType):
    """No region."""

    service = "cloudfront"
    unstable = frozenset({"etag"})

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return super().identify(call, inputs) if self.named else etag()

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"etag": etag()}

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return super().update(call, identity, state, {**new, "etag": etag()})


class EdgePolicy(EdgeType):
    """A policy of its own; its name can be changed in place. Edges read it with each request."""

    named = "{uuid}"
