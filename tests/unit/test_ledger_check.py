"""The ledger's comparison: it finds what is missing, duplicated or reordered, and nothing else."""

from twinsite.guest.drill.ledger_check import (
    DUPLICATED,
    PARTS,
    Prefix,
    Row,
    compare,
    control_rows,
    controls_found,
    prefixes,
)


def rows(*positions: tuple[int, int]) -> list[Row]:
    return [(session, seq, part) for session, seq in positions for part in range(1, PARTS + 1)]


def test_a_faithful_copy_is_clean() -> None:
    there = rows((1, 1), (2, 1), (1, 2), (2, 2))
    assert compare([(1, 1), (1, 2), (2, 1), (2, 2)], there).clean


def test_a_lost_transaction_is_named() -> None:
    assert compare([(1, 1), (1, 2)], rows((1, 1))).missing == ((1, 2),)


def test_a_torn_transaction_is_lost_even_if_it_was_never_acknowledged() -> None:
    torn = rows((1, 1))[:-1]
    assert compare([(1, 1)], torn).missing == ((1, 1),)
    assert compare([], torn).missing == ((1, 1),)


def test_one_row_twice_is_a_duplicate() -> None:
    found = compare([(1, 1)], [*rows((1, 1)), (1, 1, 2)])
    assert found.duplicated == ((1, 1),)
    assert not found.clean


def test_a_later_number_first_is_reordered() -> None:
    assert compare([(1, 1), (1, 2)], rows((1, 2), (1, 1))).reordered == ((1, 1),)


def test_sessions_may_interleave() -> None:
    assert compare([(1, 5), (2, 1)], rows((1, 5), (2, 1))).clean


def test_a_commit_in_doubt_may_be_there_or_not() -> None:
    assert compare([(1, 1)], rows((1, 1))).unacknowledged == ()
    found = compare([(1, 1)], rows((1, 1), (1, 2)))
    assert found.unacknowledged == ((1, 2),)
    assert found.clean


def spoilt_controls() -> list[Row]:
    return [row for row in control_rows() if row[:2] != (901, 3)]


def test_the_positive_controls_are_found() -> None:
    assert controls_found(spoilt_controls())


def test_controls_that_nobody_spoilt_or_that_are_absent_do_not_pass() -> None:
    assert not controls_found(control_rows())
    assert not controls_found([])
    once = [row for at, row in enumerate(control_rows()) if row not in control_rows()[:at]]
    assert not controls_found([row for row in once if row[0] == DUPLICATED])


def test_a_prefix_has_no_gap_but_for_what_never_committed() -> None:
    assert prefixes([(1, 1), (1, 2), (1, 3)]) == (Prefix(1, 3, 3, 0),)
    assert prefixes([(1, 1), (1, 3)]) == (Prefix(1, 2, 3, 1),)
    assert prefixes([(1, 1), (1, 3)], skipped=[(1, 2), (1, 9)]) == (Prefix(1, 2, 3, 0),)
