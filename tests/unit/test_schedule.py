"""The longest time between two runs of a schedule, from which an RPO is computed."""

import pytest

from twinsite.schedule import longest_gap_seconds

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("17 18 * * *", DAY),
        ("0 */6 * * *", 6 * HOUR),
        ("*/15 * * * *", 15 * 60),
        ("0 1,13 * * *", 12 * HOUR),
        ("0 1,2 * * *", 23 * HOUR),
        ("0 3 * * 1-5", 3 * DAY),
        ("0 3 * * 0", 7 * DAY),
        ("0 3 * * 7", 7 * DAY),
        ("0 3 * * 0-7", DAY),
        ("0 3 * * 5-7", 5 * DAY),
        ("0 3 1 * *", 31 * DAY),
        ("0 3 1 * 0", 7 * DAY),
        ("0 3 29 2 *", 1461 * DAY),
        ("5/20 * * * *", 20 * 60),
    ],
)
def test_the_longest_gap_is_found(expression: str, seconds: int) -> None:
    assert longest_gap_seconds(expression) == seconds


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("@daily", "has 1 fields"),
        ("60 * * * *", "no minute"),
        ("0 24 * * *", "no hour"),
        ("0 3 31 2 *", "never runs"),
        ("0 3 * * MON", "no day of week"),
        ("*/0 * * * *", "no minute"),
        ("5-1 * * * *", "no minute"),
    ],
)
def test_a_wrong_one_is_said(expression: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        longest_gap_seconds(expression)
