"""What the rules here speak of: nodes, pods, and quantities as Kubernetes writes them."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?")


@dataclass(frozen=True)
class Taint:
    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True)
class Node:
    """A machine that pods run on."""

    name: str
    address: str
    pods: str
    """IPv4 range of its pods; one of its machine's prefixes (lab/model.py)."""
    cpu_milli: int
    """What pods may ask for in all."""
    memory_mib: int
    labels: Mapping[str, str] = field(default_factory=dict)
    """Its zone under topology.kubernetes.io/zone; its pool under cloud.google.com/gke-nodepool."""
    taints: tuple[Taint, ...] = ()
    machine: str = ""
    """Its id in the box."""
    unmasked: tuple[str, ...] = ()
    """Ranges in which pods are seen under their own addresses; elsewhere under the node's. EC2's CNI: the VPC's.
    Google's: 10.0.0.0/8 and its like."""

    @property
    def zone(self) -> str:
        return self.labels.get("topology.kubernetes.io/zone", "")


@dataclass
class Pod:
    """One pod as the API server has it."""

    namespace: str
    name: str
    labels: dict[str, str]
    spec: dict[str, Any]
    owner: str = ""
    """Its Deployment; empty for a job's."""
    revision: str = ""
    """Hash of the template that it was made from."""
    created: float = field(default_factory=time.time)
    node: str = ""
    """Empty while it is pending."""
    pending: str = ""
    """The scheduler's words."""
    description: dict[str, Any] = field(default_factory=dict)
    """What its node was told; made once, so that what it reads is as it was then."""
    trouble: tuple[str, str] = ("", "")
    """Reason and message of what keeps its node from being told."""
    status: dict[str, Any] = field(default_factory=dict)
    """As its node last said."""
    deleting: bool = False
    lost: bool = False
    """Its node has not been heard of for too long."""
    ready_since: float = 0.0

    @property
    def ready(self) -> bool:
        return bool(self.status.get("ready")) and not self.deleting and not self.lost

    @property
    def address(self) -> str:
        return str(self.status.get("address") or "")

    @property
    def phase(self) -> str:
        state = self.status.get("state")
        if state == "terminated":
            return "Succeeded" if self.status.get("code") == 0 else "Failed"
        started = state == "running" or self.status.get("last")
        return "Running" if started else "Pending"


def quantity(text: Any) -> float:
    """`250m`, `1`, `512Mi` as a number. ValueError for anything else."""
    found = _QUANTITY.fullmatch(str(text))
    if not found:
        raise ValueError(f"{text!r} is no quantity that the lab reads: write it like 250m, 1 or 512Mi")
    number, unit = float(found[1]), found[2] or ""
    return number / 1000 if unit == "m" else number * _UNITS[unit]


def requests(spec: Mapping[str, Any]) -> tuple[int, int]:
    """(milli-CPUs, MiB) that a pod asks for; a limit without a request is one."""
    cpu = memory = 0.0
    for container in spec.get("containers") or []:
        resources = container.get("resources") or {}
        asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        cpu += quantity(asked.get("cpu", 0)) * 1000
        memory += quantity(asked.get("memory", 0)) / 2**20
    return round(cpu), round(memory)
