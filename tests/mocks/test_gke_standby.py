"""GkeStandby under mocks: what a mode adds, whose the sizes are, who may reach what."""

import json
from typing import Any

import pytest

from tests.mocks import harness
from tests.mocks.gke_world import CLUSTER, GKE, POOL, SAID
from twinsite import DrMode, GkeStandby, inventory, rules

KIND = "twinsite:index:GkeStandby"
NAT = "gcp:compute/routerNat:RouterNat"


def build(**change: Any) -> harness.Run:
    """A cluster called `k`, its good arguments changed by `change`; its result is its inventory entry."""

    def program() -> Any:
        return GkeStandby("k", {**GKE, **change}).inventory  # type: ignore[typeddict-item]

    return harness.run(program, SAID)


def test_cold_has_network_and_names_and_each_mode_only_adds() -> None:
    found = {mode: {(one.type, one.name) for one in build(dr_mode=mode).resources} for mode in DrMode}
    assert not {kind for kind, _ in found[DrMode.COLD]} & {CLUSTER, POOL, NAT}
    assert ("gcp:compute/subnetwork:Subnetwork", "k-subnet") in found[DrMode.COLD]
    assert ("gcp:compute/globalAddress:GlobalAddress", "k-address") in found[DrMode.COLD]
    assert found[DrMode.PILOT_LIGHT] - found[DrMode.COLD] == {
        (CLUSTER, "k-cluster"),
        (NAT, "k-out"),
        (POOL, "k-serving"),
        ("gcp:serviceaccount/iAMMember:IAMMember", "k-writer-acts"),
    }
    assert found[DrMode.WARM] - found[DrMode.PILOT_LIGHT] == {(POOL, "k-warm")}
    assert found[DrMode.COLD] <= found[DrMode.PILOT_LIGHT] <= found[DrMode.WARM]


@pytest.mark.parametrize("mode", list(DrMode))
def test_outputs_are_the_same_in_every_mode(mode: DrMode) -> None:
    run = build(dr_mode=mode)
    out = {name: harness.plain(value) for name, value in run.published("k", KIND).items()}
    exists = mode is not DrMode.COLD
    assert out["address"] == "203.0.113.80"
    assert out["identity_accounts"] == {"writer": "crm-writer@crm-dr.iam.gserviceaccount.com"}
    # What is None does not travel.
    assert out.get("cluster_name") == ("crm" if exists else None)
    assert out.get("endpoint") == ("https://203.0.113.9" if exists else None)
    assert (out.get("serving_pool"), out.get("ready")) == (("serving", "crm") if exists else (None, None))
    assert out["resize"].startswith("gcloud container clusters resize crm --node-pool=serving --num-nodes=2 ")
    assert run.result.clusters == (
        inventory.Cluster(
            "crm", "gcp", "crm-dr", "asia-northeast3", "gke_crm-dr_asia-northeast3_crm", "serving", 2, exists
        ),
    )


def test_the_pool_of_operations_is_born_empty_and_its_size_is_never_pulumis() -> None:
    serving = build(dr_mode=DrMode.WARM).one("k-serving", POOL)
    assert serving.inputs["nodeCount"] == 0
    assert list(serving.request.ignoreChanges) == ["nodeCount"]


def test_the_pool_of_a_mode_has_the_size_that_the_program_says() -> None:
    warm = build(dr_mode=DrMode.WARM, warm_nodes=2).one("k-warm", POOL)
    assert warm.inputs["nodeCount"] == 2
    assert list(warm.request.ignoreChanges) == []


def test_the_systems_own_pods_have_one_node_as_soon_as_there_is_a_cluster() -> None:
    """Without it a cluster in pilot-light runs no pod at all, its own name service included."""
    small: dict[str, Any] = {"system_machine_type": "e2-standard-2"}
    assert build(dr_mode=DrMode.COLD, **small).of(POOL) == []
    for mode in (DrMode.PILOT_LIGHT, DrMode.WARM):
        pool = build(dr_mode=mode, **small).one("k-system", POOL)
        assert (pool.inputs["nodeCount"], pool.inputs["nodeLocations"]) == (1, ["asia-northeast3-a"])
        assert pool.inputs["nodeConfig"]["machineType"] == "e2-standard-2"
        assert list(pool.request.ignoreChanges) == []
        assert list(pool.request.hooks.before_delete) == ["k-system-keep-serving"]
    assert "k-system" not in build(dr_mode=DrMode.PILOT_LIGHT).names(POOL)


def test_no_pool_is_given_what_a_resize_would_turn_into_another_pool_or_what_fights_a_size_of_nothing() -> None:
    pools = build(dr_mode=DrMode.WARM).of(POOL)
    assert len(pools) == 2
    assert not [one for one in pools if {"initialNodeCount", "autoscaling"} & set(one.inputs)]


def test_googles_first_pool_goes_and_what_is_said_of_it_later_makes_no_other_cluster() -> None:
    made = build().one("k-cluster", CLUSTER)
    assert (made.inputs["removeDefaultNodePool"], made.inputs["initialNodeCount"]) == (True, 1)
    assert list(made.request.ignoreChanges) == ["initialNodeCount", "nodeConfig"]


def test_googles_own_protection_is_off_and_ours_is_on_cluster_and_pools() -> None:
    run = build(dr_mode=DrMode.WARM)
    assert run.one("k-cluster", CLUSTER).inputs["deletionProtection"] is False
    for part, kind in (("cluster", CLUSTER), ("serving", POOL), ("warm", POOL)):
        assert list(run.one(f"k-{part}", kind).request.hooks.before_delete) == [f"k-{part}-keep-serving"]


def test_nodes_are_private_and_the_api_is_for_operators_only() -> None:
    made = build().one("k-cluster", CLUSTER).inputs
    assert made["privateClusterConfig"] == {"enablePrivateNodes": True, "enablePrivateEndpoint": False}
    assert made["masterAuthorizedNetworksConfig"] == {
        "cidrBlocks": [{"cidrBlock": "198.51.100.0/24"}],
        "gcpPublicCidrsAccessEnabled": False,
    }
    assert made["releaseChannel"] == {"channel": "REGULAR"}


def test_pods_have_their_own_identity_and_never_the_nodes() -> None:
    run = build(dr_mode=DrMode.WARM)
    assert run.one("k-cluster", CLUSTER).inputs["workloadIdentityConfig"] == {"workloadPool": "crm-dr.svc.id.goog"}
    for pool in run.of(POOL):
        node = pool.inputs["nodeConfig"]
        assert node["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
        assert node["serviceAccount"] == "crm-nodes@crm-dr.iam.gserviceaccount.com"
    acts = run.one("k-writer-acts")
    assert acts.inputs["member"] == "serviceAccount:crm-dr.svc.id.goog[crm/writer]"
    assert run.one("k-cluster", CLUSTER).urn in acts.depends_on
    roles = {one.inputs["role"] for one in run.of("gcp:projects/iAMMember:IAMMember")}
    assert roles == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}


def test_the_kubeconfig_is_a_secret_and_holds_no_credential() -> None:
    found = build().published("k", KIND)["kubeconfig"]
    assert harness.is_secret(found)
    config = json.loads(harness.plain(found))
    assert config["clusters"][0]["cluster"] == {
        "server": "https://203.0.113.9", "certificate-authority-data": "Q0E=",
    }  # fmt: skip
    assert config["current-context"] == "gke_crm-dr_asia-northeast3_crm"
    assert list(config["users"][0]["user"]) == ["exec"]
    # With gcloud's own login alone, a runner that has the provider's would not reach the cluster that it makes.
    assert config["users"][0]["user"]["exec"]["args"] == ["--use_application_default_credentials"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pods_range": "10.44.0.0/22"}, "has room for 4 nodes"),
        ({"nodes_range": "10.40.0.0/29"}, "has room for 4 nodes"),
        ({"services_range": "10.44.1.0/24"}, "pods_range 10.44.0.0/16 and services_range 10.44.1.0/24 overlap"),
        ({"operator_ranges": []}, "operator_ranges is empty"),
        ({"operator_ranges": ["0.0.0.0/0"]}, "opens the cluster's API to the world"),
        ({"zones": ["us-central1-a"]}, "us-central1-a, which is not in asia-northeast3"),
        ({"zones": []}, "zones has 0"),
        ({"release_channel": "RAPID"}, "release_channel 'RAPID'"),
        ({"serving_nodes": 0}, "serving_nodes is 0"),
        ({"system_machine_type": "small"}, "system_machine_type 'small' is none of Google's"),
        ({"warm_nodes": 0}, "warm_nodes is 0"),
        ({"cluster": "a-name-that-is-far-too-long", "identities": {}}, "cannot name a cluster"),
        ({"identities": {"writer": "writer"}}, "write it like NAMESPACE/SERVICE-ACCOUNT"),
        ({"identities": {"nodes": "crm/nodes"}}, "choose another name"),
        ({"project": "CRM"}, "is no project's id"),
        ({"machine_type": "t3.large"}, "is none of Google's"),
        ({"disk_gib": 5}, "has no room for images"),
    ],
)
def test_refused_before_anything_exists(change: dict[str, Any], said: str) -> None:
    seen = harness.Run()
    with pytest.raises(rules.Refused, match="GkeStandby k is refused") as refusal:
        harness.run(lambda: GkeStandby("k", {**GKE, **change}), seen=seen)  # type: ignore[typeddict-item]
    assert len(refusal.value.problems) == 1
    assert said in refusal.value.problems[0]
    assert seen.resources == []
