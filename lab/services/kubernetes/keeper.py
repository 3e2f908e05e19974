"""Keeps a cluster's pods as its records ask: Deployments' rollouts, the scheduler, Services, nodes that come and go.

One loop a cluster, as its controllers are; each node has a thread of its own that tells its kubelet what should be
there and hears what is. A node that is not heard of is not ready after 40 s, and its pods are to go 300 s later
[Kubernetes, 'Nodes', and the default tolerations]; one that is taken away takes its pods along. Not here:
any of the rules.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from lab.client import LabError
from lab.services.kubernetes import endpoints, rollout, scheduler
from lab.services.kubernetes.descriptions import ConfigError, Descriptions, ImageError, Records
from lab.services.kubernetes.objects import Node, Pod, Taint

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SERVICE = "kubernetes:core/v1:Service"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
SECRET = "kubernetes:core/v1:Secret"
TURN_SECONDS = 0.25
UNHEARD_SECONDS, EVICTED_SECONDS = 40.0, 300.0
ENDED_SECONDS = 600.0
"""At the longest until a pod of a job that is forgotten, or of a cluster that goes down, has ended."""
UNREACHABLE = Taint("node.kubernetes.io/unreachable", "", "NoSchedule")


class Link(Protocol):
    """The way to a node's kubelet. OSError when it does not answer."""

    def sync(self, told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """How each of its pods is, by name."""

    def logs(self, pod: str, previous: bool) -> str:
        """LabError for no such pod."""


@dataclass
class _Seat:
    """A node as the cluster has it."""

    node: Node
    link: Link
    told: dict[str, Any] = field(default_factory=dict)
    said: dict[str, dict[str, Any]] | None = None
    heard: float = float("-inf")
    """Before its kubelet was first heard of there is no such node."""
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def registered(self) -> bool:
        return self.heard > float("-inf")

    def reachable(self) -> bool:
        return time.monotonic() - self.heard < UNHEARD_SECONDS


class Keeper:
    """`nodes` says which there are just now; `reach` makes the way to one."""

    def __init__(
        self,
        records: Records,
        descriptions: Descriptions,
        nodes: Callable[[], Sequence[Node]],
        reach: Callable[[Node], Link],
        services_range: str,
    ) -> None:
        self._records = records
        self._descriptions = descriptions
        self._nodes = nodes
        self._reach = reach
        self._lock = threading.RLock()
        self._pods: dict[tuple[str, str], Pod] = {}
        self._seats: dict[str, _Seat] = {}
        self._addresses = endpoints.ServiceAddresses(services_range)
        self._progress: dict[str, tuple[Any, float]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self.trouble = ""
        """What the last turn stumbled over."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Whatever is on nodes goes with their machines."""
        self._ended.set()
        for seat in self._seats.values():
            seat.gone.set()

    def pods(self, namespace: str = "") -> list[Pod]:
        with self._lock:
            return [pod for pod in self._pods.values() if namespace in ("", pod.namespace)]

    def nodes(self) -> list[tuple[Node, bool]]:
        """Each with whether it is ready."""
        with self._lock:
            return [(seat.node, seat.reachable()) for seat in self._seats.values() if seat.registered]

    def ingresses(self) -> dict[str, endpoints.Entry | str]:
        """What each leads to, or why to nothing."""
        found: dict[str, endpoints.Entry | str] = {}
        templates = [record["spec"]["template"] for record in self._records(DEPLOYMENT).values()]
        for identity, record in self._records(INGRESS).items():
            try:
                found[identity] = endpoints.entry(
                    identity, record, self._records(SERVICE), self._records(SECRET), self.pods(), templates
                )
            except LabError as error:
                found[identity] = str(error)
        return found

    def service_address(self, identity: str) -> str:
        with self._lock:
            return self._addresses.of(identity)

    def status(self, identity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Of a Deployment."""
        with self._lock:
            known, progressed = self._progress.get(identity, (None, 0.0))
            # What has changed since the last round has come on just now: a template of this moment is not late.
            moment = time.time()
            came = moment if known != self._mark(identity, record) else progressed
            return rollout.status(record, self._of(identity), came, moment)

    def delete(self, namespace: str, name: str) -> bool:
        """Begin to end a pod; False when there is none."""
        with self._lock:
            pod = self._pods.get((namespace, name))
            if pod is not None:
                pod.deleting = True
            return pod is not None

    def logs(self, namespace: str, name: str, previous: bool = False) -> str:
        """LabError when there are none."""
        with self._lock:
            pod = self._pods.get((namespace, name))
            seat = self._seats.get(pod.node) if pod else None
        if pod is None:
            raise LabError(f'Error from server (NotFound): pods "{name}" not found')
        if seat is None or not pod.status:
            raise LabError(f"Error from server (BadRequest): pod {name} has not started: {pod.pending or 'waiting'}")
        try:
            return seat.link.logs(name, previous)
        except OSError as error:
            raise LabError(f"Error from server: Get logs of {seat.node.address}:10250: {error}") from None

    def run_once(self, pod: Pod, seconds: float, given_up: threading.Event) -> tuple[int, str]:
        """A job's pod: wait for its end; exit code and output. LabError when it cannot begin."""
        pod.spec.setdefault("restartPolicy", "Never")
        with self._lock:
            self._pods[pod.namespace, pod.name] = pod
        deadline = time.monotonic() + seconds
        while pod.status.get("state") != "terminated":
            if pod.trouble[0] == "ImagePullBackOff":
                self.delete(pod.namespace, pod.name)
                raise LabError(pod.trouble[1])
            if self._ended.is_set() or given_up.is_set() or time.monotonic() > deadline:
                self.delete(pod.namespace, pod.name)
                return 137, "DeadlineExceeded: the pod was ended\n"
            time.sleep(0.1)
        said = self.logs(pod.namespace, pod.name)
        code = int(pod.status["code"])
        self.delete(pod.namespace, pod.name)
        return code, said

    # The loop

    def _run(self) -> None:
        while not self._ended.wait(TURN_SECONDS):
            try:
                self.turn()
                self.trouble = ""
            except Exception as error:  # a controller that stumbles tries again
                self.trouble = f"{type(error).__name__}: {error}"

    def turn(self) -> None:
        """One round of everything."""
        with self._lock:
            self._take_nodes()
            self._hear()
            self._roll()
            self._place()
            self._tell()

    def _take_nodes(self) -> None:
        there = {node.name: node for node in self._nodes()}
        for name in set(self._seats) - set(there):
            self._seats.pop(name).gone.set()
            for key in [key for key, pod in self._pods.items() if pod.node == name]:
                del self._pods[key]
        for name, node in there.items():
            if name not in self._seats:
                seat = self._seats[name] = _Seat(node, self._reach(node))
                threading.Thread(target=self._attend, args=(seat,), name=f"node-{name}", daemon=True).start()

    def _attend(self, seat: _Seat) -> None:
        while not seat.gone.wait(TURN_SECONDS):
            if not seat.told:
                continue
            try:
                seat.said = seat.link.sync(seat.told)
                seat.heard = time.monotonic()
            except (OSError, ValueError):
                seat.gone.wait(1.0)

    def _hear(self) -> None:
        now = time.time()
        for key, pod in list(self._pods.items()):
            seat = self._seats.get(pod.node)
            if seat is None:
                if pod.deleting and not pod.node:
                    del self._pods[key]
                continue
            pod.lost = not seat.reachable()
            if pod.lost and time.monotonic() - seat.heard > UNHEARD_SECONDS + EVICTED_SECONDS:
                pod.deleting = True
            told = [one["name"] for one in seat.told.get("pods", [])]
            if pod.deleting and (not pod.description or (seat.said is not None and self._left(pod, seat, told))):
                del self._pods[key]
                continue
            if seat.said is not None and pod.name in seat.said:
                was, pod.status = pod.ready, seat.said[pod.name]
                if pod.ready and not was:
                    pod.ready_since = now

    @staticmethod
    def _left(pod: Pod, seat: _Seat, told: list[str]) -> bool:
        return pod.name not in told and seat.said is not None and pod.name not in seat.said

    def _of(self, identity: str) -> list[Pod]:
        return [pod for pod in self._pods.values() if f"{pod.namespace}/{pod.owner}" == identity and pod.owner]

    def _roll(self) -> None:
        deployments = self._records(DEPLOYMENT)
        for pod in self._pods.values():
            if pod.owner and f"{pod.namespace}/{pod.owner}" not in deployments:
                pod.deleting = True
        self._progress = {key: one for key, one in self._progress.items() if key in deployments}
        for identity, record in deployments.items():
            pods = self._of(identity)
            step = rollout.step(record["spec"], pods, time.time())
            for pod in pods:
                pod.deleting = pod.deleting or pod.name in step.delete
            for _ in range(step.create):
                self._make(identity, record["spec"]["template"])
            mark = self._mark(identity, record)
            if self._progress.get(identity, (None, 0.0))[0] != mark:
                self._progress[identity] = (mark, time.time())

    def _mark(self, identity: str, record: Mapping[str, Any]) -> list[Any]:
        """Of a rollout: when it is another one, the rollout has come on."""
        seen = rollout.status(record, self._of(identity), time.time(), time.time())
        return [seen.get(f"{one}Replicas") for one in ("updated", "ready", "available")] + [record["spec"]]

    def _make(self, identity: str, template: Mapping[str, Any]) -> None:
        namespace, _, owner = identity.partition("/")
        revision = rollout.revision(template)
        name = f"{owner}-{revision}-{rollout.suffix(secrets.token_bytes(5))}"
        labels = {**((template.get("metadata") or {}).get("labels") or {}), "pod-template-hash": revision}
        self._pods[namespace, name] = Pod(namespace, name, labels, dict(template["spec"]), owner, revision)

    def _place(self) -> None:
        nodes = [
            seat.node if seat.reachable() else replace(seat.node, taints=(*seat.node.taints, UNREACHABLE))
            for seat in self._seats.values()
            if seat.registered
        ]
        for pod in sorted(self._pods.values(), key=lambda one: one.created):
            if not pod.node and not pod.deleting:
                placed = [one for one in self._pods.values() if one.node and one.phase not in ("Succeeded", "Failed")]
                pod.node, pod.pending = scheduler.choose(pod, nodes, placed)

    def _tell(self) -> None:
        for pod in self._pods.values():
            if pod.node and not pod.description and not pod.deleting:
                self._describe(pod)
        known = endpoints.services(self._records(SERVICE), list(self._pods.values()), self._addresses)
        for seat in self._seats.values():
            its = [pod for pod in self._pods.values() if pod.node == seat.node.name and pod.description]
            seat.told = {
                "range": seat.node.pods,
                "unmasked": list(seat.node.unmasked),
                "pods": [pod.description for pod in its if not pod.deleting],
                "services": known,
            }

    def _describe(self, pod: Pod) -> None:
        try:
            pod.description = self._descriptions.pod(pod.namespace, pod.name, pod.labels, pod.spec)
            pod.trouble = ("", "")
        except ConfigError as error:
            pod.trouble = ("CreateContainerConfigError", str(error))
        except ImageError as error:
            pod.trouble = ("ImagePullBackOff", str(error))
        except LabError as error:  # as an event says it
            pod.trouble = ("ContainerCreating", str(error))
