"""The latch, over every world: set, it holds; not set, a stateful name never moves; one store never decides alone."""

from hypothesis import given
from hypothesis import strategies as st

from twinsite.traffic.answers import (
    Check,
    Record,
    Role,
    Store,
    World,
    answer,
    health_only_answer,
    stateful_answer,
    stateless_answer,
)

stores = st.builds(Store, there=st.booleans(), reachable=st.booleans())
worlds = st.builds(World, primary=st.booleans(), standby=st.booleans(), stores=st.tuples(stores, stores))
designs = st.sampled_from([stateful_answer, stateless_answer])
latched = st.tuples(stores, stores).filter(lambda both: any(store.there and store.reachable for store in both))


@given(design=designs, primary=st.booleans(), standby=st.booleans(), both=latched)
def test_with_the_latch_set_nothing_that_goes_red_or_green_moves_anybody(design, primary, standby, both) -> None:  # type: ignore[no-untyped-def]
    assert design(World(primary, standby, both)) is Role.SECONDARY


@given(world=worlds, which=st.sampled_from([0, 1]), there=st.booleans())
def test_one_store_unreachable_moves_nobody(world: World, which: int, there: bool) -> None:
    # Both objects are written and removed together; the same world with and without one store.
    def seen(lost: bool) -> Role:
        both = [Store(there), Store(there)]
        both[which] = Store(there, reachable=not lost)
        return stateful_answer(World(world.primary, world.standby, (both[0], both[1])))

    assert seen(lost=True) is seen(lost=False)


@given(primary=st.booleans(), standby=st.booleans(), reachable=st.tuples(st.booleans(), st.booleans()))
def test_a_stateful_name_never_moves_without_the_latch(primary, standby, reachable) -> None:  # type: ignore[no-untyped-def]
    free = (Store(False, reachable[0]), Store(False, reachable[1]))
    assert stateful_answer(World(primary, standby, free)) is Role.PRIMARY


@given(world=worlds)
def test_a_notice_is_shown_whenever_the_application_moved(world: World) -> None:
    if stateful_answer(world) is Role.SECONDARY:
        assert stateless_answer(world) is Role.SECONDARY


@given(standby=st.booleans(), both=st.tuples(stores, stores))
def test_the_documents_design_gives_the_users_back_whatever_was_set(standby, both) -> None:  # type: ignore[no-untyped-def]
    # Positive control of the first property: a design without a latch fails it.
    assert health_only_answer(World(True, standby, both)) is Role.PRIMARY


@given(share=st.floats(0, 1))
def test_the_two_polarities_of_a_check_with_data_are_never_equal(share: float) -> None:
    assert Check(share).healthy is not Check(share, inverted=True).healthy


records = st.builds(
    Record,
    check=st.sampled_from([None, True, False]),
    alias=st.booleans(),
    evaluates_target=st.booleans(),
    target_healthy=st.booleans(),
)


@given(primary=records, secondary=records)
def test_a_pair_answers_an_unhealthy_record_only_when_both_are(primary: Record, secondary: Record) -> None:
    answered = primary if answer(primary, secondary) is Role.PRIMARY else secondary
    assert answered.healthy or (not primary.healthy and not secondary.healthy)
