"""The page of a failover, a failback or their drills: the time line of its steps, and what users got meanwhile."""

import datetime
import pathlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .page import fill

TILES = (
    ("rto_seconds", "to verified answers (RTO)", "s"),
    ("user_outage_seconds", "users without a page", "s"),
    ("write_outage_seconds", "without writes", "s"),
    ("rpo_seconds", "age of the data (RPO)", "s"),
    ("first_page_seconds", "to the first page", "s"),
    ("restore_seconds", "restore", "s"),
    ("restored_rows", "rows restored", ""),
    ("compared_rows", "rows compared", ""),
    ("divergent_tables", "tables that differ", ""),
    ("extra_rows", "rows kept aside", ""),
    ("total_seconds", "whole operation", "s"),
)


def moment(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time."""
    return datetime.datetime.fromisoformat(text).timestamp()


def spans(looks: Sequence[Mapping[str, Any]], zero: float) -> list[tuple[float, float, str]]:
    """(from, to, site) of looks that say the same one after the other, in seconds since `zero`. Pure."""
    found: list[tuple[float, float, str]] = []
    for look in looks:
        at, site = float(look["t"]) - zero, str(look["site"])
        if found:
            begun, _, last = found[-1]
            found[-1] = (begun, at, last)
            if last == site:
                continue
        found.append((at, at, site))
    return found


def _clocks(content: Mapping[str, Any]) -> str:
    """How far each machine's clock was from this desk's, whose times the steps have."""
    each = [
        f"{host} {clock['offset']:+.2f} s ±{clock['uncertainty']:.2f} s"
        for host, clock in (content.get("clocks") or {}).items()
    ]
    return ", ".join(each) or "none: no machine has told its own"


def render(content: Mapping[str, Any], picture: str, lead: str) -> str:
    """The page as text. `content` is the evidence; `picture` an SVG element; `lead` what was done. Pure."""
    told = [("before", words) for words in content["says"]]
    told += [("found", words) for words in content["findings"]]
    told += [("next", words) for words in content["next"]]
    rows = [f'<tr><td class="mark">{kind}</td><td>{escape(str(words))}</td></tr>' for kind, words in told]
    return fill(
        content,
        heading=str(content["command"]).capitalize(),
        lead=f"{content['topology']}, {content['dr_mode']}, stack {content['stack']}: {lead}",
        tiles=TILES,
        picture=picture,
        table="What there is to know",
        columns=("", ""),
        rows=rows,
        bound=[
            ("started", content["started"]),
            ("finished", content["finished"]),
            ("operation", content["operation"]),
            ("digest of what the machines run", content["digest"] or "none in the inventory"),
            ("age of the data", content["figures"].get("rpo_basis", "not measured")),
            ("clocks compared", _clocks(content)),
            ("users' name that was watched", content["name"] or "none: users stayed where they were"),
        ],
    )


def write(path: pathlib.Path, content: Mapping[str, Any], started: float, lead: str) -> pathlib.Path:
    """The page and its picture (same name, .png) beside it; the page's path."""
    from . import gantt, plot

    figure = gantt.draw(content, started)
    plot.png(figure, path.with_suffix(".png"))
    path.write_text(render(content, plot.svg(figure), lead), encoding="utf-8")
    return path
