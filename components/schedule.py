"""Cron expressions, as far as an RPO needs them: the longest time between two runs. Pure."""

from datetime import date, timedelta
from itertools import pairwise

from .guest.backup.cron import parse

_DAYS = 5 * 366
"""Long enough for two of a 29 February."""


def longest_gap_seconds(expression: str) -> int:
    """Longest time between two runs of a five-field cron expression in UTC. ValueError names what is wrong with it."""
    cron = parse(expression)
    times = sorted(60 * hour + minute for hour in cron.hours for minute in cron.minutes)
    start = date(2024, 1, 1)
    gaps, before = [b - a for a, b in pairwise(times)], None
    for number in range(_DAYS):
        today = start + timedelta(days=number)
        on_day, on_weekday = today.day in cron.days, today.isoweekday() % 7 in cron.weekdays
        if today.month in cron.months and (on_day or on_weekday if cron.either else on_day and on_weekday):
            if before is not None:
                gaps.append((number - before) * 1440 + times[0] - times[-1])
            before = number
    if before is None or not gaps:
        raise ValueError(f"{expression!r} never runs twice in five years")
    return 60 * max(gaps)
