"""Refusals of names, latches and fronts, over all of them: never an exception, always a fix, never a slow answer."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_traffic_rules import FRONT, LATCH, PAIR, names_a_fix, store
from twinsite.rules.pages import FrontDoorIntent
from twinsite.rules.traffic import LatchIntent, Route53FailoverPairIntent

TEXT = st.text(max_size=30)
NAMES = (
    st.sampled_from(["dr.example.com", "d1.cloudfront.net", "d2.cloudfront.net", PAIR["primary"]["dns_name"]]) | TEXT
)
ADDRESSES = st.ip_addresses().map(str) | TEXT
CHECKS = st.fixed_dictionaries(
    {"host": NAMES, "path": TEXT},
    optional={
        "address": ADDRESSES,
        "text": st.text(max_size=300),
        "port": st.integers(-1, 70000),
        "interval_seconds": st.integers(0, 60),
        "failures": st.integers(-1, 12),
    },
)
PAIRS = st.fixed_dictionaries(
    {},
    optional={
        "fqdn": NAMES,
        "stateful": st.booleans(),
        "primary": st.fixed_dictionaries({"dns_name": NAMES, "zone_id": TEXT, "has_ipv6": st.booleans()}),
        "secondary": st.fixed_dictionaries(
            {}, optional={"distribution_domain": NAMES, "ipv4": ADDRESSES, "ipv6": ADDRESSES}
        ),
        "primary_check": CHECKS,
        "secondary_check": CHECKS,
        "ttl_seconds": st.integers(-5, 400),
    },
)


@given(change=PAIRS)
def test_every_refusal_of_a_pair_names_its_fix(change: dict[str, Any]) -> None:
    assert [
        problem for problem in Route53FailoverPairIntent.of({**PAIR, **change}).problems() if not names_a_fix(problem)
    ] == []


@given(change=PAIRS)
def test_no_accepted_pair_keeps_users_longer_than_its_ttl_or_without_a_check(change: dict[str, Any]) -> None:
    args = {**PAIR, **change}
    if not Route53FailoverPairIntent.of(args).problems():
        assert 1 <= args["ttl_seconds"] <= 60
        assert args["secondary_check"]["path"].startswith("/")
        assert ("ipv4" in args["secondary"]) != ("distribution_domain" in args["secondary"])


@given(stores=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["here", "there"])), max_size=3))
def test_an_accepted_latch_is_in_two_accounts_and_two_regions(stores: list[tuple[str, str]]) -> None:
    problems = LatchIntent.of({**LATCH, "stores": [store(*one) for one in stores]}).problems()
    good = len(stores) == 2 and stores[0][0] != stores[1][0] and stores[0][1] != stores[1][1]
    assert (problems == []) == good
    assert [problem for problem in problems if not names_a_fix(problem)] == []


@given(host=NAMES | ADDRESSES, names=st.lists(TEXT, max_size=2), port=st.integers(0, 70000))
def test_every_refusal_of_a_front_names_its_fix(host: str, names: list[str], port: int) -> None:
    args = {**FRONT, "origin_host": host, "origin_certificate_names": names, "origin_port": port}
    problems = FrontDoorIntent.of(args).problems()
    assert [problem for problem in problems if not names_a_fix(problem)] == []
