"""Topology aws-gcp on the real engine: what each change of mode creates and deletes, and what is refused.

The stand-ins record only: no tunnel carries a packet, no database has a row.
"""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.aws_gcp_config import stack_file
from tests.real_pulumi import PYTHON, Desk

from .conftest import Stack
from .test_topology_aws_azure import kill, let_pass_by_policies, planned, resources

TREE = Path(__file__).resolve().parents[2]
ACCEPTED = {"dr_mode": "cold", "cold_without_data": "accept"}
COLD = {
    "aws:ec2/customerGateway:CustomerGateway": 2,
    "aws:ec2/securityGroup:SecurityGroup": 1,
    "aws:ec2/vpnGateway:VpnGateway": 1,
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation": 1,
    "aws:secretsmanager/secret:Secret": 1,
    "aws:secretsmanager/secretVersion:SecretVersion": 1,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": 2,
    "cloudflare:index/loadBalancer:LoadBalancer": 1,
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": 3,
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": 3,
    "gcp:compute/globalAddress:GlobalAddress": 2,
    "gcp:compute/haVpnGateway:HaVpnGateway": 1,
    "gcp:compute/network:Network": 1,
    "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig": 1,
    "gcp:compute/router:Router": 1,
    "gcp:compute/subnetwork:Subnetwork": 1,
    "gcp:secretmanager/secret:Secret": 2,
    "gcp:secretmanager/secretVersion:SecretVersion": 2,
    "gcp:servicenetworking/connection:Connection": 1,
    "random:index/randomPassword:RandomPassword": 5,
    "twinsite:index:AwsGcpVpn": 1,
    "twinsite:index:CloudSqlStandby": 1,
    "twinsite:index:CloudflareFailover": 1,
}
PILOT_LIGHT_ADDS = {
    "aws:ec2/vpnConnection:VpnConnection": 2,
    "gcp:compute/externalVpnGateway:ExternalVpnGateway": 1,
    "gcp:compute/routerInterface:RouterInterface": 4,
    "gcp:compute/routerPeer:RouterPeer": 4,
    "gcp:compute/vPNTunnel:VPNTunnel": 4,
    "gcp:sql/database:Database": 1,
    "gcp:sql/databaseInstance:DatabaseInstance": 1,
    "gcp:sql/user:User": 1,
    "random:index/randomId:RandomId": 1,
}


@pytest.fixture
def stack(desk: Desk, provider_home: Path) -> Stack:
    """The tree's own program as a project of the test's own."""
    shutil.copytree(provider_home / "plugins", desk.folder / "home" / "plugins")
    (desk.folder / "state").mkdir()
    desk.checkpoints = False
    project = desk.folder / "twinsite"
    project.mkdir()
    for name in ("__main__.py", "components", "stacks"):
        (project / name).symlink_to(TREE / name)
    (project / "twinsite").symlink_to("components")
    text = (TREE / "Pulumi.yaml").read_text()
    assert "    virtualenv: .venv\n" in text
    (project / "Pulumi.yaml").write_text(text.replace("virtualenv: .venv", f"virtualenv: {PYTHON}"))
    desk.must(project, "stack", "init", "test")
    made = Stack(desk, project)
    settings(made)
    return made


def settings(stack: Stack, **change: Any) -> None:
    """Write the stack file anew; its salt stays."""
    file = stack.folder / "Pulumi.test.yaml"
    salt = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt:")]
    file.write_text("\n".join([*salt, stack_file(**change)]))


def kinds(found: dict[str, tuple[str, str]]) -> Counter[str]:
    return Counter(kind for kind, _ in found.values())


def test_each_mode_adds_to_the_one_below_settles_and_keeps_the_ids_of_what_was_there(stack: Stack) -> None:
    settings(stack, **ACCEPTED)
    stack.up()
    cold = resources(stack)
    assert kinds(cold) == COLD
    stack.up("--expect-no-changes")
    outputs = stack.outputs()
    assert (outputs["tunnels"], outputs["standby_database"]) == ([], "")

    settings(stack)
    would = planned(stack)
    assert {kind: number for (op, kind), number in would.items() if op == "create"} == PILOT_LIGHT_ADDS
    stack.up()
    light = resources(stack)
    assert kinds({urn: one for urn, one in light.items() if urn not in cold}) == PILOT_LIGHT_ADDS
    assert {urn: light[urn] for urn in cold} == cold, "a mode only adds: what was there keeps its id"
    stack.up("--expect-no-changes")
    assert stack.outputs().keys() == outputs.keys()
    assert (len(stack.outputs()["tunnels"]), stack.outputs()["standby_database"]) == (4, "10.31.0.3")
    assert json.loads(stack.must("stack", "output", "inventory", "--json"))["dr_mode"] == "pilot-light"
    let_pass_by_policies(stack)


def test_going_down_takes_exactly_what_came_and_destroy_takes_the_rest(stack: Stack) -> None:
    stack.up()
    light = resources(stack)
    settings(stack, **ACCEPTED)
    gone = {kind: number for (op, kind), number in planned(stack).items() if op == "delete"}
    assert gone == PILOT_LIGHT_ADDS
    stack.up()
    cold = resources(stack)
    assert kinds(cold) == COLD
    assert {urn: light[urn] for urn in cold} == cold
    found = json.loads(stack.must("stack", "export"))["deployment"]["resources"]
    (connection,) = [one for one in found if one["type"] == "gcp:servicenetworking/connection:Connection"]
    assert connection["inputs"]["deletionPolicy"] == "REMOVE_PEERING", "as it is in the state, so it is deleted"
    stack.must("destroy", "--yes", "--skip-preview", "--run-program")
    assert resources(stack) == {}


def test_while_aws_is_dead_an_up_goes_on_at_google_and_what_needs_aws_fails_in_its_words(stack: Stack) -> None:
    stack.up()
    before = resources(stack)
    kill(stack, "aws")
    stack.up("--expect-no-changes")
    settings(stack, database_flags={"max_connections": "300"})
    assert {kind for _, kind in planned(stack)} == {
        "gcp:sql/databaseInstance:DatabaseInstance", "twinsite:index:CloudSqlStandby", "pulumi:pulumi:Stack",
    }  # fmt: skip
    stack.up()
    assert resources(stack) == before
    settings(stack, database_flags={"max_connections": "300"}, psk_generations={"tunnel-1": 2})
    code, said = stack.run("up", "--yes", "--skip-preview")
    assert code != 0
    assert "connection timed out: this cloud is dead" in said, "one end of a key is at AWS"


def test_what_may_not_be_is_refused_in_preview_and_in_up_with_nothing_made(stack: Stack) -> None:
    wrong = {"dr_mode": "hot", "gate": "wait", "standby_data": "backup"}
    for change, words in (
        (wrong, ["what is written at the standby is lost", "gate wait cannot be kept", "standby_data backup is not"]),
        ({"dr_mode": "warm"}, ["dr_mode warm is not offered by topology aws-gcp, which has cold, pilot-light"]),
        ({"dr_mode": "cold"}, ["keeps no data outside AWS", "`pulumi config set cold_without_data accept`"]),
        (ACCEPTED | {"active_site": "gcp"}, ["would delete the database at Google while active_site is gcp"]),
        ({"service_range": "10.10.9.0/24"}, ["AwsGcpVpn: "]),
        ({"primary_database_settings": {}}, ["CloudSqlStandby: source_settings lacks datestyle"]),
        ({"notice_text": "this site may write, or not"}, ["CloudflareFailover: notice_text holds writer_text"]),
    ):
        settings(stack, **change)
        for command in (["preview"], ["up", "--yes", "--skip-preview"]):
            code, said = stack.run(*command)
            assert code != 0, said
            assert [one for one in words if one not in said] == [], said
            assert "Traceback" not in said
        assert resources(stack) == {}


def test_the_database_of_the_site_that_serves_is_kept(stack: Stack) -> None:
    stack.up()
    settings(stack, active_site="gcp")
    stack.up()
    settings(stack, active_site="gcp", database_generation=2)
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        code, said = stack.run(*command)
        assert code != 0
        assert "holds the data of the server twinsite, and its site is active" in said
