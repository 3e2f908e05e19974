"""Refusals of CloudflareFailover: the good design passes, each bad one names its fix, and the arithmetic holds."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinsite.rules.cloudflare import INTERVALS, REGIONS, CloudflareFailoverIntent, detection_seconds

ACCOUNT, ZONE = "0123456789abcdef" * 2, "f" * 32
GOOD: dict[str, Any] = {
    "fqdn": "crm.example.com",
    "account_id": ACCOUNT,
    "zone_id": ZONE,
    "plan": "pro",
    "primary": {"site": "aws", "address": "alb.ap-northeast-2.elb.amazonaws.com", "host": "crm.example.com"},
    "standby": {"site": "gcp", "address": "192.0.2.20", "host": "crm.example.com"},
    "notice": {"site": "notice", "address": "notice.example.net", "host": "notice.example.net"},
    "writer_text": "writer-of-crm",
    "notice_text": "back soon",
    "check_regions": ["NEAS", "SEAS"],
}


def names_a_fix(problem: str) -> bool:
    return re.search(": (give|set|write|list) ", problem) is not None


def problems(**changes: Any) -> list[str]:
    return CloudflareFailoverIntent.of({**GOOD, **changes}).problems()


def end(which: str, **changes: Any) -> dict[str, Any]:
    return {which: {**GOOD[which], **changes}}


@settings(deadline=None)
@given(
    plan=st.sampled_from(sorted(INTERVALS)),
    longer=st.integers(0, 600),
    timeout=st.integers(1, 10),
    retries=st.integers(0, 5),
    down=st.integers(1, 10),
    regions=st.lists(st.sampled_from(REGIONS), min_size=1, unique=True),
)
def test_a_monitor_that_fits_is_refused_for_nothing(
    plan: str, longer: int, timeout: int, retries: int, down: int, regions: list[str]
) -> None:
    interval = INTERVALS[plan] + longer
    found = problems(
        plan=plan, interval_seconds=interval, timeout_seconds=timeout, retries=retries, consecutive_down=down,
        check_regions=regions,
    )  # fmt: skip
    fits = (retries + 1) * timeout < interval
    assert [one.split(" do not fit")[0] for one in found] == ([] if fits else [f"{retries + 1} tries of {timeout} s"])


@settings(deadline=None)
@given(
    interval=st.integers(5, 120), down=st.integers(1, 10), retries=st.integers(0, 5), timeout=st.integers(1, 10),
    dies=st.floats(0, 1, exclude_max=True), quick=st.integers(0, 100),
)  # fmt: skip
def test_a_dead_site_is_down_within_what_is_published(
    interval: int, down: int, retries: int, timeout: int, dies: float, quick: int
) -> None:
    """A monitor played through: it asks at 0, interval, 2 × interval …; the site dies some moment after the first."""
    died, moment, failed = dies * interval, 0.0, 0
    spent = (retries + 1) * timeout * quick / 100  # a try that is refused does not hang for its whole timeout
    while failed < down:
        moment += interval
        failed += 1
    assert moment + spent - died <= detection_seconds(interval, down, retries, timeout)


@pytest.mark.parametrize(("plan", "timeout", "seconds"), [("pro", 5, 75), ("business", 3, 24), ("enterprise", 3, 19)])
def test_the_arithmetic_of_each_plan(plan: str, timeout: int, seconds: int) -> None:
    """75 s is what Cloudflare's own figures give for 60/2/5."""
    assert CloudflareFailoverIntent.of({**GOOD, "plan": plan, "timeout_seconds": timeout}).detection_seconds == seconds


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steering_policy": "dynamic_latency"}, r"^steering_policy 'dynamic_latency' chooses .*\(K38\): set off"),
        ({"steering_policy": ""}, "^steering_policy '' chooses"),
        (end("notice", address="192.0.2.20"), "^standby and notice are both at .*a notice that a site serves is gone"),
        (end("standby", address=GOOD["primary"]["address"]), "^primary and standby are both at .* of its own$"),
        (end("standby", site="aws"), "^sites of the pools has aws 2 times: list it once"),
        ({"account_id": "crm"}, "^account_id 'crm' is no id of Cloudflare's: give the 32 hexadecimal digits"),
        ({"account_id": ACCOUNT.upper()}, "^account_id .* is no id"),
        ({"zone_id": ""}, "^zone_id '' is no id"),
        ({"zone_id": ACCOUNT}, "^account_id and zone_id are the same"),
        ({"plan": "free"}, "^plan 'free' has no known interval: give one of pro, business, enterprise"),
        (
            {"interval_seconds": 30},
            "^interval_seconds 30 is shorter than the 60 s that plan pro allows: set 60 or more",
        ),
        ({"plan": "enterprise"}, "^3 tries of 5 s do not fit into an interval of 10 s: set interval_seconds higher"),
        ({"consecutive_down": 0}, "^consecutive_down is 0: set 1 to 10"),
        ({"consecutive_up": 0}, "^consecutive_up is 0: set 1 to 10"),
        ({"writer_text": " "}, "^writer_text is empty, so any page with the right code would do"),
        ({"notice_text": ""}, "^notice_text is empty"),
        (
            {"notice_text": "no Writer-of-CRM here"},
            "^notice_text holds writer_text, so a notice would pass for a writer",
        ),
        ({"writer_path": "writer"}, "^writer_path 'writer' is no path: write it like /writer"),
        ({"session_affinity_seconds": 60}, "^session_affinity_seconds is 60: set 1800 to 604800"),
        ({"check_regions": []}, "^check_regions is empty, which means every data centre"),
        ({"check_regions": ["KR"]}, "^check_regions has 'KR', which Cloudflare does not ask from: list some of WNAM"),
        ({"check_regions": ["NEAS", "NEAS"]}, "^check_regions has NEAS 2 times: list it once"),
        (end("primary", address="crm.example.com"), "^primary.address is crm.example.com, .* so it would ask itself"),
        (end("primary", address="10.20.1.10"), "^primary.address 10.20.1.10 is not reached from the internet"),
        (
            end("primary", address="http://alb"),
            "^primary.address 'http://alb' is neither an IP address nor a host name",
        ),
        (end("standby", host=""), "^standby.host '' is no host name: give the name that the origin's certificate"),
        (end("standby", site="G CP"), "^standby.site 'G CP' cannot be part of a pool's name"),
        ({"fqdn": "CRM"}, "^fqdn 'CRM' is not a full DNS name"),
    ],
)
def test_a_bad_design_is_refused_once_and_with_its_fix(changes: dict[str, Any], words: str) -> None:
    assert problems() == []
    (found,) = problems(**changes)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found)
    assert names_a_fix(found)


WORDS = st.sampled_from(["", "aws", "crm.example.com", "192.0.2.20", "fe80::1%eth0", ACCOUNT, "off"]) | st.text(
    max_size=40
)
ENDS = st.fixed_dictionaries({}, optional={"site": WORDS, "address": WORDS, "host": WORDS})


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("fqdn", "account_id", "zone_id", "plan", "writer_path", "writer_text"), WORDS),
            **dict.fromkeys(("primary", "standby", "notice"), ENDS),
            **dict.fromkeys(
                ("interval_seconds", "timeout_seconds", "retries", "consecutive_down"), st.integers(-5, 99)
            ),
            "steering_policy": WORDS,
            "check_regions": st.lists(WORDS, max_size=3),
        },
    )
)
def test_whatever_is_given_is_refused_in_sentences_with_a_fix(args: dict[str, Any]) -> None:
    found = CloudflareFailoverIntent.of({**GOOD, **args}).problems()
    assert [one for one in found if not names_a_fix(one)] == []


def test_an_address_that_is_not_known_yet_is_asked_nothing() -> None:
    late = {**GOOD["standby"], "address": object()}
    assert problems(standby=late) == []
    assert CloudflareFailoverIntent.of({**GOOD, "standby": late}).standby.address is None
