"""GTID sets behave as sets of (originator, number), and print as MySQL reads them."""

from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.database.gtid import GtidSet, parse

UUIDS = st.sampled_from(["3e11fa47-71ca-11e1-9e33-c80aa9429562", "aaaaaaaa-71ca-11e1-9e33-c80aa9429562"])
TAGS = st.sampled_from(["", "drill", "_x9"])
MEMBERS = st.sets(st.tuples(UUIDS, TAGS, st.integers(1, 30)), max_size=40)


def build(members: set[tuple[str, str, int]]) -> GtidSet:
    return parse(",".join(f"{uuid}:{tag}:{number}" if tag else f"{uuid}:{number}" for uuid, tag, number in members))


def members_of(found: GtidSet) -> set[tuple[str, str, int]]:
    return {
        (uuid, tag, number)
        for uuid, tag, intervals in found.parts
        for first, last in intervals
        for number in range(first, last + 1)
    }


@given(MEMBERS)
def test_a_set_holds_what_was_put_in(members: set[tuple[str, str, int]]) -> None:
    assert members_of(build(members)) == members
    assert build(members).count() == len(members)
    assert bool(build(members)) is bool(members)


@given(MEMBERS)
def test_its_members_are_each_one_and_together_the_set(members: set[tuple[str, str, int]]) -> None:
    each = list(build(members).members())
    assert len(each) == len(members)
    assert parse(",".join(each)) == build(members)


@given(MEMBERS, MEMBERS)
def test_difference_and_union_are_those_of_sets(
    left: set[tuple[str, str, int]], right: set[tuple[str, str, int]]
) -> None:
    assert members_of(build(left) - build(right)) == left - right
    assert members_of(build(left) + build(right)) == left | right


@given(MEMBERS)
def test_printing_and_reading_round_trip_also_with_line_breaks(members: set[tuple[str, str, int]]) -> None:
    found = build(members)
    assert parse(str(found)) == found
    assert parse(str(found).replace(",", ",\n")) == found


@given(MEMBERS, MEMBERS)
def test_equal_sets_are_equal_values(left: set[tuple[str, str, int]], right: set[tuple[str, str, int]]) -> None:
    assert (build(left) == build(right)) is (left == right)
