"""A namespace."""

from collections.abc import Mapping
from typing import Any

from lab.providers.kubernetes.cluster import KubernetesType


class Namespace(KubernetesType):
    """Its name is its id."""

    token = "kubernetes:core/v1:Namespace"
    namespaced = False
    name_limit = 63

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"spec": inputs.get("spec") or {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
