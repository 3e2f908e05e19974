"""AwsGcpVpn under mocks: who meets whom in which tunnel, what a mode adds, what is secret, what goes first."""

import ipaddress
import json
from typing import Any

import pulumi
import pytest

from tests.mocks import harness
from tests.policy.pack import Given, said
from twinsite import AwsGcpVpn, DrMode, rules

VPN = "twinsite:index:AwsGcpVpn"
CONNECTION = "aws:ec2/vpnConnection:VpnConnection"
CUSTOMER = "aws:ec2/customerGateway:CustomerGateway"
PASSWORD = "random:index/randomPassword:RandomPassword"
TUNNEL = "gcp:compute/vPNTunnel:VPNTunnel"
INTERFACE = "gcp:compute/routerInterface:RouterInterface"
PEER = "gcp:compute/routerPeer:RouterPeer"
EXTERNAL = "gcp:compute/externalVpnGateway:ExternalVpnGateway"
ROUTER = "gcp:compute/router:Router"
ALL = ("cold", "pilot-light", "warm")


def password(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """47 characters that look random and differ by tunnel and generation."""
    letters = "QdWmZxKrTyBnVcLhJgFsAuEiOwDtXkMzRvYbN1234567890"
    return {"result": (name.removeprefix("v-psk-").replace("-", "") + letters)[: int(inputs["length"])]}


def gateway(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"vpnInterfaces": [{"id": at, "ipAddress": f"34.157.1.{at}"} for at in (0, 1)]}


def connection(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {f"tunnel{number}Address": f"13.124.{name[-1]}.{number}" for number in (1, 2)}


def services(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"peering": "servicenetworking-googleapis-com"}


FILL = {
    PASSWORD: password,
    CONNECTION: connection,
    "gcp:compute/haVpnGateway:HaVpnGateway": gateway,
    "gcp:servicenetworking/connection:Connection": services,
}
GOOD: dict[str, Any] = {
    "dr_mode": DrMode.WARM,
    "aws_region": "ap-northeast-2",
    "vpc_id": "vpc-1",
    "vpc_range": "10.10.0.0/16",
    "route_table_ids": {"private": "rtb-1", "database": "rtb-2"},
    "gcp_region": "asia-northeast3",
    "gcp_network_id": "projects/p/global/networks/dr",
    "gcp_ranges": ["10.30.0.0/20"],
    "service_range": "10.31.0.0/20",
    "aws_tcp_ports": [5432],
    "service_tcp_ports": [5432],
    "gcp_tcp_ports": [8080],
    "tags": {"team": "dr"},
    "labels": {"team": "dr"},
}


def build(preview: bool = False, opts: pulumi.ResourceOptions | None = None, **change: Any) -> harness.Run:
    """A VPN called `v`, its good arguments changed by `change`."""

    def program() -> Any:
        return AwsGcpVpn("v", {**GOOD, **change}, opts).aws_addresses  # type: ignore[typeddict-item]

    return harness.run(program, FILL, preview)


def by_tunnel(run: harness.Run, kind: str) -> list[dict[str, Any]]:
    return [run.one(f"v-tunnel-{at}", kind).inputs for at in (1, 2, 3, 4)]


def test_each_tunnel_has_the_same_key_and_the_opposite_ends_at_both_clouds() -> None:
    run = build()
    connections = [run.one(f"v-to-gcp-{at}", CONNECTION).inputs for at in (0, 1)]
    at_aws = [
        (one[f"tunnel{number}InsideCidr"], one[f"tunnel{number}PresharedKey"])
        for one in connections
        for number in (1, 2)
    ]
    at_gcp = [
        (interface["ipRange"], peer["ipAddress"], peer["peerIpAddress"], tunnel["sharedSecret"])
        for interface, peer, tunnel in zip(*(by_tunnel(run, kind) for kind in (INTERFACE, PEER, TUNNEL)), strict=True)
    ]
    assert len({key for _, key in at_aws}) == 4
    for (inside, key), (own, told, theirs, secret) in zip(at_aws, at_gcp, strict=True):
        first, second = ipaddress.ip_network(inside).hosts()
        assert (own, told, theirs, secret) == (f"{second}/30", str(second), str(first), key)


def test_two_interfaces_meet_four_addresses_in_order() -> None:
    run = build()
    ends = [(one["vpnGatewayInterface"], one["peerExternalGatewayInterface"]) for one in by_tunnel(run, TUNNEL)]
    assert ends == [(0, 0), (0, 1), (1, 2), (1, 3)]
    external = run.one("v-aws", EXTERNAL).inputs
    assert external["redundancyType"] == "FOUR_IPS_REDUNDANCY"
    addresses = ["13.124.0.1", "13.124.0.2", "13.124.1.1", "13.124.1.2"]
    assert external["interfaces"] == [{"id": at, "ipAddress": one} for at, one in enumerate(addresses)]
    assert run.result == addresses
    customers = [run.one(f"v-gcp-{at}", CUSTOMER) for at in (0, 1)]
    assert [one.inputs["ipAddress"] for one in customers] == ["34.157.1.0", "34.157.1.1"]
    connections = [run.one(f"v-to-gcp-{at}", CONNECTION).inputs["customerGatewayId"] for at in (0, 1)]
    assert connections == [one.id for one in customers]


def test_numbers_of_both_sides_are_told_to_the_other() -> None:
    run = build(aws_asn=64520, gcp_asn=64530)
    assert run.one("v-aws", "aws:ec2/vpnGateway:VpnGateway").inputs["amazonSideAsn"] == "64520"
    assert {one["peerAsn"] for one in by_tunnel(run, PEER)} == {64520}
    assert run.one("v-router", ROUTER).inputs["bgp"]["asn"] == 64530
    assert {one.inputs["bgpAsn"] for one in run.of(CUSTOMER)} == {"64530"}


def test_aws_offers_one_transform_of_ikev2_and_waits_to_be_called() -> None:
    for one in build().of(CONNECTION):
        for number in (1, 2):
            assert one.inputs[f"tunnel{number}IkeVersions"] == ["ikev2"]
            assert one.inputs[f"tunnel{number}StartupAction"] == "add"
            offered = [
                one.inputs[f"tunnel{number}Phase{phase}{part}"]
                for phase in (1, 2)
                for part in ("EncryptionAlgorithms", "IntegrityAlgorithms", "DhGroupNumbers")
            ]
            assert [len(kinds) for kinds in offered] == [1] * 6
        assert one.inputs["staticRoutesOnly"] is False


def test_no_session_has_bfd_and_the_services_range_is_told_to_aws() -> None:
    run = build()
    assert [one for one in by_tunnel(run, PEER) if "bfd" in one] == []
    bgp = run.one("v-router", ROUTER).inputs["bgp"]
    assert (bgp["advertiseMode"], bgp["advertisedGroups"]) == ("CUSTOM", ["ALL_SUBNETS"])
    assert [one["range"] for one in bgp["advertisedIpRanges"]] == ["10.31.0.0/20"]


@pytest.mark.parametrize("mode", ALL)
def test_the_connection_for_services_exists_in_every_mode_and_gets_the_routes_from_aws(mode: str) -> None:
    run = build(dr_mode=DrMode(mode))
    reserved = run.one("v-services", "gcp:compute/globalAddress:GlobalAddress").inputs
    assert (reserved["address"], reserved["prefixLength"], reserved["purpose"]) == ("10.31.0.0", 20, "VPC_PEERING")
    connection = run.one("v-services", "gcp:servicenetworking/connection:Connection").inputs
    assert connection["reservedPeeringRanges"] == ["twinsite-services"]
    routes = run.one("v-services", "gcp:compute/networkPeeringRoutesConfig:NetworkPeeringRoutesConfig").inputs
    assert (routes["network"], routes["exportCustomRoutes"], routes["importCustomRoutes"]) == ("dr", True, False)


def registered(run: harness.Run) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one.type, one.name): one.inputs for one in run.resources if one.type != VPN}


def test_a_mode_only_adds() -> None:
    cold, pilot, warm = (registered(build(dr_mode=DrMode(mode))) for mode in ALL)
    assert len(cold) == 23
    assert cold.items() <= pilot.items()
    added = sorted(kind.rpartition(":")[2] for kind, _ in pilot.keys() - cold.keys())
    four = ["RouterInterface"] * 4 + ["RouterPeer"] * 4 + ["VPNTunnel"] * 4
    assert added == ["ExternalVpnGateway", *four, "VpnConnection", "VpnConnection"]
    assert pilot == warm


@pytest.mark.parametrize("mode", ALL)
def test_outputs_are_the_same_in_every_mode_and_none_without_tunnels(mode: str) -> None:
    found = build(dr_mode=DrMode(mode)).published("v", VPN)
    tunnels = set() if mode == "cold" else {"aws_addresses", "tunnel_names"}  # None does not travel
    assert set(found) == tunnels | {
        "aws_secret_arn", "aws_security_group_id", "gcp_addresses", "gcp_secret_id", "intent", "one_way_cut_seconds",
        "router_name", "service_connection", "service_range_name", "silent_cut_seconds",
    }  # fmt: skip
    assert (found["silent_cut_seconds"], found["one_way_cut_seconds"]) == (32, 40)


def test_keys_are_secret_wherever_they_go_and_lie_in_a_secret_of_each_cloud() -> None:
    run = build()
    for one in run.of(CONNECTION):
        assert one.holds_secret("tunnel1PresharedKey") and one.holds_secret("tunnel2PresharedKey")
    assert [one.name for one in run.of(TUNNEL) if not one.holds_secret("sharedSecret")] == []
    here = run.one("v-keys", "aws:secretsmanager/secretVersion:SecretVersion")
    there = run.one("v-keys", "gcp:secretmanager/secretVersion:SecretVersion")
    assert here.holds_secret("secretString") and there.holds_secret("secretData")
    known = json.loads(here.inputs["secretString"])
    assert known == {f"tunnel-{at}": one["sharedSecret"] for at, one in enumerate(by_tunnel(run, TUNNEL), 1)}
    assert there.inputs["secretData"] == here.inputs["secretString"]
    shown = json.dumps([one.inputs.get("intent") for one in run.resources])
    assert not any(key in shown for key in known.values())


def test_a_generation_changes_the_key_of_its_own_tunnel_only() -> None:
    before, after = by_tunnel(build(), TUNNEL), by_tunnel(build(psk_generations=[1, 1, 2, 1]), TUNNEL)
    changed = [old["sharedSecret"] != new["sharedSecret"] for old, new in zip(before, after, strict=True)]
    assert changed == [False, False, True, False]


def test_what_is_made_anew_for_a_key_goes_first() -> None:
    run = build()
    first = [one for kind in (TUNNEL, INTERFACE, PEER) for one in run.of(kind)]
    assert len(first) == 12
    assert [one.name for one in first if not one.request.deleteBeforeReplace] == []


def test_what_a_network_has_once_goes_before_the_next_one_comes() -> None:
    """A VPC's gateway, a range of a gateway's, a name at Google."""
    run = build()
    kinds = (
        "aws:ec2/vpnGateway:VpnGateway",
        "aws:ec2/vpnConnection:VpnConnection",
        "gcp:compute/externalVpnGateway:ExternalVpnGateway",
        ROUTER,
    )
    assert [kind for kind in kinds for one in run.of(kind) if not one.request.deleteBeforeReplace] == []
    assert list(run.one("v-router", ROUTER).request.replaceOnChanges) == ["bgp.asn"]


def test_a_callers_options_stay_beside_the_hook_that_refuses_two_keys() -> None:
    run = build(opts=pulumi.ResourceOptions(protect=True, aliases=[pulumi.Alias(name="before")]))
    request = run.one("v", VPN).request
    assert list(request.hooks.before_update) == ["v-one-key-a-step"]
    assert (request.protect, len(request.aliases)) == (True, 1)


def test_nothing_is_open_that_nobody_named() -> None:
    ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    firewall = "gcp:compute/firewall:Firewall"
    egress = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
    closed = build(aws_tcp_ports=[], service_tcp_ports=[], gcp_tcp_ports=[])
    assert closed.names(ingress) + closed.names(egress) + closed.names(firewall) == []
    run = build()
    opened = [(one.inputs["cidrIpv4"], one.inputs["fromPort"], one.inputs["toPort"]) for one in run.of(ingress)]
    assert sorted(opened) == [("10.30.0.0/20", 5432, 5432), ("10.31.0.0/20", 5432, 5432)]
    (out,) = run.of(egress)
    assert [out.inputs[key] for key in ("cidrIpv4", "ipProtocol", "fromPort", "toPort")] == (
        ["10.31.0.0/20", "tcp", 5432, 5432]
    )
    (wall,) = run.of(firewall)
    assert wall.inputs["sourceRanges"] == ["10.10.0.0/16"]
    assert wall.inputs["allows"] == [{"protocol": "tcp", "ports": ["8080"]}]


def judged(run: harness.Run, **change: Any) -> dict[str, list[str]]:
    """What the policy pack says of the resources; `change` by name and property of the sessions."""
    given = []
    for one in run.resources:
        props = {**one.inputs, "id": one.id}
        if one.type == PEER and one.name in change:
            props |= change[one.name]
        given.append(Given(one.type, one.name, props, one.request.protect))
    return said(given)


def test_the_policy_pack_finds_nothing_in_it_and_would_find_a_session_with_itself() -> None:
    run = build()
    assert judged(run) == {}
    found = judged(run, **{"v-tunnel-2": {"peerIpAddress": "169.254.20.6"}})
    assert list(found) == ["bgp-session-cannot-come-up"]


def test_every_part_is_a_child_of_the_component() -> None:
    run = build()
    own = run.one("v", VPN).urn
    assert {one.parent for one in run.resources if one.type != VPN} == {own}


def test_a_preview_knows_the_inside_of_every_tunnel() -> None:
    run = build(preview=True)
    assert next(one["ipRange"] for one in by_tunnel(run, INTERFACE)) == "169.254.20.2/30"


def test_it_is_refused_before_anything_is_registered() -> None:
    seen = harness.Run()

    def program() -> Any:
        bad = {**GOOD, "redundancy_type": "SINGLE_IP_INTERNALLY_REDUNDANT", "service_range": "10.10.8.0/24"}
        return AwsGcpVpn("v", bad).router_name  # type: ignore[arg-type]

    with pytest.raises(rules.Refused, match="no SLA holds with fewer") as refused:
        harness.run(program, FILL, seen=seen)
    assert len(refused.value.problems) == 2
    assert seen.resources == []
