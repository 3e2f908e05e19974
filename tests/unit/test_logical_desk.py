"""What a move of the writer asks of Google, of kubectl and of registers, as each answers by its documents."""

import io
import json
import pathlib
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from operations import gke, worker
from operations.console import Plain
from operations.google import GoogleError
from operations.kubectl import Kubectl
from operations.moves import command
from operations.moves.logical.facts import Databases
from operations.moves.logical.facts_reader import FactsReader
from operations.moves.logical.pods import READER, WRITER, Pods, not_there
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.steps import StepFailed
from operations.subjects.postgres_replica import Gate, Look
from operations.transport import Unreachable
from operations.unanswered import CouldNotAsk
from operations.writer_registers import Registers, Unasked, opened
from tests.clouds_world import CLUSTER, GROUP, Clouds, FakeGoogle
from tests.google_http import Server, google_server, rpc_error
from tests.logical_world import AWAY, INVENTORY, JOB, PLACES, Model, install
from tests.writer_registers import MemoryRegister
from twinsite.guest.writer.registers import BlobRegister, GcsRegister, S3Register
from twinsite.guest.writer.rule import Said

GKE = INVENTORY.clusters[0]
SIZED = f"{CLUSTER}/nodePools/serving:setSize"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    yield slept


def quiet(_: str) -> None:
    return


class Sizes(FakeGoogle):
    """A pool whose nodes come one look after the size was told."""

    def __init__(self, busy: int = 0) -> None:
        super().__init__(Clouds().google)
        self.told: list[int] = []
        self.busy = busy
        self.answers = {**self.answers, SIZED: self.sized}

    def sized(self, body: Any) -> dict[str, Any]:
        if self.busy:
            self.busy -= 1
            words = "Cluster is running incompatible operation operation-1"
            raise GoogleError(f"container.googleapis.com says 400: {words}", "", 400, "FAILED_PRECONDITION")
        self.told.append(body["nodeCount"])
        for zone in "ab":
            coming = {"creating": 1} if len(self.told) == 1 and zone == "a" else {}
            self.answers = {
                **self.answers,
                GROUP.format(pool="serving", zone=zone): {"targetSize": body["nodeCount"], "currentActions": coming},
            }
        return {"name": "operation-2", "status": "RUNNING"}

    def get(self, service: str, path: str, **query: Any) -> Any:
        found = super().get(service, path, **query)
        if "serving-a" in path:
            # The next look finds them there.
            self.answers = {**self.answers, GROUP.format(pool="serving", zone="a"): {**found, "currentActions": {}}}
        return found


def test_a_pool_is_told_its_size_a_zone_once_and_waited_for() -> None:
    google = Sizes()
    assert gke.resize(GKE, 2, google, quiet, 60) == 4
    assert google.told == [2]
    assert gke.resize(GKE, 2, google, quiet, 60) == 4
    assert google.told == [2], "one that has its size is left alone"


def test_another_operation_of_the_cluster_is_waited_for(quick: list[float]) -> None:
    google = Sizes(busy=2)
    assert gke.resize(GKE, 1, google, quiet, 60) == 2
    assert google.told == [1] and len(quick) >= 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({SIZED: GoogleError("says 403", "have a role", 403, "IAM_PERMISSION_DENIED")}, "says 403: have a role"),
        ({CLUSTER: {"name": "twinsite", "status": "RUNNING", "nodePools": []}}, "has no pool serving"),
        ({SIZED: {"name": "operation-1"}}, "may have no more machines, or the project no more quota"),
    ],
)
def test_nodes_that_do_not_come_are_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], words: str
) -> None:
    google = FakeGoogle({**Clouds().google, **change})
    with pytest.raises(StepFailed, match=words):
        gke.resize(GKE, 2, google, quiet, 0.05)


def test_google_is_called_at_its_own_path_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with google_server() as there:
        there.answers |= {CLUSTER: Clouds().google[CLUSTER], SIZED: {"name": "operation-1"}}
        there.answers |= {
            GROUP.format(pool=pool, zone=zone): {"targetSize": 0} for pool in ("serving", "warm") for zone in "ab"
        }
        with pytest.raises(StepFailed):
            gke.resize(GKE, 2, there.api(), quiet, 0.3)
        assert ("POST", f"/{SIZED}") in {asked[:2] for asked in there.asked}
        there.answers[SIZED] = rpc_error(403, "Required permission container.clusters.update", "IAM_PERMISSION_DENIED")
        with pytest.raises(StepFailed, match=r"container\.clusters\.update"):
            gke.resize(GKE, 2, there.api(), quiet, 5)


# kubectl.


class Cluster:
    """A kubectl that says this, and remembers what it was told."""

    def __init__(self, patch: pytest.MonkeyPatch, deployments: list[dict[str, Any]]) -> None:
        self.told: list[tuple[str, ...]] = []
        self.deployments = deployments

        def run(kube: Kubectl, *words: str, stdin: str = "") -> str:
            self.told.append(words)
            return json.dumps({"items": self.deployments}) if words[0] == "get" else ""

        patch.setattr(Kubectl, "run", run)


def deployment(name: str = "crm", replicas: int = 3, **status: int) -> dict[str, Any]:
    whole = dict.fromkeys(("updatedReplicas", "replicas", "availableReplicas"), replicas) | {"observedGeneration": 2}
    return {"metadata": {"name": name, "generation": 2}, "spec": {"replicas": replicas}, "status": {**whole, **status}}


def test_a_role_is_flipped_before_pods_begin_anew_and_both_deployments_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch, [deployment(), deployment("crm-warm", 2)])
    pods = Pods(AWAY)
    pods.role(WRITER, 7)
    assert [words[:3] for words in cluster.told] == [
        ("patch", "configmap", "crm-role"),
        ("get", "deployments", "crm"),
        ("patch", "deployment/crm", "--type=merge"),
        ("patch", "deployment/crm-warm", "--type=merge"),
    ]
    assert json.loads(cluster.told[0][-1].removeprefix("--patch=")) == {"data": {"ROLE": "writer"}}
    assert '"twinsite/role-of": "writer-7"' in cluster.told[2][-1], "said twice, it restarts once"
    pods.scale(3)
    assert cluster.told[-1] == ("scale", "deployment/crm", "--replicas=3"), "NAME-warm is Pulumi's"
    assert pods.settle(quiet, 1) == "crm 3, crm-warm 2"


def test_a_deployment_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(monkeypatch, [])
    with pytest.raises(Unreachable, match="no such Deployment: run `pulumi up`"):
        Pods(AWAY).role(READER, 1)


@pytest.mark.parametrize(
    ("one", "lacking"),
    [
        (deployment(), ""),
        (deployment(replicas=0), ""),
        (deployment(availableReplicas=2), "crm: 2 of 3 ready, 0 old"),
        (deployment(updatedReplicas=1), "crm: 3 of 3 ready, 2 old"),
        (deployment(observedGeneration=1), "crm: 3 of 3 ready, 0 old"),
        ({"metadata": {"name": "crm", "generation": 1}, "spec": {"replicas": 3}}, "crm: 0 of 3 ready, 0 old"),
    ],
)
def test_a_rollout_has_ended_when_all_are_new_and_ready(one: dict[str, Any], lacking: str) -> None:
    assert not_there([one]) == lacking


def test_pods_that_do_not_come_are_told_with_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(monkeypatch, [deployment(availableReplicas=0)])
    with pytest.raises(StepFailed, match=r"crm: 0 of 3 ready.*kubectl describe pods -n crm"):
        Pods(AWAY).settle(quiet, 0.0)


def test_a_job_outlives_a_blink_of_its_clusters_api_and_tells_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    running = {
        "items": [{"status": {"containerStatuses": [{"state": {"running": {"startedAt": "2026-11-30T20:00:00Z"}}}]}}]
    }
    ended = {"items": [{"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}}]}
    looks = [Unreachable("it", "no answer"), running, Unreachable("it", "no answer"), ended]
    template = {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{}]}}}}}}

    def run(kube: Kubectl, *words: str, stdin: str = "") -> str:
        asked.append(" ".join(words[:2]))
        if words[:2] == ("get", "pods"):
            found = looks.pop(0)
            if isinstance(found, Exception):
                raise found
            return json.dumps(found)
        if words[0] == "create":
            assert json.loads(stdin)["spec"]["template"]["spec"]["containers"][0]["args"][2:] == ["logical", "look"]
        if words[0] == "logs":
            return "shut the source\n" if "--tail=1" in words else 'shut the source\n{"outcome": "done"}\n'
        return json.dumps({"cronjob": template, "jobs": {"items": []}}.get(words[1], {}))

    monkeypatch.setattr(Kubectl, "run", run)
    said: list[str] = []
    job = worker.ClusterWorker(JOB, 0.0, "logical", said.append)
    assert worker.answer(job, ["look"], 60) == {"outcome": "done"}
    assert said == ["shut the source"]
    assert asked[-1] == "delete job"


# Registers.


def test_each_register_is_reached_by_its_own_scheme_and_that_of_a_dead_site_is_not_asked() -> None:
    google = Server().identity()
    there = {PLACES[0]: "ap-northeast-2", PLACES[1]: "", PLACES[2]: ""}
    made = opened(there, google)._registers
    assert [type(one) for one in made] == [S3Register, GcsRegister, BlobRegister]
    assert [str(one) for one in made] == list(PLACES)
    left = opened(there, google, PLACES[:1])._registers
    assert [type(one) for one in left] == [Unasked, GcsRegister, BlobRegister]
    with pytest.raises(ValueError, match="neither gs://"):
        opened({"file:///tmp/x": ""}, google)


def test_two_of_three_name_the_site_in_the_next_epoch_and_its_clearing_is_read() -> None:
    each = [MemoryRegister(Said(4, "aws", True)) for _ in range(3)]
    registers = Registers(each)
    assert registers.make_writer("gcp", 6) == 7, "above every gate's"
    assert registers.make_writer("gcp", 6) == 7, "it goes on in its epoch"
    assert registers.clear("gcp", 7) is False
    each[1] = MemoryRegister(Said(7, "gcp", True))
    assert Registers(each).clear("gcp", 7) is True
    each[2] = MemoryRegister(Said(8, "aws"))
    with pytest.raises(CouldNotAsk, match="names aws in epoch 8"):
        Registers([each[2]]).clear("gcp", 7)
    for one in each[:2]:
        one.cut = True
    with pytest.raises(CouldNotAsk, match="1 of 3 registers answered"):
        Registers(each).make_writer("gcp", 6)


# Facts.


def databases(home: Gate | None, away: Gate | None, turned: bool = False, running: bool = True) -> Databases:
    look = Look(0.0, True, (), running=running, turned=turned, source_gate=home, target_gate=away)
    answered = frozenset({"gcp", *(["aws"] if home else [])})
    return Databases("aws", "gcp", "", look, answered)


@pytest.mark.parametrize(
    ("home", "away", "turned", "writers"),
    [
        (None, None, False, ("aws",)),
        (Gate(0, True), Gate(0, False), False, ("aws",)),
        (Gate(1, False), Gate(1, True), True, ("gcp",)),
        (Gate(1, False), Gate(0, False), False, ()),
        (None, Gate(0, False), False, ("aws",)),
        (None, Gate(1, True), False, ("gcp",)),
        (Gate(0, True), Gate(1, True), False, ("aws", "gcp")),
    ],
)
def test_who_writes_is_what_both_gates_say(
    home: Gate | None, away: Gate | None, turned: bool, writers: tuple[str, ...]
) -> None:
    assert databases(home, away, turned).writers == writers


@pytest.mark.parametrize(
    ("answered", "tunnels", "alive", "words"),
    [
        ({"aws", "gcp"}, (4, 4), True, "aws's database answers, with 4 of 4 tunnels up"),
        ({"gcp"}, (0, 4), False, "does not answer, with 0 of 4 tunnels up"),
        ({"gcp"}, None, False, "does not answer"),
    ],
)
def test_the_job_and_the_tunnels_are_one_place(
    answered: set[str], tunnels: tuple[int, int] | None, alive: bool, words: str
) -> None:
    known = replace(databases(None, Gate(0, False)), answered=frozenset(answered))
    seen = FactsReader(INVENTORY, None, None, None)._job(known, tunnels)  # type: ignore[arg-type]
    assert (seen.alive, words in seen.words) == (alive, True)


def test_kubectl_is_called_with_its_context_and_says_why_it_does_not_answer(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kubectl").write_text(
        '#!/bin/sh\ncase "$*" in *"get nothing"*) echo no >&2; exit 1;; *) echo "$*";; esac\n'
    )
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    kube = Kubectl("gke", "crm", "a cluster")
    assert kube.run("get", "pods").split()[:4] == ["--context", "gke", "--namespace", "crm"]
    with pytest.raises(Unreachable, match="a cluster cannot be reached: no"):
        kube.run("get", "nothing")
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(Unreachable, match="not installed"):
        kube.run("get", "pods")


RIGHTS = {
    ("get", "cronjob"): {"container.cronJobs.get"},
    ("get", "jobs"): {"container.jobs.list"},
    ("create", "--filename"): {"container.jobs.create"},
    ("get", "pods"): {"container.pods.list"},
    # kubectl reads the job, lists its pods and asks for what each printed [kubectl, logs].
    ("logs", "job"): {"container.jobs.get", "container.pods.list", "container.pods.getLogs"},
    ("delete", "job"): {"container.jobs.delete"},
    ("get", "deployments"): {"container.deployments.get"},
    ("scale", "deployment"): {
        "container.deployments.get", "container.deployments.getScale", "container.deployments.updateScale",
    },
    ("patch", "deployment"): {"container.deployments.get", "container.deployments.update"},
    ("patch", "configmap"): {"container.configMaps.get", "container.configMaps.update"},
}  # fmt: skip
"""What a move asks kubectl for → what GKE's IAM wants for it."""


def test_googles_operator_may_what_a_move_asks_kubectl_for(monkeypatch: pytest.MonkeyPatch) -> None:
    model, asked = Model(), set()
    install(monkeypatch, lambda: model)

    def run(kube: Any, *words: str, stdin: str = "") -> str:
        asked.add((words[0], words[1].partition("/")[0]))
        return model.kubectl(kube._context, words, stdin)

    monkeypatch.setattr(Kubectl, "run", run)
    for intent in (Intent(Command.SWITCHOVER, "gcp"), Intent(Command.SWITCHOVER, "aws")):
        found = command.run(
            Stack("gcp", model.inventory, pathlib.Path("unused")), intent, Plain(io.StringIO()), False, model.world
        )
        assert found["verdict"] == "passed", found["problems"]
    assert asked == set(RIGHTS)
    folder = pathlib.Path(__file__).parents[2] / "policies"
    listed = set(json.loads((folder / "gcp" / "aws-gcp.operator.json").read_text())["includedPermissions"])
    clusters = {one for one in listed if one.startswith("container.")}
    assert clusters == set().union(*RIGHTS.values()) | {
        "container.clusters.get", "container.clusters.update", "container.operations.get",
    }  # fmt: skip
