"""Where a pod goes, and what the scheduler says when it goes nowhere. Pure.

As kube-scheduler: resources asked for (never used), taints, nodeSelector, number of pods; then spread over zones and
nodes, and the emptier node first. Left out: affinity, preemption, hard spread constraints, volumes, host ports.
"""

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lab.services.kubernetes.objects import Node, Pod, Taint, requests

NO_NODES = "no nodes available to schedule pods"


def choose(pod: Pod, nodes: Sequence[Node], placed: Sequence[Pod]) -> tuple[str, str]:
    """(node's name, "") or ("", why there is none). `placed`: pods that have a node."""
    if not nodes:
        return "", NO_NODES
    reasons = {node.name: _reasons(pod, node, [one for one in placed if one.node == node.name]) for node in nodes}
    fitting = [node for node in nodes if not reasons[node.name]]
    if fitting:
        return min(fitting, key=lambda node: _rank(pod, node, nodes, placed)).name, ""
    counted = Counter(reason for found in reasons.values() for reason in found)
    said = ", ".join(sorted(f"{number} {reason}" for reason, number in counted.items()))
    helpless = sum(1 for found in reasons.values() if not all(one.startswith("Insufficient") for one in found))
    victims = len(nodes) - helpless
    none = ([f"{victims} No preemption victims found for incoming pod"] if victims else []) + (
        [f"{helpless} Preemption is not helpful for scheduling"] if helpless else []
    )
    before = f"0/{len(nodes)} nodes are available"
    return "", f"{before}: {said}. preemption: {before}: {', '.join(none)}."


def tolerated(taint: Taint, spec: Mapping[str, Any]) -> bool:
    """Whether one of a pod's tolerations takes it."""
    for one in spec.get("tolerations") or []:
        exists = one.get("operator", "Equal") == "Exists"
        key = one.get("key") == taint.key or (not one.get("key") and exists)
        value = exists or str(one.get("value") or "") == taint.value
        if key and value and one.get("effect") in (None, "", taint.effect):
            return True
    return False


def _reasons(pod: Pod, node: Node, there: Sequence[Pod]) -> list[str]:
    """Why a node does not take it. As in the real one, the first kind of reason is the only one."""
    for taint in node.taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not tolerated(taint, pod.spec):
            return [f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"]
    wanted = (pod.spec.get("nodeSelector") or {}).items()
    if any(node.labels.get(key) != value for key, value in wanted):
        return ["node(s) didn't match Pod's node affinity/selector"]
    used = [requests(one.spec) for one in there]
    cpu, memory = requests(pod.spec)
    found = []
    if len(there) >= ipaddress.IPv4Network(node.pods).num_addresses - 2:
        found.append("Too many pods")
    if cpu and sum(one[0] for one in used) + cpu > node.cpu_milli:
        found.append("Insufficient cpu")
    if memory and sum(one[1] for one in used) + memory > node.memory_mib:
        found.append("Insufficient memory")
    return found


def _rank(pod: Pod, node: Node, nodes: Sequence[Node], placed: Sequence[Pod]) -> tuple[Any, ...]:
    """The least one is taken."""
    zones = {one.name: one.zone for one in nodes}
    alike = [one for one in placed if one.owner == pod.owner and one.namespace == pod.namespace and not one.deleting]
    avoided = sum(1 for one in node.taints if one.effect == "PreferNoSchedule" and not tolerated(one, pod.spec))
    there = [requests(one.spec) for one in placed if one.node == node.name]
    load = sum(one[0] for one in there) / node.cpu_milli + sum(one[1] for one in there) / node.memory_mib
    in_zone = sum(1 for one in alike if zones.get(one.node) == node.zone)
    return avoided, in_zone, sum(1 for one in alike if one.node == node.name), load, node.name
