"""A job that runs once: on the cluster's nodes where the lab has some; else it is recorded, and counts as done."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call, Refusal
from lab.providers.kubernetes.batch_v1_cron_job import pod_problems
from lab.providers.kubernetes.cluster import KubernetesType


class Job(KubernetesType):
    """Its template is for life: another one is another job."""

    token = "kubernetes:batch/v1:Job"
    name_limit = 63
    awaited = "job"
    replaces = frozenset({"spec.completions", "spec.selector", "spec.template"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from super().problems(call, inputs)
        spec = inputs.get("spec")
        template = spec.get("template") if isinstance(spec, Mapping) else None
        pod = template.get("spec") if isinstance(template, Mapping) else None
        if isinstance(pod, Mapping):
            yield from pod_problems(pod, "spec.template.spec")

    def settled(self, found: Mapping[str, Any]) -> bool:
        ended = [one["type"] for one in found["status"].get("conditions") or [] if one["status"] == "True"]
        if "Failed" in ended:
            name = found["metadata"]["name"]
            raise Refusal(f"job {name} has failed to complete: `kubectl logs job/{name}` says why")
        return "Complete" in ended

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": {"succeeded": 1}}
