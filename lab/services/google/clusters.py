"""container.googleapis.com: clusters and pools as they are, a pool's size, and the operation that changes it.

[GKE API v1: projects.locations.clusters.get, nodePools.get, nodePools.setSize, operations.get,
projects.locations.getServerConfig]. One operation at a time is let at a cluster, as there.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

from lab.services.google.calls import Call, Door, Played, Service
from lab.services.google.errors import Refusal
from lab.services.google.pools import Pool, Pools

_PLACE = r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
_CLUSTER = _PLACE + r"/clusters/(?P<cluster>[^/:]+)"
_POOL = _CLUSTER + r"/nodePools/(?P<pool>[^/:]+)"
GROUPS = "https://www.googleapis.com/compute/v1/projects/{project}/zones/{zone}/instanceGroupManagers/{name}"
VERSION = "1.34.1-gke.100"
"""Of every channel, as the provider's stand-in makes clusters."""


class Clusters(Service):
    """From the records of `pulumi up`, and `pools`."""

    name = "container"

    def __init__(self, door: Door, pools: Pools) -> None:
        super().__init__(door)
        self._pools = pools
        self._lock = threading.Lock()
        self._operations: dict[str, tuple[dict[str, Any], str]] = {}
        """Name → what it said when it began, and the pool that it changes."""

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        return {
            ("GET", _PLACE + "/serverConfig"): ("container.clusters.list", self._versions),
            ("GET", _CLUSTER): ("container.clusters.get", self._cluster),
            ("GET", _POOL): ("container.clusters.get", self._pool),
            ("POST", _POOL + ":setSize"): ("container.clusters.update", self._resize),
            ("GET", _PLACE + r"/operations/(?P<operation>[^/:]+)"): ("container.operations.get", self._operation),
        }

    def _versions(self, call: Call) -> dict[str, Any]:
        channels = [{"channel": one, "defaultVersion": VERSION, "validVersions": [VERSION]} for one in
                    ("RAPID", "REGULAR", "STABLE")]  # fmt: skip
        return {"defaultClusterVersion": VERSION, "channels": channels}

    def _cluster(self, call: Call) -> dict[str, Any]:
        identity, record = self._known(call)
        pools = list(self._pools.all(identity))
        return {
            "name": record["name"],
            "location": record.get("location"),
            "locations": record.get("nodeLocations") or [],
            "status": "RUNNING" if all(one.settled for one in pools) else "RECONCILING",
            "currentMasterVersion": record.get("masterVersion"),
            "endpoint": record.get("endpoint"),
            "masterAuth": {"clusterCaCertificate": (record.get("masterAuth") or {}).get("clusterCaCertificate")},
            "selfLink": f"https://container.googleapis.com/v1/{identity}",
            "currentNodeCount": sum(one.running for one in pools),
            "nodePools": [self._described(one) for one in pools],
        }

    def _pool(self, call: Call) -> dict[str, Any]:
        return self._described(self._pool_of(call))

    def _described(self, pool: Pool) -> dict[str, Any]:
        urls = [GROUPS.format(project=pool.project, zone=zone, name=pool.group(zone)) for zone in pool.zones]
        record = self._pools.record(pool.id)
        return {
            "name": pool.name,
            "status": "RUNNING" if pool.settled else "RECONCILING",
            "initialNodeCount": int(record.get("initialNodeCount") or record.get("nodeCount") or 0),
            "locations": list(pool.zones),
            "instanceGroupUrls": urls,
            "version": VERSION,
            "selfLink": f"https://container.googleapis.com/v1/{pool.id}",
        }

    def _resize(self, call: Call) -> dict[str, Any]:
        pool = self._pool_of(call)
        nodes = call.body.get("nodeCount")
        if not isinstance(nodes, int) or isinstance(nodes, bool) or nodes < 0:
            raise Refusal(400, "Node count must be a non-negative integer.")
        with self._lock:
            busy = next((one for one in self._pools.all(pool.cluster) if not one.settled), None)
            if busy is not None:
                running = next((name for name, (_, of) in self._operations.items() if of == busy.id), "operation-0")
                raise Refusal(
                    400, f"Cluster is running incompatible operation {running}.", "CLUSTER_ALREADY_HAS_OPERATION"
                )
            self._pools.resize(pool, nodes)
            name = f"operation-{int(time.time() * 1000)}-{secrets.token_hex(4)}"
            place = f"projects/{pool.project}/locations/{pool.location}"
            began = {
                "name": name,
                "operationType": "SET_NODE_POOL_SIZE",
                "location": pool.location,
                "selfLink": f"https://container.googleapis.com/v1/{place}/operations/{name}",
                "targetLink": f"https://container.googleapis.com/v1/{pool.id}",
                "startTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
            self._operations[name] = began, pool.id
        return {**began, "status": "RUNNING"}

    def _operation(self, call: Call) -> dict[str, Any]:
        found = self._operations.get(call.words["operation"])
        if found is None:
            raise Refusal(404, f"Not found: operation {call.words['operation']}.")
        began, identity = found
        pool = self._pools.find(identity)
        return {**began, "status": "DONE" if pool is None or pool.settled else "RUNNING"}

    def _known(self, call: Call) -> tuple[str, Mapping[str, Any]]:
        words = call.words
        identity = f"projects/{words['project']}/locations/{words['location']}/clusters/{words['cluster']}"
        record = self._pools.clusters().get(identity)
        if record is None:
            raise Refusal(404, f"Not found: {identity}.")
        return identity, record

    def _pool_of(self, call: Call) -> Pool:
        identity, _ = self._known(call)
        found = self._pools.find(f"{identity}/nodePools/{call.words['pool']}")
        if found is None:
            raise Refusal(404, f"Not found: {identity}/nodePools/{call.words['pool']}.")
        return found
