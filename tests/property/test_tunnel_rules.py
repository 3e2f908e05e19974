"""Refusals of addresses and timers, over all of them."""

import ipaddress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_tunnel_rules import GOOD, names_a_fix
from twinsite.guest.gateway.timers import Timers
from twinsite.rules import addresses
from twinsite.rules.tunnel import StrongSwanTunnelIntent, psk_problems, timer_problems

TEXT = st.text(max_size=20)
RANGES = st.builds(
    lambda address, prefix: str(ipaddress.IPv4Interface((address, prefix)).network),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
ADDRESSES = st.ip_addresses(v=4).map(str)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "connection_name": TEXT,
        "vpc_range": RANGES | TEXT,
        "subnet_range": RANGES | TEXT,
        "onprem_range": RANGES | TEXT,
        "gateway_address": ADDRESSES | TEXT,
        "onprem_gateway_address": ADDRESSES | TEXT,
        "nat_range": RANGES | TEXT,
        "existing_routes": st.lists(RANGES | TEXT, max_size=3),
        "onprem_public_range": RANGES | TEXT,
        "operator_ranges": st.lists(RANGES | TEXT, max_size=3),
        "operator_keys": st.lists(TEXT, max_size=2),
        "initiator": st.sampled_from(["onprem", "aws", "both", ""]),
        "onprem_behind_nat": st.booleans(),
        "onprem_forwards_ike": st.booleans(),
        "psk_generation": st.integers(-3, 9),
        "ami": TEXT,
        "instance_type": TEXT,
        "delivery": st.sampled_from(["ssh", "bundle"]),
        "gate": st.sampled_from(["wait", "handover"]),
        "onprem_connection": st.none() | st.just({"host": "x"}),
        "route_table_ids": st.dictionaries(st.sampled_from("abc"), st.sampled_from(["rtb-1", "rtb-2"])),
        "timers": st.fixed_dictionaries(
            {},
            optional={
                "dpd_delay_seconds": st.integers(-1, 60),
                "retransmit_timeout_seconds": st.floats(0.1, 10),
                "retransmit_base": st.floats(1, 3),
                "retransmit_tries": st.integers(0, 10),
            },
        ),
    },
)


@given(CHANGES)
def test_every_refusal_is_one_sentence_with_a_fix(change: dict[str, Any]) -> None:
    for problem in StrongSwanTunnelIntent.of({**GOOD, **change}).problems():
        assert names_a_fix(problem), problem


@given(RANGES, RANGES)
def test_ranges_that_share_an_address_are_always_refused(one: str, other: str) -> None:
    vpc, onprem = ipaddress.IPv4Network(one), ipaddress.IPv4Network(other)
    shared = vpc.network_address in onprem or onprem.network_address in vpc
    assert bool(addresses.overlap_problems({"vpc_range": vpc, "onprem_range": onprem})) == shared


@given(st.integers(0, 2**32 - 1), st.integers(16, 28), st.data())
def test_exactly_five_addresses_of_a_subnet_are_reserved(base: int, prefix: int, data: st.DataObject) -> None:
    subnet = ipaddress.IPv4Interface((base, prefix)).network
    offset = data.draw(st.integers(0, subnet.num_addresses - 1))
    reserved = offset in (0, 1, 2, 3, subnet.num_addresses - 1)
    assert bool(addresses.subnet_address_problems("gateway_address", subnet[offset], subnet)) == reserved


@given(
    st.builds(
        Timers,
        dpd_delay_seconds=st.integers(1, 30),
        retransmit_timeout_seconds=st.floats(0.1, 10),
        retransmit_base=st.floats(1, 2),
        retransmit_tries=st.integers(0, 12),
    )
)
def test_accepted_timers_meet_the_acceptance_numbers(timers: Timers) -> None:
    if not timer_problems(timers):
        assert timers.detect_seconds <= 15
        assert timers.longest_wait_seconds <= 5
        assert timers.responder_delay_seconds >= timers.detect_seconds
        assert timers.acquire_seconds > timers.ladder_seconds


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", min_size=47, max_size=47))
def test_a_prefixed_result_never_begins_with_zero_or_holds_illegal_characters(result: str) -> None:
    problems = psk_problems(f"p{result}")
    assert all("different characters" in problem for problem in problems), problems
