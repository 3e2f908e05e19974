"""The box's clusters: which one a word goes to, Ingresses that become load balancers, pods as an ALB's targets."""

from pathlib import Path
from typing import Any

import pytest

from lab.clusters import GLOBAL_ADDRESS, Clusters
from lab.scenes import ExistingCluster
from lab.services.kubernetes.image import crm
from lab.services.kubernetes.objects import Node, Pod
from lab.state import State

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress@gke"
SERVICE = "kubernetes:core/v1:Service@gke"


class Traffic:
    """Keeps what was opened."""

    def __init__(self) -> None:
        self.open: dict[str, Any] = {}
        self.plain: dict[str, bool] = {}

    def open_edge(self, address: str, edge: Any, plain_http: bool) -> None:
        if not address.startswith("198.51.100."):
            raise OSError("cannot assign requested address")
        self.open[address], self.plain[address] = edge, plain_http

    def close_edge(self, address: str) -> None:
        self.open.pop(address).stop()


class Bed:
    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state.json")
        self.traffic = Traffic()
        self.exists = True
        nodes = [Node("node-1", "10.0.0.1", "10.64.1.0/24", 1000, 1024, machine="i-1")]
        self.clusters = Clusters(
            self.state,
            lambda: pytest.fail("no box"),
            folder,
            lambda claims: "",
            self.traffic,
            lambda line: None,  # type: ignore[arg-type]
        )
        self.clusters.add(ExistingCluster("aws", "eks", "eks.example", "https://eks", nodes=lambda records: nodes))
        self.clusters.add(
            ExistingCluster("gcp", "gke", "gke.example", "https://gke", nodes=lambda records: nodes,
                            exists=lambda records: self.exists)
        )  # fmt: skip

    def ingress(self, name: str = "crm-dr") -> None:
        annotations = {"kubernetes.io/ingress.global-static-ip-name": name, "kubernetes.io/ingress.allow-http": "false"}
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "crm", "port": {"number": 80}}}}
        spec = {"rules": [{"host": "crm.example.com", "http": {"paths": [path]}}]}
        self.state.records_put(
            INGRESS, "ns/crm", {"metadata": {"name": "crm", "annotations": annotations}, "spec": spec}
        )

    def follow(self) -> None:
        keeper = self.clusters._there["gke"][1].keeper
        assert keeper is not None
        self.clusters.follow("gke", keeper)

    def trouble(self) -> list[str]:
        found: list[str] = next(one for one in self.clusters.report() if one["context"] == "gke")["trouble"]
        return found


@pytest.fixture
def bed(tmp_path: Path) -> Bed:
    return Bed(tmp_path)


def test_an_ingress_becomes_a_load_balancer_at_its_static_address_and_goes_with_it(bed: Bed) -> None:
    bed.ingress()
    bed.follow()
    assert bed.trouble() == ['Translation failed: invalid ingress spec: could not find service "ns/crm"']
    bed.state.records_put(SERVICE, "ns/crm", {"spec": {"selector": {"app": "crm"}, "ports": [{"port": 80}]}})
    bed.follow()
    assert bed.trouble() == ["the given static IP name crm-dr doesn't translate to an existing one"]
    bed.state.records_put(GLOBAL_ADDRESS, "a", {"name": "crm-dr", "address": "198.51.100.81"})
    bed.follow()
    assert (bed.trouble(), list(bed.traffic.open), bed.traffic.plain) == (
        [],
        ["198.51.100.81"],
        {"198.51.100.81": False},
    )
    assert bed.clusters.edges(["gcp"]) == ["198.51.100.81"]
    assert bed.clusters.edges(["aws"]) == []
    bed.follow()
    assert len(bed.traffic.open) == 1, "once"
    bed.state.records_put(GLOBAL_ADDRESS, "a", {"name": "crm-dr", "address": "198.51.100.82"})
    bed.follow()
    assert list(bed.traffic.open) == ["198.51.100.82"], "it moves with its address"
    bed.state.records_delete(INGRESS, "ns/crm")
    bed.follow()
    assert (bed.traffic.open, bed.clusters.edges(["gcp"])) == ({}, [])


def test_an_address_that_is_not_the_labs_is_said(bed: Bed) -> None:
    bed.ingress()
    bed.state.records_put(SERVICE, "ns/crm", {"spec": {"selector": {"app": "crm"}, "ports": [{"port": 80}]}})
    bed.state.records_put(GLOBAL_ADDRESS, "a", {"name": "crm-dr", "address": "34.1.2.3"})
    bed.follow()
    assert bed.trouble() == ["no load balancer at 34.1.2.3: cannot assign requested address"]


def test_each_context_has_records_of_its_own_and_a_cluster_that_is_not_there_has_no_name(bed: Bed) -> None:
    deployment = {"metadata": {"name": "crm"}, "spec": {"replicas": 1, "template": {}}}
    bed.state.records_put("kubernetes:apps/v1:Deployment@gke", "ns/crm", deployment)
    assert (bed.clusters.shelf("eks"), bed.clusters.shelf("gke"), bed.clusters.shelf("")) == ("", "@gke", "")
    words = ["-n", "ns", "get", "deployments", "-o", "name"]
    assert bed.clusters.kubectl([*words, "--context=gke"], "")["out"] == "deployment.apps/crm\n"
    assert bed.clusters.kubectl(words, "")["out"] == ""
    bed.clusters.kubectl(["--context=gke", "-n", "ns", "scale", "deployment", "crm", "--replicas=4"], "")
    assert bed.state.records_get("kubernetes:apps/v1:Deployment@gke", "ns/crm")["spec"]["replicas"] == 4
    bed.clusters.dark(["gcp"])
    assert "i/o timeout" in bed.clusters.kubectl([*words, "--context=gke"], "")["err"]
    assert bed.clusters.kubectl(words, "")["code"] == 0
    bed.clusters.dark([])
    bed.exists = False
    said = bed.clusters.kubectl([*words, "--context=gke"], "")["err"]
    assert said == "Unable to connect to the server: dial tcp: lookup gke.example: no such host\n"


def test_a_load_balancer_that_is_there_before_its_cluster_has_no_targets_and_gets_them_later(bed: Bed) -> None:
    assert bed.clusters.pods("not-yet", "ns/crm") == []
    assert bed.clusters.pods("gke", "ns/crm") == []
    bed.state.records_put(SERVICE, "ns/crm", {"spec": {"selector": {"app": "crm"}, "ports": [{"port": 80}]}})
    keeper = bed.clusters._there["gke"][1].keeper
    assert keeper is not None
    pod = Pod("ns", "crm-1", {"app": "crm"}, {"containers": [{"name": "c"}]}, node="node-1")
    pod.status = {"state": "running", "ready": True, "address": "10.64.1.2"}
    keeper._pods["ns", "crm-1"] = pod
    assert [one.key for one in bed.clusters.pods("gke", "ns/crm")] == ["10.64.1.2:80"]
    pod.deleting = True
    assert bed.clusters.pods("gke", "ns/crm") == [], "who is being ended gets nothing new"


def test_the_crm_is_an_image_of_its_files() -> None:
    image = crm()
    assert image.command[-3:] == ("-B", "-m", "crm")
    assert {Path(path).name for path in image.files} == {"__init__.py", "__main__.py", "cache.py", "database.py"}
    assert all(path.startswith("/usr/local/lib/lab/images/crm/") for path in image.files)
    assert all(source.is_file() for source in image.files.values())
