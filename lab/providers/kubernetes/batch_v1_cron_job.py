"""A job on a schedule."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.providers.kubernetes.cluster import KubernetesType
from lab.services.schedule import due

POLICIES = ("Allow", "Forbid", "Replace")
_ANY_MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class CronJob(KubernetesType):
    """Its jobs' names add 11 characters, hence the shorter limit. The primary's node runs them (lab/services)."""

    token = "kubernetes:batch/v1:CronJob"
    name_limit = 52

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        yield from super().problems(call, inputs)
        spec = inputs.get("spec")
        if not isinstance(spec, Mapping):
            return
        schedule = spec.get("schedule")
        if isinstance(schedule, str):
            try:
                due(schedule, _ANY_MOMENT)
            except ValueError as error:
                yield Problem("spec.schedule", f'Invalid value: "{schedule}": {error}')
        policy = spec.get("concurrencyPolicy")
        if isinstance(policy, str) and policy not in POLICIES:
            yield Problem("spec.concurrencyPolicy", f'Unsupported value: "{policy}": supported: {", ".join(POLICIES)}')
        pod = _dig(spec, "jobTemplate", "spec", "template", "spec")
        if isinstance(pod, Mapping):
            yield from pod_problems(pod, "spec.jobTemplate.spec.template.spec")

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": {}}


def pod_problems(pod: Mapping[str, Any], where: str) -> Iterable[Problem]:
    """What the API server says of a job's pod, at this path of its inputs."""
    if "restartPolicy" not in pod or pod["restartPolicy"] in ("Always", None):
        yield Problem(f"{where}.restartPolicy", 'Unsupported value: "Always": supported values: "OnFailure", "Never"')
    containers = pod.get("containers")
    for at, container in enumerate(containers if isinstance(containers, list) else []):
        for key in ("name", "image"):
            if isinstance(container, Mapping) and container.get(key) is None:
                yield Problem(f"{where}.containers[{at}].{key}", "Required value")


def _dig(values: Any, *path: str) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values
