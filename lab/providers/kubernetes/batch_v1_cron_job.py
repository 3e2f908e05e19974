"""A job on a schedule."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Call
from lab.providers.kubernetes.cluster import KubernetesType

POLICIES = ("Allow", "Forbid", "Replace")
_FIELD = re.compile(r"[\d*/,\-A-Za-z?]+")
_SHORT = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")


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
        if isinstance(schedule, str) and not schedule_is_right(schedule):
            yield Problem(
                "spec.schedule", f'Invalid value: "{schedule}": a schedule has five fields, as in "0 2 * * *"'
            )
        policy = spec.get("concurrencyPolicy")
        if isinstance(policy, str) and policy not in POLICIES:
            yield Problem("spec.concurrencyPolicy", f'Unsupported value: "{policy}": supported: {", ".join(POLICIES)}')
        pod = _dig(spec, "jobTemplate", "spec", "template", "spec")
        if isinstance(pod, Mapping):
            yield from _pod_problems(pod)

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": {}}


def schedule_is_right(text: str) -> bool:
    """Five fields, or one of the short forms."""
    fields = text.split()
    return text in _SHORT or (len(fields) == 5 and all(_FIELD.fullmatch(field) for field in fields))


def _pod_problems(pod: Mapping[str, Any]) -> Iterable[Problem]:
    where = "spec.jobTemplate.spec.template.spec"
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
