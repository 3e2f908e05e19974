"""Whether a live name may be adopted: each refusal by the fact that causes it, and the batch both ways."""

import concurrent.futures
import dataclasses
import time
from typing import Any

import pytest

from twinsite.rules import adoption
from twinsite.rules.adoption import NameFacts, RecordSet, adoption_problems, batch, put_back
from twinsite.rules.traffic import CLEAR_ADDRESS
from twinsite.traffic import previous

ALB, ZONE = "shop-1.ap-northeast-2.elb.amazonaws.com", "ZWKZPGTI48KDX"


def alias(kind: str = "A", target: str = f"dualstack.{ALB}.", **more: Any) -> dict[str, Any]:
    leads = {"HostedZoneId": ZONE, "DNSName": target, "EvaluateTargetHealth": True}
    return {"Name": "www.example.com.", "Type": kind, "AliasTarget": leads, **more}


def pair(kind: str = "A") -> tuple[RecordSet, RecordSet]:
    primary, secondary = (
        adoption.wanted(
            {
                "name": "www.example.com",
                "type": kind,
                "setIdentifier": role.lower(),
                "failoverRoutingPolicies": [{"type": role}],
                "healthCheckId": f"check-{role.lower()}",
                "aliases": [{"name": target, "zoneId": "Z9", "evaluateTargetHealth": False}],
            }
        )
        for role, target in (("PRIMARY", ALB), ("SECONDARY", "d1.cloudfront.net"))
    )
    return primary, secondary


OTHER = {"Name": "www.example.com.", "Type": "CAA", "TTL": 60, "ResourceRecords": [{"Value": '0 issue "ca"'}]}
GOOD = NameFacts(
    fqdn="www.example.com",
    pair=pair(),
    unknown=False,
    sets=(alias(), OTHER),
    texts=(),
    witness=frozenset({CLEAR_ADDRESS}),
    witness_clear=CLEAR_ADDRESS,
    latch={"https://one/latch/dr": 404, "https://two/latch/dr": 404},
    pages={"dr.example.com": "", "www.example.com": ""},
)  # fmt: skip


def text(value: str, name: str = "www.example.com.") -> RecordSet:
    return {"Name": name, "Type": "TXT", "TTL": 300, "ResourceRecords": [{"Value": f'"{value}"'}]}


def cname(target: str) -> RecordSet:
    return {"Name": "www.example.com.", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": target}]}


def test_a_simple_alias_to_the_same_balancer_may_be_adopted() -> None:
    assert adoption_problems(GOOD) == []


@pytest.mark.parametrize("target", [ALB, f"{ALB.upper()}.", f"dualstack.{ALB}"])
def test_a_cname_to_the_same_balancer_may_be_adopted(target: str) -> None:
    assert adoption_problems(dataclasses.replace(GOOD, sets=(cname(target),))) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pair": ()}, "makes no failover pair of www.example.com: it makes none at all"),
        ({"pair": (), "others": ("dr.example.com",)}, "give one of its names, dr.example.com"),
        ({"unknown": True}, "run `pulumi up --continue-on-error` first"),
        ({"sets": ()}, "has no record, so there is nothing to adopt"),
        ({"texts": (text("heritage=external-dns,external-dns/owner=x", "a-www.example.com."),)}, "external-dns"),
        ({"sets": (alias(SetIdentifier="blue", Weight=10), alias(SetIdentifier="green", Weight=0))}, "routing policy"),
        ({"sets": (alias(target="other.elb.amazonaws.com."),)}, "users would be moved now"),
        ({"sets": (cname("elsewhere.example.org"),)}, "users would be moved now"),
        ({"sets": ({"Name": "www.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.9"}]},)},
         "leads to 192.0.2.9"),
        ({"sets": (alias(), alias("AAAA"))}, "primary_has_ipv6 true"),
        ({"witness": frozenset()}, "resolves to nothing"),
        ({"witness": frozenset({"192.0.2.2"})}, "resolves to 192.0.2.2"),
        ({"latch": {"https://one/latch/dr": 404, "https://two/latch/dr": 200}}, "the latch is set"),
        ({"latch": {"https://one/latch/dr": 404, "https://two/latch/dr": 0}}, "answers nothing"),
        ({"pages": {"dr.example.com": "certificate verify failed", "www.example.com": ""}}, "does not serve dr.ex"),
    ],
)  # fmt: skip
def test_each_of_these_is_refused_with_its_fix(change: dict[str, Any], words: str) -> None:
    problems = adoption_problems(dataclasses.replace(GOOD, **change))
    assert problems
    assert all(words in problem for problem in problems)


def test_all_problems_are_said_at_once() -> None:
    bad = dataclasses.replace(
        GOOD, witness=frozenset(), latch={"https://one/latch/dr": 200}, texts=(text("heritage=external-dns"),)
    )
    assert len(adoption_problems(bad)) == 3


def test_what_was_interrupted_after_the_batch_may_go_on() -> None:
    # The pair is in the zone, the state does not know it yet.
    there = dataclasses.replace(GOOD, sets=(*pair(), GOOD.sets[1]))
    assert (adoption.replaced(there), adoption.missing(there)) == ([], [])
    assert adoption_problems(there) == []


def test_a_type_that_the_name_never_had_is_the_pairs_already_and_stays() -> None:
    # The first `up` stops at A; AAAA had nobody in its way.
    six = pair("AAAA")
    half = dataclasses.replace(GOOD, pair=(*pair(), *six), sets=(*GOOD.sets, six[0]))
    assert adoption_problems(half) == []
    assert adoption.replaced(half) == [GOOD.sets[0]]
    assert adoption.missing(half) == [*pair(), six[1]]


def test_the_batch_deletes_before_it_creates_and_leaves_other_types_alone() -> None:
    changes = batch(adoption.replaced(GOOD), GOOD.pair)
    assert [(one["Action"], one["ResourceRecordSet"].get("Failover")) for one in changes] == [
        ("DELETE", None), ("CREATE", "PRIMARY"), ("CREATE", "SECONDARY"),
    ]  # fmt: skip
    assert {one["ResourceRecordSet"]["Type"] for one in changes} == {"A"}


def test_putting_back_is_one_batch_and_nothing_when_it_is_done() -> None:
    before = [alias()]
    changes = put_back([*pair(), GOOD.sets[1]], before)
    assert [(one["Action"], one["ResourceRecordSet"].get("SetIdentifier")) for one in changes] == [
        ("DELETE", "primary"), ("DELETE", "secondary"), ("CREATE", None),
    ]  # fmt: skip
    assert put_back([alias(target=ALB), GOOD.sets[1]], before) == []
    # The provider got as far as one of two.
    assert [one["Action"] for one in put_back([pair()[0]], before)] == ["DELETE", "CREATE"]


class Zone:
    """Takes a batch only if it fits, as Route 53 does, and needs a moment for it."""

    def __init__(self, sets: list[RecordSet]) -> None:
        self.now, self.batches = sets, 0

    def sets(self, fqdn: str) -> list[RecordSet]:
        found = list(self.now)
        time.sleep(0.05)
        return found

    def change(self, changes: list[dict[str, Any]], comment: str) -> None:
        self.batches += 1
        for one in changes:
            if one["Action"] == "DELETE":
                self.now.remove(one["ResourceRecordSet"])  # ValueError when it is not there
            else:
                self.now.append(one["ResourceRecordSet"])


def test_of_several_records_that_go_at_once_the_first_puts_everything_back() -> None:
    zone: Any = Zone([*pair(), *pair("AAAA")])
    with concurrent.futures.ThreadPoolExecutor() as beside:
        done = [beside.submit(previous._leave, zone, "www.example.com", [alias()]) for _ in range(4)]
        for one in done:
            one.result()
    assert (zone.now, zone.batches) == ([alias()], 1)
