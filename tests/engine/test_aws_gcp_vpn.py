"""AwsGcpVpn on the real engine, recorded: it settles, a mode only adds, a key is changed one tunnel at a time."""

import json
import re
from pathlib import Path

import pytest

from tests.engine.conftest import Stack

TREE = Path(__file__).resolve().parents[2]
PROGRAM = """
    import pulumi
    import pulumi_aws as aws
    import pulumi_gcp as gcp
    from twinsite import AwsGcpVpn, DrMode

    config = pulumi.Config()
    vpc = aws.ec2.Vpc("crm", cidr_block="10.10.0.0/16")
    table = aws.ec2.RouteTable("crm", vpc_id=vpc.id)
    network = gcp.compute.Network("crm", auto_create_subnetworks=False)
    vpn = AwsGcpVpn(
        "crm",
        {
            "dr_mode": DrMode(config.get("dr_mode") or "warm"),
            "aws_region": "ap-northeast-2",
            "vpc_id": vpc.id,
            "vpc_range": "10.10.0.0/16",
            "route_table_ids": {"private": table.id},
            "gcp_region": "asia-northeast3",
            "gcp_network_id": network.id,
            "gcp_ranges": ["10.30.0.0/20"],
            "service_range": "10.31.0.0/20",
            "psk_generations": config.get_object("psk_generations") or [1, 1, 1, 1],
            "aws_tcp_ports": [5432],
        },
    )
    pulumi.export("tunnels", vpn.tunnel_names)
    pulumi.export("outside", vpn.aws_addresses)
"""
THREE = {"vPNTunnel:VPNTunnel", "routerInterface:RouterInterface", "routerPeer:RouterPeer"}


@pytest.fixture
def vpn(stack: Stack) -> Stack:
    stack.program(f"    import sys\n    sys.path.insert(0, {str(TREE)!r})\n{PROGRAM}")
    stack.config("gcp:project", "crm-dr")
    return stack


def operations(stack: Stack) -> list[tuple[str, str, str]]:
    """(operation, type, name) of a preview, in its order; without the stack and the component."""

    said = stack.must("preview", "--json")
    plan = json.loads(said[said.index("{") :])
    found = [(one["op"], *one["urn"].split("::")[2:]) for one in plan["steps"] if one["op"] != "same"]
    return [(op, kind.rpartition("$")[2].rpartition("/")[2], name) for op, kind, name in found if "$" in kind]


def test_a_program_of_thirty_lines_settles_and_a_mode_only_adds(vpn: Stack) -> None:
    assert len(PROGRAM.strip().splitlines()) <= 31
    vpn.config("dr_mode", "cold")
    vpn.up()
    vpn.up("--expect-no-changes")
    assert vpn.outputs() == {}, "both are None"
    vpn.config("dr_mode", "pilot-light")
    added = operations(vpn)
    assert {op for op, _, _ in added} == {"create"}
    assert len(added) == 15
    vpn.up()
    vpn.up("--expect-no-changes")
    assert vpn.outputs()["tunnels"] == [f"twinsite-tunnel-{at}" for at in (1, 2, 3, 4)]
    assert len(set(vpn.outputs()["outside"])) > 1
    vpn.config("dr_mode", "cold")
    assert {op for op, _, _ in operations(vpn)} == {"delete"}


def test_another_key_makes_one_tunnel_anew_the_old_one_first_and_two_at_once_are_refused(vpn: Stack) -> None:
    vpn.up()
    vpn.config("psk_generations", "[1, 1, 2, 1]")
    steps = operations(vpn)
    replaced = [(op, kind) for op, kind, name in steps if name == "crm-tunnel-3"]
    assert {kind for _, kind in replaced} == THREE
    assert {name for op, kind, name in steps if kind in THREE} == {"crm-tunnel-3"}
    assert ("update", "vpnConnection:VpnConnection", "crm-to-gcp-1") in steps
    assert {name for _, kind, name in steps if kind == "vpnConnection:VpnConnection"} == {"crm-to-gcp-1"}
    said = vpn.up()
    done = re.findall(r"gcp:compute:(\w+) crm-tunnel-3 (deleted original|created replacement)", said)
    assert done[:3] == [(kind, "deleted original") for kind in ("RouterPeer", "RouterInterface", "VPNTunnel")], said
    assert done[3:] == [(kind, "created replacement") for kind in ("VPNTunnel", "RouterInterface", "RouterPeer")], said
    vpn.up("--expect-no-changes")
    vpn.config("psk_generations", "[2, 2, 2, 1]")
    for words in (("preview",), ("up", "--yes", "--skip-preview")):
        code, said = vpn.run(*words)
        assert code != 0
        assert "psk_generations changes the keys of tunnels 1, 2 in one step" in said
        assert "set [2, 1, 2, 1] first, run `pulumi up`" in said
