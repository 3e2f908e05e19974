"""Cron expressions, as Kubernetes takes them (robfig/cron v3): a week is 0 to 6."""

import datetime
import re

_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def due(expression: str, moment: datetime.datetime) -> bool:
    """Whether a schedule names this minute (UTC). ValueError for what is no expression."""
    fields = _SHORT.get(expression, expression).split()
    if len(fields) != 5:
        raise ValueError(f"a schedule has five fields, as in '0 2 * * *', found {expression!r}")
    minute, hour, day, month, weekday = (_values(field, at) for at, field in enumerate(fields))
    if moment.minute not in minute or moment.hour not in hour or moment.month not in month:
        return False
    by_day, by_weekday = moment.day in day, moment.isoweekday() % 7 in weekday
    # Either counts when neither has a star; with a step the star does not count (robfig/cron v3, getRange).
    return by_day and by_weekday if _starred(fields[2]) or _starred(fields[4]) else by_day or by_weekday


def _starred(field: str) -> bool:
    return any(re.fullmatch(r"[*?](/0*1)?", part) for part in field.split(","))


def _values(field: str, at: int) -> set[int]:
    low, high = _RANGES[at]
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            start, hyphen, end = span.partition("-")
            first = _number(start, at)
            last = _number(end, at) if hyphen else high if slash else first
        if not low <= first <= last <= high:
            raise ValueError(f"{part!r} is outside of {low}-{high}")
        found |= set(range(first, last + 1, int(step) if slash else 1))
    return found


def _number(text: str, at: int) -> int:
    for names, field, base in ((_MONTHS, 3, 1), (_DAYS, 4, 0)):
        if at == field and text.lower() in names:
            return names.index(text.lower()) + base
    return int(text)
