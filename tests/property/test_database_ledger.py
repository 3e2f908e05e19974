"""The ledger's comparison over all spoilt copies: what was done to the rows is what is found."""

from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.drill.ledger_check import PARTS, Row, compare

HISTORIES = st.lists(st.integers(1, 4), min_size=1, max_size=40).map(
    lambda sessions: [(session, sessions[: at + 1].count(session)) for at, session in enumerate(sessions)]
)


def rows(history: list[tuple[int, int]]) -> list[Row]:
    return [(session, seq, part) for session, seq in history for part in range(1, PARTS + 1)]


@given(HISTORIES)
def test_a_faithful_copy_is_clean(history: list[tuple[int, int]]) -> None:
    found = compare(history, rows(history))
    assert found.clean
    assert found.unacknowledged == ()


@given(HISTORIES, st.data())
def test_every_lost_row_is_found(history: list[tuple[int, int]], data: st.DataObject) -> None:
    there = rows(history)
    lost = data.draw(st.sampled_from(there))
    found = compare(history, [row for row in there if row != lost])
    assert found.missing == (lost[:2],)
    assert found.duplicated == ()


@given(HISTORIES, st.data())
def test_every_doubled_row_is_found(history: list[tuple[int, int]], data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(rows(history)))
    found = compare(history, [*rows(history), twice])
    assert found.duplicated == (twice[:2],)
    assert found.missing == ()


@given(HISTORIES, st.data())
def test_swapping_two_of_one_session_is_found(history: list[tuple[int, int]], data: st.DataObject) -> None:
    session = data.draw(st.sampled_from([position[0] for position in history]))
    places = [at for at, position in enumerate(history) if position[0] == session]
    if len(places) < 2:
        return
    first, second = places[0], places[-1]
    swapped = list(history)
    swapped[first], swapped[second] = swapped[second], swapped[first]
    found = compare(history, rows(swapped))
    assert history[first] in found.reordered
    assert found.missing == found.duplicated == ()


@given(HISTORIES, st.data())
def test_an_unacknowledged_commit_is_no_fault(history: list[tuple[int, int]], data: st.DataObject) -> None:
    in_doubt = data.draw(st.sampled_from(history))
    found = compare([position for position in history if position != in_doubt], rows(history))
    assert found.clean
    assert found.unacknowledged == (in_doubt,)
