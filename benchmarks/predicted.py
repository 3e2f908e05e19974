"""How far the estimate was from what drills took, on the ground whose rates it was made with.

Read from the evidence of finished drills and operations in the tree's .twinsite; where there is none, one drill is run.
A drill that is not younger than the rates counts for nothing: it may be the one that they are from. Phases of which
either figure is 5 s or more count.
"""

import datetime
import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .context import TREE, Context, NotMeasured
from .figure import Figure, ratio_at_most, value_at_most, value_is
from .live import Cut, Live

LEAST_SECONDS = 5.0
MEDIAN_PERCENT = 15.0
WORST_FACTOR = 2.0
DRILL = Cut("link-down", 30.0)


@dataclass(frozen=True)
class Seen:
    """One phase of one drill."""

    command: str
    phase: str
    predicted: float | None
    measured: float
    file: str

    @property
    def percent(self) -> float | None:
        """How far apart, of what was measured."""
        return None if self.predicted is None else 100 * abs(self.predicted - self.measured) / self.measured

    @property
    def factor(self) -> float | None:
        """How many times the smaller one fits into the larger."""
        if self.predicted is None:
            return None
        small, large = sorted((self.predicted, self.measured))
        return large / small if small else math.inf


def run(context: Context) -> Iterator[Figure]:
    """Each phase, the median and the worst."""
    found, old = phases(_evidence(TREE / ".twinsite"))
    if not found:
        context.say("no drill since the rates were measured: one is run")
        context.once(Live).drill(DRILL)
        found, old = phases(_evidence(TREE / ".twinsite"))
    if not found:
        raise NotMeasured(
            f"no drill of a stack with a ground has a phase of {LEAST_SECONDS:g} s (not younger than the rates: {old})"
        )
    yield from judged(found, old)


def _evidence(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*/evidence/*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            yield path.name, content


def phases(evidence: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[list[Seen], int]:
    """(phases that count, drills that are not younger than the rates). Pure."""
    found, old = [], 0
    for file, content in evidence:
        said = content.get("predicted") or {}
        if not said.get("ground"):  # none was measured where that stack stands
            continue
        mine = [one for one in said["phases"] if one["measured_seconds"] is not None and _counts(one)]
        began = datetime.datetime.fromisoformat(str(content["started"]))
        if any(not _younger(began, one["rates_of"]) for one in mine):
            old += 1
            continue
        found += [
            Seen(content["command"], one["name"], one["predicted_seconds"], one["measured_seconds"], file)
            for one in mine
        ]
    return found, old


def _counts(phase: Mapping[str, Any]) -> bool:
    return bool(max(phase["predicted_seconds"] or 0.0, phase["measured_seconds"]) >= LEAST_SECONDS)


def _younger(began: datetime.datetime, rates_of: str) -> bool:
    """A rate that says only its day may be of that day's last minute."""
    if not rates_of:
        return True
    moment = datetime.datetime.fromisoformat(rates_of)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return began >= moment + datetime.timedelta(days=1) if len(rates_of) == len("2026-11-22") else began > moment


def judged(found: list[Seen], old: int) -> Iterator[Figure]:
    """Of phases that count. Pure."""
    for command, phase in dict.fromkeys((one.command, one.phase) for one in found):
        mine = [one for one in found if (one.command, one.phase) == (command, phase)]
        known = [one.predicted for one in mine if one.predicted is not None]
        yield Figure(
            name=f"{command}: {phase}, {len(mine)} times",
            value=statistics.median(one.measured for one in mine),
            unit="s",
            must=ratio_at_most(WORST_FACTOR),
            compared_to="predicted",
            compared_value=statistics.median(known) if known else None,
            runs={"measured": [one.measured for one in mine], "predicted": [one.predicted for one in mine]},
        )
    percents = [one.percent for one in found if one.percent is not None]
    factors = [one.factor for one in found if one.factor is not None and math.isfinite(one.factor)]
    endless = sum(one.factor is not None and not math.isfinite(one.factor) for one in found)
    left_out = f"; {old} drills left out that are not younger than the rates" if old else ""
    beside = f"nothing: {len(percents)} phases of {LEAST_SECONDS:g} s and more{left_out}"
    files = sorted({one.file for one in found})
    yield Figure(
        "predicted and measured, median apart",
        statistics.median(percents) if percents else None,
        "% of what was measured",
        value_at_most(MEDIAN_PERCENT),
        beside,
        runs={"percent": [round(one, 1) for one in percents], "evidence": files},
    )
    yield Figure(
        "predicted and measured, worst",
        None if endless or not factors else max(factors),
        "times",
        value_at_most(WORST_FACTOR),
        beside,
        note=f"{endless} phases were predicted to take no time" if endless else "",
    )
    lacking = [one for one in found if one.predicted is None]
    yield Figure(
        "phases that nobody predicted",
        float(len(lacking)),
        "phases",
        value_is(0),
        "phases that were",
        float(len(percents)),
        note="; ".join(f"{one.command}: {one.phase}" for one in lacking),
    )
