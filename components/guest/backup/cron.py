"""Cron expressions of five fields of numbers: what they name, and the words of those who run them. Pure.

Cron, Kubernetes and systemd read the same letters differently. What two of them would run at different times is
refused; the rest is put into words that each takes, and tests ask cronsim and systemd itself whether those mean it.
"""

import re
from dataclasses import dataclass

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_PART = re.compile(r"(?:\*|([0-9]+)(?:-([0-9]+))?)(?:/([0-9]+))?", re.ASCII)
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


@dataclass(frozen=True)
class Cron:
    """The values that each field names. Sunday is 0."""

    minutes: "frozenset[int]"
    hours: "frozenset[int]"
    days: "frozenset[int]"
    months: "frozenset[int]"
    weekdays: "frozenset[int]"
    either: bool
    """Both day fields are restricted: either will do."""


def parse(expression: str) -> Cron:
    """ValueError names what is wrong. Names of months and days, and macros such as @daily, are not taken."""
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{expression!r} has {len(fields)} fields, not five: for instance `17 18 * * *`")
    minutes, hours, days, months, weekdays = (
        _values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)
    )
    day, weekday = fields[2], fields[4]
    if re.search(r"(^|,)[0-9]+/", weekday):
        raise ValueError(
            f"{weekday!r} steps to the end of the week, which cron takes for 7 and Kubernetes for 6: write the days, "
            "like `1,4`"
        )
    either = day != "*" and weekday != "*"
    if either and "*" in day + weekday:
        raise ValueError(
            f"{expression!r} names days of the month and of the week, one of them by a step from `*`: cron then wants "
            "both to be right and Kubernetes one of them: write that field as a list or a range"
        )
    return Cron(minutes, hours, days, months, frozenset(one % 7 for one in weekdays), either)


def _values(text: str, name: str, low: int, high: int) -> "frozenset[int]":
    found: set[int] = set()
    for part in text.split(","):
        said = _PART.fullmatch(part)
        first, last, step = (int(number) if number else None for number in said.groups()) if said else (high, low, 0)
        begin = low if first is None else first
        end = last if last is not None else first if first is not None and step is None else high
        if not (low <= begin <= end <= high and step != 0):
            raise ValueError(
                f"{text!r} is no {name}, which is a number from {low} to {high}, a range, a list or */STEP"
            )
        found |= set(range(begin, end + 1, step or 1))
    return frozenset(found)


def kubernetes(expression: str) -> str:
    """The same for a CronJob, whose week is 0 to 6 (kubernetes/website#44700)."""
    weekdays = parse(expression).weekdays
    *others, weekday = expression.split()
    return " ".join([*others, _list(weekdays) if "7" in weekday else weekday])


def calendars(expression: str) -> "list[str]":
    """The same for `OnCalendar=`, in UTC: one, or two of which either will do. Days are listed: systemd's ranges of
    weekdays begin with Monday, and some versions refuse others."""
    cron = parse(expression)
    names = ",".join(_DAYS[one] for one in sorted(cron.weekdays))
    on_weekday = f"{names} " if len(cron.weekdays) < len(_DAYS) or cron.either else ""
    months = _whole(cron.months, 3)
    time = f"{_whole(cron.hours, 1)}:{_whole(cron.minutes, 0)}:00 UTC"
    if cron.either:
        return [f"*-{months}-{_whole(cron.days, 2)} {time}", f"{on_weekday}*-{months}-* {time}"]
    return [f"{on_weekday}*-{months}-{_whole(cron.days, 2)} {time}"]


def _whole(values: "frozenset[int]", field: int) -> str:
    _, low, high = _FIELDS[field]
    return "*" if len(values) == high - low + 1 else _list(values)


def _list(values: "frozenset[int]") -> str:
    return ",".join(str(one) for one in sorted(values))
