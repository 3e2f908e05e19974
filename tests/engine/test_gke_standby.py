"""GkeStandby and Workload on the real engine, recorded: modes only add, a serving site is kept, one `up` down."""

from pathlib import Path

import pytest

from tests.engine.conftest import Stack

TREE = Path(__file__).resolve().parents[2]
PROGRAM = """
    import pulumi
    from twinsite import DrMode, GkeStandby, Workload, cluster_provider

    config = pulumi.Config()
    mode, active = DrMode(config.require("dr_mode")), config.get("active_site") == "gcp"
    cluster = GkeStandby(
        "k",
        {
            "dr_mode": mode,
            "site": "gcp",
            "project": "crm-dr",
            "cluster": "crm",
            "region": "asia-northeast3",
            "zones": ["asia-northeast3-a"],
            "network_id": "projects/crm-dr/global/networks/crm",
            "nodes_range": "10.40.0.0/24",
            "pods_range": "10.44.0.0/16",
            "services_range": "10.41.0.0/20",
            "operator_ranges": ["198.51.100.0/24"],
            "identities": {"writer": "crm/writer"},
            "site_is_active": active,
        },
    )
    there = None
    if cluster.handle["exists"]:
        there = pulumi.ResourceOptions(provider=cluster_provider("gke", cluster))
    Workload(
        "w",
        {
            "dr_mode": mode,
            "standby": True,
            "cluster": cluster,
            "definition": {"name": "crm", "digest": "sha256:" + "ab" * 32},
            "namespace": "crm",
            "repository": "asia-northeast3-docker.pkg.dev/crm-dr/crm/crm",
            "database": {"address": "10.31.0.3", "port": 5432, "schema": "crm", "user": "app", "password": "hidden"},
            "role": "reader",
            "site_is_active": active,
        },
        there,
    )
"""


@pytest.fixture
def standby(stack: Stack) -> Stack:
    stack.program(f"    import sys\n    sys.path.insert(0, {str(TREE)!r})\n{PROGRAM}")
    stack.config("gcp:project", "crm-dr")
    stack.config("dr_mode", "pilot-light")
    return stack


def test_it_settles_only_adds_is_kept_while_active_and_goes_in_one_up(standby: Stack) -> None:
    standby.up()
    standby.up("--expect-no-changes")
    assert standby.state()["k-serving"]["outputs"]["nodeCount"] == 0
    standby.config("dr_mode", "warm")
    assert {name: step for name, step in standby.steps().items() if name not in ("k", "w")} == {
        "k-warm": "create",
        "w-warm": "create",
    }
    standby.up()
    standby.config("active_site", "gcp")
    standby.up()
    standby.config("dr_mode", "pilot-light")
    code, said = standby.run("preview")
    assert code != 0
    assert "w-warm is Deployment crm-warm of site gcp, which serves now" in said
    standby.must("config", "rm", "active_site")
    standby.config("dr_mode", "cold")
    standby.up()
    left = standby.state()
    assert "k-subnet" in left
    assert not {"k-cluster", "k-serving", "k-warm", "w-pods", "w-warm"} & set(left)
