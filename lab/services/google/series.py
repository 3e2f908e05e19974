"""Time series of Cloud Monitoring, and what alert policies say of them. Pure but for the clock that is given.

Here: points by metric, resource and labels; filters; conditions of a value and of absence [Cloud Monitoring, "Behavior
of metric-based alerting policies", "Monitoring filters"]. Not here: the API (monitoring.py), whom a channel tells.
"""

import re
import statistics
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEPT_SECONDS = 7200.0
_TERM = re.compile(r'((?:metric|resource|metadata)\.[\w.]+(?:\."[^"]+")?)\s*=\s*"([^"]*)"')
_One = Callable[[Sequence[float]], float]
_MANY: Mapping[str, _One] = {"REDUCE_COUNT": len, "REDUCE_SUM": sum, "REDUCE_MAX": max, "REDUCE_MIN": min}
_ALIGN: Mapping[str, _One] = {"ALIGN_MAX": max, "ALIGN_MIN": min, "ALIGN_MEAN": statistics.fmean}


class NotUnderstood(ValueError):
    """A filter, an aligner or a condition that the lab does not follow."""


@dataclass(frozen=True)
class Name:
    """What a series is of. `labels`: (metric.labels.pool, resource.labels.…, …) with their values."""

    metric: str
    resource: str
    labels: tuple[tuple[str, str], ...] = ()

    def terms(self) -> dict[str, str]:
        """As filters name them."""
        return {"metric.type": self.metric, "resource.type": self.resource, **dict(self.labels)}


Points = list[tuple[float, float]]
"""(seconds of the epoch, value), in order."""


class Series:
    """All of a project's. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: dict[Name, Points] = {}

    def write(self, name: Name, at: float, value: float) -> bool:
        """False when there is a point that is as new, or newer."""
        with self._lock:
            points = self._points.setdefault(name, [])
            if points and points[-1][0] >= at:
                return False
            points.append((at, value))
            while points[0][0] < at - KEPT_SECONDS:
                points.pop(0)
            return True

    def chosen(self, filter_: str) -> dict[Name, Points]:
        """Those that a filter takes."""
        wanted = terms(filter_)
        with self._lock:
            return {
                name: list(points)
                for name, points in self._points.items()
                if all(name.terms().get(key) == value for key, value in wanted.items())
            }


def terms(filter_: str) -> dict[str, str]:
    """Of a filter: `name = "value"` with AND between. NotUnderstood."""
    found = {}
    for part in re.split(r"\s+AND\s+", filter_.strip()):
        term = _TERM.fullmatch(part.strip())
        if term is None:
            raise NotUnderstood(f"filter {part!r}")
        found[term[1].replace('"', "").replace(".label.", ".labels.")] = term[2]
    return found


def firing(policy: Mapping[str, Any], series: Series, now: float) -> list[str]:
    """Names of a policy's conditions that hold now; its record is the provider's."""
    found = []
    for condition in policy.get("conditions") or ():
        threshold, absent = condition.get("conditionThreshold"), condition.get("conditionAbsent")
        if threshold is None and absent is None:
            raise NotUnderstood(f"condition {condition.get('displayName')!r}")
        if threshold is not None and _violates(threshold, series, now):
            found.append(str(condition["displayName"]))
        if absent is not None and _is_absent(absent, series, now, float(policy.get("__made") or 0)):
            found.append(str(condition["displayName"]))
    return found


def _violates(said: Mapping[str, Any], series: Series, now: float) -> bool:
    """For its whole duration, every aligned value is beyond the limit. One that is silent is at rest."""
    limit, below = float(said.get("thresholdValue") or 0), said["comparison"] == "COMPARISON_LT"
    if said["comparison"] not in ("COMPARISON_LT", "COMPARISON_GT"):
        raise NotUnderstood(f"comparison {said['comparison']}")
    lasts = _seconds(said["duration"])
    for values in _aligned(said, series, now, lasts):
        if values and all(value < limit if below else value > limit for value in values):
            return True
    return False


def _is_absent(said: Mapping[str, Any], series: Series, now: float, made: float) -> bool:
    """Nothing for so long of what has been seen since the policy was made."""
    lasts = _seconds(said["duration"])
    known = [points for points in series.chosen(str(said["filter"])).values() if points[-1][0] >= made]
    return any(points[-1][0] < now - lasts for points in known)


def _aligned(said: Mapping[str, Any], series: Series, now: float, lasts: float) -> Iterator[list[float]]:
    """Values of each series, or of all reduced to one, for periods back from now; none where a period has none."""
    rule: Mapping[str, Any] = (said.get("aggregations") or [{}])[0]
    period, aligner = _seconds(rule.get("alignmentPeriod") or "60s"), str(rule.get("perSeriesAligner") or "ALIGN_MEAN")
    if aligner not in _ALIGN:
        raise NotUnderstood(f"aligner {aligner}")
    count = max(1, round(lasts / period))
    known = series.chosen(str(said["filter"])).values()
    rows = [[_of_period(points, now - at * period, period, aligner) for at in range(count)] for points in known]
    reducer = str(rule.get("crossSeriesReducer") or "REDUCE_NONE")
    if reducer == "REDUCE_NONE":
        yield from ([value for value in row if value is not None] if None not in row else [] for row in rows)
        return
    if reducer not in _MANY:
        raise NotUnderstood(f"reducer {reducer}")
    if rows:
        there = [[value for row in rows if (value := row[at]) is not None] for at in range(count)]
        yield [float(_MANY[reducer](values)) for values in there] if all(there) else []


def _of_period(points: Points, ends: float, period: float, aligner: str) -> float | None:
    values = [value for at, value in points if ends - period < at <= ends]
    return float(_ALIGN[aligner](values)) if values else None


def _seconds(text: str) -> float:
    return float(str(text).removesuffix("s"))
