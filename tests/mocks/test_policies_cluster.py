"""The lists of rights of what is in clusters: Kubernetes' own, and Google's, whose IAM decides there as well."""

import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

from operations import worker
from operations.doctor import identity, policies, rights
from operations.doctor.answers import Answer
from operations.kubectl import Kubectl
from operations.moves.logical.pods import Pods
from operations.subjects import pods, writer_agents
from operations.unanswered import CouldNotAsk
from stacks.aws_gcp.needs import needs
from tests.aws_gcp_config import WRITERS
from twinsite.inventory import Agent, Pod, Workload
from twinsite.needs import Cluster, Home

from . import aws_azure_topology, aws_gcp_topology
from .harness import Registered, Run

FOLDER = Path("policies")
GCP, KUBERNETES = (json.loads((FOLDER / "actions" / f"{name}.json").read_text()) for name in ("gcp", "kubernetes"))
WATCHED: dict[str, list[str]] = KUBERNETES["types"]
"""Type → what the provider lists and watches for one, itself first."""

Rule = tuple[str, str, str, str]
"""Verb, API group, resource, name."""


WORDS = {"namespace": "crm", "application": "crm", "role_config": "crm-role"}


@pytest.fixture(autouse=True, scope="module")
def nothing_left() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


def rules(name: str) -> set[Rule]:
    text = policies.filled((FOLDER / "kubernetes" / name).read_text(), WORDS)
    assert policies.gaps(text) == []
    return set(policies.rules(text))


# What providers list.


def test_googles_list_has_what_the_provider_waits_to_list() -> None:
    known = {kind: of["permissions"] for kind, of in GCP["types"].items() if kind.startswith("kubernetes:")}
    assert set(known) == set(WATCHED)
    role = set(json.loads((FOLDER / "gcp" / "aws-gcp.deployer.json").read_text())["includedPermissions"])
    for kind, permissions in known.items():
        listed = {one.split(".")[1].lower() for one in permissions if one.endswith(".list")}
        assert listed == {one.rpartition("/")[2] for one in WATCHED[kind]}, kind
        assert set(permissions) <= role, kind
    assert "container.persistentVolumeClaims.list" in known["kubernetes:apps/v1:Deployment"]
    # What may be listed may be watched [GKE, permissions of IAM: there is none that ends so].
    assert [one for one in role if one.endswith(".watch")] == []


def test_every_type_is_listed_itself() -> None:
    for kind, watched in WATCHED.items():
        _, version, name = kind.split(":")
        group = version.partition("/")[0]
        plural = name.lower() + ("es" if name.endswith("s") else "s")
        assert watched[0] == (plural if group == "core" else f"{group}/{plural}")
        assert watched[-1] == "events"


# What Pulumi makes in the primary's cluster.


def at_home(*runs: Run) -> list[Registered]:
    """What is in the primary's cluster."""
    found = [one for run in runs for one in run.resources if one.custom and one.type in WATCHED]
    return [one for one in found if "-gke" not in one.request.provider]


def needed(made: list[Registered]) -> set[Rule]:
    found: set[Rule] = set()
    for one in made:
        group, resource = parted(WATCHED[one.type][0])
        found.add(("create", group, resource, ""))
        found |= {(verb, group, resource, one.inputs["metadata"]["name"]) for verb in ("get", "patch", "delete")}
        found |= {(verb, *parted(what), "") for what in WATCHED[one.type] for verb in ("list", "watch")}
    return found


def parted(what: str) -> tuple[str, str]:
    group, _, resource = what.rpartition("/")
    return group, resource


def test_the_deployer_may_what_the_backup_job_needs_and_list_without_names() -> None:
    made = at_home(*(aws_azure_topology.build(dr_mode=mode) for mode in ("cold", "warm")))
    assert {one.inputs["metadata"]["name"] for one in made} == {"rds-backup"}
    assert rules("aws-azure.deployer.yaml") == needed(made)


def test_the_deployer_may_what_backups_and_the_writers_agent_need_at_eks() -> None:
    made = at_home(aws_gcp_topology.build(**aws_gcp_topology.EVERYTHING))
    assert {one.inputs["metadata"]["name"] for one in made} == {"postgres-backup", "twinsite-writer"}
    assert {one.inputs["metadata"]["namespace"] for one in made} == {"crm"}, "the role is of one namespace"
    assert rules("aws-gcp.deployer.yaml") == needed(made)


@pytest.mark.parametrize("path", sorted((FOLDER / "kubernetes").glob("*.yaml")), ids=lambda path: path.name)
def test_no_rule_with_names_lists_watches_or_creates(path: Path) -> None:
    # RBAC compares a rule's names with the request's, and these have none [Kubernetes, RBAC, referring to resources].
    assert [one for one in rules(path.name) if one[0] in ("create", "list", "watch") and one[3]] == []


# What operations ask kubectl for, and say to type.

_VERBS = {
    ("get", "cronjob"): [("get", "batch", "cronjobs", "NAME")],
    ("get", "jobs"): [("list", "batch", "jobs", "")],
    ("get", "pods"): [("list", "", "pods", "")],
    ("create", "--filename"): [("create", "batch", "jobs", "")],
    # kubectl reads the job, lists its pods and asks for what each printed [kubectl, logs].
    ("logs", "job"): [("get", "batch", "jobs", ""), ("list", "", "pods", ""), ("get", "", "pods/log", "")],
    ("delete", "job"): [("delete", "batch", "jobs", "")],
    # It reads what it scales and what it patches [kubectl, scale.go, patch.go].
    ("scale", "deployment"): [("get", "apps", "deployments", "NAME"), ("patch", "apps", "deployments/scale", "NAME")],
    ("patch", "deployment"): [("get", "apps", "deployments", "NAME"), ("patch", "apps", "deployments", "NAME")],
    ("patch", "configmap"): [("get", "", "configmaps", "NAME"), ("patch", "", "configmaps", "NAME")],
    ("get", "deployments"): [("get", "apps", "deployments", "NAME")],
    ("get", "cronjob,jobs,pods"): [
        ("list", "batch", "cronjobs", ""), ("list", "batch", "jobs", ""), ("list", "", "pods", ""),
    ],
    ("logs", "-l"): [("list", "", "pods", ""), ("get", "", "pods/log", "")],
    ("logs", "deploy"): [("get", "apps", "deployments", "NAME"), ("list", "", "pods", ""), ("get", "", "pods/log", "")],
    ("create", "job"): [("get", "batch", "cronjobs", "NAME"), ("create", "batch", "jobs", "")],
    ("describe", "pods"): [("list", "", "pods", ""), ("get", "", "pods", ""), ("list", "", "events", "")],
}  # fmt: skip
"""kubectl's words → what it asks the API for."""


def called(words: list[str]) -> set[Rule]:
    """`words` after kubectl's context and namespace."""
    kind, _, name = words[1].partition("/")
    names = [name] if name else [one for one in words[2:] if not one.startswith("-")]
    if words[0] == "create" and kind == "job":
        names = [one.rpartition("/")[2] for one in words if one.startswith("--from=")]
    asked = _VERBS[words[0], kind]
    return {(*rule[:3], one) for rule in asked if rule[3] for one in names} | {rule for rule in asked if not rule[3]}


def test_the_clusters_operator_may_what_a_failback_asks_kubectl_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[Rule] = set()
    template: dict[str, Any] = {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{}]}}}}}}
    ended = {"items": [{"status": {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}}]}

    def kubectl(self: Any, *words: str, stdin: str = "") -> str:
        asked.update(called([one for one in words if one not in ("--output", "json", "-")]))
        found = {"cronjob": template, "pods": ended, "jobs": {"items": []}}.get(words[1], {})
        return json.dumps(found)

    monkeypatch.setattr(Kubectl, "run", kubectl)
    made = worker.ClusterWorker(Pod("", "petclinic", "rds-backup"))
    assert made.run(["ready"], 10).code == 0
    assert rules("aws-azure.operator.yaml") == asked


def test_the_operator_may_what_a_move_does_to_pods_at_eks_and_what_status_says_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: set[Rule] = set()
    there = {"metadata": {"name": "crm"}, "spec": {"replicas": 0}}
    warm = {"metadata": {"name": "crm-warm"}, "spec": {"replicas": 0}}

    def kubectl(self: Any, *words: str, stdin: str = "") -> str:
        asked.update(called([one for one in words if one not in ("--output", "json")]))
        return json.dumps({"items": [there, warm]})

    monkeypatch.setattr(Kubectl, "run", kubectl)
    home = Pods(Workload("crm", "aws", "eks", "crm", "crm-role", 2, exists=True))
    home.scale(2)
    home.role("reader", 3)
    home.settle(lambda _: None, 1)
    backups, agent = Pod("eks", "crm", "postgres-backup"), Agent("aws", "twinsite-writer", "crm", "eks", "s3://x/y")
    unheard = "".join(writer_agents.AgentSeen(agent, None, datetime.datetime.now()).problems())
    late = re.findall("`kubectl describe pods .*?`", Path("operations/moves/logical/pods.py").read_text())
    said = f"{pods.seen(backups)} {pods.again(backups)} {unheard} {late[0]}"
    typed = [re.sub(r"(--context[ =]\S+|-n \S+) ?", "", one).split() for one in re.findall("`kubectl ([^`]+)`", said)]
    assert sorted(words[0] for words in typed) == ["create", "describe", "get", "logs", "logs"]
    for words in typed:
        asked |= called(words)
    assert rules("aws-gcp.operator.yaml") == asked


def test_the_lists_of_eks_are_filled_in_from_the_settings(tmp_path: Path) -> None:
    change = {"primary_role_config": "crm-told", **aws_gcp_topology.EVERYTHING}
    found = needs(aws_gcp_topology.read(**change), Home(""))
    written = dict(policies.write(tmp_path, found.topology, found.dr_mode, found.words))
    for who in ("deployer", "operator"):
        assert written[tmp_path / f"kubernetes-aws-gcp.{who}.yaml"] == []
    asked = set(policies.rules((tmp_path / "kubernetes-aws-gcp.operator.yaml").read_text()))
    assert ("patch", "", "configmaps", "crm-told") in asked and ("patch", "apps", "deployments", "crm-warm") in asked


def test_the_doctor_asks_at_eks_where_something_of_the_stacks_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"primary_role_config": ""}
    assert needs(aws_gcp_topology.read(**nothing), Home("")).cluster is None
    told = needs(aws_gcp_topology.read(primary_role_config="crm-told"), Home(""))
    assert told.cluster == Cluster("", "crm", None, "primary_cluster_context")
    found = needs(aws_gcp_topology.read(**nothing, **aws_gcp_topology.EVERYTHING), Home("")).cluster
    assert found is not None and found.context == "eks" and found.issuer == WRITERS["primary_oidc_issuer"]
    asked: list[str] = []

    def kubectl(cluster: Cluster, words: list[str], stdin: str = "") -> str:
        given = json.loads(stdin)
        asked.extend(one["spec"]["resourceAttributes"].get("name", "") for one in given["items"])
        return json.dumps({**given, "items": [{**one, "status": {"allowed": True}} for one in given["items"]]})

    monkeypatch.setattr(rights, "kubectl", kubectl)
    file = policies.path("kubernetes", told.topology, told.dr_mode, "operator")
    answer = rights.at_cluster(told.cluster, file, "operator", told.words)
    assert (answer.answer, answer.words) == (
        Answer.OK,
        f"all {len(asked)} of policies/kubernetes/aws-gcp.operator.yaml",
    )
    assert {one for one in asked if one} == {"crm", "crm-warm", "crm-told", "postgres-backup", "twinsite-writer"}
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CouldNotAsk) as unasked:
        identity.at_cluster(told.cluster)
    assert "`pulumi config set primary_cluster_context NAME`" in unasked.value.fix
