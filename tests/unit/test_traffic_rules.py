"""Refusals about names, latch, pages and alarms: each bad design, made from a good one by one change, with its fix."""

import re
from typing import Any

import pytest

from twinsite.rules.pages import FrontDoorIntent, MaintenancePageIntent, StaticSiteIntent
from twinsite.rules.traffic import (
    LatchIntent,
    MovedName,
    Route53FailoverPairIntent,
    latch_seconds,
    names_problems,
    route_seconds,
)
from twinsite.rules.watching import AlarmsIntent, ObserverIntent

ALB = "shop-123.ap-northeast-2.elb.amazonaws.com"
PAGE = {"host": ALB, "path": "/petclinic/", "text": "served by site aws"}
PAIR: dict[str, Any] = {
    "fqdn": "dr.example.com",
    "zone_id": "Z0PUBLIC",
    "stateful": True,
    "primary": {"dns_name": ALB, "zone_id": "ZWKZPGTI48KDX", "has_ipv6": True},
    "primary_check": PAGE,
    "secondary": {"distribution_domain": "d1.cloudfront.net", "distribution_zone_id": "Z2FDTNDATAQYW2"},
    "secondary_check": {"host": "d1.cloudfront.net", "path": "/petclinic/", "text": "served by site azure"},
    "ttl_seconds": 60,
}
BY_ADDRESS = {"secondary": {"ipv4": "20.196.1.2", "ipv6": "2603:1040::2"}}


def primary(**change: Any) -> dict[str, Any]:
    return {"primary": {**PAIR["primary"], **change}}


def checks(which: str, **change: Any) -> dict[str, Any]:
    return {which: {**PAIR[which], **change}}


TWO = {"ipv4": "20.196.1.2", "ipv6": "2603:1040::2"}
PAIRS: list[tuple[str, dict[str, Any], str]] = [
    ("K27 alias to another cloud", {"secondary": {"distribution_domain": "x.azurefd.net"}}, "no distribution"),
    ("K27 primary outside AWS", primary(dns_name="shop.koreacentral.cloudapp.azure.com"), "aliases lead to AWS only"),
    ("a name that answers with itself", primary(dns_name="dr.example.com"), "would answer with itself"),
    ("a zone id that is none", primary(zone_id="example.com"), "is no hosted zone id"),
    (
        "K28 both kinds of secondary",
        {"secondary": {**PAIR["secondary"], **TWO}},
        "has both",
    ),
    ("no secondary", {"secondary": {}}, "has none"),
    ("K29 a secondary without a check", {"secondary_check": None}, "the secondary has no check"),
    ("K29 a notice that watches nothing", {"stateful": False, "primary_check": None}, "moves by the primary's health"),
    ("K32 a long TTL", {**BY_ADDRESS, "ttl_seconds": 300}, "ttl_seconds 300 is not 1 to 60"),
    ("K32 no TTL", {**BY_ADDRESS, "ttl_seconds": 0}, "ttl_seconds 0 is not 1 to 60"),
    ("K34 a check of the own name", checks("primary_check", host="dr.example.com"), "the failover pair's own name"),
    ("K34 a private address", checks("secondary_check", address="10.1.2.3"), "reach public addresses only"),
    ("K34 a loopback", checks("secondary_check", address="127.0.0.1"), "reach public addresses only"),
    ("K34 no text", checks("secondary_check", text=""), "a redirect counts as healthy"),
    ("K34 too long a text", checks("secondary_check", text="x" * 256), "looks for 256 characters"),
    ("a path without /", checks("secondary_check", path="petclinic"), "begin it with /"),
    ("an interval of 20 s", checks("secondary_check", interval_seconds=20), "Route 53 knows 10 and 30"),
    ("no failures", checks("primary_check", failures=0), "Route 53 takes 1 to 10"),
    ("eleven failures", checks("primary_check", failures=11), "Route 53 takes 1 to 10"),
    ("port 0", checks("primary_check", port=0), "asks port 0"),
    ("K35 no AAAA at the standby", {"secondary": {"ipv4": "20.1.2.3"}}, "IPv6 clients would stay"),
    ("K35 no AAAA at the primary", {**BY_ADDRESS, **primary(has_ipv6=False)}, "a pair needs both"),
    ("K36 two distributions", primary(dns_name="d2.cloudfront.net"), "are both distributions"),
    ("a private standby", {"secondary": {"ipv4": "10.0.0.4", "ipv6": "2603::1"}}, "is not public"),
    ("an IPv6 address as ipv4", {"secondary": {"ipv4": "2603::1", "ipv6": "2603::1"}}, "is no such address"),
    ("a private IPv6 standby", {"secondary": {"ipv4": "20.1.2.3", "ipv6": "fd00::1"}}, "is not public"),
    ("a name that is none", {"fqdn": "dr"}, "is not a full DNS name"),
    ("a name in capitals", {"fqdn": "DR.example.com"}, "is not a full DNS name"),
]


def store(account: str, region: str) -> dict[str, str]:
    return {"account": account, "region": region}


LATCH: dict[str, Any] = {
    "stores": [store("shopnotice", "koreacentral"), store("shoplatch", "japaneast")],
    "zone_name": "example.com",
    "object_name": "latch/dr",
}
LATCHES: list[tuple[str, dict[str, Any], str]] = [
    ("one object", {"stores": LATCH["stores"][:1]}, "1 stores are given"),
    ("three objects", {"stores": [*LATCH["stores"], store("third", "westus")]}, "3 stores are given"),
    (
        "one account",
        {"stores": [store("shopnotice", "koreacentral"), store("shopnotice", "japaneast")]},
        "in account shopnotice",
    ),
    (
        "one region",
        {"stores": [store("shopnotice", "koreacentral"), store("b", "koreacentral")]},
        "in region koreacentral",
    ),
    ("a key with a space", {"object_name": "the latch"}, "does not travel unchanged"),
    ("an object that is always there", {"object_name": "healthz"}, "always be set"),
    ("no zone", {"zone_name": "example"}, "zone_name 'example'"),
]

NOTICE: dict[str, Any] = {
    "fqdn": "www.example.com",
    "account_name": "shopnotice",
    "backup_account_name": "shopbackup",
    "standby_url": "https://dr.example.com/petclinic/",
    "retry_after_seconds": 300,
}
NOTICES: list[tuple[str, dict[str, Any], str]] = [
    ("K26 backups beside the page", {"backup_account_name": "shopnotice"}, "would publish the backups"),
    ("K37 no time to wait", {"retry_after_seconds": 0}, "retry_after_seconds 0"),
    ("a page that leads to itself", {"standby_url": "https://www.example.com/"}, "shows the notice itself"),
    ("a page that leads nowhere", {"standby_url": "dr.example.com"}, "is no HTTPS address"),
    ("a page that leads into the clear", {"standby_url": "http://dr.example.com/"}, "is no HTTPS address"),
    ("a price class that is none", {"price_class": "cheap"}, "price_class 'cheap'"),
]

FRONT: dict[str, Any] = {
    "fqdn": "dr.example.com",
    "origin_host": "shopdr.koreacentral.cloudapp.azure.com",
    "origin_certificate_names": ["*.koreacentral.cloudapp.azure.com"],
}
FRONTS: list[tuple[str, dict[str, Any], str]] = [
    ("an address as origin", {"origin_host": "20.196.1.2"}, "CloudFront takes names only"),
    ("itself as origin", {"origin_host": "dr.example.com"}, "CloudFront would ask itself"),
    ("a certificate of another name", {"origin_certificate_names": ["dr.example.com"]}, "would answer 502"),
    ("no certificate", {"origin_certificate_names": []}, "names none"),
    ("a wildcard one level up", {"origin_certificate_names": ["*.cloudapp.azure.com"]}, "would answer 502"),
    ("a port that CloudFront does not call", {"origin_port": 22}, "origin_port 22"),
    ("a generation that is none", {"secret_generation": 0}, "secret_generation 0"),
]

OBSERVED: dict[str, Any] = {
    "location": "koreacentral",
    "primary_url": "https://primary.example.com/petclinic/",
    "failover_names": ["www.example.com", "dr.example.com"],
    "emails": ["oncall@example.com"],
}
OBSERVERS: list[tuple[str, dict[str, Any], str]] = [
    ("K53 an observer that follows the users", {"primary_url": "https://dr.example.com/"}, "would be green again"),
    ("K53 nobody is told", {"emails": []}, "nobody is told"),
    ("an address that is none", {"emails": ["oncall"]}, "'oncall' is no address"),
    ("an age beyond a log query", {"backup_max_age_hours": 72}, "looks back 48 hours"),
    ("a drop that is none", {"backup_drop_percent": 0}, "backup_drop_percent 0"),
    ("clear text", {"primary_url": "http://primary.example.com/"}, "is no HTTPS address"),
    ("a name that only AWS has a certificate for", {"primary_url": f"https://{ALB}/petclinic/"}, "a name of AWS's own"),
]


def changed(good: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """`good` with `change`; None leaves an argument out."""
    return {key: value for key, value in {**good, **change}.items() if value is not None}


def names_a_fix(problem: str) -> bool:
    """Whether what follows the last `: ` tells somebody what to do."""
    verbs = "write|set|use|remove|give|let|put|ask|begin|shorten|leave|count"
    return re.match(verbs, problem.rpartition(": ")[2]) is not None


def one(problems: list[str], says: str) -> None:
    assert [problem for problem in problems if says in problem], problems
    assert [problem for problem in problems if not names_a_fix(problem)] == []


def test_the_good_designs_are_not_refused() -> None:
    assert Route53FailoverPairIntent.of(PAIR).problems() == []
    assert Route53FailoverPairIntent.of({**PAIR, **BY_ADDRESS, "ttl_seconds": 30}).problems() == []
    notice = {"host": "d1.cloudfront.net", "path": "/healthz"}
    assert Route53FailoverPairIntent.of({**PAIR, "stateful": False, "secondary_check": notice}).problems() == []
    assert LatchIntent.of(LATCH).problems() == []
    assert MaintenancePageIntent.of(NOTICE).problems() == []
    assert FrontDoorIntent.of(FRONT).problems() == []
    assert ObserverIntent.of(OBSERVED).problems() == []
    assert AlarmsIntent.of({"urls": {"pager": "https://pager.example.com"}}).problems() == []
    assert StaticSiteIntent.of({"account_name": "shopnotice", "location": "koreacentral"}).problems() == []


@pytest.mark.parametrize(("what", "change", "says"), PAIRS, ids=[what for what, *_ in PAIRS])
def test_a_bad_pair_is_refused_with_its_fix(what: str, change: dict[str, Any], says: str) -> None:
    one(Route53FailoverPairIntent.of(changed(PAIR, change)).problems(), says)


@pytest.mark.parametrize(("what", "change", "says"), LATCHES, ids=[what for what, *_ in LATCHES])
def test_a_bad_latch_is_refused_with_its_fix(what: str, change: dict[str, Any], says: str) -> None:
    one(LatchIntent.of(changed(LATCH, change)).problems(), says)


@pytest.mark.parametrize(("what", "change", "says"), NOTICES, ids=[what for what, *_ in NOTICES])
def test_a_bad_notice_page_is_refused_with_its_fix(what: str, change: dict[str, Any], says: str) -> None:
    one(MaintenancePageIntent.of(changed(NOTICE, change)).problems(), says)


@pytest.mark.parametrize(("what", "change", "says"), FRONTS, ids=[what for what, *_ in FRONTS])
def test_a_bad_front_is_refused_with_its_fix(what: str, change: dict[str, Any], says: str) -> None:
    one(FrontDoorIntent.of(changed(FRONT, change)).problems(), says)


@pytest.mark.parametrize(("what", "change", "says"), OBSERVERS, ids=[what for what, *_ in OBSERVERS])
def test_a_bad_observer_is_refused_with_its_fix(what: str, change: dict[str, Any], says: str) -> None:
    one(ObserverIntent.of(changed(OBSERVED, change)).problems(), says)


def test_a_bad_account_is_refused_with_its_fix() -> None:
    one(
        StaticSiteIntent.of({"account_name": "Shop-Notice", "location": "koreacentral"}).problems(),
        "no storage account's name",
    )
    one(StaticSiteIntent.of({"account_name": "shopnotice", "location": "Korea Central"}).problems(), "no Azure region")


def test_two_names_on_two_latches_are_half_a_failover() -> None:
    www, dr = MovedName(fqdn="www.example.com", latch="one"), MovedName(fqdn="dr.example.com", latch="one")
    elsewhere = MovedName(fqdn="dr.example.com", latch="two")
    one(names_problems([www, elsewhere]), "hang on 2 latches (one, two)")
    one(names_problems([dr, dr]), "more than one failover pair")
    assert names_problems([www, dr]) == []


def test_everything_that_is_wrong_is_said_at_once() -> None:
    worst = changed(PAIR, {"ttl_seconds": 300, "secondary_check": None, **primary(dns_name="d2.cloudfront.net")})
    assert len(Route53FailoverPairIntent.of(worst).problems()) == 3


def test_the_time_of_a_move_is_the_sum_that_the_facts_give() -> None:
    assert route_seconds(10, 3, 60) == 96
    assert route_seconds(30, 3, 60) == 156
    assert route_seconds(30, 3, 300) == 396
    assert latch_seconds(60) == 76
