"""A function that runs at the edge."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lab.providers.aws.edge import EdgeType, etag
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Call
from lab.providers.framework.values import UNKNOWN

RUNTIMES = ("cloudfront-js-1.0", "cloudfront-js-2.0")
LIMIT = 10240
"""Bytes of code that CloudFront takes."""


class Function(EdgeType):
    """Its name is its id."""

    token = "aws:cloudfront/function:Function"
    live = False
    arn_path = "function/"
    replaces = frozenset({"name"})
    updates = frozenset({"code", "comment", "keyValueStoreAssociations", "publish", "runtime"})
    sets = frozenset({"keyValueStoreAssociations"})
    defaults: ClassVar[Mapping[str, Any]] = {"publish": True}
    unstable = frozenset({"etag", "liveStageEtag", "status"})
    autoname = AutoName("name", 64)

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        if inputs["runtime"] not in (*RUNTIMES, UNKNOWN):
            yield Problem("runtime", f"expected runtime to be one of {', '.join(RUNTIMES)}, got {inputs['runtime']}")
        code = inputs["code"]
        if isinstance(code, str) and len(code.encode()) > LIMIT:
            yield Problem(
                "code", f"FunctionSizeLimitExceeded: {len(code.encode())} bytes, and CloudFront takes {LIMIT}"
            )

    def identify(self, call: Call, inputs: Mapping[str, Any]) -> str:
        return str(inputs["name"])

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        published = inputs.get("publish", True)
        return {
            "etag": etag(),
            "liveStageEtag": etag() if published else "",
            "status": "UNASSOCIATED" if published else "UNPUBLISHED",
        }

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return super().update(call, identity, state, {**new, **self.computed(call, identity, new)})
