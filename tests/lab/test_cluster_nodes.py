"""A Deployment's pods on two node machines: addresses, probes, Services, rollouts, and nothing left."""

import functools
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.client import LabError
from lab.cloud_config import USER, cloud_config
from lab.model import Interface, Machine, Route, Rule, SecurityGroup, Subnet, Vpc, World
from lab.services import kubectl, node
from lab.services.cluster import Cluster
from lab.services.kubernetes.keeper import Keeper
from lab.services.kubernetes.objects import Node
from lab.services.netns import inside
from lab.services.node import KubeletLink

from .box_world import EVERYWHERE, Bench, authority, box_of_our_own, eventually
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.light]

VPC = Vpc("vpc-0n", "10.40.0.0/16", internet=True)
ADDRESSES = {"i-0n1": "10.40.1.11", "i-0n2": "10.40.1.12"}
PODS = {"i-0n1": "10.44.1.0/24", "i-0n2": "10.44.2.0/24"}
"""Outside the VPC's own range, as a subnet's secondary range at Google is."""
PAGE, WHERE = Path(__file__).parent / "cluster_nodes" / "page.py", "/usr/local/lib/lab/images/page.py"
IMAGE = "registry.example.net/page"


def world(key: str) -> World:
    anywhere = Rule("-1", -1, -1, EVERYWHERE)
    return World(
        vpcs=(VPC,),
        subnets=(Subnet("subnet-0n", VPC.id, "10.40.1.0/24", (Route(VPC.cidr, "local"), Route(EVERYWHERE, "igw"))),),
        groups=(SecurityGroup("sg-0n", VPC.id, (Rule("-1", -1, -1, group="sg-0n"),), (anywhere,)),),
        interfaces=tuple(
            Interface(f"eni-{one}", "subnet-0n", address, ("sg-0n",), prefixes=(PODS[one],))
            for one, address in ADDRESSES.items()
        ),
        machines=tuple(Machine(one, f"eni-{one}", cloud_config(f"node-{one[-1]}", key)) for one in ADDRESSES),
    )


def probe(path: str, **more: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 5, **more}


def deployment(replicas: int) -> dict[str, Any]:
    container = {
        "name": "application",
        "image": f"{IMAGE}@sha256:00",
        "ports": [{"name": "http", "containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": "told"}}],
        "startupProbe": probe("/health", failureThreshold=60),
        "livenessProbe": probe("/health", failureThreshold=3),
        "readinessProbe": probe("/ready", failureThreshold=1),
        "securityContext": {"readOnlyRootFilesystem": True},
        "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {
        "securityContext": {"runAsUser": 65532, "runAsGroup": 65532},
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {
        "metadata": {"name": "page", "namespace": "ns", "generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "page"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": {"app": "page"}}, "spec": pod},
        },
    }


class Bed:
    """A cluster of two machines."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.namespace = bench.box.vpc_namespace(VPC.id)
        service = {"selector": {"app": "page"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
        self.records: dict[str, dict[str, Any]] = {
            "kubernetes:apps/v1:Deployment": {"ns/page": deployment(2)},
            "kubernetes:core/v1:ConfigMap": {"ns/told": {"metadata": {"name": "told"}, "data": {"WORD": "first"}}},
            "kubernetes:core/v1:Service": {"ns/page": {"metadata": {"name": "page"}, "spec": service}},
        }
        self.nodes = [
            Node(f"node-{one[-1]}", address, PODS[one], 1000, 1024, machine=one, unmasked=("10.0.0.0/8",))
            for one, address in ADDRESSES.items()
        ]
        images = {IMAGE: ("python3", WHERE, "8080")}
        self.cluster = Cluster(
            self.listed, lambda claims: json.dumps(claims), "https://issuer", None, "", self.put, images
        )
        self.cluster.keeper = self.keeper = Keeper(
            self.listed, self.cluster.descriptions, lambda: self.nodes, self.reach, "172.20.0.0/16"
        )

    def listed(self, token: str) -> dict[str, Any]:
        return dict(self.records.get(token, {}))

    def put(self, token: str, identity: str, record: dict[str, Any]) -> None:
        self.records[token][identity] = record

    def reach(self, one: Node) -> KubeletLink:
        return KubeletLink(lambda: (one.address, self.namespace), self.bench.folder / "key", {WHERE: PAGE})

    def kubectl(self, *words: str, stdin: str = "") -> str:
        said = kubectl.run({"": self.cluster}, ["-n", "ns", *words], stdin)
        assert said["code"] == 0, said
        return str(said["out"])

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return found

    def get(self, address: str, path: str = "/") -> str:
        """A page of a pod, asked from the VPC's router, as a load balancer asks."""
        client = http.client.HTTPConnection(address, 8080)
        client.sock = inside(self.namespace, functools.partial(socket.create_connection, (address, 8080), 3))
        client.request("GET", path)
        return client.getresponse().read().decode()

    def on(self, one: Node, *words: str) -> str:
        options = [word for one in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
                   for word in ("-o", one)]  # fmt: skip
        ssh = ["ip", "netns", "exec", self.namespace, "ssh", *options, "-i", str(self.bench.folder / "key")]
        done = subprocess.run([*ssh, f"{USER}@{one.address}", *words], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with box_of_our_own(tmp_path_factory.mktemp("box"), "tk") as bench:
        bench.box.up_site({}, trust=authority(bench.folder))
        bench.box.apply(world(bench.key))
        for machine in ADDRESSES:
            eventually(functools.partial(bench.booted, machine), 90, f"the first boot of {machine}")
        made = Bed(bench)
        made.cluster.start()
        try:
            yield made
        finally:
            made.cluster.stop()


def test_pods_of_one_port_run_beside_each_other_are_probed_rolled_out_and_leave_nothing(bed: Bed) -> None:
    began = time.monotonic()
    assert "successfully rolled out" in bed.kubectl("rollout", "status", "deployment/page", "--timeout=60s")
    print(f"two pods ready after {time.monotonic() - began:.1f} s")
    bed.kubectl("scale", "deployment", "page", "--replicas", "3")
    bed.kubectl("rollout", "status", "deployment/page", "--timeout=60s")
    pods = bed.items()
    assert len(pods) == 3
    assert {one["spec"]["nodeName"] for one in pods} == {"node-1", "node-2"}, "spread, and two with one port on one"
    addresses = {one["metadata"]["name"]: one["status"]["podIP"] for one in pods}
    for name, address in addresses.items():
        assert bed.get(address) == f"{name} first"
    _asks_by_name(bed, addresses)
    _changes_by_rollout_alone(bed)
    _ready_and_alive(bed)
    bed.kubectl("scale", "deployment", "page", "--replicas=0")
    eventually(lambda: not bed.items(), 30, "no pod left")
    for one in bed.nodes:
        left = bed.on(one, "sh", "-c", "'ip netns list; ls /run/pods; systemctl list-units pod-* --no-legend'")
        assert left == "", left


def _asks_by_name(bed: Bed, addresses: dict[str, str]) -> None:
    asking = next(iter(addresses.values()))
    answers = {bed.get(asking, "/ask/page.ns.svc").split()[0] for _ in range(20)}
    assert answers <= set(addresses)
    assert len(answers) > 1, "a Service's name leads to all of its pods"
    seen = {bed.get(asking, f"/ask/{other}:8080/who") for other in addresses.values() if other != asking}
    assert seen == {asking}, "pods meet each other under their own addresses"


def _changes_by_rollout_alone(bed: Bed) -> None:
    patch = json.dumps({"data": {"WORD": "second"}})
    assert bed.kubectl("patch", "configmap", "told", "--type", "merge", "-p", patch) == "configmap/told patched\n"
    assert {bed.get(one["status"]["podIP"]).split()[1] for one in bed.items()} == {"first"}
    bed.kubectl("rollout", "restart", "deployment/page")
    began = time.monotonic()
    bed.kubectl("rollout", "status", "deployment/page", "--timeout=90s")
    print(f"three pods anew after {time.monotonic() - began:.1f} s")
    eventually(lambda: len(bed.items()) == 3, 30, "the old pods gone")
    assert {bed.get(one["status"]["podIP"]).split()[1] for one in bed.items()} == {"second"}
    assert bed.kubectl("logs", "deployment/page").startswith("began second")


def _ready_and_alive(bed: Bed) -> None:
    one, other = bed.items()[:2]
    name, address = one["metadata"]["name"], one["status"]["podIP"]
    bed.get(address, "/ill/ready")

    def of(wanted: str) -> dict[str, Any]:
        found = next(each for each in bed.items() if each["metadata"]["name"] == wanted)
        known: dict[str, Any] = found["status"]["containerStatuses"][0]
        return known

    before = of(name)["restartCount"]
    eventually(lambda: not of(name)["ready"], 20, "not ready")
    assert "Readiness probe failed: HTTP probe failed with statuscode: 503" in bed.kubectl("describe", "pod", name)
    assert of(name)["restartCount"] == before, "a pod that is not ready is left alone"
    asking = other["status"]["podIP"]
    # Its node's rules follow what the cluster knows.
    eventually(
        lambda: name not in {bed.get(asking, "/ask/page.ns.svc").split()[0] for _ in range(20)},
        10,
        "out of its Service",
    )
    bed.get(address, "/ill/health")
    eventually(
        lambda: (of(name).get("state") or {}).get("waiting", {}).get("reason") == "CrashLoopBackOff", 30, "killed"
    )
    eventually(lambda: of(name)["ready"] and of(name)["restartCount"] == before + 1, 60, "started anew, and well")
    assert bed.kubectl("logs", name, "--previous").startswith("began second")


def test_a_node_that_is_taken_away_takes_its_pods_along_and_others_come_elsewhere(bed: Bed) -> None:
    bed.put("kubernetes:apps/v1:Deployment", "ns/page", deployment(2))
    bed.kubectl("rollout", "status", "deployment/page", "--timeout=60s")
    both = list(bed.nodes)
    try:
        bed.nodes[:] = both[:1]
        eventually(lambda: {one["spec"].get("nodeName") for one in bed.items()} == {"node-1"}, 10, "all on the first")
        bed.kubectl("rollout", "status", "deployment/page", "--timeout=60s")
        bed.kubectl("scale", "deployment", "page", "--replicas=5")
        eventually(lambda: any(not one["spec"].get("nodeName") for one in bed.items()), 10, "one that fits nowhere")
        waiting = next(one for one in bed.items() if not one["spec"].get("nodeName"))
        said = waiting["status"]["conditions"][0]["message"]
        assert said.startswith("0/1 nodes are available: 1 Insufficient cpu. preemption:"), said
        bed.nodes[:] = both
        bed.kubectl("rollout", "status", "deployment/page", "--timeout=60s")
        assert len({one["spec"]["nodeName"] for one in bed.items()}) == 2
    finally:
        bed.nodes[:] = both


def test_a_jobs_pod_runs_to_its_end_and_what_it_said_is_kept(bed: Bed) -> None:
    container = {"name": "once", "image": IMAGE, "command": ["python3", "-c", "print('done'); raise SystemExit(3)"]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {"kind": "Job", "metadata": {"name": "once"}, "spec": {"backoffLimit": 0, "template": {"spec": pod}}}
    bed.kubectl("create", "-f", "-", stdin=json.dumps(job))
    eventually(lambda: bool(bed.cluster.job("ns", "once").outcome), 30, "its end")
    assert bed.cluster.job("ns", "once").outcome == "Failed"
    assert bed.kubectl("logs", "job/once") == "done\n"
    state = next(one for one in bed.items() if one["metadata"]["name"] == "once-00000")["status"]["containerStatuses"]
    assert state[0]["state"]["terminated"]["exitCode"] == 3
    with pytest.raises(LabError):
        bed.cluster.job("ns", "another")


def test_a_machine_without_an_agent_runs_a_jobs_pod_over_ssh(bed: Bed) -> None:
    """As the one node of a cluster that keeps no Deployments."""
    one = bed.nodes[0]
    bed.bench.box.place(one.machine, node.KUBELET, node.POD)
    run = node.runner(bed.namespace, bed.bench.folder / "key", one.address)
    cluster = Cluster(bed.listed, lambda claims: json.dumps(claims), "https://issuer", run)
    command = ["sh", "-c", "cat /etc/told/WORD; id -u; touch /usr/no; exit 4"]
    container = {"name": "alone", "image": IMAGE, "command": command,
                 "securityContext": {"readOnlyRootFilesystem": True, "runAsUser": 65532},
                 "volumeMounts": [{"name": "told", "mountPath": "/etc/told", "readOnly": True}]}  # fmt: skip
    volumes = [{"name": "told", "configMap": {"name": "told"}}]
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    cluster.create("ns", "alone", {"backoffLimit": 0, "template": {"spec": spec}}, {})
    eventually(lambda: bool(cluster.job("ns", "alone").outcome), 30, "its end")
    (pod,) = cluster.job("ns", "alone").pods
    assert pod.code == 4, pod.output
    word = bed.records["kubernetes:core/v1:ConfigMap"]["ns/told"]["data"]["WORD"]
    assert pod.output.startswith(f"{word}65532\n"), pod.output
    assert "Read-only file system" in pod.output


def test_a_kubelet_answers_nobody_without_its_token(bed: Bed) -> None:
    one = bed.nodes[0]
    client = http.client.HTTPConnection(one.address, 10250)
    client.sock = inside(bed.namespace, functools.partial(socket.create_connection, (one.address, 10250), 3))
    client.request("PUT", "/pods", json.dumps({"pods": []}), {"Authorization": "Bearer guessed"})
    assert client.getresponse().status == 401
