"""The tunnel's refusals: each bad design, made from a good one by one change, is refused by name and with its fix."""

import re
from typing import Any

import pytest

from twinsite import rules
from twinsite.guest.gateway.timers import Timers
from twinsite.rules.hosts import PLACEHOLDER_AMI
from twinsite.rules.tunnel import StrongSwanTunnelIntent, detect_seconds, psk_problems, timer_problems

GOOD_KEY = "pQ7dW2mZ9xK4rT1yB6nV3cL8hJ5gF0sAuEiOwDtXkMzRvYbN"

GOOD: dict[str, Any] = {
    "connection_name": "onprem-aws",
    "region": "ap-northeast-2",
    "availability_zone": "ap-northeast-2a",
    "vpc_range": "10.20.0.0/16",
    "subnet_range": "10.20.1.0/24",
    "route_table_ids": {"a": "rtb-1", "b": "rtb-2"},
    "gateway_address": "10.20.1.10",
    "ami": "ami-0123456789abcdef0",
    "instance_type": "t3.small",
    "onprem_range": "192.168.64.0/24",
    "onprem_gateway_address": "192.168.64.10",
    "onprem_connection": {"host": "gateway.example.com"},
    "delivery": "ssh",
    "gate": "wait",
    "initiator": "onprem",
    "psk_generation": 1,
    "nat_range": "10.20.2.0/24",
    "operator_ranges": ["198.51.100.7/32"],
    "operator_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== someone"],
}

AWS_CALLS = {"initiator": "aws", "onprem_behind_nat": False, "onprem_public_range": "198.51.100.9/32"}

MUTATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("a name swanctl cannot read", {"connection_name": "on prem {aws}"}, "connection_name 'on prem {aws}' cannot be"),
    ("a range that is none", {"vpc_range": "10.20.0.0/33"}, "vpc_range '10.20.0.0/33' is not an IPv4 range"),
    (
        "a range with host bits",
        {"onprem_range": "192.168.64.7/24"},
        "has bits beyond its prefix: write 192.168.64.0/24",
    ),
    ("overlapping ranges", {"onprem_range": "10.20.7.0/24", "onprem_gateway_address": "10.20.7.10"}, "overlap"),
    ("the same range twice", {"onprem_range": "10.20.0.0/16", "onprem_gateway_address": "10.20.9.9"}, "overlap"),
    ("a public range on-prem", {"onprem_range": "8.8.8.0/24", "onprem_gateway_address": "8.8.8.8"}, "public addresses"),
    ("a public VPC range", {"vpc_range": "11.0.0.0/16"}, "vpc_range 11.0.0.0/16 holds public addresses"),
    ("everything", {"onprem_range": "0.0.0.0/0"}, "onprem_range 0.0.0.0/0"),
    ("link-local", {"onprem_range": "169.254.0.0/16", "onprem_gateway_address": "169.254.9.9"}, "link-local"),
    ("a VPC too large", {"vpc_range": "10.0.0.0/8"}, "is a /8 and AWS takes /16 to /28"),
    ("a subnet too small", {"subnet_range": "10.20.1.0/29", "gateway_address": "10.20.1.5"}, "AWS takes /16 to /28"),
    ("a subnet elsewhere", {"subnet_range": "10.21.1.0/24", "gateway_address": "10.21.1.10"}, "not inside vpc_range"),
    ("a gateway outside its subnet", {"gateway_address": "10.20.2.10"}, "not in its subnet 10.20.1.0/24"),
    ("AWS's router address", {"gateway_address": "10.20.1.1"}, "one of the five that AWS reserves"),
    ("AWS's DNS address", {"gateway_address": "10.20.1.2"}, "one of the five that AWS reserves"),
    ("AWS's fourth address", {"gateway_address": "10.20.1.3"}, "one of the five that AWS reserves"),
    ("the network address", {"gateway_address": "10.20.1.0"}, "one of the five that AWS reserves"),
    ("the broadcast address", {"gateway_address": "10.20.1.255"}, "one of the five that AWS reserves"),
    ("no address", {"gateway_address": "gateway"}, "gateway_address 'gateway' is not an IPv4 address"),
    ("an on-prem gateway elsewhere", {"onprem_gateway_address": "192.168.65.10"}, "not in onprem_range"),
    ("an on-prem network address", {"onprem_gateway_address": "192.168.64.0"}, "network or broadcast address"),
    ("NAT for a foreign range", {"nat_range": "10.99.0.0/24"}, "nat_range 10.99.0.0/24 is not inside vpc_range"),
    (
        "a route that clashes",
        {"existing_routes": ["192.168.64.0/24"]},
        "already have a route to 192.168.64.0/24, which is",
    ),
    ("a route that wins", {"existing_routes": ["192.168.64.128/25"]}, "which is part of onprem_range"),
    ("no route table", {"route_table_ids": {}}, "route_table_ids is empty"),
    ("a route table twice", {"route_table_ids": {"a": "rtb-1", "b": "rtb-1"}}, "names a table twice"),
    ("both ends initiating", {"initiator": "both"}, "initiator 'both' is not one end"),
    ("neither end initiating", {"initiator": "none"}, "initiator 'none' is not one end"),
    ("two NATs, nobody can call", {**AWS_CALLS, "onprem_behind_nat": True}, "nobody could call"),
    ("AWS calls an unknown address", {**AWS_CALLS, "onprem_public_range": ""}, "is not one address to call"),
    ("AWS calls a whole range", {**AWS_CALLS, "onprem_public_range": "198.51.100.0/24"}, "is not one address to call"),
    (
        "a private public range",
        {"onprem_public_range": "192.168.1.0/24"},
        "onprem_public_range 192.168.1.0/24 is private",
    ),
    ("a boundless public range", {"onprem_public_range": "0.0.0.0/0"}, "opens IKE to the world"),
    ("generation zero", {"psk_generation": 0}, "psk_generation 0 is not a generation"),
    ("generation true", {"psk_generation": True}, "psk_generation True is not a generation"),
    ("SSH from everywhere", {"operator_ranges": ["0.0.0.0/0"]}, "operator_ranges 0.0.0.0/0 opens SSH to the world"),
    ("SSH from half the world", {"operator_ranges": ["128.0.0.0/1"]}, "opens SSH to the world"),
    ("a private key", {"operator_keys": ["-----BEGIN OPENSSH PRIVATE KEY-----"]}, "holds a private key"),
    ("a key that is none", {"operator_keys": ["hello"]}, "operator_keys 'hello' is not a public key"),
    ("the placeholder image", {"ami": PLACEHOLDER_AMI}, "is only a placeholder"),
    ("no image id", {"ami": "ubuntu-26.04"}, "ami 'ubuntu-26.04' is no image id"),
    ("no instance type", {"instance_type": "small"}, "instance_type 'small' is no EC2 type"),
    ("a zone of another region", {"availability_zone": "us-east-1a"}, "is not in region ap-northeast-2"),
    ("a timer that is none", {"timers": {"dpd_timeout": 5}}, "timers has no dpd_timeout"),
    ("a negative timer", {"timers": {"retransmit_timeout_seconds": -1.0}}, "must be numbers"),
    ("dead-peer detection off", {"timers": {"dpd_delay_seconds": 0}}, "switches dead-peer detection off"),
    ("SSH without a way in", {"onprem_connection": None}, "onprem_connection is missing"),
    ("a bundle that is waited for", {"delivery": "bundle"}, "the gate cannot wait for it"),
]


def test_a_good_tunnel_is_not_refused() -> None:
    assert StrongSwanTunnelIntent.of(GOOD).problems() == []


def test_aws_may_call_a_reachable_onprem_gateway() -> None:
    assert StrongSwanTunnelIntent.of({**GOOD, **AWS_CALLS}).problems() == []
    assert (
        StrongSwanTunnelIntent.of(
            {**GOOD, **AWS_CALLS, "onprem_behind_nat": True, "onprem_forwards_ike": True}
        ).problems()
        == []
    )


def test_a_broader_existing_route_loses_and_is_not_refused() -> None:
    assert StrongSwanTunnelIntent.of({**GOOD, "existing_routes": ["0.0.0.0/0", "192.168.0.0/16"]}).problems() == []


@pytest.mark.parametrize(("change", "words"), [case[1:] for case in MUTATIONS], ids=[case[0] for case in MUTATIONS])
def test_a_bad_tunnel_is_refused(change: dict[str, Any], words: str) -> None:
    problems = StrongSwanTunnelIntent.of({**GOOD, **change}).problems()
    assert any(words in problem for problem in problems), problems


@pytest.mark.parametrize("change", [case[1] for case in MUTATIONS], ids=[case[0] for case in MUTATIONS])
def test_every_refusal_ends_with_its_fix(change: dict[str, Any]) -> None:
    for problem in StrongSwanTunnelIntent.of({**GOOD, **change}).problems():
        assert names_a_fix(problem), problem


def names_a_fix(problem: str) -> bool:
    """Whether what follows the last `: ` tells somebody what to do."""
    verbs = "write|choose|set|use|renumber|remove|list|look|let|raise|correct|generate"
    return re.match(verbs, problem.rpartition(": ")[2]) is not None


def test_everything_that_is_wrong_is_said_at_once() -> None:
    bad = {"vpc_range": "11.0.0.0/16", "psk_generation": 0, "ami": "x", "operator_ranges": ["0.0.0.0/0"]}
    with pytest.raises(rules.Refused) as refused:
        rules.require("tunnel", StrongSwanTunnelIntent.of({**GOOD, **bad}).problems())
    said = str(refused.value)
    for words in ("vpc_range 11.0.0.0/16", "psk_generation 0", "ami 'x'", "operator_ranges 0.0.0.0/0"):
        assert words in said


def test_the_librarys_timers_notice_a_dead_peer_in_13_5_seconds() -> None:
    assert detect_seconds() == 13.5
    assert timer_problems(Timers()) == []


def test_upstreams_timers_are_refused_for_detection_and_for_recovery() -> None:
    upstream = Timers(dpd_delay_seconds=30, retransmit_timeout_seconds=4.0, retransmit_base=1.8, retransmit_tries=5)
    # 4 x (1.8^6 - 1) / 0.8 = 165.06 s, as strongSwan's documentation says.
    assert round(upstream.ladder_seconds) == 165
    assert round(upstream.detect_seconds) == 195
    problems = timer_problems(upstream)
    assert len(problems) == 2
    assert "notice a dead peer after 195.1 s" in problems[0]
    assert "could wait 75.6 s" in problems[1]


def test_timers_that_mistake_loss_for_death_are_refused() -> None:
    problems = timer_problems(Timers(retransmit_tries=3))
    assert problems == [
        "retransmit_tries 3 re-establishes a living tunnel at 5 % loss: "
        "set at least 4, with a shorter retransmit_timeout_seconds"
    ]


def test_the_responder_asks_only_after_the_initiator_must_have_noticed() -> None:
    assert Timers().responder_delay_seconds >= Timers().detect_seconds


def test_a_generated_key_is_not_refused() -> None:
    assert psk_problems(GOOD_KEY) == []


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (GOOD_KEY[:20], "hold at most 119 bits"),
        ("short", "AWS takes 8 to 64"),
        (GOOD_KEY + GOOD_KEY, "AWS takes 8 to 64"),
        ("0" + GOOD_KEY[1:], "begins with 0"),
        (GOOD_KEY[:-2] + "+/", "characters beyond"),
        ("ab" * 24, "only 2 different characters"),
    ],
)
def test_a_key_that_aws_or_prudence_rejects_is_refused(key: str, words: str) -> None:
    problems = psk_problems(key)
    assert any(words in problem for problem in problems), problems
    assert all(names_a_fix(problem) for problem in problems), problems


def test_no_refusal_quotes_a_key() -> None:
    for key in (GOOD_KEY[:20], "0" + GOOD_KEY[1:], GOOD_KEY + "+"):
        assert all(key not in problem for problem in psk_problems(key))
