"""A pool of GKE's nodes: machines, as many as the pool is told just now."""

import time
from typing import Any

from lab.providers.framework.box import Box
from lab.providers.framework.types import AutoName, Call, Refusal
from lab.providers.gcp import topology
from lab.providers.gcp.cloud import Part

READY_SECONDS = 180


class NodePool(Part):
    """Its nodes have booted when it is made. Who resizes it later asks GKE's API (lab/services/google)."""

    token = "gcp:container/nodePool:NodePool"
    path = "{cluster}/nodePools/{name}"
    linked = False
    autoname = AutoName("name", 63, lower=True)

    def computed(self, call: Call, identity: str, inputs: Any) -> dict[str, Any]:
        return {"instanceGroupUrls": [], "managedInstanceGroupUrls": [], "operation": ""}

    def make(self, call: Call, box: Box, identity: str, record: dict[str, Any]) -> None:
        super().make(call, box, identity, record)
        deadline = time.monotonic() + READY_SECONDS
        for name in topology.nodes(box.records, identity):
            while not box.client.call("machine", id=name)["booted"]:
                if time.monotonic() > deadline:
                    raise Refusal(f"error waiting for node pool {identity}: node {name} does not come up")
                time.sleep(0.2)
