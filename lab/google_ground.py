"""Google as it runs in the box: who a machine is, and nodes as many as their pools are told.

Here: what the daemon does when a world with networks of Google's was made real. Not here: how records become that
world (lab/providers/gcp/topology.py), Google's APIs (lab/services/google), clusters (lab/clusters.py).
"""

import ipaddress
import threading
from collections.abc import Callable, Mapping
from typing import Any

from lab.model import World
from lab.providers.framework.box import Box
from lab.providers.gcp import topology
from lab.seam import BoxLike
from lab.services.cloud_vpn import NETWORK_PREFIX
from lab.services.google.cloud import GoogleCloud
from lab.services.google.compute import PEER
from lab.services.google.metadata import Guest
from lab.services.google.pools import SIZE
from lab.state import State

POOL = "gcp:container/nodePool:NodePool"

Ask = Callable[[str, dict[str, Any]], Any]
"""One of the daemon's methods (lab/methods.py)."""


Account = Callable[[str], tuple[str, str, Mapping[str, str]] | None]
"""Of the pod that has an address: namespace, service account, its annotations."""


class _Own:
    """The daemon as its own client."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def call(self, method: str, **params: Any) -> Any:
        return self._ask(method, params)


class GoogleGround:
    """One box's. `ask` is set before anything is resized."""

    def __init__(self, state: State, box: Callable[[], BoxLike], log: Callable[[str], None]) -> None:
        self._state, self._box, self._log = state, box, log
        self.ask: Ask | None = None
        self.cloud: GoogleCloud | None = None
        self.account: Account = lambda address: None
        self._served: set[str] = set()

    # What GoogleCloud asks

    def put(self, token: str, identity: str, record: Any) -> None:
        """Records that the APIs write. A pool that was resized gets or loses its nodes at once, a peer of a
        router, that was enabled or disabled, its session."""
        self._state.records_put(token, identity, record)
        if token in (SIZE, PEER):
            threading.Thread(target=self._redraw, name="google-redraw", daemon=True).start()

    def running(self, pool: str) -> int | None:
        """How many of a pool's nodes have booted."""
        box, names = self._box(), topology.nodes(self._state.records_list, pool)
        return sum(bool(box.machine_state(name).get("booted")) for name in names)

    def server(self, name: str) -> str:
        """Google's word for how a Cloud SQL is."""
        record = self._state.records_get(topology.SERVER, name) or {}
        return "RUNNABLE" if self._box().machine_state(str(record.get("__machine"))).get("running") else "FAILED"

    # Around each apply

    def applying(self, world: World) -> None:
        """A socket that listens would keep a router's namespace alive."""
        there = {vpc.id for vpc in world.vpcs}
        for gone in [one for one in self._served if one not in there]:
            self._served.discard(gone)
            if self.cloud is not None:
                self.cloud.leave_metadata(self._box().vpc_namespace(gone))

    def applied(self, world: World) -> None:
        box = self._box()
        for vpc in world.vpcs:
            if vpc.id.startswith(NETWORK_PREFIX) and vpc.id not in self._served and self.cloud is not None:
                self._served.add(vpc.id)
                self.cloud.serve_metadata(box.vpc_namespace(vpc.id), self._guest)

    # Machines

    def _guest(self, address: str) -> Guest | None:
        """A node is its pool's account. A pod is its service account, or the one of Google's that this one names; its
        node's it never is (GKE_METADATA)."""
        for record in self._state.records_list(topology.NODE).values():
            project = str(record["cluster"]).split("/")[1]
            if record["address"] == address:
                pool = self._state.records_get(POOL, record["pool"]) or {}
                return Guest(project, str((pool.get("nodeConfig") or {}).get("serviceAccount") or ""))
            if ipaddress.IPv4Address(address) in ipaddress.IPv4Network(record["pods"]):
                pod = self.account(address)
                if pod is None:
                    return None
                namespace, name, annotations = pod
                return Guest(project, annotations.get("iam.gke.io/gcp-service-account", ""), f"{namespace}/{name}")
        return None

    def _redraw(self) -> None:
        if self.ask is None:
            return
        try:
            own = Box(_Own(self.ask))  # type: ignore[arg-type]
            topology.put(own)
            own.apply()
        except Exception as error:  # whoever resized has his answer; the log tells what came of it
            self._log(f"what an API of Google's changed: {error}")
