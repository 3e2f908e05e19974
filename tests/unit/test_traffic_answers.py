"""Route 53's rules as tables, and what they make of three designs: latch, notice, and the source document's."""

import itertools

import pytest

from twinsite.traffic.answers import (
    AGREEING_SHARE,
    Check,
    Record,
    Role,
    Store,
    World,
    after,
    answer,
    every,
    health_only_answer,
    of_children,
    some,
    stateful_answer,
    stateless_answer,
)

UP, DOWN = Record(check=True), Record(check=False)
FREE, SET = Store(there=False), Store(there=True)


def world(primary: bool = True, standby: bool = True, stores: tuple[Store, Store] = (FREE, FREE)) -> World:
    return World(primary, standby, stores)


@pytest.mark.parametrize(
    ("record", "healthy"),
    [
        (Record(), True),
        (Record(check=True), True),
        (Record(check=False), False),
        (Record(alias=True, target_healthy=False), True),
        (Record(alias=True, check=False, target_healthy=True), False),
        (Record(alias=True, check=True, target_healthy=False), True),
        (Record(alias=True, evaluates_target=True, target_healthy=True), True),
        (Record(alias=True, evaluates_target=True, target_healthy=False), False),
        (Record(alias=True, evaluates_target=True, check=True, target_healthy=False), False),
        (Record(alias=True, evaluates_target=True, check=False, target_healthy=True), False),
        (Record(alias=True, evaluates_target=True, check=True, target_healthy=True), True),
    ],
)
def test_the_health_of_a_record_follows_the_developer_guide(record: Record, healthy: bool) -> None:
    assert record.healthy is healthy


@pytest.mark.parametrize(
    ("primary", "secondary", "expected"),
    [
        (UP, UP, Role.PRIMARY),
        (UP, DOWN, Role.PRIMARY),
        (UP, Record(), Role.PRIMARY),
        (DOWN, UP, Role.SECONDARY),
        (DOWN, Record(), Role.SECONDARY),
        (DOWN, DOWN, Role.PRIMARY),
        (Record(), UP, Role.PRIMARY),
        (Record(), DOWN, Role.PRIMARY),
        (Record(alias=True, target_healthy=False), UP, Role.PRIMARY),
    ],
)
def test_the_answer_of_a_pair_follows_the_developer_guide(primary: Record, secondary: Record, expected: Role) -> None:
    assert answer(primary, secondary) is expected


@pytest.mark.parametrize(
    ("check", "healthy"),
    [
        (Check(1.0), True),
        (Check(0.19), True),
        (Check(AGREEING_SHARE), False),
        (Check(0.0), False),
        (Check(1.0, inverted=True), False),
        (Check(0.19, inverted=True), False),
        (Check(AGREEING_SHARE, inverted=True), True),
        (Check(0.0, inverted=True), True),
        (Check(None), True),
        (Check(None, inverted=True), False),
        (Check(0.0, disabled=True), True),
    ],
)
def test_the_health_of_a_check_needs_more_than_18_percent_of_the_checkers(check: Check, healthy: bool) -> None:
    assert check.healthy is healthy


def test_a_check_that_is_disabled_and_inverted_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="no documented status"):
        _ = Check(1.0, inverted=True, disabled=True).healthy


def test_calculated_checks_count_their_children() -> None:
    assert [of_children((True, True, False), threshold) for threshold in (0, 1, 2, 3)] == [True, True, True, False]
    assert (every(True, True), every(True, False)) == (True, False)
    assert (some(True, False), some(False, False)) == (True, False)


def test_a_checker_changes_its_mind_after_as_many_equal_results_as_the_threshold() -> None:
    assert after([False, False], failures=3) is True
    assert after([False, False, True, False, False], failures=3) is True
    assert after([False, False, False], failures=3) is False
    assert after([False, False, False, True, True], failures=3) is False
    assert after([False, False, False, True, True, True], failures=3) is True
    assert after([False], failures=1) is False


def test_fresh_checks_of_both_polarities_say_latched_until_the_first_data() -> None:
    # This is why a record must not use them before they have settled.
    fresh = [Check(None, inverted=True).healthy, Check(None, inverted=True).healthy]
    primary = Record(check=every(*fresh), alias=True)
    secondary = Record(check=some(Check(None).healthy, Check(None).healthy))
    assert answer(primary, secondary) is Role.SECONDARY


def test_a_stateful_name_does_not_move_because_a_page_failed() -> None:
    for primary, standby in itertools.product((True, False), repeat=2):
        assert stateful_answer(world(primary, standby)) is Role.PRIMARY


def test_a_notice_moves_when_the_primary_fails_and_back_when_it_answers() -> None:
    assert stateless_answer(world(primary=False)) is Role.SECONDARY
    assert stateless_answer(world(primary=True)) is Role.PRIMARY
    assert stateless_answer(world(primary=False, standby=False)) is Role.PRIMARY


@pytest.mark.parametrize("design", [stateful_answer, stateless_answer])
def test_one_object_is_enough_to_set_the_latch(design) -> None:  # type: ignore[no-untyped-def]
    assert design(world(stores=(SET, FREE))) is Role.SECONDARY
    assert design(world(stores=(FREE, SET))) is Role.SECONDARY


def test_both_stores_unreachable_at_once_is_what_the_latch_does_not_survive() -> None:
    # Unreachable cannot be told from absent, which is why the stores are in two accounts and two regions.
    lost = Store(there=True, reachable=False)
    assert stateful_answer(world(stores=(lost, lost))) is Role.PRIMARY


def test_the_documents_design_sends_users_back_to_stale_data_when_the_primary_returns() -> None:
    dead, returned = world(primary=False), world(primary=True)
    assert [health_only_answer(dead), health_only_answer(returned)] == [Role.SECONDARY, Role.PRIMARY]
    latched = (SET, SET)
    ours = [stateful_answer(world(primary=False, stores=latched)), stateful_answer(world(primary=True, stores=latched))]
    assert ours == [Role.SECONDARY, Role.SECONDARY]


def test_the_documents_design_sends_users_back_to_the_dead_site_when_the_standby_hiccups() -> None:
    assert health_only_answer(world(primary=False, standby=False)) is Role.PRIMARY
    assert stateful_answer(world(primary=False, standby=False, stores=(SET, SET))) is Role.SECONDARY


def test_the_documents_cold_standby_is_never_answered() -> None:
    # Cold: no machine, so its check is red, and a red pair answers the primary.
    assert health_only_answer(world(primary=False, standby=False)) is Role.PRIMARY
