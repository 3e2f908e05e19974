"""What a Deployment's controller does next, and what it says of itself. Pure.

As in kube-controller-manager: a new template's pods come within maxSurge, old ones go within maxUnavailable, those that
are not available first. Pods that are being ended count no more. Left out: proportional scaling in the middle of a
rollout, revisions to go back to, pausing.
"""

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.services.kubernetes.objects import Pod

PROGRESS_SECONDS = 600
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""Of names that Kubernetes makes up: no vowels, so that no words come out."""


@dataclass(frozen=True)
class Step:
    """At most one of the two."""

    create: int = 0
    delete: tuple[str, ...] = ()
    """Names."""


def revision(template: Mapping[str, Any]) -> str:
    """A template's hash, as it stands in its pods' names."""
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:10])


def suffix(digest: bytes) -> str:
    """Five letters for a pod's name."""
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:5])


def limits(spec: Mapping[str, Any]) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods. A share of the surge is rounded up, one of the other down; never both 0."""
    replicas = wanted(spec)
    given = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = _share(given.get("maxSurge", "25%"), replicas, math.ceil)
    unavailable = _share(given.get("maxUnavailable", "25%"), replicas, math.floor)
    return surge, unavailable if surge or unavailable else 1


def wanted(spec: Mapping[str, Any]) -> int:
    """How many pods; one when nobody says."""
    given = spec.get("replicas")
    return 1 if given is None else int(given)


def step(spec: Mapping[str, Any], pods: Sequence[Pod], now: float) -> Step:
    """`pods`: all of the Deployment that are not being ended, and with Recreate those that are, too."""
    replicas, here = wanted(spec), revision(spec["template"])
    counted = [pod for pod in pods if not pod.deleting]
    new, old = ([pod for pod in counted if (pod.revision == here) == is_new] for is_new in (True, False))
    if (spec.get("strategy") or {}).get("type") == "Recreate":
        if old:
            return Step(delete=tuple(pod.name for pod in old))
        if any(pod.revision != here for pod in pods):
            return Step()  # until the last of them is gone
        surge, unavailable = 0, replicas
    else:
        surge, unavailable = limits(spec)
    if len(new) > replicas:
        return Step(delete=tuple(pod.name for pod in _first_to_go(new)[: len(new) - replicas]))
    create = min(replicas + surge - len(counted), replicas - len(new))
    if create > 0:
        return Step(create=create)
    least = replicas - unavailable
    fit = available(spec, counted, now)
    room = len(counted) - least - sum(1 for pod in new if pod not in fit)
    if room <= 0 or not old:
        return Step()
    ill = [pod for pod in old if pod not in fit][:room]
    if ill:
        return Step(delete=tuple(pod.name for pod in ill))
    spare = max(0, len(fit) - least)
    return Step(delete=tuple(pod.name for pod in _first_to_go(old)[:spare]))


def available(spec: Mapping[str, Any], pods: Sequence[Pod], now: float) -> list[Pod]:
    """Those that have been ready for minReadySeconds."""
    least = float(spec.get("minReadySeconds") or 0)
    return [pod for pod in pods if pod.ready and now - pod.ready_since >= least]


def status(record: Mapping[str, Any], pods: Sequence[Pod], progressed: float, now: float) -> dict[str, Any]:
    """As the API shows it. `progressed`: when the rollout last came on."""
    spec = record["spec"]
    replicas, here = wanted(spec), revision(spec["template"])
    counted = [pod for pod in pods if not pod.deleting]
    fit = available(spec, counted, now)
    found: dict[str, Any] = {"observedGeneration": int((record.get("metadata") or {}).get("generation") or 1)}
    numbers = {
        "replicas": len(counted),
        "updatedReplicas": sum(1 for pod in counted if pod.revision == here),
        "readyReplicas": sum(1 for pod in counted if pod.ready),
        "availableReplicas": len(fit),
        "unavailableReplicas": max(0, max(replicas, len(counted)) - len(fit)),
    }
    found |= {name: number for name, number in numbers.items() if number}  # the API leaves zeros out
    enough = len(fit) >= replicas - limits(spec)[1]
    done = numbers["updatedReplicas"] == replicas == len(counted) == len(fit)
    late = not done and now - progressed > float(spec.get("progressDeadlineSeconds") or PROGRESS_SECONDS)
    reason = "NewReplicaSetAvailable" if done else "ProgressDeadlineExceeded" if late else "ReplicaSetUpdated"
    found["conditions"] = [
        {"type": "Available", "status": str(enough),
         "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"},
        {"type": "Progressing", "status": str(not late), "reason": reason},
    ]  # fmt: skip
    return found


def words(record: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, bool]:
    """What `kubectl rollout status` says, and whether it is done. The text of a failure begins with `error: `."""
    name, replicas = record["metadata"]["name"], wanted(record["spec"])
    if int((record["metadata"]).get("generation") or 1) > int(found.get("observedGeneration") or 0):
        return "Waiting for deployment spec update to be observed...", False
    if any(one["reason"] == "ProgressDeadlineExceeded" for one in found["conditions"]):
        return f'error: deployment "{name}" exceeded its progress deadline', True
    before = f'Waiting for deployment "{name}" rollout to finish: '
    updated, total = int(found.get("updatedReplicas") or 0), int(found.get("replicas") or 0)
    ready = int(found.get("availableReplicas") or 0)
    if updated < replicas:
        return f"{before}{updated} out of {replicas} new replicas have been updated...", False
    if total > updated:
        return f"{before}{total - updated} old replicas are pending termination...", False
    if ready < updated:
        return f"{before}{ready} of {updated} updated replicas are available...", False
    return f'deployment "{name}" successfully rolled out', True


def _share(given: Any, replicas: int, rounded: Any) -> int:
    text = str(given)
    return int(rounded(int(text[:-1]) * replicas / 100)) if text.endswith("%") else int(float(text))


def _first_to_go(pods: Sequence[Pod]) -> list[Pod]:
    """A ReplicaSet's order: without a node, not running, not ready, more of them on its node, later ready, newer."""
    crowd = {pod.name: sum(1 for one in pods if one.node == pod.node) for pod in pods}
    return sorted(
        pods,
        key=lambda pod: (
            bool(pod.node),
            pod.phase != "Pending",
            pod.ready,
            -crowd[pod.name],
            -pod.ready_since,
            -int(pod.status.get("restarts") or 0),
            -pod.created,
        ),
    )


def stamp(seconds: float) -> str:
    """As the API writes a moment."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
