"""What kubectl does to a cluster's records: scale, restart and follow a Deployment, patch it or a ConfigMap."""

import json
import time
from collections.abc import Mapping
from typing import Any

from lab.client import LabError
from lab.services.cluster import Cluster
from lab.services.kubernetes import rollout
from lab.services.kubernetes.descriptions import CONFIG_MAP
from lab.services.kubernetes.keeper import DEPLOYMENT

LONGEST_SECONDS = 590.0
"""The daemon's clients wait no longer."""
RESTARTED = "kubectl.kubernetes.io/restartedAt"


class Unfinished(LabError):
    """Something was printed before it failed."""

    def __init__(self, text: str, said: str) -> None:
        super().__init__(text)
        self.said = said


def record(cluster: Cluster, token: str, plural: str, namespace: str, name: str) -> dict[str, Any]:
    """LabError when there is none."""
    found = cluster.records(token).get(f"{namespace}/{name}")
    if found is None:
        raise LabError(f'Error from server (NotFound): {plural} "{name}" not found')
    copied: dict[str, Any] = json.loads(json.dumps(found))
    return copied


def deployment(cluster: Cluster, namespace: str, name: str) -> dict[str, Any]:
    return record(cluster, DEPLOYMENT, "deployments.apps", namespace, name)


def scale(cluster: Cluster, namespace: str, name: str, replicas: str) -> str:
    if not replicas.isdigit():
        raise LabError(
            f"error: the --replicas=COUNT flag is required, and COUNT must be at least 0, found {replicas!r}"
        )
    found = deployment(cluster, namespace, name)
    if rollout.wanted(found["spec"]) != int(replicas):
        found["spec"]["replicas"] = int(replicas)
        _put(cluster, DEPLOYMENT, namespace, name, found, changed=True)
    return f"deployment.apps/{name} scaled\n"


def restart(cluster: Cluster, namespace: str, name: str) -> str:
    found = deployment(cluster, namespace, name)
    metadata = found["spec"]["template"].setdefault("metadata", {})
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    annotations = metadata.get("annotations") or {}
    if annotations.get(RESTARTED) == moment:
        raise LabError("error: if restart has already been triggered within the past second, please wait before trying")
    metadata["annotations"] = {**annotations, RESTARTED: moment}
    _put(cluster, DEPLOYMENT, namespace, name, found, changed=True)
    return f"deployment.apps/{name} restarted\n"


def follow(cluster: Cluster, namespace: str, name: str, seconds: float, watch: bool) -> str:
    """Until the rollout is done. Unfinished when it is not after so long, or fails."""
    deadline = time.monotonic() + min(seconds or LONGEST_SECONDS, LONGEST_SECONDS)
    said: list[str] = []
    while True:
        found = deployment(cluster, namespace, name)
        line, done = rollout.words(found, status(cluster, namespace, name, found))
        if line.startswith("error: "):
            raise Unfinished(line, "".join(said))
        if not said or said[-1] != f"{line}\n":
            said.append(f"{line}\n")
        if done or not watch:
            return "".join(said)
        if time.monotonic() > deadline:
            raise Unfinished("error: timed out waiting for the condition", "".join(said))
        time.sleep(0.1)


def status(cluster: Cluster, namespace: str, name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """A Deployment's. In a cluster that keeps no pods nobody has seen it yet."""
    keeper = cluster.keeper
    return keeper.status(f"{namespace}/{name}", found) if keeper else {"conditions": []}


_PATCHED = {
    "configmap": (CONFIG_MAP, "configmaps", "configmap"),
    "deployment": (DEPLOYMENT, "deployments.apps", "deployment.apps"),
}


def patch(cluster: Cluster, namespace: str, kind: str, name: str, how: str, text: str) -> str:
    """A ConfigMap or a Deployment, by JSON merge patch (RFC 7396)."""
    if kind not in _PATCHED or not name:
        raise LabError(f"error: the lab's kubectl patches {' and '.join(_PATCHED)} by NAME, not {kind} {name}".rstrip())
    if how != "merge":
        raise LabError("error: the lab's kubectl patches with --type merge")
    try:
        wanted = json.loads(text)
    except ValueError as error:
        raise LabError(f"error: unable to parse {text!r}: {error}") from None
    token, plural, shown = _PATCHED[kind]
    found = record(cluster, token, plural, namespace, name)
    changed = merged(found, wanted)
    if changed == found:
        return f"{shown}/{name} patched (no change)\n"
    if kind == "configmap" and any(not isinstance(one, str) for one in (changed.get("data") or {}).values()):
        raise LabError('Error from server (BadRequest): ConfigMap in version "v1": data must be texts')
    # The API server counts a generation when what is wanted changes, not its surroundings.
    _put(cluster, token, namespace, name, changed, changed=changed.get("spec") != found.get("spec"))
    return f"{shown}/{name} patched\n"


def merged(old: Any, new: Any) -> Any:
    """RFC 7396. Pure."""
    if not isinstance(new, Mapping):
        return new
    kept = dict(old) if isinstance(old, Mapping) else {}
    for key, value in new.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), value)
    return kept


def _put(cluster: Cluster, token: str, namespace: str, name: str, found: dict[str, Any], changed: bool = False) -> None:
    metadata = found["metadata"]
    metadata["resourceVersion"] = str(int(metadata.get("resourceVersion") or 0) + 1)
    if changed:
        metadata["generation"] = int(metadata.get("generation") or 1) + 1
    cluster.put(token, f"{namespace}/{name}", found)
