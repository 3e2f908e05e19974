"""Fills the page. Everything that comes from a host is escaped."""

import pathlib
import string
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..drill.expectations import Findings
from ..predicted import difference

TEMPLATE = pathlib.Path(__file__).with_name("page.html")

TILES = (
    ("tunnel_back_seconds", "tunnel back", "s"),
    ("replication_back_seconds", "replication back", "s"),
    ("detect_seconds", "dead peer detected", "s"),
    ("rpo_seconds", "oldest data (RPO)", "s"),
    ("cut_seconds", "path was cut", "s"),
    ("acked", "acknowledged writes", ""),
    ("missing", "missing", ""),
    ("duplicated", "duplicated", ""),
    ("reordered", "out of order", ""),
    ("child_sas", "CHILD SAs afterwards", ""),
    ("cleartext_packets", "packets in clear", ""),
    ("total_seconds", "whole drill", "s"),
)

MARKS = {"done": ("✓", "good"), "undone": ("↺", ""), "failed": ("✗", "bad"), "interrupted": ("✗", "warn")}


def _figure(value: Any, name: str, unit: str) -> str:
    shown = "–" if value is None else f"{value:.1f}" if unit else f"{value:,}".replace(",", "\u202f")
    return f"<li><b>{shown} <small>{unit if value is not None else ''}</small></b><span>{escape(name)}</span></li>"


def _check(check: Mapping[str, Any]) -> str:
    mark, tone = ("✓", "good") if check["passed"] else ("✗", "bad")
    cells = "".join(f"<td>{escape(str(check[name]))}</td>" for name in ("name", "expected", "seen"))
    return f'<tr><td class="mark {tone}">{mark}</td>{cells}</tr>'


def _step(step: Mapping[str, Any], longest: float) -> str:
    mark, tone = MARKS.get(str(step["outcome"]), ("–", ""))
    width = 100 * float(step["seconds"]) / longest if longest else 0
    return (
        f'<tr><td class="mark {tone}">{mark}</td><td>{escape(str(step["name"]))}</td>'
        f'<td class="number">{float(step["seconds"]):.1f}</td>'
        f'<td class="track"><i style="width:{width:.1f}%"></i></td><td>{escape(str(step["detail"]))}</td></tr>'
    )


def _lead(content: Mapping[str, Any]) -> str:
    cut = content["cut"]
    words = {
        "terminate": "the security association was closed with a DELETE",
        "link-down": f"nothing passed between the gateways for {cut['seconds']:g} s, and nobody was told",
        "one-way": f"packets {cut['way']} of {cut['at']} were dropped for {cut['seconds']:g} s, the other way was open",
        "gateway-crash": f"{cut['at']} restarted without a word",
        "gateway-reboot": f"{cut['at']} restarted in good order",
    }[str(cut["how"])]
    return (
        f"{content['topology']}, {content['dr_mode']}, stack {content['stack']}: {words}. "
        "Writers kept writing on the source; nobody did anything to bring tunnel or replication back."
    )


def render(content: Mapping[str, Any], picture: str) -> str:
    """The page as text. `content` is the evidence; `picture` an SVG element. Pure."""
    clocks = [f"{host} ±{clock['uncertainty'] * 1000:.0f} ms" for host, clock in content["clocks"].items()]
    bound = [
        ("started", content["started"]),
        ("finished", content["finished"]),
        ("digest of what the machines run", content["digest"] or "none in the inventory"),
        ("cut", f"{content['cut']['how']} at {content['cut']['at']}"),
        ("clocks compared", ", ".join(clocks)),
        ("raw observations", content["tape"]),
    ]
    return fill(
        content,
        heading=f"Tunnel cut: {content['cut']['how']}",
        lead=_lead(content),
        tiles=TILES,
        picture=picture,
        table="What was expected, what was seen",
        columns=("", "Expectation", "Expected", "Seen"),
        rows=[_check(check) for check in content["checks"]],
        bound=bound,
    )


def _predicted(content: Mapping[str, Any]) -> str:
    """The phases of which the estimate had a figure; nothing where there is none."""
    said = content.get("predicted") or {"ground": "", "phases": []}
    if not said["phases"]:
        return ""
    heads = ("Phase", "Predicted, s", "Measured, s", "Apart", "It rests on")
    rows = "\n".join(_phase(phase) for phase in said["phases"])
    whose = f"rates of {said['ground']}" if said["ground"] else "no rate was measured where this stack stands"
    return (
        f'<h2>What the estimate said: {escape(whose)}</h2>\n<div class="wide"><table>\n<tr>'
        + "".join(f"<th>{name}</th>" for name in heads)
        + f"</tr>\n{rows}\n</table></div>"
    )


def _phase(phase: Mapping[str, Any]) -> str:
    apart = difference(phase)
    numbers = (
        "–" if value is None else f"{value:.1f}" for value in (phase["predicted_seconds"], phase["measured_seconds"])
    )
    cells = [f'<td class="number">{number}</td>' for number in numbers]
    cells.append(f'<td class="number">{"–" if apart is None else f"{apart:.0%}"}</td>')
    words = f"{', '.join(phase['basis'])}: {phase['source']}"
    return f"<tr><td>{escape(str(phase['name']))}</td>{''.join(cells)}<td>{escape(words)}</td></tr>"


def fill(
    content: Mapping[str, Any],
    *,
    heading: str,
    lead: str,
    tiles: Sequence[tuple[str, str, str]],
    picture: str,
    table: str,
    columns: Sequence[str],
    rows: Sequence[str],
    bound: Sequence[tuple[str, Any]],
) -> str:
    """The page of any operation. `rows` are table rows, already escaped; `tiles` (figure, name, unit). Pure."""
    longest = max((float(step["seconds"]) for step in content["steps"]), default=0.0)
    figures = content["figures"]
    problems = "".join(f"<li>{escape(str(problem))}</li>" for problem in content["problems"])
    return string.Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"{content['command']}: {content['verdict']}"),
        heading=escape(heading),
        verdict=escape(str(content["verdict"])),
        lead=escape(lead),
        problems=f'<ul class="problems bad">{problems}</ul>' if problems else "",
        figures="\n".join(_figure(figures.get(key), name, unit) for key, name, unit in tiles if key in figures),
        picture=picture,
        table=escape(table),
        columns="<tr>" + "".join(f"<th>{escape(name)}</th>" for name in columns) + "</tr>" if any(columns) else "",
        checks="\n".join(rows),
        predicted=_predicted(content),
        steps="\n".join(_step(step, longest) for step in content["steps"]),
        bound="\n".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in bound),
    )


def write(path: pathlib.Path, content: Mapping[str, Any], found: Findings, acks: list[float]) -> pathlib.Path:
    """The page and its picture (same name, .png) beside it; the page's path."""
    from . import plot

    figure = plot.draw(found, acks)
    plot.png(figure, path.with_suffix(".png"))
    path.write_text(render(content, plot.svg(figure)), encoding="utf-8")
    return path
