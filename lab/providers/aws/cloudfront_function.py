"""A function that runs at the edge."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.aws.edge import EdgeType, etag
from lab.providers.framework.box import Box
from lab.providers.framework.checks import Problem
from lab.providers.framework.types import AutoName, Busy, Call, Refusal
from lab.providers.framework.values import UNKNOWN

RUNTIMES = ("cloudfront-js-1.0", "cloudfront-js-2.0")
LIMIT = 10240
"""Bytes of code that CloudFront takes."""


class Function(EdgeType):
    """Its name is its id."""

    token = "aws:cloudfront/function:Function"
    arn_path = "function/"
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

    def verify(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        if box.record(self.token, identity) is not None:
            raise Refusal(f"FunctionAlreadyExists: a function with the name {identity} already exists")
        self._require_loads(record)

    def change(self, call: Call, box: Box, identity: str, before: dict[str, Any], record: dict[str, Any]) -> None:
        self._require_loads(record)

    def removable(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        for name, one in box.records("aws:cloudfront/distribution:Distribution").items():
            behaviours = [one["defaultCacheBehavior"], *(one.get("orderedCacheBehaviors") or [])]
            used = [each["functionArn"] for part in behaviours for each in part.get("functionAssociations") or []]
            if record["arn"] in used:
                raise Busy(f"FunctionInUse: distribution {name} still uses the function {identity}")

    @staticmethod
    def _require_loads(record: dict[str, Any]) -> None:
        from lab.services.edge_function import EdgeFunction, FunctionError

        try:
            EdgeFunction(str(record["code"])).stop()
        except FunctionError as error:
            raise Refusal(f"InvalidArgument: the function does not compile: {error}") from None

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return super().update(call, identity, state, {**new, **self.computed(call, identity, new)})
