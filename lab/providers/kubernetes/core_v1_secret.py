"""A map of secret texts."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.providers.kubernetes.cluster import KubernetesType


class Secret(KubernetesType):
    """The provider replaces it when its data changes, and keeps the data secret whatever the program says."""

    token = "kubernetes:core/v1:Secret"
    replaces = frozenset({"data", "stringData", "type"})
    secret_outputs = frozenset({"data", "stringData"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from super().problems(call, inputs)
        data = inputs.get("data")
        for key, value in (data if isinstance(data, Mapping) else {}).items():
            try:
                base64.b64decode(value if isinstance(value, str) else "", validate=True)
            except ValueError:
                yield Problem(f"data.{key}", "must be base64; stringData takes the text itself")

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        plain = {
            key: base64.b64encode(value.encode()).decode() for key, value in (inputs.get("stringData") or {}).items()
        }
        return {"data": {**(inputs.get("data") or {}), **plain}, "type": inputs.get("type") or "Opaque"}
