"""The backup as a systemd timer: cron's words in systemd's, checked by systemd itself where it is."""

import shutil
import subprocess

import pytest

from components.guest.backup import timer
from components.guest.errors import Refused

CALENDARS = [
    ("17 18 * * *", "*-*-* 18:17:00 UTC"),
    ("17 */6 * * *", "*-*-* 0/6:17:00 UTC"),
    ("*/15 * * * *", "*-*-* *:0/15:00 UTC"),
    ("0 3,15 * * 1-5", "Mon..Fri *-*-* 3,15:0:00 UTC"),
    ("0 3 * * 0", "Sun *-*-* 3:0:00 UTC"),
    ("0 3 * * 7,3", "Sun,Wed *-*-* 3:0:00 UTC"),
    ("30 2 1 */3 *", "*-1/3-1 2:30:00 UTC"),
]


@pytest.mark.parametrize(("cron", "calendar"), CALENDARS)
def test_a_cron_expression_is_said_in_systemds_words(cron: str, calendar: str) -> None:
    assert timer.calendar(cron) == calendar
    analyze = shutil.which("systemd-analyze")
    if analyze:  # says the same, or that it does not understand
        subprocess.run([analyze, "calendar", calendar], check=True, capture_output=True)


@pytest.mark.parametrize("cron", ["@daily", "17 18 * *", "0 3 * JAN *", "0 3 1 * 1", "0 3 * * 9"])
def test_what_systemd_would_mean_otherwise_is_refused(cron: str) -> None:
    with pytest.raises(Refused):
        timer.calendar(cron)


def test_a_run_that_hangs_is_ended_and_a_missed_one_is_made_up_for() -> None:
    units = timer.files({"schedule": "17 18 * * *", "timeout_seconds": 600.0})
    assert "TimeoutStartSec=600\n" in units[timer.SERVICE]
    assert "Persistent=true" in units[timer.TIMER]
    assert "OnCalendar=*-*-* 18:17:00 UTC\n" in units[timer.TIMER]
