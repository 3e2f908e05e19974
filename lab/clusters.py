"""The Kubernetes clusters of one box, as a scene says: on machines that come and go, with what leads users to pods.

Here: which machine is which node, where a load balancer's connections begin, an Ingress' load balancer at its static
address. Not here: any of the rules (lab/services).
"""

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.client import LabError
from lab.scenes import ExistingCluster
from lab.seam import BoxLike
from lab.services import kubectl, node
from lab.services.cluster import Cluster
from lab.services.google_balancer import GoogleBalancer
from lab.services.kubernetes.descriptions import ACCOUNT, port
from lab.services.kubernetes.endpoints import Entry, behind
from lab.services.kubernetes.keeper import SERVICE, Keeper
from lab.services.kubernetes.objects import Node
from lab.services.netns import inside
from lab.services.targets import Dial, Target
from lab.state import State
from lab.traffic import Traffic

GLOBAL_ADDRESS = "gcp:compute/globalAddress:GlobalAddress"
FOLLOW_SECONDS = 0.5


class Clusters:
    """In the scene's order: who names no context talks to the first."""

    def __init__(
        self,
        state: State,
        box: Callable[[], BoxLike],
        ssh_key: Path,
        sign: Callable[[Mapping[str, Any]], str],
        traffic: Traffic,
        log: Callable[[str], None],
    ) -> None:
        self._state = state
        self._box = box
        self._ssh_key = ssh_key
        self._sign = sign
        self._traffic = traffic
        self._log = log
        self._there: dict[str, tuple[ExistingCluster, Cluster]] = {}
        self._edges: dict[str, str] = {}
        """NAMESPACE/NAME@CONTEXT of an Ingress → the address that it has."""
        self._trouble: dict[str, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="ingresses", daemon=True)

    def add(self, there: ExistingCluster) -> None:
        """One of the scene; it starts with `start`."""
        shelf = f"@{there.context}" if self._there else ""

        def put(token: str, identity: str, record: dict[str, Any]) -> None:
            self._state.records_put(token + shelf, identity, record)

        def records(token: str) -> dict[str, Any]:
            return self._state.records_list(token + shelf)

        run = None
        if there.node:
            address, namespace = self.where(there.node)
            self._box().place(there.node, node.KUBELET, node.POD)
            run = node.runner(namespace, self._ssh_key, address)
        images = {repository: image.command for repository, image in there.images.items()}
        made = Cluster(records, self._sign, there.issuer, run, there.host, put, images)
        if there.nodes is not None:
            nodes = functools.partial(there.nodes, self._state.records_list)
            reach = functools.partial(self._reach, there)
            made.keeper = Keeper(records, made.descriptions, nodes, reach, there.services_range)
        self._there[there.context] = (there, made)

    def start(self) -> None:
        for _, cluster in self._there.values():
            cluster.start()
        if self._there:
            self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        for _, cluster in self._there.values():
            cluster.stop()

    def kubectl(self, words: Sequence[str], stdin: str) -> dict[str, Any]:
        """One command of `kubectl` at the desk."""
        for there, cluster in self._there.values():
            cluster.absent = not there.exists(self._state.records_list)
        return kubectl.run({context: cluster for context, (_, cluster) in self._there.items()}, words, stdin)

    def shelf(self, context: str) -> str:
        """What is added to tokens where a cluster's records are. Who names none means the first, as in kubectl."""
        return f"@{context}" if context in list(self._there)[1:] else ""

    def dark(self, sites: Collection[str]) -> None:
        """Only these sites' API servers are out of reach."""
        for there, cluster in self._there.values():
            cluster.dark = there.site in sites

    def edges(self, sites: Collection[str]) -> list[str]:
        """Addresses that load balancers of these sites' clusters have."""
        return [
            address for name, address in self._edges.items() if self._there[name.rpartition("@")[2]][0].site in sites
        ]

    def report(self) -> list[dict[str, Any]]:
        """For `status`: of clusters that keep pods."""
        return [
            {
                "context": context,
                "nodes": {one.name: ready for one, ready in cluster.keeper.nodes()},
                "pods": {pod.name: pod.ready for pod in cluster.keeper.pods()},
                "trouble": [
                    *filter(None, [cluster.keeper.trouble]),
                    *(text for name, text in self._trouble.items() if name.endswith(f"@{context}")),
                ],
            }
            for context, (_, cluster) in self._there.items()
            if cluster.keeper is not None
        ]

    def pods(self, context: str, service: str) -> list[Target]:
        """Ready pods of a Service (NAMESPACE/NAME), for a load balancer in their network."""
        if context not in self._there:  # not yet
            return []
        cluster = self._there[context][1]
        record = cluster.records(SERVICE).get(service)
        if record is None or cluster.keeper is None:
            return []
        target = next(iter(record["spec"]["ports"]))
        found = []
        for pod in behind(service, record, cluster.keeper.pods()):
            number = port(target.get("targetPort") or target["port"], pod.spec["containers"][0])
            found.append(Target(f"{pod.address}:{number}", self._dial(context, pod.address, number)))
        return found

    def account(self, address: str) -> tuple[str, str, Mapping[str, str]] | None:
        """(namespace, service account, its annotations) of the pod that has an address; None for none."""
        for _, cluster in self._there.values():
            for pod in cluster.keeper.pods() if cluster.keeper is not None else ():
                if pod.address == address:
                    name = str(pod.spec.get("serviceAccountName") or "default")
                    record = cluster.records(ACCOUNT).get(f"{pod.namespace}/{name}") or {}
                    return pod.namespace, name, (record.get("metadata") or {}).get("annotations") or {}
        return None

    def where(self, machine: str) -> tuple[str, str]:
        """Address of a machine, and the namespace of its network's router. OSError when it is not there."""
        for one, face, vpc in self._state.world()[0].placed():
            if one.id == machine:
                return face.address, self._box().vpc_namespace(vpc)
        raise OSError(f"there is no machine {machine}")

    def _reach(self, there: ExistingCluster, one: Node) -> node.KubeletLink:
        files = {path: source for image in there.images.values() for path, source in image.files.items()}
        return node.KubeletLink(lambda: self.where(one.machine), self._ssh_key, files)

    def _dial(self, context: str, address: str, number: int) -> Dial:
        def dial(seconds: float) -> socket.socket:
            keeper = self._there[context][1].keeper
            nodes = keeper.nodes() if keeper else []
            if not nodes:
                raise OSError(f"cluster {context} has no nodes")
            namespace = self.where(nodes[0][0].machine)[1]
            return inside(namespace, functools.partial(socket.create_connection, (address, number), seconds))

        return dial

    # What an Ingress asks for

    def _follow(self) -> None:
        while not self._ended.wait(FOLLOW_SECONDS):
            for context, (_, cluster) in self._there.items():
                if cluster.keeper is not None:
                    with contextlib.suppress(LabError, OSError):
                        self.follow(context, cluster.keeper)

    def follow(self, context: str, keeper: Keeper) -> None:
        """Open what a cluster's Ingresses ask for, close what they no longer do."""
        entries = {f"{identity}@{context}": entry for identity, entry in keeper.ingresses().items()}
        for name in [one for one in self._edges if one.endswith(f"@{context}")]:
            entry = entries.get(name)
            if not isinstance(entry, Entry) or self._address(entry) != self._edges[name]:
                self._traffic.close_edge(self._edges.pop(name))
        self._trouble = {name: text for name, text in self._trouble.items() if name in entries}
        for name, entry in entries.items():
            if name in self._edges:
                continue
            if not isinstance(entry, Entry):
                self._trouble[name] = entry
                continue
            address = self._address(entry)
            if not address:
                self._trouble[name] = (
                    f"the given static IP name {entry.address_name} doesn't translate to an existing one"
                )
                continue
            self._open(name, context, address, entry, keeper)

    def _open(self, name: str, context: str, address: str, entry: Entry, keeper: Keeper) -> None:
        last = entry

        def now() -> Entry:
            nonlocal last
            found = keeper.ingresses().get(entry.identity)
            last = found if isinstance(found, Entry) else last
            return last

        edge = GoogleBalancer(now, functools.partial(self._dial, context))
        try:
            self._traffic.open_edge(address, edge, entry.plain_http)
        except OSError as error:
            self._trouble[name] = f"no load balancer at {address}: {error}"
            return
        edge.start()
        self._edges[name] = address
        self._trouble.pop(name, None)
        self._log(f"load balancer of ingress {name} at {address}")

    def _address(self, entry: Entry) -> str:
        for record in self._state.records_list(GLOBAL_ADDRESS).values():
            if record.get("name") == entry.address_name:
                return str(record.get("address") or "")
        return ""
