"""A job that runs once. Nobody runs it here: it is recorded, and counts as done."""

from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.providers.kubernetes.batch_v1_cron_job import pod_problems
from lab.providers.kubernetes.cluster import KubernetesType


class Job(KubernetesType):
    """Its template is for life: another one is another job."""

    token = "kubernetes:batch/v1:Job"
    name_limit = 63
    replaces = frozenset({"spec.completions", "spec.selector", "spec.template"})

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from super().problems(call, inputs)
        spec = inputs.get("spec")
        template = spec.get("template") if isinstance(spec, Mapping) else None
        pod = template.get("spec") if isinstance(template, Mapping) else None
        if isinstance(pod, Mapping):
            yield from pod_problems(pod, "spec.template.spec")

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": {"succeeded": 1}}
