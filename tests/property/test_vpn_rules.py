"""Refusals of an HA VPN, over all of them: whatever is accepted, its two ends meet and its four tunnels stay apart."""

import ipaddress
import json
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.test_tunnel_rules import names_a_fix
from twinsite.rules.vpn import (
    RESERVED_INSIDE,
    AwsGcpVpnIntent,
    inside_problems,
    one_way_cut_seconds,
    renumbering_problems,
    rotation_problems,
    silent_cut_seconds,
)

LINK_LOCAL = ipaddress.IPv4Network("169.254.0.0/16")
GOOD: dict[str, Any] = {
    "dr_mode": "warm",
    "aws_region": "ap-northeast-2",
    "vpc_range": "10.10.0.0/16",
    "route_table_ids": {"private": "rtb-1"},
    "gcp_region": "asia-northeast3",
    "gcp_ranges": ["10.30.0.0/20"],
    "service_range": "10.31.0.0/20",
}
TEXT = st.text(max_size=12)
RANGES = st.builds(
    lambda address, prefix: str(ipaddress.IPv4Interface((address, prefix)).network),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
PRIVATE = st.builds(
    lambda third, prefix: str(ipaddress.IPv4Interface((f"10.{third}.0.0", prefix)).network),
    st.integers(0, 60),
    st.integers(12, 24),
)
INSIDE = st.builds(
    lambda offset: str(ipaddress.IPv4Network((int(LINK_LOCAL[0]) + 4 * offset, 30))),
    st.integers(0, 1600) | st.integers(0, 2**14 - 1),
)
ASNS = st.integers(0, 2**32) | st.integers(64500, 65540)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "dr_mode": st.sampled_from(["cold", "pilot-light", "warm", "hot", ""]),
        "prefix": TEXT | st.sampled_from(["dr", "Dr", "dr-", "9dr", "d" * 41]),
        "aws_region": st.sampled_from(["", "ap-northeast-2"]),
        "gcp_region": st.sampled_from(["", "asia-northeast3"]),
        "vpc_range": RANGES | TEXT,
        "gcp_ranges": st.lists(RANGES | TEXT, max_size=3),
        "service_range": RANGES | TEXT,
        "route_table_ids": st.dictionaries(st.sampled_from("abc"), st.sampled_from(["rtb-1", "rtb-2"])),
        "aws_asn": ASNS,
        "gcp_asn": ASNS,
        "inside_ranges": st.lists(INSIDE | RANGES | TEXT, max_size=5),
        "psk_generations": st.lists(st.integers(-2, 4), max_size=5),
        "redundancy_type": st.sampled_from(["FOUR_IPS_REDUNDANCY", "SINGLE_IP_INTERNALLY_REDUNDANT", ""]),
        "bfd": st.booleans(),
        "aws_tcp_ports": st.lists(st.integers(-1, 70000), max_size=3),
        "service_tcp_ports": st.lists(st.integers(-1, 70000), max_size=3),
        "gcp_tcp_ports": st.lists(st.integers(-1, 70000), max_size=3),
    },
)


def problems(**change: Any) -> list[str]:
    return AwsGcpVpnIntent.of({**GOOD, **change}).problems()


def test_the_good_one_is_accepted() -> None:
    assert problems() == []


@given(CHANGES)
def test_every_refusal_is_one_sentence_with_a_fix(change: dict[str, Any]) -> None:
    for problem in problems(**change):
        assert names_a_fix(problem), problem


@given(st.lists(INSIDE, min_size=4, max_size=4))
def test_ends_of_accepted_tunnels_are_eight_addresses_that_meet_in_pairs(texts: list[str]) -> None:
    assume(not inside_problems(texts))
    inside = AwsGcpVpnIntent.of({**GOOD, "inside_ranges": texts}).inside
    assert len({address for one in inside for address in (one.aws, one.gcp)}) == 8
    for one, text in zip(inside, texts, strict=True):
        network = ipaddress.IPv4Network(text)
        ours, theirs = ipaddress.IPv4Interface(f"{one.gcp}/{one.prefix}"), ipaddress.IPv4Address(one.aws)
        assert ours.network == network and theirs in network and ours.ip != theirs
        assert {ours.ip, theirs} == set(network.hosts())
        assert network.prefixlen == 30 and network.subnet_of(LINK_LOCAL) and network not in RESERVED_INSIDE


@given(st.lists(INSIDE, min_size=4, max_size=4, unique=True), st.integers(0, 3), st.sampled_from(RESERVED_INSIDE))
def test_a_range_that_aws_keeps_is_refused_in_any_place(
    texts: list[str], at: int, reserved: ipaddress.IPv4Network
) -> None:
    texts[at] = str(reserved)
    assert any(f"inside_ranges[{at}] {reserved} is one that AWS keeps" in one for one in inside_problems(texts))


@given(st.lists(INSIDE, min_size=4, max_size=4), st.sampled_from([(0, 1), (0, 3), (2, 3)]))
def test_two_tunnels_of_one_range_are_refused(texts: list[str], pair: tuple[int, int]) -> None:
    one, other = pair
    texts[other] = texts[one]
    assert any("overlap" in problem for problem in inside_problems(texts))


@given(st.lists(INSIDE, max_size=7).filter(lambda texts: len(texts) != 4))
def test_fewer_or_more_tunnels_than_four_are_refused(texts: list[str]) -> None:
    assert any("list four" in problem for problem in inside_problems(texts))


@given(PRIVATE, PRIVATE, PRIVATE)
def test_ranges_that_share_an_address_are_refused_and_only_those(vpc: str, subnet: str, service: str) -> None:
    ranges = [ipaddress.IPv4Network(text) for text in (vpc, subnet, service)]
    shared = any(one.overlaps(other) for at, one in enumerate(ranges) for other in ranges[at + 1 :])
    found = problems(vpc_range=vpc, gcp_ranges=[subnet], service_range=service)
    assert any("overlap" in problem for problem in found) == shared


@given(ASNS, ASNS)
def test_accepted_numbers_are_private_and_differ(ours: int, theirs: int) -> None:
    def private(asn: int) -> bool:
        return 64512 <= asn <= 65534 or 4200000000 <= asn <= 4294967294

    accepted = problems(aws_asn=ours, gcp_asn=theirs) == []
    assert accepted == (ours != theirs and private(ours) and private(theirs))


GENERATIONS = st.lists(st.integers(1, 4), min_size=4, max_size=4)


@given(GENERATIONS, GENERATIONS)
def test_a_step_raises_one_key_by_one_and_everything_else_is_refused(was: list[int], now: list[int]) -> None:
    steps = [new - old for old, new in zip(was, now, strict=True)]
    fine = sorted(steps) in ([0, 0, 0, 0], [0, 0, 0, 1])
    found = rotation_problems({**GOOD, "psk_generations": was}, {**GOOD, "psk_generations": now})
    assert (found == []) == fine
    assert all(names_a_fix(problem) for problem in found)


@given(GENERATIONS, st.sets(st.integers(0, 3), min_size=2))
def test_the_step_that_is_named_instead_is_taken(was: list[int], raised: set[int]) -> None:
    now = [one + (at in raised) for at, one in enumerate(was)]
    while was != now:
        found = rotation_problems({**GOOD, "psk_generations": was}, {**GOOD, "psk_generations": now})
        named = [re.search(r"set (\[.*?\]) first", problem) for problem in found]
        step = json.loads(named[0][1]) if named and named[0] else now
        assert rotation_problems({**GOOD, "psk_generations": was}, {**GOOD, "psk_generations": step}) == []
        was = step


def test_without_tunnels_before_or_after_any_key_may_change() -> None:
    for before, after in (("cold", "warm"), ("warm", "cold"), ("cold", "cold")):
        was, now = {**GOOD, "dr_mode": before}, {**GOOD, "dr_mode": after, "psk_generations": [2, 2, 2, 2]}
        assert rotation_problems(was, now) == []


@pytest.mark.parametrize(("number", "other"), [("aws_asn", 64520), ("gcp_asn", 64530)])
def test_a_number_changes_while_there_are_no_tunnels_and_only_then(number: str, other: int) -> None:
    for after in ("cold", "warm"):
        now = {**GOOD, "dr_mode": after, number: other}
        (problem,) = renumbering_problems({**GOOD, "dr_mode": "warm"}, now)
        assert problem.startswith(f"{number} goes from ") and names_a_fix(problem)
        assert renumbering_problems({**GOOD, "dr_mode": "cold"}, now) == []
    assert renumbering_problems(GOOD, GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"redundancy_type": "SINGLE_IP_INTERNALLY_REDUNDANT"}, "redundancy_type is SINGLE_IP_INTERNALLY_REDUNDANT"),
        ({"inside_ranges": ["169.254.20.0/30"]}, "inside_ranges has 1 ranges"),
        ({"bfd": True}, "bfd is true, and sessions of an HA VPN have none"),
        ({"aws_asn": 65000}, "aws_asn and gcp_asn are both 65000"),
        ({"service_range": "10.31.0.0/28"}, "service_range 10.31.0.0/28 is a /28"),
        ({"dr_mode": "hot"}, "dr_mode 'hot' is none of cold, pilot-light, warm"),
        ({"route_table_ids": {}}, "route_table_ids is empty"),
        ({"gcp_ranges": []}, "gcp_ranges is empty"),
        ({"aws_tcp_ports": [0]}, "aws_tcp_ports 0 is no TCP port"),
    ],
)
def test_a_known_bad_design_has_its_one_sentence(change: dict[str, Any], words: str) -> None:
    (problem,) = problems(**change)
    assert problem.startswith(words)


def test_what_a_cut_costs_holds_what_was_seen_on_machines() -> None:
    """Seconds of lost traffic by hold time; counting the hold time alone fails of the one-way cuts."""
    silent = {30: (23.0, 28.5, 22.9), 60: (50.1, 53.4)}
    one_way = {30: (34.7,), 60: (71.0, 73.0)}
    assert all(one <= silent_cut_seconds(hold) for hold, seen in silent.items() for one in seen)
    assert all(hold < one <= one_way_cut_seconds(hold) for hold, seen in one_way.items() for one in seen)
