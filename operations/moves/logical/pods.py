"""The application's pods in one cluster: how many of operations' own Deployment there are, and which role they have.

Deployment NAME is operations'; NAME-warm, where the mode has it, is Pulumi's (ADR 49): it is told the role as well, and
never scaled.
"""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from twinsite.inventory import Workload

from ...kubectl import Kubectl
from ...steps import Say, StepFailed
from ...transport import Unreachable

WARM = "-warm"
"""What Workload appends to the name of the Deployment that is Pulumi's."""
ROLE_OF = "twinsite/role-of"
"""Annotation of a Deployment's pods: the role and epoch that they were begun for. Said twice, it restarts once."""
PAUSE_SECONDS = 1.0
READER, WRITER = "reader", "writer"


class Pods:
    """Of one site."""

    def __init__(self, known: Workload) -> None:
        self.known = known
        place = f"Deployment {known.namespace}/{known.name} at {known.site}"
        self._kubectl = Kubectl(known.context, known.namespace, place)

    def scale(self, replicas: int) -> None:
        """Of NAME alone."""
        self._kubectl.run("scale", f"deployment/{self.known.name}", f"--replicas={replicas}")

    def role(self, role: str, epoch: int) -> None:
        """What pods begin with from now on; those that run are begun anew, one after the other."""
        told = json.dumps({"data": {"ROLE": role}})
        self._kubectl.run("patch", "configmap", self.known.role_config, "--type=merge", f"--patch={told}")
        meta = {"template": {"metadata": {"annotations": {ROLE_OF: f"{role}-{epoch}"}}}}
        for one in self._deployments():
            name = f"deployment/{one['metadata']['name']}"
            self._kubectl.run("patch", name, "--type=merge", f"--patch={json.dumps({'spec': meta})}")

    def settle(self, say: Say, seconds: float) -> str:
        """Wait until every pod is of the newest kind and ready; how many. StepFailed with what was lacking."""
        deadline, lacking = time.monotonic() + seconds, "nothing was seen"
        while True:
            try:
                found = self._deployments()
                lacking = not_there(found)
            except Unreachable as problem:
                found, lacking = [], str(problem)
            if not lacking:
                return ", ".join(f"{one['metadata']['name']} {int(one['spec'].get('replicas') or 0)}" for one in found)
            if time.monotonic() >= deadline:
                why = f"`kubectl describe pods -n {self.known.namespace}` says why"
                raise StepFailed(f"pods at {self.known.site} are not ready after {seconds:g} s ({lacking}): {why}")
            say(lacking)
            time.sleep(PAUSE_SECONDS)

    def _deployments(self) -> list[dict[str, Any]]:
        name = self.known.name
        found = self._kubectl.get("deployments", name, name + WARM, "--ignore-not-found")
        items: list[dict[str, Any]] = found.get("items", [found] if "spec" in found else [])
        if not any(one["metadata"]["name"] == name for one in items):
            raise Unreachable(self._kubectl.place, "there is no such Deployment: run `pulumi up`")
        return items


def not_there(deployments: Iterable[Mapping[str, Any]]) -> str:
    """What a rollout still lacks, in words, as `kubectl rollout status` has it; "" when nothing. Pure."""
    words = []
    for one in deployments:
        wanted, status = int(one["spec"].get("replicas") or 0), one.get("status") or {}
        seen = int(status.get("observedGeneration") or 0) >= int(one["metadata"].get("generation") or 0)
        updated, all_, ready = (
            int(status.get(name) or 0) for name in ("updatedReplicas", "replicas", "availableReplicas")
        )
        if not seen or updated < wanted or all_ > updated or ready < updated:
            words.append(f"{one['metadata']['name']}: {ready} of {wanted} ready, {all_ - updated} old")
    return "; ".join(words)
