"""StrongSwanTunnel under mocks: what it registers, for whom it is open, what is secret, what waits for what."""

import base64
import io
import json
import re
import tarfile
from typing import Any

import pulumi
import pytest

from tests.mocks import harness
from twinsite import Delivery, End, GateMode, GuestStore, StrongSwanTunnel, rules
from twinsite.guest.gateway import settings as gateway_settings

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
PASSWORD = "random:index/randomPassword:RandomPassword"
COMMAND = "command:remote:Command"
ROUTE = "aws:ec2/route:Route"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
TUNNEL = "twinsite:index:StrongSwanTunnel"


def password(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """47 characters that look random and differ by name."""
    letters = "QdWmZxKrTyBnVcLhJgFsAuEiOwDtXkMzRvYbN12345678"
    return {"result": (name.rpartition("-")[2] + letters + letters)[: int(inputs["length"])]}


def ssh_key(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"privateKeyOpenssh": "PRIVATE", "publicKeyOpenssh": "ssh-ed25519 PUBLIC\n"}


def spoken(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"stdout": f"{name} says it works"}


FILL = {PASSWORD: password, "tls:index/privateKey:PrivateKey": ssh_key, COMMAND: spoken}


def build(**change: Any) -> harness.Run:
    """A tunnel called `t`, its good arguments changed by `change`."""

    def program() -> Any:
        store = GuestStore("s", {"region": "ap-northeast-2"})
        args: dict[str, Any] = {
            "connection_name": "onprem-aws",
            "region": "ap-northeast-2",
            "availability_zone": "ap-northeast-2a",
            "vpc_id": "vpc-1",
            "vpc_range": "10.20.0.0/16",
            "subnet_id": "subnet-1",
            "subnet_range": "10.20.1.0/24",
            "route_table_ids": {"a": pulumi.Output.from_input("rtb-1"), "b": "rtb-2"},
            "gateway_address": "10.20.1.10",
            "ami": "ami-0123456789abcdef0",
            "store": store,
            "onprem_range": "192.168.64.0/24",
            "onprem_gateway_address": "192.168.64.10",
            "onprem_connection": {"host": "203.0.113.64", "private_key": "KEY-TEXT", "host_key": "ssh-ed25519 AAAA"},
            "nat_range": "10.20.2.0/24",
            "operator_ranges": ["198.51.100.7/32", "198.51.100.8/32"],
            "operator_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== someone"],
            "tags": {"team": "dr"},
            **change,
        }
        tunnel = StrongSwanTunnel("t", args)  # type: ignore[arg-type]
        return tunnel.public_address

    return harness.run(program, FILL)


def bundle_of(run: harness.Run) -> dict[str, Any]:
    """The documents that the on-prem end gets on standard input."""
    text = run.one("t-onprem-gateway-apply", COMMAND).inputs["stdin"]
    return unpack(text)


def unpack(text: str) -> dict[str, Any]:
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(text))) as archive:
        found = {}
        for name in ("desired.json", "secrets.json"):
            member = archive.extractfile(name)
            assert member is not None
            found[name] = json.load(member)
    return found


def onprem_config(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = bundle_of(run)["desired.json"]["config"]
    return found


def aws_config(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.one("t-aws-gateway-desired", OBJECT).inputs["content"])["config"]
    return found


def aws_keys(run: harness.Run) -> dict[str, str]:
    text = run.one("t-aws-gateway-secret", "aws:secretsmanager/secretVersion:SecretVersion").inputs["secretString"]
    found: dict[str, str] = json.loads(text)["role"]["psk"]
    return found


def test_a_tunnel_registers_exactly_this() -> None:
    run = build()
    counts = {kind: len(run.of(kind)) for kind in (INGRESS, EGRESS, PASSWORD, ROUTE, COMMAND)}
    # ingress: IKE, NAT-T, VPC, two operators; keys: generations 1 and 2; commands: undo, apply, gate, followup
    assert counts == {INGRESS: 5, EGRESS: 1, PASSWORD: 2, ROUTE: 2, COMMAND: 4}
    for kind in ("aws:ec2/eip:Eip", "aws:ec2/eipAssociation:EipAssociation", "aws:ec2/instance:Instance"):
        assert len(run.of(kind)) == 1, kind
    assert run.result == "203.0.113.128"


def test_a_bad_design_is_refused_before_the_first_resource() -> None:
    seen: list[str] = []

    def program() -> None:
        before = {"region": "ap-northeast-2"}
        GuestStore("s", before)  # type: ignore[arg-type]
        with pytest.raises(rules.Refused) as refused:
            StrongSwanTunnel("t", {"vpc_range": "11.0.0.0/16", "onprem_range": "11.0.0.0/16"})  # type: ignore[typeddict-item]
        seen.append(str(refused.value))

    run = harness.run(program)
    assert run.of(TUNNEL) == []
    assert "vpc_range 11.0.0.0/16 holds public addresses" in seen[0]
    assert "overlap" in seen[0]


def opened(run: harness.Run) -> set[tuple[str, int | None, str]]:
    return {(r.inputs["ipProtocol"], r.inputs.get("fromPort"), r.inputs["cidrIpv4"]) for r in run.of(INGRESS)}


def test_only_ike_is_open_to_the_world_and_ssh_only_to_operators() -> None:
    assert opened(build()) == {
        ("udp", 500, "0.0.0.0/0"),
        ("udp", 4500, "0.0.0.0/0"),
        ("-1", None, "10.20.0.0/16"),
        ("tcp", 22, "198.51.100.7/32"),
        ("tcp", 22, "198.51.100.8/32"),
    }


def test_a_known_onprem_address_closes_ike_to_everybody_else() -> None:
    rules_found = opened(build(onprem_public_range="198.51.100.9/32", operator_ranges=[]))
    assert rules_found == {
        ("udp", 500, "198.51.100.9/32"),
        ("udp", 4500, "198.51.100.9/32"),
        ("-1", None, "10.20.0.0/16"),
    }


def test_the_gateway_forwards_and_each_route_table_points_to_it() -> None:
    run = build()
    interface = run.one("t-aws-gateway-interface")
    assert interface.inputs["sourceDestCheck"] is False
    assert sorted(route.inputs["routeTableId"] for route in run.of(ROUTE)) == ["rtb-1", "rtb-2"]
    for route in run.of(ROUTE):
        assert route.inputs["destinationCidrBlock"] == "192.168.64.0/24"
        assert route.inputs["networkInterfaceId"] == interface.id


def test_the_machine_takes_only_imdsv2_and_encrypts_its_disk() -> None:
    instance = build().one("t-aws-gateway-instance")
    assert instance.inputs["metadataOptions"]["httpTokens"] == "required"
    assert instance.inputs["rootBlockDevice"]["encrypted"] is True
    assert instance.inputs["tags"]["team"] == "dr"


def test_exactly_one_end_initiates_and_both_know_each_other() -> None:
    run = build()
    aws, onprem = aws_config(run), onprem_config(run)
    assert (aws["role"], onprem["role"]) == ("responder", "initiator")
    assert (aws["remote_address"], onprem["remote_address"]) == ("%any", "203.0.113.128")
    assert (aws["local_id"], aws["remote_id"]) == (onprem["remote_id"], onprem["local_id"])
    assert (aws["local_range"], aws["remote_range"]) == (onprem["remote_range"], onprem["local_range"])
    assert aws["timers"] == onprem["timers"]
    for config in (aws, onprem):
        gateway_settings.parse(config)


def test_aws_may_initiate_instead() -> None:
    run = build(initiator=End.AWS, onprem_behind_nat=False, onprem_public_range="198.51.100.9/32")
    assert (aws_config(run)["role"], aws_config(run)["remote_address"]) == ("initiator", "198.51.100.9")
    assert (onprem_config(run)["role"], onprem_config(run)["remote_address"]) == ("responder", "%any")


def test_the_onprem_end_knows_what_its_peer_will_announce() -> None:
    run = build()
    assert onprem_config(run)["peer_digest"] == gateway_settings.parse(aws_config(run)).digest


def test_both_ends_hold_the_same_keys_which_travel_as_secrets_only() -> None:
    run = build()
    keys = bundle_of(run)["secrets.json"]["role"]["psk"]
    assert keys == aws_keys(run)
    assert set(keys) == {"1", "2"}
    assert run.one("t-onprem-gateway-apply", COMMAND).holds_secret("stdin")
    assert run.one("t-aws-gateway-secret", "aws:secretsmanager/secretVersion:SecretVersion").holds_secret(
        "secretString"
    )
    for resource in run.resources:
        for name, value in resource.wire.items():
            text = json.dumps(harness.plain(value))
            if any(key in text for key in keys.values()):
                assert resource.holds_secret(name), f"{resource.name}.{name} holds a key in clear"


def test_the_ssh_key_is_secret_whatever_the_caller_passed() -> None:
    for command in build().of(COMMAND):
        assert command.holds_secret("connection") or command.holds_secret("connection", "privateKey")


def test_raising_the_generation_makes_one_key_and_deletes_one() -> None:
    names = [build(psk_generation=generation).names(PASSWORD) for generation in (1, 2, 3)]
    assert names == [["t-psk-1", "t-psk-2"], ["t-psk-1", "t-psk-2", "t-psk-3"], ["t-psk-2", "t-psk-3", "t-psk-4"]]


def test_the_generation_before_stays_until_the_gate_has_passed() -> None:
    run = build(psk_generation=3)
    for config in (aws_config(run), onprem_config(run)):
        assert (config["psk_sign"], config["psk_min"]) == (3, 2)
    proven = run.one("t-onprem-gateway-followup", COMMAND)
    assert json.loads(proven.inputs["stdin"]) == {"psk_min": 3, "psk_prove": True}
    retired = run.one("t-aws-gateway-followup", OBJECT)
    assert json.loads(retired.inputs["content"]) == {"psk_min": 3}
    gate = run.one("t-tunnel-gate", COMMAND)
    assert gate.urn in proven.depends_on
    assert proven.urn in retired.depends_on


def test_the_gate_waits_for_both_ends_and_runs_again_when_either_changes() -> None:
    run = build()
    gate = run.one("t-tunnel-gate", COMMAND)
    component = run.one("t-tunnel", "twinsite:index:HostGate")
    needed = [
        run.one("t-onprem-gateway-apply", COMMAND),
        run.one("t-aws-gateway-instance"),
        run.one("t-aws-gateway", "aws:ec2/eipAssociation:EipAssociation"),
        *run.of(ROUTE),
    ]
    assert {resource.urn for resource in needed} <= component.depends_on
    triggers = gate.inputs["triggers"]
    assert triggers[0] == run.one("t-aws-gateway-instance").id
    other = build(psk_generation=2).one("t-tunnel-gate", COMMAND).inputs["triggers"]
    assert triggers[1] != other[1] and triggers[2] != other[2]


def test_the_gate_waits_as_long_as_it_is_told() -> None:
    """Its default is test_machine's."""
    told = [
        build(**given).one("t-tunnel-gate", COMMAND).inputs["create"] for given in ({}, {"gate_timeout_seconds": 60})
    ]
    assert [re.findall(r"--timeout (\d+)", text) for text in told] == [["900"], ["60"]]


def test_a_gate_that_fails_asks_the_other_host_for_its_words() -> None:
    gate = build().one("t-tunnel-gate", COMMAND)
    assert list(gate.request.hooks.on_error) == ["t-tunnel-gate-words"]


def test_the_gateway_gets_its_address_once_it_is_no_longer_pending() -> None:
    run = build()
    association = run.one("t-aws-gateway", "aws:ec2/eipAssociation:EipAssociation")
    assert run.one("t-aws-gateway-instance").urn in association.depends_on


def test_handed_over_nothing_is_reached_by_ssh_and_the_bundle_is_a_secret_output() -> None:
    run = build(delivery=Delivery.BUNDLE, gate=GateMode.HANDOVER, onprem_connection=None, psk_generation=2)
    assert run.of(COMMAND) == []
    assert [r.name for r in run.of(OBJECT) if "followup" in r.name] == []
    bundle = run.published("t", TUNNEL)["onprem_bundle"]
    assert harness.is_secret(bundle)
    documents = unpack(harness.plain(bundle))
    assert documents["desired.json"]["config"]["peer_digest"] == ""
    assert documents["secrets.json"]["role"]["psk"] == aws_keys(run)


def test_outputs_are_the_same_however_the_onprem_end_is_set_up() -> None:
    names = {
        "public_address",
        "gateway_instance_id",
        "gateway_interface_id",
        "gateway_security_group_id",
        "host_key",
        "onprem_bundle",
        "digest",
        "ready",
        "detect_seconds",
        "intent",
    }
    # What is None does not travel: with delivery by SSH there is no bundle.
    run = build()
    assert set(run.published("t", TUNNEL)) == names - {"onprem_bundle"}
    assert harness.plain(run.published("t", TUNNEL)["ready"]) == "t-tunnel-gate says it works"
    handed = build(delivery=Delivery.BUNDLE, gate=GateMode.HANDOVER, onprem_connection=None)
    assert set(handed.published("t", TUNNEL)) == names


def test_policies_see_what_the_tunnel_is_meant_to_be() -> None:
    intent = build().one("t", TUNNEL).inputs["intent"]
    assert intent["initiator"] == "onprem"
    assert intent["operator_ranges"] == ["198.51.100.7/32", "198.51.100.8/32"]
    assert intent["timers"]["dpd_delay_seconds"] == 3


def test_every_child_has_the_tunnel_above_it() -> None:
    run = build()
    tunnel = run.one("t", TUNNEL)
    parents = {resource.urn: resource.parent for resource in run.resources}
    for resource in run.resources:
        if resource.name.startswith("s"):
            continue
        at = resource.urn
        while at in parents and at != tunnel.urn:
            at = parents[at]
        assert at == tunnel.urn, resource.urn


def test_the_user_data_only_bootstraps() -> None:
    run = build()
    text = run.one("t-aws-gateway-instance").inputs["userData"]
    assert len(text.encode()) < 16384
    for key in aws_keys(run).values():
        assert key not in text
