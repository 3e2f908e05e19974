"""The picture of a drill. The only module that imports matplotlib."""

import bisect
import io
import pathlib
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

from ..drill import timeline
from ..drill.expectations import Findings
from .lanes import Tone, lanes

INK, QUIET, GRID = "#1f2933", "#7b8794", "#e4e7eb"
SOURCE, REPLICA, AGE, FAULT = "#2364aa", "#0f9d76", "#8a4fbf", "#e5484d"
TONES = {Tone.GOOD: "#35b37e", Tone.WAITING: "#f5a524", Tone.BAD: "#e5484d", Tone.UNKNOWN: "#cbd2d9"}
PANELS = (2.6, 1.5, 2.1)
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": GRID,
    "axes.labelcolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    # Real text in the SVG: it can be searched and stays sharp.
    "svg.fonttype": "none",
    "svg.hashsalt": "twinsite",
}


def draw(found: Findings, acks: list[float]) -> Figure:
    """Writes, heartbeat age and states over seconds since the cut."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 7.2), facecolor="white", layout="constrained")
        rows: Any = figure.subplots(3, 1, sharex=True, gridspec_kw={"height_ratios": PANELS})
        zero = found.fault.began
        times = [look.t for look in found.tape.replica]
        end = (times[-1] if times else zero + 1) - zero
        start = min((times[0] - zero) if times else -3.0, -1.0)
        _writes(rows[0], found, acks, zero)
        _age(rows[1], found, zero)
        _states(rows[2], found, zero, zero + end, start)
        for row in rows:
            row.set_xlim(start, end)
            row.grid(True, axis="x", color=GRID, linewidth=0.8)
            row.set_axisbelow(True)
            if found.fault.back is not None and found.fault.back > zero:
                row.axvspan(0, found.fault.back - zero, color=FAULT, alpha=0.09, linewidth=0, zorder=0)
        _marks(rows, found)
        rows[2].set_xlabel("seconds since the cut")
        return figure


def _writes(axes: Any, found: Findings, acks: list[float], zero: float) -> None:
    acks = sorted(acks)
    # A GTID set counts other writers, too (the heartbeat): both lines start at nought with the picture.
    source = found.tape.source
    replica = found.tape.replica
    if acks:
        axes.plot(
            [t - zero for t in acks], range(1, len(acks) + 1), color=SOURCE, linewidth=1.8, label="acknowledged writes"
        )
    elif source:
        base = source[0].transactions
        axes.plot(
            [s.t - zero for s in source], [s.transactions - base for s in source], color=SOURCE, label="committed"
        )
    moments, counts = _applied(found, acks)
    if replica:
        axes.plot(moments, counts, color=REPLICA, linewidth=1.8, label="on the replica")
    axes.set_ylabel("transactions")
    axes.set_ylim(bottom=0)
    axes.grid(True, axis="y", color=GRID, linewidth=0.8)
    if acks or source or replica:
        axes.legend(loc="upper left", facecolor="white", edgecolor="none", framealpha=0.85, fontsize=10)


def _applied(found: Findings, acks: list[float]) -> tuple[list[float], list[float]]:
    """The replica's transactions, counted from the beginning of the writing (the heartbeat's taken out by rate)."""
    zero, replica, source = found.fault.began, found.tape.replica, found.tape.source
    if not replica:
        return [], []
    if not acks or not source:
        return [look.t - zero for look in replica], [
            float(look.transactions - replica[0].transactions) for look in replica
        ]
    # What the source had committed when the replica's position was reached, in acknowledged writes.
    positions = [look.transactions for look in source]
    moments, counts = [], []
    for look in replica:
        if look.heartbeat is None and not look.transactions:
            continue
        at = min(bisect.bisect_left(positions, look.transactions), len(source) - 1)
        reached = source[at].t
        moments.append(look.t - zero)
        counts.append(float(min(bisect.bisect_right(acks, reached), bisect.bisect_right(acks, look.t))))
    return moments, counts


def _age(axes: Any, found: Findings, zero: float) -> None:
    seen = [(look.t - zero, look.age) for look in found.tape.replica if look.age is not None]
    if seen:
        moments, ages = zip(*seen, strict=True)
        axes.fill_between(moments, ages, color=AGE, alpha=0.15, linewidth=0)
        axes.plot(moments, ages, color=AGE, linewidth=1.5)
        top = max(ages)
        where = moments[ages.index(top)]
        # Beside the peak, where the line falls steeply.
        axes.annotate(f"{top:.1f} s", (where, top), textcoords="offset points", xytext=(9, -5), color=AGE)
    axes.set_ylabel("age of the\nreplica's data, s")
    axes.set_ylim(bottom=0)
    axes.grid(True, axis="y", color=GRID, linewidth=0.8)


def _states(axes: Any, found: Findings, zero: float, until: float, start: float) -> None:
    rows = lanes(found, until)
    width = until - zero - start
    for at, lane in enumerate(rows):
        for bar in lane.bars:
            axes.barh(at, bar.end - bar.start, left=bar.start - zero, height=0.62, color=TONES[bar.tone], linewidth=0)
            # A label that does not fit its bar is worse than none; the colours tell.
            if bar.end - bar.start > width * (0.012 * len(bar.label) + 0.01):
                middle = (bar.start + bar.end) / 2 - zero
                dark = bar.tone is Tone.UNKNOWN
                axes.text(middle, at, bar.label, ha="center", va="center", color=INK if dark else "white", fontsize=8.5)
    axes.set_yticks(range(len(rows)), [lane.name for lane in rows], color=INK)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _marks(rows: Any, found: Findings) -> None:
    fault = found.fault
    zero = fault.began
    marks = [(0.0, "cut", FAULT)]
    if fault.back is not None:
        back = fault.back - zero
        if back > 0.5:
            marks.append((back, "gateway answers" if fault.how.restarts else "path back", INK))
        tunnel = timeline.tunnel_back(found.tape, fault)
        replication = timeline.replication_back(found.tape.replica, fault)
        if tunnel is not None:
            marks.append((back + tunnel, f"tunnel +{tunnel:.1f} s", SOURCE))
        if replication is not None:
            marks.append((back + replication, f"replication +{replication:.1f} s", REPLICA))
    for (moment, words, colour), level in zip(marks, _levels(rows[0], marks), strict=True):
        for row in rows:
            row.axvline(moment, color=colour, linewidth=1.1, linestyle=(0, (4, 3)) if moment else "-")
        rows[0].annotate(
            words,
            (moment, 1.0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            xytext=(3, 4 + 13 * level),
            color=colour,
            fontsize=9.5,
            annotation_clip=False,
        )


def _levels(axes: Any, marks: list[tuple[float, str, str]]) -> list[int]:
    """Lines for the marks' words, so that none runs over the next one. From the right: each clears those after it."""
    start, end = axes.get_xlim()
    # A letter of this size takes about 1/115 of the width.
    letter = (end - start) / 115
    placed: list[tuple[float, float, int]] = []
    levels = []
    for moment, words, _ in sorted(marks, reverse=True):
        right = moment + letter * len(words)
        taken = {level for left, edge, level in placed if left < right and moment < edge}
        level = next(level for level in range(len(marks) + 1) if level not in taken)
        placed.append((moment, right, level))
        levels.append(level)
    order = sorted(range(len(marks)), key=lambda at: marks[at], reverse=True)
    return [levels[order.index(at)] for at in range(len(marks))]


def png(figure: Figure, path: pathlib.Path) -> None:
    """At twice screen resolution."""
    figure.savefig(path, format="png", dpi=144)


def svg(figure: Figure) -> str:
    """As an element for a page, without the XML prologue."""
    out = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
