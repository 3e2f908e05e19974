"""AwsGcpVpn on the real engine, recorded: it settles, a mode only adds, a key is changed one tunnel at a time."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.model import TunnelEnd
from lab.services import cloud_vpn
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
            **(config.get_object("more") or {}),
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
    assert len(PROGRAM.strip().splitlines()) <= 32
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


def done(said: str) -> list[tuple[str, str, str]]:
    """(what, type, name) of an `up`'s replacements, in its order."""
    return [
        (what, kind, name)
        for kind, name, what in re.findall(r"\w+:\w+:(\w+) ([\w-]+) (deleted original|created replacement)", said)
    ]


def test_another_range_inside_makes_its_connection_anew_without_a_name_or_range_that_is_there_twice(vpn: Stack) -> None:
    vpn.up()
    ranges = ["169.254.20.0/30", "169.254.20.4/30", "169.254.21.8/30", "169.254.20.12/30"]
    vpn.config("more", json.dumps({"inside_ranges": ranges}))
    seen = done(vpn.up())
    first = [(kind, name) for what, kind, name in seen if what == "deleted original"]
    anew = [(kind, name) for what, kind, name in seen if what == "created replacement"]
    assert sorted(first) == sorted(anew)
    assert first[-1] == anew[0] == ("VpnConnection", "crm-to-gcp-1"), "the other connection stays"
    assert seen.index(("deleted original", *first[-1])) < seen.index(("created replacement", *anew[0]))
    gateway = ("ExternalVpnGateway", "crm-aws")
    assert all(first.index(("VPNTunnel", f"crm-tunnel-{at}")) < first.index(gateway) for at in (1, 2, 3, 4))
    vpn.up("--expect-no-changes")


@pytest.mark.parametrize(
    ("number", "kind", "name"), [("aws_asn", "VpnGateway", "crm-aws"), ("gcp_asn", "Router", "crm-router")]
)
def test_another_number_is_refused_under_tunnels_and_makes_its_gateway_anew_in_cold(
    vpn: Stack, number: str, kind: str, name: str
) -> None:
    vpn.up()
    vpn.config("more", json.dumps({number: 64999}))
    for mode in ("warm", "cold"):
        vpn.config("dr_mode", mode)
        code, said = vpn.run("preview")
        assert code != 0 and f"{number} goes from " in said
    vpn.config("more", "{}")
    vpn.up()
    vpn.config("more", json.dumps({number: 64999}))
    seen = done(vpn.up())
    assert seen.index(("deleted original", kind, name)) < seen.index(("created replacement", kind, name))
    vpn.config("dr_mode", "warm")
    vpn.up()
    vpn.up("--expect-no-changes")


def told(stack: Stack) -> Callable[[str], dict[str, Any]]:
    """What the clouds recorded, as the lab's box reads it: outputs by type and id."""

    def open_(value: Any) -> Any:
        if isinstance(value, dict):
            return json.loads(value["plaintext"]) if "plaintext" in value else {k: open_(v) for k, v in value.items()}
        return [open_(one) for one in value] if isinstance(value, list) else value

    exported = json.loads(stack.must("stack", "export", "--show-secrets"))["deployment"]["resources"]
    return lambda token: {one["id"]: open_(one["outputs"]) for one in exported if one["type"] == token}


def meeting(end: TunnelEnd) -> tuple[str, ...]:
    return end.outside, end.peer, end.inside.partition("/")[0], end.neighbour, end.key


def test_each_cloud_is_told_of_four_ends_that_meet_the_others(vpn: Stack) -> None:
    vpn.config("dr_mode", "cold")
    vpn.up()
    assert (cloud_vpn.at_aws(told(vpn)), cloud_vpn.at_google(told(vpn))) == ([], [])
    vpn.config("dr_mode", "warm")
    vpn.up()
    (aws,), (google,) = cloud_vpn.at_aws(told(vpn)), cloud_vpn.at_google(told(vpn))
    assert (aws.asn, aws.advertised, aws.hold_seconds, aws.paths) == (64512, ("10.10.0.0/16",), 30, 1)
    assert (google.asn, google.advertised, google.hold_seconds, google.paths) == (65000, ("10.31.0.0/20",), 60, 4)
    there = {meeting(end) for end in google.ends}
    assert {(peer, own, far, near, key) for own, peer, near, far, key in map(meeting, aws.ends)} == there
    assert len({key for *_, key in there}) == 4
    assert {end.neighbour_asn for end in aws.ends} == {google.asn}
    assert {end.neighbour_asn for end in google.ends} == {aws.asn}
    assert {end.ike for end in aws.ends} == {"aes256-sha256-modp8192"}
    assert [{end.calls for end in one.ends} for one in (aws, google)] == [{False}, {True}], "one initiator: Google"
