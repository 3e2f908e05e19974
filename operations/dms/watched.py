"""What AWS tells of a task while a drill goes on: latencies and when they were told, their alarms, tables compared."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..drill.expectations import Check
from ..steps import StepFailed
from ..subjects.dms_task import TaskSeen
from .service import Service

LATENCIES = ("CDCLatencySource", "CDCLatencyTarget")
_PERIOD, _BACK = 60, 600
BACK_SECONDS = 300.0
"""CloudWatch has a value each minute, and an alarm looks at three; the task itself pauses for 10 s at most."""
VALIDATED = "Validated"
Metric = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name, dimensions."""


@dataclass(frozen=True)
class Alarm:
    """One that looks at a metric. `due_seconds`: a fault of this length brings it up."""

    name: str
    up: bool
    due_seconds: float


@dataclass(frozen=True)
class Told:
    """The newest value of each latency, seconds, and when the older of both was told; None where one was not."""

    seconds: float | None = None
    at: float | None = None


@dataclass
class Watch:
    """Of one drill. Times are seconds from `broken` on, and from `mended` on where they are about what comes back."""

    service: Service
    more: tuple[Metric, ...] = ()
    """Metrics whose alarms are looked at beside those on the task's latencies."""
    before_seconds: float | None = None
    worst_seconds: float = 0.0
    states: list[str] = field(default_factory=list)
    """Of the task while it was broken, each once."""
    silent: bool = False
    """Whether no latency was told for a time."""
    due: dict[str, float] = field(default_factory=dict)
    """Alarm on a latency → after what length it comes up."""
    others: list[str] = field(default_factory=list)
    """Alarms of `more` that came up."""
    fired: dict[str, float] = field(default_factory=dict)
    broken_for_seconds: float | None = None
    current_seconds: float | None = None
    cleared_seconds: float | None = None
    row_seconds: float | None = None
    """How long a row took that was written when all had come back; None where no job writes one."""
    tables: int = 0
    """Found equal by DMS's validation after that."""
    _at: Metric = ("", "", ())
    _broken: float | None = None
    _mended: float | None = None

    def begin(self) -> None:
        """StepFailed where no alarm watches the task, or one is up."""
        found = self._alarms()
        if not found:
            raise StepFailed("no alarm watches a latency of the task: let `pulumi up` with DmsCdcTask make them")
        if up := [one.name for one in found if one.up]:
            raise StepFailed(f"alarm {', '.join(up)} is up already: it is not drilled while something is wrong")
        self.due = {one.name: one.due_seconds for one in self._of(LATENCIES)}
        self.before_seconds = self._told().seconds

    def broke(self) -> None:
        """Now."""
        self._broken = time.monotonic()

    @property
    def is_broken(self) -> bool:
        """Whether it was broken, and not mended since."""
        return self._broken is not None and self._mended is None

    def mended(self) -> None:
        """Now; once."""
        if self._broken is not None and self._mended is None:
            self.broken_for_seconds = round(time.monotonic() - self._broken, 1)
            self._mended = time.time()

    def look(self) -> str:
        """While it is broken; for a person."""
        assert self._broken is not None
        seen, told = self.service.seen(), self._told()
        if seen.state not in self.states:
            self.states.append(seen.state)
        self.silent |= told.seconds is None
        self._alarmed(time.monotonic() - self._broken)
        late = "no latency told" if told.seconds is None else f"{told.seconds:.0f} s late"
        return f"{seen.state}, {late}, alarms up: {', '.join(self.fired) or 'none'}"

    def back(self) -> str:
        """What is still amiss after the mending; "" when nothing is. Each time is kept when it comes."""
        assert self._mended is not None
        seen, told = self.service.seen(), self._told()
        since = time.time() - self._mended
        wrong = list(TaskSeen(self.service.flow, seen).problems())
        if told.at is None or told.at < self._mended:
            wrong.append("no latency was told since")
        if not wrong and self.current_seconds is None:
            self.current_seconds = round(since, 1)
        up = self._alarmed(since)
        if not up and self.cleared_seconds is None:
            self.cleared_seconds = round(since, 1)
        wrong += [f"alarm {', '.join(up)} is up"] if up else []
        waits = [one.name for one in seen.tables if one.validation != VALIDATED]
        wrong += [f"{', '.join(waits)} not compared again yet"] if waits else []
        self.tables = len(seen.tables) - len(waits)
        return "; ".join(wrong)

    @property
    def figures(self) -> dict[str, Any]:
        """Under the house's names."""
        return {
            "latency_before_seconds": self.before_seconds,
            "latency_worst_seconds": self.worst_seconds,
            "broken_for_seconds": self.broken_for_seconds,
            "latency_back_seconds": self.current_seconds,
            "alarm_fired_seconds": min(self.fired.values()) if self.fired else None,
            "alarm_cleared_seconds": self.cleared_seconds if self.fired else None,
            "row_seconds": self.row_seconds,
            "tables_compared": self.tables,
        }

    @property
    def checks(self) -> list[Check]:
        """The first shows that something was broken; without it the others say nothing."""
        was = self.broken_for_seconds or 0.0
        due = min(self.due.values(), default=0.0)
        rose = self.worst_seconds - (self.before_seconds or 0.0)
        felt = self.silent or rose >= was / 2 or any(one != "running" for one in self.states)
        seen = f"{rose:.0f} s later, {', '.join(self.states) or 'never looked at'}" + (
            ", silent" if self.silent else ""
        )
        made = [
            Check("the fault was one", "the task is late, stands or is silent", seen, felt),
            Check(
                "latency under the threshold again",
                f"within {BACK_SECONDS:g} s, by itself",
                "never" if self.current_seconds is None else f"{self.current_seconds:g} s",
                self.current_seconds is not None and self.current_seconds <= BACK_SECONDS,
            ),
            Check("no row is missing", "DMS compared all tables", f"{self.tables} equal", self.tables > 0),
        ]
        first = min(self.fired.values(), default=None)
        if was > due:
            words = f"an alarm comes up within {due:g} s, and goes"
            gone = "stays" if self.cleared_seconds is None else f"gone {self.cleared_seconds:g} s after the end"
            shown = "none came" if first is None else f"up after {first:g} s, {gone}"
            made.append(Check("the alarm", words, shown, first is not None and self.cleared_seconds is not None))
        return made

    def _dimensions(self) -> tuple[tuple[str, str], ...]:
        if not self._at[2]:
            task = self.service.describe()
            where = [{"Name": "replication-instance-arn", "Values": [task.instance]}]
            (instance,) = self.service.ask("DescribeReplicationInstances", Filters=where)["ReplicationInstances"]
            of = (
                ("ReplicationInstanceIdentifier", str(instance["ReplicationInstanceIdentifier"])),
                ("ReplicationTaskIdentifier", task.arn.rpartition(":")[2]),
            )
            self._at = ("AWS/DMS", "", of)
        return self._at[2]

    def _told(self) -> Told:
        now = time.time()
        asked = [
            {
                "Id": name.lower(),
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/DMS", "MetricName": name,
                        "Dimensions": [{"Name": one, "Value": value} for one, value in self._dimensions()],
                    },
                    "Period": _PERIOD, "Stat": "Maximum",
                },
            }
            for name in LATENCIES
        ]  # fmt: skip
        found = self.service.ask(
            "GetMetricData", "cloudwatch", MetricDataQueries=asked, ScanBy="TimestampDescending",
            StartTime=datetime.fromtimestamp(now - _BACK, UTC), EndTime=datetime.fromtimestamp(now, UTC),
        )["MetricDataResults"]  # fmt: skip
        if len(found) < len(LATENCIES) or not all(one["Values"] for one in found):
            return Told()
        told = Told(
            max(float(one["Values"][0]) for one in found), min(one["Timestamps"][0].timestamp() for one in found)
        )
        if self._broken is not None and told.at is not None and now - told.at < 2 * _PERIOD:
            self.worst_seconds = max(self.worst_seconds, told.seconds or 0.0)
        # What was told before the fault says nothing of now.
        return told if told.at is not None and now - told.at < 3 * _PERIOD else Told(None, told.at)

    def _alarms(self) -> list[Alarm]:
        return [*self._of(LATENCIES), *self._besides()]

    def _of(self, names: Sequence[str]) -> list[Alarm]:
        of = self._dimensions()
        return [found for name in names for found in alarms(self.service, ("AWS/DMS", name, of))]

    def _besides(self) -> list[Alarm]:
        return [found for metric in self.more for found in alarms(self.service, metric)]

    def _alarmed(self, since: float) -> list[str]:
        """Those that are up; when each came up first is kept."""
        besides = [one.name for one in self._besides() if one.up]
        self.others += [one for one in besides if one not in self.others]
        up = [one.name for one in self._of(LATENCIES) if one.up]
        if self._mended is None:
            for name in up:
                self.fired.setdefault(name, round(since, 1))
        return [*up, *besides]


def alarms(service: Service, metric: Metric) -> list[Alarm]:
    """Those on this metric alone."""
    namespace, name, of = metric
    given: Mapping[str, Any] = service.ask(
        "DescribeAlarmsForMetric", "cloudwatch", Namespace=namespace, MetricName=name,
        Dimensions=[{"Name": one, "Value": value} for one, value in of],
    )  # fmt: skip
    return [
        Alarm(
            str(one["AlarmName"]),
            one.get("StateValue") == "ALARM",
            # Of a latency, which grows by a second a second; one more period until it is told and judged.
            float(one.get("Threshold") or 0) + int(one["Period"]) * (int(one["EvaluationPeriods"]) + 1),
        )
        for one in given.get("MetricAlarms") or ()
    ]
