"""Route 53 as the lab decides, row by row, and against the product's own model of it: two pens, one documentation."""

import itertools
from typing import Any

import pytest

from lab.services.route53 import Check, Record, Target, agreed, check_healthy, chosen, record_healthy
from twinsite.traffic import answers

HALF = {"good": lambda identity: True, "bad": lambda identity: False, "new": lambda identity: None}


def verdict(check: Check, seen: str) -> bool:
    return check_healthy("c", {"c": check}, HALF[seen])


@pytest.mark.parametrize(
    ("check", "seen", "healthy"),
    [
        (Check("HTTPS"), "good", True),
        (Check("HTTPS"), "bad", False),
        (Check("HTTPS"), "new", True),
        (Check("HTTPS", inverted=True), "good", False),
        (Check("HTTPS", inverted=True), "bad", True),
        (Check("HTTPS", inverted=True), "new", False),
        (Check("HTTPS", disabled=True), "bad", True),
        (Check("CLOUDWATCH_METRIC", insufficient="Unhealthy"), "new", False),
        (Check("CLOUDWATCH_METRIC", insufficient="LastKnownStatus"), "new", True),
    ],
)
def test_a_checks_status(check: Check, seen: str, healthy: bool) -> None:
    assert verdict(check, seen) is healthy


@pytest.mark.parametrize(("bad", "threshold", "healthy"), [(0, 2, True), (1, 2, False), (1, 1, True), (2, 0, True)])
def test_a_calculated_check_counts_its_healthy_children(bad: int, threshold: int, healthy: bool) -> None:
    checks = {"a": Check("HTTPS"), "b": Check("TCP"), "all": Check("CALCULATED", False, False, ("a", "b"), threshold)}
    failing = {"a", "b"} if bad == 2 else {"a"} if bad else set()
    assert check_healthy("all", checks, lambda identity: identity not in failing) is healthy


@pytest.mark.parametrize(("good", "of", "healthy"), [(0, 16, False), (2, 16, False), (3, 16, True), (1, 3, True)])
def test_more_than_eighteen_percent_of_the_checkers_are_enough(good: int, of: int, healthy: bool) -> None:
    assert agreed([True] * good + [False] * (of - good)) is healthy


def decided(primary: Record, secondary: Record, healthy: dict[str, bool], targets: dict[str, bool]) -> str:
    """PRIMARY or SECONDARY, as the lab answers."""
    pairs = [
        (one, record_healthy(one, lambda check: healthy[check], Target(targets[one.identity])))
        for one in (primary, secondary)
    ]
    answer = chosen(pairs)
    assert answer is not None
    return answer.role


def test_every_pair_is_answered_as_the_products_model_says() -> None:
    """All kinds of records, with every health of their checks and targets."""
    kinds = list(itertools.product((None, True, False), (False, True), (False, True), (False, True)))
    compared = 0
    for mine, other in itertools.product(kinds, repeat=2):
        models, records, healthy, targets = [], [], {}, {}
        for role, (check, alias, evaluates, target) in (("PRIMARY", mine), ("SECONDARY", other)):
            models.append(answers.Record(check, alias, evaluates, target))
            records.append(Record(role, role, "" if check is None else f"check-{role}", alias, evaluates))
            healthy[f"check-{role}"] = bool(check)
            targets[role] = target
        assert decided(records[0], records[1], healthy, targets) == answers.answer(*models).value, (mine, other)
        compared += 1
    assert compared == 24 * 24


def latched() -> dict[str, Check]:
    """The checks of both names as the product builds them: leaves of both polarities, and what is calculated."""
    ids = ("absent1", "absent2", "present1", "present2", "page", "standby")
    checks = {name: Check("HTTPS", inverted=name.startswith("absent")) for name in ids}
    checks["dr-primary"] = Check("CALCULATED", children=("absent1", "absent2"), child_threshold=2)
    checks["www-primary"] = Check("CALCULATED", children=("page", "absent1", "absent2"), child_threshold=3)
    checks["secondary"] = Check("CALCULATED", children=("standby", "present1", "present2"), child_threshold=1)
    return checks


WORLDS: list[Any] = list(itertools.product((True, False), (True, False), range(3), range(3)))
"""Page, standby, and each latch store: 0 absent, 1 there, 2 there and its store cannot be reached."""


def test_every_world_of_primary_standby_and_latch_is_answered_as_the_products_model_says() -> None:
    compared = 0
    for page, standby, *stores in WORLDS:
        seen: dict[str, bool] = {"page": page, "standby": standby}
        for number, state in enumerate(stores, 1):
            seen |= {f"absent{number}": state == 1, f"present{number}": state == 1}
        world = answers.World(
            page,
            standby,
            tuple(answers.Store(state > 0, state < 2) for state in stores),  # type: ignore[arg-type]
        )
        checks = latched()

        def healthy(identity: str, checks: dict[str, Check] = checks, seen: dict[str, bool] = seen) -> bool:
            return check_healthy(identity, checks, lambda leaf: seen[leaf])

        for name, model in (("dr", answers.stateful_answer), ("www", answers.stateless_answer)):
            pair = [
                (record, healthy(record.check))
                for record in (
                    Record("one", "PRIMARY", f"{name}-primary", alias=True),
                    Record("two", "SECONDARY", "secondary"),
                )
            ]
            answer = chosen(pair)
            assert answer is not None
            assert answer.role == model(world).value, (name, page, standby, stores)
            compared += 1
    assert compared == 2 * 2 * 2 * 9


def test_a_name_with_one_record_is_answered_with_it_whatever_its_health() -> None:
    for role in ("PRIMARY", "SECONDARY", ""):
        assert chosen([(Record("only", role), False)]) == Record("only", role)
    assert chosen([]) is None
