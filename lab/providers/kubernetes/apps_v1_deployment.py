"""Pods that are kept running."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.providers.kubernetes.cluster import KubernetesType
from lab.services.kubernetes.rollout import words


class Deployment(KubernetesType):
    """Its pods run where the lab has the cluster's nodes. Which pods it selects is for life, and another selector is
    another Deployment."""

    token = "kubernetes:apps/v1:Deployment"
    replaces = frozenset({"spec.selector"})
    awaited = "deployment"

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from super().problems(call, inputs)
        spec = inputs.get("spec")
        if not isinstance(spec, Mapping):
            return
        chosen, template = spec.get("selector"), spec.get("template")
        wanted = chosen.get("matchLabels") if isinstance(chosen, Mapping) else None
        about = template.get("metadata") if isinstance(template, Mapping) else None
        labels = about.get("labels") if isinstance(about, Mapping) else None
        if isinstance(wanted, Mapping) and isinstance(labels, Mapping) and not wanted.items() <= labels.items():
            yield Problem("spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`")
        pod = template.get("spec") if isinstance(template, Mapping) else None
        if isinstance(pod, Mapping) and pod.get("restartPolicy") not in (None, "Always"):
            yield Problem("spec.template.spec.restartPolicy", 'Unsupported value: supported values: "Always"')

    def settled(self, found: Mapping[str, Any]) -> bool:
        status = found["status"]
        if "observedGeneration" not in status:
            return True  # nobody here runs pods
        line, done = words(found, status)
        if line.startswith("error: "):
            raise Refusal(line.removeprefix("error: "))
        return done

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": {}}
