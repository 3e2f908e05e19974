"""A cluster's objects as the API shows them, and as `kubectl get` prints them for people. Pure but for the clock."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from lab.services.kubernetes.objects import Node, Pod
from lab.services.kubernetes.rollout import stamp

Object = dict[str, Any]


def plain(value: Any) -> Any:
    """A record without the lab's own marks; whole numbers as such, which Pulumi's wire does not have."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def of_record(kind: str, version: str, record: Mapping[str, Any], **more: Any) -> Object:
    """What a program has made."""
    return {"apiVersion": version, "kind": kind, **plain(record), **more}


def pod_object(pod: Pod, host: str) -> Object:
    """`host`: its node's address."""
    metadata: Object = {"name": pod.name, "namespace": pod.namespace, "labels": pod.labels}
    metadata["creationTimestamp"] = stamp(pod.created)
    if pod.owner:
        owner = f"{pod.owner}-{pod.revision}"
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner}]
    if pod.deleting:
        metadata["deletionTimestamp"] = stamp(time.time())
    status: Object = {"phase": pod.phase, "conditions": _conditions(pod)}
    if pod.node:
        status |= {"hostIP": host, "containerStatuses": [_container(pod)]}
        if pod.address:
            status |= {"podIP": pod.address, "podIPs": [{"ip": pod.address}]}
    spec = {**plain(pod.spec), **({"nodeName": pod.node} if pod.node else {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def described(one: Object, unwell: str) -> str:
    """What `kubectl describe pod` says that helps; `unwell`: what its probes last found wrong."""
    status, known = one["status"], (one["status"].get("containerStatuses") or [{}])[0]
    (kind, about) = next(iter((known.get("state") or {"waiting": {}}).items()))
    lines = {
        "Name": one["metadata"]["name"],
        "Namespace": one["metadata"]["namespace"],
        "Node": one["spec"].get("nodeName") or "<none>",
        "Status": "Terminating" if "deletionTimestamp" in one["metadata"] else status["phase"],
        "IP": status.get("podIP") or "",
        "Image": known.get("image") or "",
        "State": kind.capitalize(),
        "  Reason": about.get("reason") or "",
        "  Message": about.get("message") or "",
        "Ready": str(bool(known.get("ready"))),
        "Restart Count": str(known.get("restartCount") or 0),
    }
    pending = [each["message"] for each in status["conditions"] if "message" in each]
    events = [f"Warning  FailedScheduling  {text}" for text in pending] + (
        [f"Warning  Unhealthy  {unwell}"] * bool(unwell)
    )
    text = "".join(f"{name + ':':<16}{value}\n" for name, value in lines.items() if value)
    return text + "Events:" + ("".join(f"\n  {line}" for line in events) or "         <none>") + "\n"


def node_object(node: Node, ready: bool) -> Object:
    about = {"cpu": f"{node.cpu_milli}m", "memory": f"{node.memory_mib}Mi"}
    taints = [{"key": one.key, "value": one.value, "effect": one.effect} for one in node.taints]
    if not ready:
        taints.append({"key": "node.kubernetes.io/unreachable", "value": "", "effect": "NoSchedule"})
    said = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    if not ready:
        said = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": {"kubernetes.io/hostname": node.name, **node.labels}},
        "spec": {"podCIDR": node.pods, **({"taints": taints} if taints else {})},
        "status": {
            "addresses": [{"type": "InternalIP", "address": node.address}],
            "allocatable": about,
            "conditions": [said],
        },
    }


def table(kind: str, items: Sequence[Object]) -> str:
    """For people; names alone for what has no columns of its own here."""
    columns = {"pods": _pod_row, "deployment": _deployment_row, "nodes": _node_row}
    heads = {
        "pods": ("NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"),
        "deployment": ("NAME", "READY", "UP-TO-DATE", "AVAILABLE"),
        "nodes": ("NAME", "STATUS"),
    }
    if kind not in columns:
        return "".join(f"{one['metadata']['name']}\n" for one in items)
    rows = [heads[kind], *(columns[kind](one) for one in items)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(heads[kind]))]
    return "".join("   ".join(text.ljust(widths[at]) for at, text in enumerate(row)).rstrip() + "\n" for row in rows)


def _conditions(pod: Pod) -> list[Object]:
    placed: Object = {"type": "PodScheduled", "status": str(bool(pod.node))}
    if pod.pending:
        placed |= {"reason": "Unschedulable", "message": pod.pending}
    ready = "Unknown" if pod.lost else str(bool(pod.status.get("ready")))
    return [placed, {"type": "Ready", "status": ready}, {"type": "ContainersReady", "status": ready}]


def _container(pod: Pod) -> Object:
    said = pod.status
    state: Object = {"waiting": {"reason": "ContainerCreating"}}
    if pod.trouble[0]:
        state = {"waiting": {"reason": pod.trouble[0], "message": pod.trouble[1]}}
    elif said.get("state") == "running":
        state = {"running": {"startedAt": stamp(said["started"])}}
    elif said.get("state") == "terminated":
        state = {"terminated": _ended(said)}
    elif said:
        state = {"waiting": {"reason": said.get("reason"), "message": said.get("message")}}
    container = (pod.spec.get("containers") or [{}])[0]
    found = {
        "name": container.get("name"),
        "image": container.get("image"),
        "ready": bool(said.get("ready")),
        "restartCount": int(said.get("restarts") or 0),
        "state": state,
    }
    if said.get("last"):
        found["lastState"] = {"terminated": _ended(said["last"])}
    return found


def _ended(said: Mapping[str, Any]) -> Object:
    # A container that its kubelet killed for a failed probe has the exit code of its signal, and reason Error.
    reason = "Completed" if said["code"] == 0 else "Error"
    return {
        "exitCode": said["code"],
        "reason": reason,
        "message": said["reason"],
        "finishedAt": stamp(said["finished"]),
    }


def _pod_row(one: Object) -> tuple[str, ...]:
    status, known = one["status"], (one["status"].get("containerStatuses") or [{}])[0]
    state = known.get("state") or {}
    shown = status["phase"]
    for kind in ("waiting", "terminated"):
        shown = (state.get(kind) or {}).get("reason") or shown
    if "deletionTimestamp" in one["metadata"]:
        shown = "Terminating"
    return (
        one["metadata"]["name"],
        f"{int(bool(known.get('ready')))}/1",
        shown,
        str(known.get("restartCount") or 0),
        _age(one["metadata"].get("creationTimestamp")),
        status.get("podIP") or "<none>",
        one["spec"].get("nodeName") or "<none>",
    )


def _deployment_row(one: Object) -> tuple[str, ...]:
    status = one["status"]
    numbers = {name: int(status.get(f"{name}Replicas") or 0) for name in ("ready", "updated", "available")}
    wanted = one["spec"].get("replicas", 1)
    return (
        one["metadata"]["name"], f"{numbers['ready']}/{wanted}", str(numbers["updated"]), str(numbers["available"])
    )  # fmt: skip


def _node_row(one: Object) -> tuple[str, ...]:
    return one["metadata"]["name"], "Ready" if one["status"]["conditions"][0]["status"] == "True" else "NotReady"


def _age(moment: str | None) -> str:
    if not moment:
        return ""
    began = time.mktime(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    seconds = max(0, int(time.time() - began))
    return f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"
