"""What a schedule means is what cron means by it; a CronJob and a systemd timer then run at the same times.

The judges: cronsim (Debian's cron), and the systemd that is on this machine.
"""

import datetime
import itertools
import re
import shutil
import subprocess

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lab.services.schedule import due
from twinsite.guest.backup import cron
from twinsite.schedule import longest_gap_seconds

START = datetime.datetime(2027, 3, 1, 0, 0, tzinfo=datetime.UTC)
RUNS = 6


def field(low: int, high: int, step_from_one: bool = True) -> st.SearchStrategy[str]:
    """One field as people write it."""
    number = st.integers(low, high)
    # Of more than one value: cronsim reads 5-5/2 as 5/2.
    ends = st.tuples(number, number).filter(lambda pair: pair[0] != pair[1])
    span = ends.map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, high)
    part = st.one_of(number.map(str), span, st.tuples(span, step).map(lambda pair: f"{pair[0]}/{pair[1]}"))
    if step_from_one:
        part |= st.tuples(number, step).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.one_of(
        st.just("*"), step.map(lambda width: f"*/{width}"), st.lists(part, min_size=1, max_size=3).map(",".join)
    )


schedules = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7, step_from_one=False)).map(
    " ".join
)


def runs(expression: str) -> list[datetime.datetime]:
    """The next ones by cronsim; fewer when there are none for 50 years."""
    return list(itertools.islice(CronSim(expression, START), RUNS))


@st.composite
def usual(draw: st.DrawFn) -> str:
    """A schedule that we take and that runs again and again."""
    expression = draw(schedules)
    try:
        longest_gap_seconds(expression)
    except ValueError:
        assume(False)
    return expression


@given(usual())
def test_it_runs_when_cron_runs_it(expression: str) -> None:
    said = cron.parse(expression)
    for moment in runs(expression):
        assert moment.minute in said.minutes
        assert moment.hour in said.hours
        assert moment.month in said.months
        on = (moment.day in said.days, moment.isoweekday() % 7 in said.weekdays)
        assert any(on) if said.either else all(on)


@given(usual())
def test_no_gap_is_longer_than_what_the_rpo_counts_with(expression: str) -> None:
    longest = longest_gap_seconds(expression)
    assert all((after - before).total_seconds() <= longest for before, after in itertools.pairwise(runs(expression)))


@given(usual())
def test_kubernetes_takes_it_and_means_the_same(expression: str) -> None:
    told = cron.kubernetes(expression)
    assert "7" not in told.split()[4]
    moments = runs(expression)
    assert runs(told) == moments
    assert all(due(told, moment) for moment in moments)
    between = [before + (after - before) / 2 for before, after in itertools.pairwise(moments)]
    for moment in (one.replace(second=0, microsecond=0) for one in between):
        assert due(told, moment) == (moment in moments)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
@settings(max_examples=60, deadline=None)
@given(usual())
def test_systemd_takes_it_and_means_the_same(expression: str) -> None:
    wanted = runs(expression)
    found: set[datetime.datetime] = set()
    for calendar in cron.calendars(expression):
        command = ["systemd-analyze", "calendar", "--base-time", f"{START:%Y-%m-%d %H:%M:%S} UTC"]
        done = subprocess.run(
            [*command, f"--iterations={RUNS}", calendar],
            check=False, capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, f"{expression!r} became {calendar!r}: {done.stderr}"
        for text in re.findall(
            r"(?:Next elapse|Iter(?:ation)?\. ?#\d+): \w+ (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", done.stdout
        ):
            found.add(datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.UTC))
    assert sorted(found)[:RUNS] == wanted
