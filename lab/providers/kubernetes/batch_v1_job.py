"""A job that runs once: on the cluster's nodes where the lab has some; else it is recorded, and counts as done."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lab.providers.framework.checks import Problem
from lab.providers.framework.types import Busy, Call, Refusal
from lab.providers.kubernetes.batch_v1_cron_job import pod_problems
from lab.providers.kubernetes.cluster import KubernetesType, asked

REPLACED = "pulumi.com/replaceUnready"
WORDS_BYTES, WORDS_LINES = 2048, 80
"""Of a log that stand in for a container's last words [Kubernetes, Determine the Reason for Pod Failure]."""


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
            raise Refusal(f"the Kubernetes API server reported that job {found['metadata']['name']} has failed")
        return "Complete" in ended

    def _look(self, call: Call, metadata: Mapping[str, Any]) -> None:
        try:
            super()._look(call, metadata)
        except Busy:
            raise
        except Refusal as failed:
            raise Refusal(f"{failed}{_last_words(call, metadata)}") from None

    def clear(self, call: Call, identity: str, record: dict[str, Any]) -> None:
        """Of one that failed, or was cut off: the provider goes on waiting for it, unless it is told to replace it
        [pulumi-kubernetes, Job]."""
        if str((record["metadata"].get("annotations") or {}).get(REPLACED)).lower() != "true":
            raise Refusal(
                f"job {identity} of an earlier `up` is not ready, and the provider waits for it and does not run it "
                f'again: give it the annotation {REPLACED}: "true"'
            )
        super().clear(call, identity, record)

    def complete(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {"status": {"succeeded": 1}}


def _last_words(call: Call, metadata: Mapping[str, Any]) -> str:
    """What the provider shows of a failed pod: its container's last words, if there are any."""
    name = str(metadata["name"])
    found = json.loads(asked(call, metadata, "get", "job", name, "-o", "json")["out"] or "{}")
    spec = ((found.get("spec") or {}).get("template") or {}).get("spec") or {}
    if not any(one.get("terminationMessagePolicy") == "FallbackToLogsOnError" for one in spec.get("containers") or []):
        return ""
    log = str(asked(call, metadata, "logs", f"job/{name}")["out"])[-WORDS_BYTES:]
    return ": " + "\n".join(log.strip().splitlines()[-WORDS_LINES:])
