"""The backup as a systemd timer: cron's words in systemd's."""

import pytest

from twinsite.guest.backup import cron, timer
from twinsite.guest.errors import Refused

CALENDARS = [
    ("17 18 * * *", ["*-*-* 18:17:00 UTC"]),
    ("17 */6 * * *", ["*-*-* 0,6,12,18:17:00 UTC"]),
    ("*/15 * * * *", ["*-*-* *:0,15,30,45:00 UTC"]),
    ("0 3,15 * * 1-5", ["Mon,Tue,Wed,Thu,Fri *-*-* 3,15:0:00 UTC"]),
    ("0 3 * * 0", ["Sun *-*-* 3:0:00 UTC"]),
    ("0 3 * * 7,3", ["Sun,Wed *-*-* 3:0:00 UTC"]),
    ("0 3 * * 0-7", ["*-*-* 3:0:00 UTC"]),
    ("0 3 * * 0-6", ["*-*-* 3:0:00 UTC"]),
    ("0 3 * * 0-3", ["Sun,Mon,Tue,Wed *-*-* 3:0:00 UTC"]),
    ("0 3 * * 5-7", ["Sun,Fri,Sat *-*-* 3:0:00 UTC"]),
    ("30 2 1 */3 *", ["*-1,4,7,10-1 2:30:00 UTC"]),
    ("0 3 1 * 1", ["*-*-1 3:0:00 UTC", "Mon *-*-* 3:0:00 UTC"]),
]


@pytest.mark.parametrize(("expression", "calendars"), CALENDARS)
def test_a_cron_expression_is_said_in_systemds_words(expression: str, calendars: list[str]) -> None:
    assert cron.calendars(expression) == calendars
    unit = timer.files({"schedule": expression})[timer.TIMER]
    assert [line for line in unit.splitlines() if line.startswith("OnCalendar=")] == [
        f"OnCalendar={one}" for one in calendars
    ]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 3 * * 7", "0 3 * * 0"),
        ("0 3 * * 5-7", "0 3 * * 0,5,6"),
        ("0 3 1 * 0-7", "0 3 1 * 0,1,2,3,4,5,6"),
        ("*/15 1-5 * * 1-5", "*/15 1-5 * * 1-5"),
    ],
)
def test_a_cron_job_is_given_a_week_that_kubernetes_takes(expression: str, said: str) -> None:
    assert cron.kubernetes(expression) == said


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("@daily", "has 1 fields"),
        ("17 18 * *", "has 4 fields"),
        ("0 3 * JAN *", "no month"),
        ("0 3 * * 9", "no day of week"),
        ("0 3 */2 * 1", "a step from `\\*`"),
        ("0 3 * * 1/3", "which cron takes for 7 and Kubernetes for 6"),
        ("0 1_2 * * *", "no hour"),
        ("0 ٣ * * *", "no hour"),
    ],
)
def test_what_not_all_of_them_would_mean_alike_is_refused(expression: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        timer.files({"schedule": expression})


def test_a_run_that_hangs_is_ended_and_a_missed_one_is_made_up_for() -> None:
    units = timer.files({"schedule": "17 18 * * *", "timeout_seconds": 600.0})
    assert "TimeoutStartSec=600\n" in units[timer.SERVICE]
    assert "Persistent=true" in units[timer.TIMER]
    assert "OnCalendar=*-*-* 18:17:00 UTC\n" in units[timer.TIMER]
