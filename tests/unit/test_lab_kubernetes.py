"""The rules of the lab's cluster, as tables: rollouts, the scheduler, probes, Services, an Ingress, a node's rules."""

import base64
import time
from typing import Any

import pytest

from lab.client import LabError
from lab.services.kubernetes import endpoints, rollout, scheduler
from lab.services.kubernetes.changes import merged
from lab.services.kubernetes.descriptions import ConfigError, Descriptions, ImageError, MountError
from lab.services.kubernetes.kubelet import network, probes
from lab.services.kubernetes.kubelet.worker import next_pause
from lab.services.kubernetes.objects import Node, Pod, Taint, quantity, requests

NOW = 1000.0
TEMPLATE = {"metadata": {"labels": {"app": "crm"}}, "spec": {"containers": [{"name": "application"}]}}
HERE = rollout.revision(TEMPLATE)


def pods(text: str) -> list[Pod]:
    """Letters: N new, O old; ready unless followed by `-` (running) or `.` (pending); `x` before it: being ended."""
    found: list[Pod] = []
    for at, word in enumerate(text.split()):
        letter = word.lstrip("x")
        pod = Pod("ns", f"{word}{at}", {"app": "crm"}, {}, "crm", HERE if letter[0] == "N" else "old")
        pod.created, pod.deleting = NOW - 100 + at, word.startswith("x")
        if "." not in word:
            pod.node, pod.status = (
                f"node-{at}",
                {"state": "running", "ready": "-" not in word, "address": f"10.0.0.{at}"},
            )
            pod.ready_since = NOW - 50 + at
        found.append(pod)
    return found


def spec(replicas: int, surge: Any = 1, unavailable: Any = 0, **more: Any) -> dict[str, Any]:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return {"replicas": replicas, "template": TEMPLATE, "strategy": strategy, **more}


@pytest.mark.parametrize(
    ("wanted", "there", "create", "delete"),
    [
        pytest.param(spec(3), "", 3, "", id="from nothing: all at once"),
        pytest.param(spec(0), "N N", 0, "N1 N0", id="to nothing"),
        pytest.param(spec(2), "N N N", 0, "N2", id="the newest goes"),
        pytest.param(spec(2), "N N N-", 0, "N-2", id="one that is not ready goes first"),
        pytest.param(spec(1), "N N- N.", 0, "N.2 N-1", id="one without a node before it"),
        pytest.param(spec(3), "O O O", 1, "", id="surge 1: one new beside three old"),
        pytest.param(spec(3), "O O O N-", 0, "", id="nothing goes before the new one is ready"),
        pytest.param(spec(3), "O O O N", 0, "O2", id="then one old goes"),
        pytest.param(spec(3), "xO O O N", 1, "", id="who is being ended counts no more"),
        pytest.param(spec(3), "O N N N", 0, "O0", id="the last old one"),
        pytest.param(spec(3), "N N N", 0, "", id="done"),
        pytest.param(spec(3), "O O- O N", 0, "O-1", id="an old one that is ill goes first"),
        pytest.param(spec(3, 0, 1), "O O O", 0, "O2", id="no surge: an old one goes first"),
        pytest.param(spec(3, 0, 1), "O O", 1, "", id="then a new one comes"),
        pytest.param(spec(4, "25%", "25%"), "O O O O", 1, "", id="shares"),
        pytest.param(spec(3, minReadySeconds=60), "O O O N", 0, "", id="not ready for long enough"),
        pytest.param({**spec(2), "strategy": {"type": "Recreate"}}, "O O", 0, "O0 O1", id="Recreate: all old ones"),
        pytest.param({**spec(2), "strategy": {"type": "Recreate"}}, "xO xO", 0, "", id="Recreate: waits for their end"),
        pytest.param({**spec(2), "strategy": {"type": "Recreate"}}, "", 2, "", id="Recreate: then the new"),
    ],
)
def test_a_rollouts_next_step(wanted: dict[str, Any], there: str, create: int, delete: str) -> None:
    assert rollout.step(wanted, pods(there), NOW) == rollout.Step(create, tuple(delete.split()))


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "found"),
    [(3, "25%", "25%", (1, 0)), (4, "25%", "25%", (1, 1)), (1, 0, 0, (0, 1)), (10, "30%", 2, (3, 2))],
)
def test_shares_of_a_rollout_are_rounded_as_kubernetes_does(
    replicas: int, surge: Any, unavailable: Any, found: tuple[int, int]
) -> None:
    assert rollout.limits(spec(replicas, surge, unavailable)) == found


@pytest.mark.parametrize(
    ("there", "generation", "late", "said", "done"),
    [
        ("N N N", 1, False, 'deployment "crm" successfully rolled out', True),
        ("N N", 1, False, "2 out of 3 new replicas have been updated...", False),
        ("N N N O", 1, False, "1 old replicas are pending termination...", False),
        ("N N N-", 1, False, "2 of 3 updated replicas are available...", False),
        ("N N N-", 1, True, 'error: deployment "crm" exceeded its progress deadline', True),
    ],
)
def test_what_rollout_status_says(there: str, generation: int, late: bool, said: str, done: bool) -> None:
    record = {"metadata": {"name": "crm", "generation": generation}, "spec": spec(3)}
    status = rollout.status(record, pods(there), NOW - (601 if late else 0), NOW)
    assert rollout.words(record, status) == (
        said if done else f'Waiting for deployment "crm" rollout to finish: {said}',
        done,
    )


def test_a_status_leaves_zeros_out_and_counts_who_is_there() -> None:
    record = {"metadata": {"name": "crm", "generation": 4}, "spec": spec(3)}
    status = rollout.status(record, pods("N N- O xO"), NOW, NOW)
    numbers = {key: value for key, value in status.items() if key != "conditions"}
    assert numbers == {
        "observedGeneration": 4, "replicas": 3, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        "unavailableReplicas": 1,
    }  # fmt: skip
    assert [one["status"] for one in status["conditions"]] == ["False", "True"]
    assert "readyReplicas" not in rollout.status(record, [], NOW, NOW)


def asking(cpu: str = "250m", memory: str = "256Mi", **more: Any) -> Pod:
    containers = [{"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]
    return Pod("ns", "crm-1", {}, {"containers": containers, **more}, "crm")


def node(name: str, zone: str = "a", **more: Any) -> Node:
    given: dict[str, Any] = {"cpu_milli": 1000, "memory_mib": 1024, "pods": "10.64.1.0/24", **more}
    labels = {"topology.kubernetes.io/zone": zone, **given.pop("labels", {})}
    return Node(name, "10.0.0.1", labels=labels, **given)


SYSTEM = Taint("dedicated", "system")
TOLERATES = {"tolerations": [{"key": "dedicated", "operator": "Equal", "value": "system", "effect": "NoSchedule"}]}


@pytest.mark.parametrize(
    ("pod", "nodes", "chosen", "words"),
    [
        (asking(), [], "", "no nodes available to schedule pods"),
        (asking(), [node("one")], "one", ""),
        (asking(), [node("one", taints=(SYSTEM,)), node("two")], "two", ""),
        (asking(**TOLERATES), [node("one", taints=(SYSTEM,))], "one", ""),
        (asking(tolerations=[{"operator": "Exists"}]), [node("one", taints=(SYSTEM,))], "one", ""),
        (
            asking(),
            [node("one", taints=(SYSTEM,))],
            "",
            "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: system}. preemption: 0/1 nodes are "
            "available: 1 Preemption is not helpful for scheduling.",
        ),
        (
            asking("2"),
            [node("one"), node("two", taints=(SYSTEM,))],
            "",
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {dedicated: system}. "
            "preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not "
            "helpful for scheduling.",
        ),
        (
            asking("2", "2Gi"),
            [node("one")],
            "",
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: 0/1 nodes are available: "
            "1 No preemption victims found for incoming pod.",
        ),
        (
            asking(nodeSelector={"pool": "serving"}),
            [node("one")],
            "",
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/1 nodes are "
            "available: 1 Preemption is not helpful for scheduling.",
        ),
        (asking(nodeSelector={"pool": "serving"}), [node("one"), node("two", labels={"pool": "serving"})], "two", ""),
    ],
)
def test_where_a_pod_goes(pod: Pod, nodes: list[Node], chosen: str, words: str) -> None:
    assert scheduler.choose(pod, nodes, []) == (chosen, words)


def test_pods_of_one_deployment_are_spread_over_zones_then_nodes_and_a_full_node_takes_none() -> None:
    nodes = [node("a1"), node("a2"), node("b1", "b")]
    placed: list[Pod] = []
    for at in range(12):
        pod = asking()
        pod.name = f"crm-{at}"
        pod.node = scheduler.choose(pod, nodes, placed)[0]
        placed.append(pod)
    assert [pod.node for pod in placed[:4]] == ["a1", "b1", "a2", "b1"]
    assert scheduler.choose(asking(), nodes, placed)[1].startswith("0/3 nodes are available: 3 Insufficient cpu, ")
    small = [node("one", pods="10.64.1.0/30")]
    two = [Pod("ns", str(at), {}, {}, node="one") for at in range(2)]
    assert "1 Too many pods" in scheduler.choose(asking(), small, two)[1]


@pytest.mark.parametrize(
    ("text", "number"), [("250m", 0.25), ("2", 2), (1.0, 1), ("512Mi", 2**29), ("1Gi", 2**30), ("0.5", 0.5)]
)
def test_quantities(text: Any, number: float) -> None:
    assert quantity(text) == number


def test_a_limit_without_a_request_is_one() -> None:
    limits = {"containers": [{"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}}]}
    assert requests(limits) == (100, 1024)
    with pytest.raises(ValueError, match="is no quantity"):
        quantity("much")


@pytest.mark.parametrize(
    ("first", "success", "failure", "answers", "verdicts"),
    [
        (False, 1, 3, "+", [True]),
        (False, 2, 3, "++", [False, True]),
        (True, 1, 3, "---", [True, True, False]),
        (True, 1, 3, "--+---", [True, True, True, True, True, False]),
        (True, 1, 1, "-+", [False, True]),
    ],
)
def test_a_probes_verdict(first: bool, success: int, failure: int, answers: str, verdicts: list[bool]) -> None:
    verdict = probes.Verdict(first, success, failure)
    assert [verdict.note(one == "+") for one in answers] == verdicts


def one_probe(**more: Any) -> dict[str, Any]:
    given = {"kind": "http", "port": 1, "path": "/", "headers": [], "delay": 0, "period": 0.05, "timeout": 1}
    return {**given, "success": 1, "failure": 2, **more}


def eventually(seen: Any, what: str) -> None:
    deadline = time.monotonic() + 60
    while not seen():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_nobody_is_killed_or_ready_before_the_startup_probe_is_good_and_ill_ones_are_said_to_be_dead() -> None:
    answers = {"/start": "no", "/live": "no", "/ready": ""}
    asked: list[str] = []

    def ask(probe: probes.Probe, address: str) -> str:
        asked.append(probe["path"])
        return answers[probe["path"]]

    kinds = {"startup": one_probe(path="/start", failure=1000), "liveness": one_probe(path="/live"),
             "readiness": one_probe(path="/ready")}  # fmt: skip
    watched = probes.Probes(kinds, "10.0.0.1", ask)
    watched.start()
    eventually(lambda: asked.count("/start") > 2, "asked")
    assert set(asked) == {"/start"}
    assert (watched.ready, watched.dead) == (False, "")
    answers["/start"] = ""
    eventually(lambda: watched.ready, "ready")
    eventually(lambda: watched.dead, "dead")
    assert watched.dead == "Container failed liveness probe, will be restarted (no)"
    answers["/ready"] = "HTTP probe failed with statuscode: 503"
    eventually(lambda: not watched.ready, "not ready")
    watched.stop()


def test_who_is_being_ended_is_not_killed_for_being_ill() -> None:
    watched = probes.Probes({"liveness": one_probe()}, "10.0.0.1", lambda probe, address: "no")
    assert watched.ready, "without a readiness probe a pod is ready as soon as it runs"
    watched.terminating.set()
    watched.start()
    time.sleep(0.3)
    watched.stop()
    assert watched.dead == ""


def test_the_pause_before_a_restart_doubles_up_to_five_minutes_and_is_forgotten_after_ten() -> None:
    pauses, pause = [], 0.0
    for _ in range(7):
        pause = next_pause(pause, 1.0)
        pauses.append(pause)
    assert pauses == [10, 20, 40, 80, 160, 300, 300]
    assert next_pause(300, 601) == 10


SERVICE = {
    "metadata": {"name": "crm"},
    "spec": {"selector": {"app": "crm"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
}
CONTAINER = {
    "name": "application",
    "ports": [{"name": "http", "containerPort": 8080}],
    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 2},
}


def served(text: str) -> list[Pod]:
    found = pods(text)
    for pod in found:
        pod.spec = {"containers": [CONTAINER]}
    return found


def test_a_service_leads_to_ready_pods_and_keeps_its_address() -> None:
    addresses = endpoints.ServiceAddresses("172.20.0.0/16")
    found = endpoints.services({"ns/crm": SERVICE, "ns/other": SERVICE}, served("N N- xN O"), addresses)
    assert found[0] == {
        "name": "crm", "namespace": "ns", "address": "172.20.0.2", "port": 80,
        "targets": [["10.0.0.0", 8080], ["10.0.0.3", 8080]],
    }  # fmt: skip
    assert addresses.of("ns/other") == "172.20.0.3"
    assert addresses.of("ns/crm") == "172.20.0.2"
    assert endpoints.services({"elsewhere/crm": SERVICE}, served("N"), addresses)[0]["targets"] == []


def ingress(**annotations: str) -> dict[str, Any]:
    backend = {"service": {"name": "crm", "port": {"name": "http"}}}
    paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
    return {
        "metadata": {"name": "crm", "annotations": annotations},
        "spec": {
            "tls": [{"hosts": ["crm.example.com"], "secretName": "crm-certificate"}],
            "rules": [{"host": "crm.example.com", "http": {"paths": paths}}],
        },
    }


TLS = {"data": {name: base64.b64encode(text).decode() for name, text in (("tls.crt", b"chain\n"), ("tls.key", b"key"))}}


def test_an_ingress_leads_to_ready_pods_and_is_asked_what_their_readiness_probe_asks() -> None:
    template = {"metadata": {"labels": {"app": "crm"}}, "spec": {"containers": [CONTAINER]}}
    given = ingress(**{endpoints.STATIC_ADDRESS: "crm-dr", endpoints.PLAIN_HTTP: "false"})
    found = endpoints.entry(
        "ns/crm", given, {"ns/crm": SERVICE}, {"ns/crm-certificate": TLS}, served("N N-"), [template]
    )
    assert (found.address_name, found.plain_http, found.certificate) == ("crm-dr", False, "chain\nkey\n")
    (backend,) = found.backends
    assert backend.targets == (("10.0.0.0", 8080),)
    assert backend.check == endpoints.Check("/ready", 5, 2, 1, 2)
    without = endpoints.entry("ns/crm", ingress(), {"ns/crm": SERVICE}, {"ns/crm-certificate": TLS}, [], [])
    assert without.plain_http
    assert without.backends == (endpoints.Backend("ns/crm", "crm.example.com", "/", False),)


@pytest.mark.parametrize(
    ("kind", "path", "asked", "taken"),
    [
        ("Prefix", "/", "/any/thing", True),
        ("Prefix", "/writer", "/writer", True),
        ("Prefix", "/writer", "/writer/now", True),
        ("Prefix", "/writer", "/writers", False),
        ("Exact", "/writer", "/writer/now", False),
        ("ImplementationSpecific", "/*", "/any", True),
        ("ImplementationSpecific", "/any", "/any/thing", False),
    ],
)
def test_which_requests_an_ingress_path_takes(kind: str, path: str, asked: str, taken: bool) -> None:
    given = ingress()
    given["spec"]["rules"][0]["http"]["paths"][0] |= {"path": path, "pathType": kind}
    (backend,) = endpoints.entry("ns/crm", given, {"ns/crm": SERVICE}, {"ns/crm-certificate": TLS}, [], []).backends
    assert backend.takes("crm.example.com", asked) is taken
    assert not backend.takes("other.example.com", asked)


@pytest.mark.parametrize(
    ("services", "secrets", "said"),
    [
        ({}, {"ns/crm-certificate": TLS}, 'could not find service "ns/crm"'),
        ({"ns/crm": SERVICE}, {}, 'secret "crm-certificate" does not exist'),
    ],
)
def test_an_ingress_whose_parts_are_not_there_says_which(services: Any, secrets: Any, said: str) -> None:
    with pytest.raises(LabError, match=said):
        endpoints.entry("ns/crm", ingress(), services, secrets, [], [])


def test_a_nodes_rules_turn_a_service_into_its_pods_and_refuse_where_there_is_none() -> None:
    known = [
        {"name": "crm", "namespace": "ns", "address": "172.20.0.2", "port": 80,
         "targets": [["10.64.1.2", 8080], ["10.64.2.2", 8080]]},
        {"name": "cache", "namespace": "ns", "address": "172.20.0.3", "port": 6379, "targets": []},
    ]  # fmt: skip
    text = network.rules("10.64.1.0/24", ["10.0.0.0/8"], known)
    chosen = "{ 0 : 10.64.1.2 . 8080, 1 : 10.64.2.2 . 8080 }"
    turned = f"ip daddr 172.20.0.2 tcp dport 80 dnat ip to numgen random mod 2 map {chosen}"
    assert text.count(turned) == 2, "of pods, and of the node itself"
    assert text.count("ip daddr 172.20.0.3 tcp dport 6379 reject with icmp port-unreachable") == 2
    assert "ip saddr 10.64.1.0/24 ip daddr != { 10.0.0.0/8, 10.64.1.0/24 } masquerade" in text
    assert "ip saddr 10.64.1.2 ip daddr 10.64.1.2 masquerade" in text, "a pod that is led to itself"
    hosts = network.hosts("crm-1", "10.64.1.2", "ns", known).splitlines()
    assert hosts[1:] == [
        "10.64.1.2 crm-1",
        "172.20.0.2 crm.ns.svc.cluster.local crm.ns.svc crm.ns crm",
        "172.20.0.3 cache.ns.svc.cluster.local cache.ns.svc cache.ns cache",
    ]
    assert network.hosts("x", "10.64.1.3", "elsewhere", known).splitlines()[2].endswith("crm.ns"), "no short name there"


def test_an_address_that_was_given_back_is_the_last_to_be_given_again() -> None:
    addresses = network.Addresses("10.64.1.0/30")
    first = addresses.take()
    addresses.give_back(first)
    assert [addresses.take(), addresses.take()] == ["10.64.1.2", first]
    with pytest.raises(LookupError, match=r"no addresses left in 10\.64\.1\.0/30"):
        addresses.take()


def described(container: dict[str, Any], **records: Any) -> dict[str, Any]:
    tokens = {"maps": "kubernetes:core/v1:ConfigMap", "secrets": "kubernetes:core/v1:Secret"}
    there = {token: records[kind] for kind, token in tokens.items() if kind in records}
    images = {"registry.example.net/crm": ("python3", "-m", "crm")}
    descriptions = Descriptions(lambda token: there.get(token, {}), lambda claims: "", "https://issuer", images)
    return descriptions.pod("ns", "crm-1", {}, {"containers": [{"name": "c", **container}], **records.get("pod", {})})


def test_a_pod_without_a_command_runs_what_its_image_is_known_for() -> None:
    image = {"image": "registry.example.net/crm@sha256:ab"}
    assert described(image)["command"] == ["python3", "-m", "crm"]
    assert described({**image, "args": ["--port", "1"]})["command"] == ["python3", "-m", "crm", "--port", "1"]
    assert described({**image, "command": ["true"]})["command"] == ["true"]
    with pytest.raises(ImageError, match=r'image "other@sha256:ab": not found .*: registry.example.net/crm\)'):
        described({"image": "other@sha256:ab"})


@pytest.mark.parametrize(
    ("container", "error", "said"),
    [
        ({"envFrom": [{"configMapRef": {"name": "gone"}}]}, ConfigError, 'configmap "gone" not found'),
        ({"envFrom": [{"secretRef": {"name": "gone"}}]}, ConfigError, 'secret "gone" not found'),
        (
            {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "told", "key": "gone"}}}]},
            ConfigError,
            "couldn't find key gone in ConfigMap ns/told",
        ),
        ({"livenessProbe": {"exec": {"command": ["true"]}}}, LabError, "ask probes httpGet"),
        ({"livenessProbe": {"tcpSocket": {"port": "gone"}}}, LabError, "has no port 'gone'"),
    ],
)
def test_what_a_pod_names_and_is_not_there_is_said_as_the_kubelet_says_it(
    container: dict[str, Any], error: type[LabError], said: str
) -> None:
    with pytest.raises(error, match=said):
        described({"command": ["true"], **container}, maps={"ns/told": {"data": {"A": "1"}}})


def test_keys_that_are_no_variables_are_no_environment_and_a_volume_needs_its_source() -> None:
    maps = {"ns/told": {"data": {"A": "1", "ca.pem": "PEM"}}}
    found = described({"command": ["true"], "envFrom": [{"configMapRef": {"name": "told"}}]}, maps=maps)
    assert {key: value for key, value in found["env"].items() if key not in ("PATH", "HOSTNAME")} == {"A": "1"}
    wanted = {"volumes": [{"name": "v", "configMap": {"name": "gone"}}]}
    with pytest.raises(MountError, match='configmap "gone" not found'):
        described({"command": ["true"]}, pod=wanted)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_a_merge_patch(old: Any, new: Any, found: Any) -> None:
    assert merged(old, new) == found
