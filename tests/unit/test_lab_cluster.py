"""The primary's cluster without a node: schedules, what a pod gets, how often a job tries, and `kubectl`'s words."""

import base64
import datetime
import json
from collections.abc import Mapping
from typing import Any

import pytest

from lab.client import LabError
from lab.methods import wait_until
from lab.services import cluster as cluster_module
from lab.services import kubectl
from lab.services.cluster import Cluster
from lab.services.schedule import due

POD = {
    "restartPolicy": "Never",
    "serviceAccountName": "backup",
    "securityContext": {"runAsUser": 65532, "runAsGroup": 65532},
    "containers": [
        {
            "name": "backup",
            "image": "backup@sha256:00",
            "command": ["/bin/sh", "/etc/twinsite/run.sh"],
            "args": ["python3", "-m", "backup", "run"],
            "env": [
                {"name": "CRONJOB", "value": "rds-backup"},
                {"name": "JOB", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['job-name']"}}},
                {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "secret", "key": "word"}}},
            ],
            "securityContext": {"readOnlyRootFilesystem": True},
            "volumeMounts": [
                {"name": "work", "mountPath": "/tmp", "subPath": "tmp"},
                {"name": "told", "mountPath": "/etc/twinsite", "readOnly": True},
                {"name": "token", "mountPath": "/var/run/tokens", "readOnly": True},
            ],
        }
    ],
    "volumes": [
        {"name": "told", "projected": {"defaultMode": 0o440, "sources": [
            {"configMap": {"name": "told"}}, {"secret": {"name": "secret"}}]}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": {
            "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": "azure"}}]}},
        {"name": "work", "emptyDir": {}},
    ],
}  # fmt: skip
TEMPLATE = {"spec": {"backoffLimit": 1, "template": {"spec": POD}}}


class Node:
    """Keeps the pods that it was given; answers with the codes of a list."""

    def __init__(self) -> None:
        self.codes = [0]
        self.pods: list[dict[str, Any]] = []
        spec = {"schedule": "17 18 * * *", "concurrencyPolicy": "Forbid", "jobTemplate": TEMPLATE}
        self.records: dict[str, dict[str, Any]] = {
            "kubernetes:batch/v1:CronJob": {"ns/rds-backup": {"metadata": {"name": "rds-backup"}, "spec": spec}},
            "kubernetes:core/v1:ConfigMap": {"ns/told": {"data": {"run.sh": 'exec "$@"'}, "binaryData": {"p": "AAE="}}},
            "kubernetes:core/v1:Secret": {"ns/secret": {"data": {"word": base64.b64encode(b"open").decode()}}},
            "kubernetes:core/v1:ServiceAccount": {"ns/backup": {}},
        }
        self.cluster = Cluster(lambda token: self.records.get(token, {}), self.sign, "https://issuer", self.run)

    def sign(self, claims: Mapping[str, Any]) -> str:
        return json.dumps(claims)

    def run(self, description: str) -> tuple[int, str]:
        self.pods.append(json.loads(description))
        return self.codes.pop(0), "said\n"

    def kubectl(self, *words: str, stdin: str = "") -> dict[str, Any]:
        return kubectl.run({"lab": self.cluster}, ["--namespace", "ns", *words], stdin)

    def ended(self, name: str) -> str:
        wait_until(lambda: bool(self.cluster.job("ns", name).outcome), 60, f"the end of {name}")
        return self.cluster.job("ns", name).outcome


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr(cluster_module, "BACK_OFF_SECONDS", 0.05)
    return Node()


def test_a_pod_gets_its_files_environment_token_and_user(node: Node) -> None:
    node.cluster.create("ns", "one", TEMPLATE["spec"], {})
    assert node.ended("one") == "Complete"
    (pod,) = node.pods
    assert pod["command"] == ["/bin/sh", "/etc/twinsite/run.sh", "python3", "-m", "backup", "run"]
    assert (pod["env"]["CRONJOB"], pod["env"]["JOB"], pod["env"]["WORD"]) == ("rds-backup", "one", "open")
    assert (pod["user"], pod["group"], pod["read_only"]) == (65532, 65532, True)
    files = pod["volumes"]["told"]["files"]
    assert set(files) == {"run.sh", "p", "word"}
    assert base64.b64decode(files["word"][0]) == b"open"
    assert files["word"][1] == 0o440
    claims = json.loads(base64.b64decode(pod["volumes"]["token"]["files"]["azure"][0]))
    assert claims["sub"] == "system:serviceaccount:ns:backup"
    assert (claims["iss"], claims["aud"]) == ("https://issuer", ["api://AzureADTokenExchange"])
    assert claims["exp"] - claims["iat"] == 3600
    assert [mount["path"] for mount in pod["mounts"]] == ["/etc/twinsite", "/tmp", "/var/run/tokens"]


def test_a_job_tries_as_often_as_it_may_and_then_has_failed(node: Node) -> None:
    node.codes = [1, 1, 0]
    node.cluster.create("ns", "one", TEMPLATE["spec"], {})
    assert node.ended("one") == "Failed"
    assert len(node.pods) == 2, "backoffLimit 1"
    rows = node.kubectl("get", "pods")["out"].splitlines()[1:]
    assert [row.split()[2] for row in rows] == ["Error", "Error"], "as a person sees them, for whom all is in a table"


def test_a_pod_whose_secret_is_not_there_says_so_and_does_not_run(node: Node) -> None:
    node.records["kubernetes:core/v1:Secret"].clear()
    node.cluster.create("ns", "one", TEMPLATE["spec"], {})
    assert node.ended("one") == "Failed"
    assert node.pods == []
    shown = json.loads(node.kubectl("get", "pods", "--selector", "job-name=one", "--output", "json")["out"])
    state = shown["items"][0]["status"]["containerStatuses"][0]["state"]
    assert state["waiting"]["message"] == 'MountVolume.SetUp failed: secret "secret" not found'


def test_a_schedule_starts_one_job_and_none_beside_one_that_runs(node: Node) -> None:
    now = datetime.datetime(2026, 11, 21, 18, 17, tzinfo=datetime.UTC)
    assert node.cluster.tick(now + datetime.timedelta(minutes=1)) == []
    (name,) = node.cluster.tick(now)
    assert name == f"rds-backup-{int(now.timestamp()) // 60}"
    node.ended(name)
    node.cluster.job("ns", name).outcome = ""
    assert node.cluster.tick(now + datetime.timedelta(days=1)) == [], "Forbid"
    node.cluster.job("ns", name).outcome = "Complete"
    node.codes = [0]
    assert len(node.cluster.tick(now + datetime.timedelta(days=1))) == 1


@pytest.mark.parametrize(
    ("expression", "moment", "right"),
    [
        ("*/15 * * * *", "2026-11-21 10:45", True),
        ("*/15 * * * *", "2026-11-21 10:46", False),
        ("0 2 * * mon-fri", "2026-11-20 02:00", True),
        ("0 2 * * mon-fri", "2026-11-21 02:00", False),
        ("0 2 * * 0", "2026-11-22 02:00", True),
        ("0 2 1 * sun", "2026-11-22 02:00", True),
        ("0 2 1,15 jan *", "2026-01-15 02:00", True),
        ("@daily", "2026-11-21 00:00", True),
    ],
)
def test_a_schedule_names_its_minutes(expression: str, moment: str, right: bool) -> None:
    assert due(expression, datetime.datetime.fromisoformat(moment + "+00:00")) is right


@pytest.mark.parametrize(
    "expression", ["every night", "61 * * * *", "* * * *", "0 3 * * 7", "0 3 * * 5-7", "0 3 * * Sunday", "0/ * * * *"]
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        due(expression, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


def test_a_manual_run_from_the_cron_job_and_one_with_other_arguments(node: Node) -> None:
    assert node.kubectl("create", "job", "by-hand", "--from=cronjob/rds-backup")["out"] == "job.batch/by-hand created\n"
    assert node.ended("by-hand") == "Complete"
    made = json.loads(
        node.kubectl("create", "job", "x", "--from=cronjob/rds-backup", "--dry-run=client", "-o", "json")["out"]
    )
    made["spec"]["template"]["spec"]["containers"][0]["args"] = ["python3", "-m", "backup", "list"]
    node.codes = [0]
    assert node.kubectl("create", "-f", "-", stdin=json.dumps(made))["code"] == 0
    assert node.ended("x") == "Complete"
    assert node.pods[-1]["command"][2:] == ["python3", "-m", "backup", "list"]
    assert node.kubectl("logs", "job/x", "--tail=-1")["out"] == "said\n"
    assert node.kubectl("delete", "job", "x", "--wait=false", "--ignore-not-found")["code"] == 0
    assert "NotFound" in node.kubectl("get", "job", "x", "-o", "json")["err"]
    assert node.kubectl("get", "cronjobs")["out"] == "rds-backup\n"
    assert json.loads(node.kubectl("get", "cronjob", "rds-backup", "-o", "json")["out"])["kind"] == "CronJob"


def test_what_the_stand_in_does_not_know_is_refused_with_what_it_knows(node: Node) -> None:
    said = node.kubectl("apply", "-f", "x.yaml")
    assert said["code"] == 1
    assert "does not know 'apply'; it knows: get cronjob" in said["err"]
    with pytest.raises(LabError, match="NotFound"):
        node.cluster.cronjob("ns", "other")


def test_kubectl_talks_to_the_cluster_of_its_context_and_to_the_first_without_one() -> None:
    here, there = Node(), Node()
    there.records["kubernetes:batch/v1:CronJob"] = {}
    clusters = {"eks": here.cluster, "gke": there.cluster}
    words = ["--namespace", "ns", "get", "cronjob"]
    assert kubectl.run(clusters, words, "")["out"] == "rds-backup\n"
    assert kubectl.run(clusters, [*words, "--context", "gke"], "")["out"] == "No resources found in ns namespace.\n"
    said = kubectl.run(clusters, [*words, "--context=aks"], "")
    assert (said["code"], said["err"]) == (1, 'error: context "aks" does not exist\n')
    here.cluster.dark = True
    assert "Unable to connect to the server: dial tcp" in kubectl.run(clusters, words, "")["err"]
    assert kubectl.run(clusters, [*words, "--context", "gke"], "")["code"] == 0
    assert "has no cluster" in kubectl.run({}, words, "")["err"]
