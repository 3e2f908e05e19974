"""The picture of a failover: its steps below each other, then the zone's answers and users' pages beside them."""

from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from .move_page import moment, spans
from .plot import FAULT, GRID, INK, QUIET, REPLICA, SOURCE, STYLE

TONES = {"done": "#52606d", "undone": "#f5a524", "failed": FAULT, "interrupted": FAULT}


def draw(content: Mapping[str, Any], zero: float) -> Figure:
    """Seconds since the command began."""
    steps = content["steps"]
    lanes = [(words, content[key]) for words, key in (("zone's answer", "answers"), ("user's page", "pages"))]
    lanes = [(words, looks) for words, looks in lanes if looks]
    count = len(steps) + len(lanes)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(11, 1.2 + 0.34 * count), facecolor="white", layout="constrained")
        axes: Any = figure.subplots()
        names = []
        end = 1.0
        for at, step in enumerate(steps):
            start = moment(str(step["started"])) - zero
            length = float(step["seconds"])
            end = max(end, start + length)
            axes.barh(at, max(length, 0.02), left=start, height=0.6, color=TONES.get(str(step["outcome"]), QUIET))
            beside = {"textcoords": "offset points", "xytext": (4, 0), "va": "center", "color": QUIET, "fontsize": 8.5}
            axes.annotate(f"{length:.1f} s", (start + max(length, 0.02), at), **beside)
            names.append(str(step["name"]) if len(str(step["name"])) < 60 else f"{str(step['name'])[:57]}…")
        sites = _colours(lanes)
        for number, (words, looks) in enumerate(lanes):
            at = len(steps) + number
            names.append(f"{words} of {content['name']}")
            for start, stop, site in spans(looks, zero):
                end = max(end, stop)
                axes.barh(at, stop - start, left=start, height=0.6, color=sites.get(site, FAULT), linewidth=0)
        axes.set_yticks(range(count), names, color=INK, fontsize=9)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(min(0.0, -0.01 * end), end * 1.08)
        axes.grid(True, axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("seconds since the command began")
        for site, colour in sites.items():
            axes.barh(0, 0, color=colour, label=site)
        if sites:
            axes.barh(0, 0, color=FAULT, label="nothing")
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, edgecolor="none", fontsize=9)
        return figure


def _colours(lanes: list[tuple[str, Any]]) -> dict[str, str]:
    """A colour for each site that was seen, in the order of its first look."""
    seen = dict.fromkeys(str(look["site"]) for _, looks in lanes for look in looks if look["site"])
    return dict(zip(seen, (SOURCE, REPLICA, "#8a4fbf"), strict=False))
