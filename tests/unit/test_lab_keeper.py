"""A cluster's loop with nodes that are played: Deployments, nodes that come and go or fall silent, jobs, kubectl."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.client import LabError
from lab.methods import wait_until
from lab.services import cluster as cluster_module
from lab.services import kubectl
from lab.services.cluster import Cluster
from lab.services.kubernetes import keeper as keeper_module
from lab.services.kubernetes.keeper import DEPLOYMENT, Keeper
from lab.services.kubernetes.objects import Node
from lab.services.kubernetes.rollout import PROGRESS_SECONDS

IMAGE = "registry.example.net/crm"


class Played:
    """A node's kubelet: each pod runs at once, is ready unless its word says no, and is gone when it is not wanted."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.silent = False
        self.pods: dict[str, dict[str, Any]] = {}
        self.services: list[dict[str, Any]] = []
        self._next = 1

    def sync(self, told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        if self.silent:
            raise OSError("no route")
        self.services = list(told["services"])
        wanted = {pod["name"]: pod for pod in told["pods"]}
        self.pods = {name: pod for name, pod in self.pods.items() if name in wanted}
        for name, pod in wanted.items():
            if name not in self.pods:
                address = f"{self.node.pods.rpartition('.')[0]}.{self._next}"
                self.pods[name] = {**pod, "address": address}
                self._next += 1
        return {name: self._status(pod) for name, pod in self.pods.items()}

    def _status(self, pod: Mapping[str, Any]) -> dict[str, Any]:
        said = {"address": pod["address"], "restarts": 0, "started": time.time()}
        if pod["restart"] == "Never":
            return {**said, "state": "terminated", "ready": False, "code": 3, "reason": "Error", "finished": 1.0}
        return {**said, "state": "running", "ready": pod["env"].get("WORD") != "ill"}

    def logs(self, pod: str, previous: bool) -> str:
        return f"{pod} said\nits last line\n"


class World:
    def __init__(self) -> None:
        container = {
            "name": "application", "image": f"{IMAGE}@sha256:00", "envFrom": [{"configMapRef": {"name": "told"}}],
            "resources": {"requests": {"cpu": "250m"}}, "ports": [{"name": "http", "containerPort": 8080}],
        }  # fmt: skip
        self.records: dict[str, dict[str, Any]] = {
            "kubernetes:core/v1:ConfigMap": {"ns/told": {"metadata": {"name": "told"}, "data": {"WORD": "first"}}},
            "kubernetes:core/v1:Service": {
                "ns/crm": {"metadata": {"name": "crm"},
                           "spec": {"selector": {"app": "crm"}, "ports": [{"port": 80, "targetPort": "http"}]}}
            },
            "kubernetes:apps/v1:Deployment": {
                "ns/crm": {
                    "metadata": {"name": "crm", "namespace": "ns", "generation": 1, "uid": "1"},
                    "spec": {
                        "replicas": 3.0,
                        "selector": {"matchLabels": {"app": "crm"}},
                        "strategy": {"rollingUpdate": {"maxSurge": 1.0, "maxUnavailable": 0.0}},
                        "template": {"metadata": {"labels": {"app": "crm"}}, "spec": {"containers": [container]}},
                    },
                }
            },
        }  # fmt: skip
        self.nodes = [Node(f"node-{at}", f"10.0.0.{at}", f"10.64.{at}.0/24", 1000, 4096) for at in (1, 2)]
        self.played: dict[str, Played] = {}
        images = {IMAGE: ("crm",)}
        self.cluster = Cluster(
            lambda token: dict(self.records.get(token, {})),
            lambda claims: "",
            "https://issuer",
            None,
            "",
            self.put,
            images,
        )
        self.keeper = self.cluster.keeper = Keeper(
            self.cluster.records, self.cluster.descriptions, lambda: self.nodes, self.reach, "172.20.0.0/16"
        )

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.records[token][identity] = record

    def reach(self, node: Node) -> Played:
        return self.played.setdefault(node.name, Played(node))

    def run(self, *words: str, stdin: str = "") -> dict[str, Any]:
        return kubectl.run({"": self.cluster}, ["-n", "ns", *words], stdin)

    def must(self, *words: str, stdin: str = "") -> str:
        said = self.run(*words, stdin=stdin)
        assert said["code"] == 0, said
        return str(said["out"])

    def pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.must("get", "pods", "-o", "json"))["items"]
        return found

    def rolled_out(self) -> str:
        return self.must("rollout", "status", "deployment/crm", "--timeout=60s")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(keeper_module, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(cluster_module, "BACK_OFF_SECONDS", 0.05)
    made = World()
    # Pods spread over nodes that are heard of; on a busy machine one of them comes later.
    asked = made.records.pop(DEPLOYMENT)
    made.cluster.start()
    wait_until(lambda: [ready for _, ready in made.keeper.nodes()] == [True, True], 60, "both nodes")
    made.records[DEPLOYMENT] = asked
    yield made
    made.cluster.stop()


def test_a_deployment_comes_is_scaled_and_goes_with_its_record(world: World) -> None:
    assert world.rolled_out().endswith('deployment "crm" successfully rolled out\n')
    pods = world.pods()
    assert len(pods) == 3
    assert all(one["metadata"]["name"].startswith("crm-") and one["status"]["phase"] == "Running" for one in pods)
    assert len({one["status"]["podIP"] for one in pods}) == 3
    shown = json.loads(world.must("get", "deployment", "crm", "-o", "json"))
    assert (shown["kind"], shown["spec"]["replicas"], shown["status"]["readyReplicas"]) == ("Deployment", 3, 3)
    assert world.must("scale", "deployment", "crm", "--replicas", "1") == "deployment.apps/crm scaled\n"
    wait_until(lambda: len(world.pods()) == 1, 60, "one pod")
    assert world.must("scale", "deployment/crm", "--replicas=2") == "deployment.apps/crm scaled\n"
    world.rolled_out()
    assert world.records["kubernetes:apps/v1:Deployment"]["ns/crm"]["metadata"]["generation"] == 3
    table = world.must("get", "deployments").splitlines()
    assert table[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE"]
    assert table[1].split() == ["crm", "2/2", "2", "2"]
    del world.records["kubernetes:apps/v1:Deployment"]["ns/crm"]
    wait_until(lambda: not world.pods(), 60, "no pod")
    assert not any(one.pods for one in world.played.values()), "nothing is left on nodes"
    assert world.must("get", "pods") == "No resources found in ns namespace.\n"


def test_a_new_template_is_not_late_because_the_rollout_before_it_is_long_ago(world: World) -> None:
    """`pulumi up` asks at once, before the keeper has seen it."""
    world.rolled_out()
    record, identity = world.records[DEPLOYMENT]["ns/crm"], "ns/crm"
    wait_until(lambda: identity in world.keeper._progress, 60, "the keeper's round")
    mark, _ = world.keeper._progress[identity]
    world.keeper._progress[identity] = (mark, time.time() - 2 * PROGRESS_SECONDS)
    template = {**record["spec"]["template"], "metadata": {"labels": {"app": "crm", "told": "anew"}}}
    found = world.keeper.status(identity, {**record, "spec": {**record["spec"], "template": template}})
    assert [one["reason"] for one in found["conditions"]][-1] == "ReplicaSetUpdated"


def words_of(world: World) -> set[str]:
    return {pod["env"]["WORD"] for one in world.played.values() for pod in one.pods.values()}


def test_a_changed_configmap_changes_nothing_until_a_rollout_and_one_that_makes_pods_ill_stops_it(world: World) -> None:
    world.rolled_out()
    change = ("patch", "configmap", "told", "--type", "merge", "-p", json.dumps({"data": {"WORD": "second"}}))
    assert world.must(*change) == "configmap/told patched\n"
    assert world.must(*change) == "configmap/told patched (no change)\n"
    assert words_of(world) == {"first"}
    assert world.must("rollout", "restart", "deployment/crm") == "deployment.apps/crm restarted\n"
    world.rolled_out()
    wait_until(lambda: words_of(world) == {"second"}, 60, "the second word")
    world.must("patch", "configmap/told", "--type=merge", '--patch={"data": {"WORD": "ill"}}')
    time.sleep(1.1)  # two restarts within a second are refused, as there
    world.must("rollout", "restart", "deployment", "crm")
    status = ("rollout", "status", "deployment/crm", "--timeout=1s")
    begun = "1 out of 3 new replicas have been updated"
    wait_until(lambda: begun in world.run(*status)["out"], 60, begun)
    said = world.run(*status)
    assert (said["code"], said["err"]) == (1, "error: timed out waiting for the condition\n")
    ready = [one for one in world.pods() if one["status"]["containerStatuses"][0]["ready"]]
    assert len(ready) == 3, "maxUnavailable 0: the old ones serve on"


def test_what_operations_say_to_a_cluster(world: World) -> None:
    """The words of operations/moves/logical/pods.py."""
    world.rolled_out()
    asked = ("get", "deployments", "crm", "crm-warm", "--ignore-not-found", "--output", "json")
    found = json.loads(world.must(*asked))
    assert [one["metadata"]["name"] for one in found["items"]] == ["crm"], "a list, also of one"
    assert world.must("get", "deployments", "gone", "--ignore-not-found", "-o", "json") == ""
    meta = {"spec": {"template": {"metadata": {"annotations": {"twinsite/role-of": "writer-2"}}}}}
    patch = ("patch", "deployment/crm", "--type=merge", f"--patch={json.dumps(meta)}")
    before = {one["metadata"]["name"] for one in world.pods()}
    assert world.must(*patch) == "deployment.apps/crm patched\n"
    assert json.loads(world.must(*asked))["items"][0]["metadata"]["generation"] == 2
    world.rolled_out()
    wait_until(lambda: not before & {one["metadata"]["name"] for one in world.pods()}, 60, "begun anew")
    after = {one["metadata"]["name"] for one in world.pods()}
    assert world.must(*patch) == "deployment.apps/crm patched (no change)\n"
    time.sleep(0.3)
    assert {one["metadata"]["name"] for one in world.pods()} == after, "said twice, it restarts once"


def test_pods_of_a_node_that_is_taken_away_come_elsewhere_and_without_any_node_they_wait(world: World) -> None:
    world.rolled_out()
    both = list(world.nodes)
    world.nodes[:] = both[:1]
    wait_until(lambda: {one["spec"].get("nodeName") for one in world.pods()} == {"node-1"}, 60, "all on the first")
    world.rolled_out()
    world.nodes.clear()
    wait_until(lambda: [one["spec"].get("nodeName") for one in world.pods()] == [None] * 3, 60, "all waiting")
    said = world.pods()[0]["status"]
    assert said["phase"] == "Pending"
    assert "Warning  FailedScheduling  no nodes available to schedule pods" in world.must("describe", "pods")
    assert said["conditions"][0]["message"] == "no nodes available to schedule pods"
    world.nodes[:] = both
    world.rolled_out()
    assert world.must("get", "nodes", "-o", "name") == "node/node-1\nnode/node-2\n"


def test_a_node_that_falls_silent_takes_no_pods_and_its_own_are_behind_no_service(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper_module, "UNHEARD_SECONDS", 2.0)
    world.rolled_out()
    silent = world.played["node-2"]
    names = set(silent.pods)
    silent.silent = True

    def behind() -> set[str]:
        return {address for one in world.played["node-1"].services for address, _ in one["targets"]}

    wait_until(lambda: behind() == {pod["address"] for pod in world.played["node-1"].pods.values()}, 60, "out of it")
    assert silent.pods, "nobody can end them there"

    def said() -> str:
        node = json.loads(world.must("get", "node", "node-2", "-o", "json"))
        return str(node["status"]["conditions"][0]["status"])

    wait_until(lambda: said() == "Unknown", 60, "a node that is not ready")
    silent.silent = False
    wait_until(lambda: len(behind()) == 3, 60, "back in it")
    assert names <= set(silent.pods), "its pods were never ended"
    silent.silent = True
    monkeypatch.setattr(keeper_module, "EVICTED_SECONDS", 2.0)
    wait_until(
        lambda: sum(1 for one in world.pods() if "deletionTimestamp" in one["metadata"]) == len(names), 30, "to go"
    )
    wait_until(lambda: len(world.played["node-1"].pods) == 3, 60, "others elsewhere")


def test_a_pod_is_deleted_by_name_and_another_comes(world: World) -> None:
    world.rolled_out()
    name = world.pods()[0]["metadata"]["name"]
    assert world.must("logs", name, "--tail=1") == "its last line\n"
    assert world.must("delete", "pod", name) == f'pod "{name}" deleted\n'
    world.rolled_out()
    assert name not in {one["metadata"]["name"] for one in world.pods()}
    assert 'pods "gone" not found' in world.run("delete", "pod", "gone")["err"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("get", "deployment", "gone"), 'Error from server (NotFound): deployments.apps "gone" not found'),
        (("get", "configmap", "gone"), 'Error from server (NotFound): configmaps "gone" not found'),
        (("scale", "deployment", "gone", "--replicas=1"), 'deployments.apps "gone" not found'),
        (("scale", "deployment", "crm"), "the --replicas=COUNT flag is required"),
        (("patch", "configmap", "told", "-p", "{}"), "patches with --type merge"),
        (("patch", "configmap", "told", "--type=merge", "-p", "{"), "unable to parse"),
        (("patch", "configmap", "told", "--type=merge", "-p", '{"data": {"A": 1}}'), "data must be texts"),
        (("rollout", "undo", "deployment/crm"), "does not know rollout undo"),
        (("rollout", "status", "deployment/crm", "--timeout=soon"), 'invalid argument "soon" for "--timeout"'),
        (("patch", "service", "crm", "--type=merge", "-p", "{}"), "patches configmap and deployment by NAME"),
        (("get", "secrets"), 'has no resource type "secrets"'),
        (("get", "pods", "-o", "yaml"), "prints -o json, name or wide"),
    ],
)
def test_what_is_wrong_is_said(world: World, words: tuple[str, ...], said: str) -> None:
    found = world.run(*words)
    assert found["code"] == 1
    assert said in found["err"]


def test_a_job_of_a_program_runs_once_and_goes_with_its_record(world: World) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "once", "command": ["true"]}]}}
    record = {"metadata": {"name": "once", "uid": "u1"}, "spec": {"backoffLimit": 1, "template": template}}
    world.records["kubernetes:batch/v1:Job"] = {"ns/once": record}
    found = json.loads(world.must("get", "job", "once", "-o", "json"))
    assert found["kind"] == "Job"
    wait_until(lambda: bool(world.cluster.job("ns", "once").outcome), 60, "its end")
    job = world.cluster.job("ns", "once")
    assert (job.outcome, len(job.pods), job.pods[0].code) == ("Failed", 2, 3)
    assert world.must("logs", "job/once").endswith("said\nits last line\n")
    world.cluster.take_recorded()
    assert len(world.cluster.jobs("ns")) == 1, "once"
    world.records["kubernetes:batch/v1:Job"].clear()
    world.cluster.take_recorded()
    with pytest.raises(LabError, match="NotFound"):
        world.cluster.job("ns", "once")


def test_a_pod_whose_configmap_is_not_there_waits_and_begins_when_it_is(world: World) -> None:
    world.rolled_out()
    told = world.records["kubernetes:core/v1:ConfigMap"].pop("ns/told")
    world.must("scale", "deployment", "crm", "--replicas=4")
    states = lambda: [one["status"].get("containerStatuses", [{}])[0].get("state") for one in world.pods()]  # noqa: E731
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": 'configmap "told" not found'}}
    wait_until(lambda: waiting in states(), 60, "waiting")
    world.records["kubernetes:core/v1:ConfigMap"]["ns/told"] = told
    world.rolled_out()
