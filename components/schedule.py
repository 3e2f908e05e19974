"""Cron expressions, as far as an RPO needs them: the longest time between two runs. Pure."""

from datetime import date, timedelta
from itertools import pairwise

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_DAYS = 5 * 366
"""Long enough for two of a 29 February."""


def longest_gap_seconds(expression: str) -> int:
    """Longest time between two runs of a five-field cron expression in UTC. ValueError names what is wrong with it.

    Names of months and days, and macros such as @daily, are not taken.
    """
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{expression!r} has {len(fields)} fields, not five: for instance `17 18 * * *`")
    minutes, hours, days, months, weekdays = (
        _values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)
    )
    weekdays = {day % 7 for day in weekdays}  # 0 and 7 are Sunday
    times = sorted(60 * hour + minute for hour in hours for minute in minutes)
    # Cron's rule: with both day fields restricted, either will do.
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    start = date(2024, 1, 1)
    gaps, before = [b - a for a, b in pairwise(times)], None
    for number in range(_DAYS):
        today = start + timedelta(days=number)
        on_day, on_weekday = today.day in days, today.isoweekday() % 7 in weekdays
        if today.month in months and (on_day or on_weekday if either else on_day and on_weekday):
            if before is not None:
                gaps.append((number - before) * 1440 + times[0] - times[-1])
            before = number
    if not gaps:
        raise ValueError(f"{expression!r} never runs twice in five years")
    return 60 * max(gaps)


def _values(text: str, name: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            begin, end = (low, high) if span == "*" else (int(first), int(last or (high if step else first)))
            width = int(step or 1)
        except ValueError:
            begin, end, width = high, low, 0
        if not (low <= begin <= end <= high and width > 0):
            raise ValueError(
                f"{text!r} is no {name}, which is a number from {low} to {high}, a range, a list or */STEP"
            )
        found |= set(range(begin, end + 1, width))
    return found
