"""monitoring.googleapis.com: points written and listed, and which alert policies speak.

[Cloud Monitoring API v3: projects.timeSeries.create and list]. Tunnels and sessions are written here once a minute, as
Google writes its own metrics. Not played: limits of how often, descriptors, distributions.
"""

import datetime
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lab.services.google.calls import Call, Door, Played, Service
from lab.services.google.errors import Refusal
from lab.services.google.rights import Records
from lab.services.google.series import Name, NotUnderstood, Series, firing

POLICY = "gcp:monitoring/alertPolicy:AlertPolicy"
WRITE = "https://www.googleapis.com/auth/monitoring.write"
OWN_SECONDS = 60.0
OLDEST_SECONDS = 25 * 3600

Own = Callable[[], Iterator[tuple[Name, float]]]
"""What Google's own metrics say now."""


class Monitoring(Service):
    """One set of series for every project."""

    name = "monitoring"
    scopes = (WRITE, "https://www.googleapis.com/auth/monitoring")

    def __init__(self, door: Door, records: Records, own: Own = lambda: iter(())) -> None:
        super().__init__(door)
        self._records, self._own = records, own
        self.series = Series()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="own-metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def routes(self) -> Mapping[tuple[str, str], tuple[str, Played]]:
        place = r"/v3/projects/(?P<project>[^/]+)/timeSeries"
        return {
            ("POST", place): ("monitoring.timeSeries.create", self._create),
            ("GET", place): ("monitoring.timeSeries.list", self._list),
        }

    def speaking(self, now: float | None = None) -> dict[str, list[str]]:
        """Conditions that hold, by their policy's name; what the lab does not follow is said so."""
        found = {}
        for record in self._records(POLICY).values():
            try:
                conditions = firing(record, self.series, time.time() if now is None else now)
            except NotUnderstood as problem:
                conditions = [f"not judged here: {problem}"]
            if conditions and record.get("enabled") is not False:
                found[str(record["displayName"])] = conditions
        return found

    def _create(self, call: Call) -> dict[str, Any]:
        for one in call.body.get("timeSeries") or ():
            metric, resource = one.get("metric") or {}, one.get("resource") or {"type": "global"}
            kind = str(metric.get("type") or "")
            if not kind.startswith(("custom.googleapis.com/", "external.googleapis.com/", "workload.googleapis.com/")):
                raise Refusal(400, f"The metric type must be a custom metric: {kind}")
            points = list(one.get("points") or [])
            if len(points) != 1:
                raise Refusal(400, "Field timeSeries[0].points had an invalid value: exactly one point is needed.")
            at, value = _moment(points[0]["interval"]["endTime"]), points[0].get("value") or {}
            if not time.time() - OLDEST_SECONDS < at < time.time() + 300:
                raise Refusal(400, "Points must be no older than 25 hours and no newer than five minutes ahead.")
            number = value.get("doubleValue", value.get("int64Value"))
            if number is None:
                raise Refusal(400, "the lab takes values of type double and int64")
            if not self.series.write(_name(metric, resource), at, float(number)):
                raise Refusal(
                    400,
                    "One or more TimeSeries could not be written: Points must be written in order. One or more of the "
                    "points specified had an older end time than the most recent point.",
                )
        return {}

    def _list(self, call: Call) -> dict[str, Any]:
        try:
            found = self.series.chosen(call.query.get("filter", ""))
        except NotUnderstood as problem:
            raise Refusal(400, f"Field filter had an invalid value: {problem}") from None
        begins, ends = call.query.get("interval.startTime"), call.query.get("interval.endTime")
        if ends is None:
            raise Refusal(400, "Field interval.endTime had an invalid value.")
        start, end = _moment(begins) if begins else 0.0, _moment(ends)
        series = []
        for name, points in sorted(found.items(), key=lambda pair: pair[0].metric):
            inside = [(at, value) for at, value in points if start <= at <= end]
            if inside:
                series.append(
                    {
                        "metric": {"type": name.metric, "labels": _labels(name, "metric.labels.")},
                        "resource": {"type": name.resource, "labels": _labels(name, "resource.labels.")},
                        "metricKind": "GAUGE",
                        "valueType": "DOUBLE",
                        "points": [
                            {
                                "interval": {"startTime": _text(at), "endTime": _text(at)},
                                "value": {"doubleValue": value},
                            }
                            for at, value in reversed(inside)
                        ],
                    }
                )
        return {"timeSeries": series} if series else {}

    def _run(self) -> None:
        while not self._ended.wait(OWN_SECONDS):
            now = time.time()
            for name, value in self._own():
                self.series.write(name, now, value)


def _name(metric: Mapping[str, Any], resource: Mapping[str, Any]) -> Name:
    labels = {f"metric.labels.{key}": str(value) for key, value in (metric.get("labels") or {}).items()}
    labels |= {f"resource.labels.{key}": str(value) for key, value in (resource.get("labels") or {}).items()}
    return Name(str(metric["type"]), str(resource.get("type") or "global"), tuple(sorted(labels.items())))


def _point(at: float, value: float) -> dict[str, Any]:
    return {"interval": {"startTime": _text(at), "endTime": _text(at)}, "value": {"doubleValue": value}}


def _labels(name: Name, prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in name.labels if key.startswith(prefix)}


def _moment(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise Refusal(400, f"Invalid time: {text}") from None


def _text(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
