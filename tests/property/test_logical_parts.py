"""What is said of a row that two ends have, from looks in turns, whatever the writer does between and amid them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from twinsite.guest.logical import parts
from twinsite.guest.logical.parts import NONE, Part, Verdict

Value = int | None
"""What a row holds; None: it is not there."""


@st.composite
def looks(draw: st.DrawFn) -> tuple[list[Value], list[int]]:
    """What each write left, and after which of them each look is: writer, follower, writer, follower. The follower is
    at least where the writer was in the look before, and at most where the writer is in the look after."""
    history = draw(st.lists(st.none() | st.integers(0, 2), min_size=1, max_size=12))
    last = len(history) - 1
    first = draw(st.integers(0, last))
    second = draw(st.integers(first, last))
    here = draw(st.integers(first, second))
    at_last = draw(st.integers(second, last))
    return history, [first, here, second, at_last]


@settings(max_examples=2000)
@given(looks())
def test_a_row_that_came_as_it_was_written_is_never_said_to_differ(given_: tuple[list[Value], list[int]]) -> None:
    history, (first, here, second, at_last) = given_

    def end(at: int, versions: int) -> Part:
        value = history[at]
        return NONE if value is None else Part(1, "1", str(versions + at), str(value), "(1)")

    said = parts.judged_row((end(first, 0), end(second, 0)), (end(here, 1000), end(at_last, 1000)))
    assert said is not Verdict.DIFFERS
    if first == here == second == at_last:
        assert said is (Verdict.GONE if history[first] is None else Verdict.EQUAL)


@given(st.none() | st.integers(0, 2), st.none() | st.integers(0, 2))
def test_a_row_that_nobody_writes_and_that_is_another_at_the_follower_differs(value: Value, other: Value) -> None:
    one = Part(1, "1", "7", str(value), "(1)") if value is not None else NONE
    there = Part(1, "1", "9", str(other), "(1)") if other is not None else NONE
    said = parts.judged_row((one, one), (there, there))
    if value is None and other is None:
        assert said is Verdict.GONE
    else:
        assert said is (Verdict.EQUAL if value == other else Verdict.DIFFERS)


def test_a_row_that_is_changed_all_the_while_and_never_there_is_told_from_one_that_moves() -> None:
    first, second = Part(1, "1", "7", "1"), Part(1, "1", "8", "2")
    assert parts.judged_row((first, second), (NONE, NONE)) is Verdict.LACKS
    assert parts.judged_row((first, second), (first, second)) is Verdict.MOVING
    assert parts.judged_row((first, NONE), (first, NONE)) is Verdict.GONE


def test_of_several_looks_the_least_certain_counts() -> None:
    assert parts.least(Verdict.DIFFERS, Verdict.DIFFERS) is Verdict.DIFFERS
    assert parts.least(Verdict.DIFFERS, Verdict.LACKS) is Verdict.LACKS
    assert parts.least(Verdict.MOVING, Verdict.DIFFERS) is Verdict.MOVING


def test_a_part_that_was_touched_there_and_back_is_not_judged() -> None:
    before, after = {"ab": Part(2, "5", "20", "9")}, {"ab": Part(2, "5", "22", "9")}
    assert parts.judged(before, {"ab": Part(2, "5", "3", "8")}, after) == {"ab": Verdict.MOVING}
    assert parts.judged(after, {"ab": Part(2, "5", "3", "9")}, after) == {"ab": Verdict.EQUAL}
    assert parts.judged(after, {}, after) == {"ab": Verdict.DIFFERS}
    assert parts.judged({}, {"cd": Part(1, "5", "3", "9")}, {}) == {"cd": Verdict.DIFFERS}
