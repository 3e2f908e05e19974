"""`twinsite compare-modes`: the modes of a stack side by side, from its settings alone, and what one change would do.

The program is asked what it estimates and what it would register in each mode (stacks/__main__.py); nothing is deployed
and no account is asked.
"""

import pathlib
import textwrap
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from .project import Files, NoProject, files

PASSED, FAILED, REFUSED = "passed", "failed", "refused"
COMMAND = "compare-modes"
AT_ONCE = 2
"""Programs at one time; each loads SDKs."""

Answer = dict[str, Any]


def run(folder: pathlib.Path, stack: str, selected: Callable[[], str], what_if: str = "") -> Answer:
    """The command's JSON."""
    try:
        found = files(folder, stack, selected, COMMAND)
        answer = _compared(found)
        if what_if and answer["verdict"] != REFUSED:
            answer["what_if"] = _changed(found, answer, what_if)
    except NoProject as problem:
        return _empty() | {"problems": [str(problem)]}
    if answer["what_if"] and answer["what_if"]["problems"]:
        return answer | {"verdict": REFUSED, "problems": answer["what_if"]["problems"]}
    return answer


def _empty() -> Answer:
    return {
        "command": COMMAND,
        "topology": "",
        "stack": "",
        "dr_mode": "",
        "verdict": REFUSED,
        "note": "",
        "problems": [],
        "lacking": [],
        "modes": {},
        "cost_without": [],
        "notes": [],
        "settings": [],
        "what_if": None,
    }


def _compared(found: Files) -> Answer:
    said = found.ask("estimate")
    answer = _empty() | {"stack": found.stack, "note": found.note}
    if said["estimate"] is None:
        return answer | {"problems": said["problems"]}
    estimate, mode = said["estimate"], said["dr_mode"]
    names = list(estimate["modes"])
    with ThreadPoolExecutor(AT_ONCE) as pool:
        registered = dict(
            zip(names, pool.map(lambda name: _registered(found, name, said["lacking"]), names), strict=True)
        )
    modes = {name: {**estimate["modes"][name], **registered[name]} for name in names}
    for name in names:
        modes[name]["over_budget"] = said["over_budget"][name]
    for lower, higher in pairwise(names):
        _differ(modes[lower], modes[higher])
    return answer | {
        "topology": said["topology"],
        "dr_mode": mode,
        "verdict": FAILED if said["over_budget"][mode] else PASSED,
        "lacking": said["lacking"],
        "modes": modes,
        "cost_without": estimate["cost_without"],
        "notes": estimate["notes"],
        "settings": said["settings"],
    }


def _registered(found: Files, mode: str, lacking: Sequence[str]) -> Answer:
    """`resources`: how many; null, and why, when the program does not get so far."""
    none: Answer = {"resources": None, "registered": [], "adds": [], "removes": [], "down_destroys": []}
    if lacking:
        return none | {
            "resources_unknown": f"{len(lacking)} of the settings are not made yet: `twinsite doctor` names them"
        }
    said = found.changed("dr_mode", mode).ask("resources")
    if said["resources"] is None:
        return none | {"resources_unknown": "; ".join(said["problems"])}
    return none | {"resources": len(said["resources"]), "registered": said["resources"], "resources_unknown": ""}


def _differ(lower: Answer, higher: Answer) -> None:
    """What `higher` adds to the mode below it and takes from it, and what is lost on the way back."""
    if lower["resources"] is None or higher["resources"] is None:
        return
    higher["adds"], higher["removes"] = difference(lower["registered"], higher["registered"])
    higher["down_destroys"] = [one for one in higher["adds"] if one["holds_data"]]


def difference(before: Sequence[Answer], after: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    """(what comes, what goes). Pure."""
    return [one for one in after if one not in before], [one for one in before if one not in after]


FIGURES = ("cost_usd_month", "rto_seconds", "rpo_seconds")
HEADS = {"cost": "cost", "rto": "RTO", "rpo": "RPO"}
"""Key of the program's words → what a person calls it."""
COLUMNS = 100


def _changed(found: Files, base: Answer, what_if: str) -> Answer:
    key, equals, value = what_if.partition("=")
    changed: Answer = {"key": key, "value": value, "problems": [], "modes": {}, "difference": {}}
    if not equals:
        return changed | {"problems": [f"--what-if {what_if} has no =: write KEY=VALUE"]}
    if ":" not in key and key not in base["settings"]:
        return changed | {
            "problems": [f"--what-if {what_if}: there is no setting {key}: page settings of the documentation has them"]
        }
    after = _compared(found.changed(key, value))
    changed |= {"problems": after["problems"], "modes": after["modes"], "dr_mode": after["dr_mode"]}
    both = [name for name in base["modes"] if name in after["modes"]]
    return changed | {"difference": {name: _between(base["modes"][name], after["modes"][name]) for name in both}}


def _between(before: Answer, after: Answer) -> Answer:
    """Of one mode. Null where one of the two is unknown."""
    found: Answer = {}
    for figure in FIGURES:
        known = before[figure] is not None and after[figure] is not None
        found[figure] = round(after[figure] - before[figure], 2) if known else None
    found["adds"], found["removes"] = difference(before["registered"], after["registered"])
    return found


def text(answer: Mapping[str, Any]) -> str:
    """For a person: the figures side by side, then each mode's way to service."""
    if answer["verdict"] == REFUSED:
        return "\n".join([f"{COMMAND}: {REFUSED}", *(f"  ✗ {problem}" for problem in answer["problems"])])
    lines = [f"{answer['topology']}, stack {answer['stack']}, now {answer['dr_mode']}"]
    if answer["lacking"]:
        lines.append(f"! {len(answer['lacking'])} of the settings are not made yet: `twinsite doctor` names them")
    lines += ["", *_table(answer["modes"])]
    for name, mode in answer["modes"].items():
        lines += ["", *_mode(name, mode)]
    lines += ["", *(f"! {words}" for words in answer["notes"])]
    lines.append(f"not in the cost: {', '.join(answer['cost_without'])}")
    if answer["what_if"]:
        lines += ["", *_what_if(answer)]
    wide = [textwrap.wrap(line, COLUMNS, subsequent_indent=" " * 14, break_on_hyphens=False) or [""] for line in lines]
    return "\n".join(part for line in wide for part in line)


def _table(modes: Mapping[str, Any]) -> list[str]:
    rows = [["", *modes], ["resources", *(_count(mode) for mode in modes.values())]]
    rows += [[head, *(mode["words"][word] for mode in modes.values())] for word, head in HEADS.items()]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _count(mode: Mapping[str, Any]) -> str:
    if mode["resources"] is None:
        return "unknown"
    changes = [f"{sign}{len(mode[key])}" for sign, key in (("+", "adds"), ("-", "removes")) if mode[key]]
    return f"{mode['resources']}" + (f" ({', '.join(changes)})" if changes else "")


def _mode(name: str, mode: Mapping[str, Any]) -> list[str]:
    lines = [f"{name}, critical path:"]
    lines += [
        f"{_seconds(one['value']):>10}  {one['name']} ({one['basis']}: {one['source']})"
        for one in mode["critical_path"]
    ]
    lines += [f"    beside it: {one['name']}, {_seconds(one['value'])}" for one in mode["beside_it"]]
    heads = {"adds": "adds", "removes": "takes away", "down_destroys": "a move down destroys the data of"}
    lines += [f"  {head} {_names(mode[key])}" for key, head in heads.items() if mode[key]]
    if mode["resources_unknown"]:
        lines.append(f"  resources unknown: {mode['resources_unknown']}")
    return lines + [f"  ✗ {words}" for words in mode["over_budget"]]


def _names(resources: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(one["name"] for one in resources)


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} s"


def _what_if(answer: Mapping[str, Any]) -> list[str]:
    changed = answer["what_if"]
    lines = [f"what if {changed['key']} = {changed['value']}"]
    for name, delta in changed["difference"].items():
        before, after = answer["modes"][name], changed["modes"][name]
        moved = [
            f"  {name}: {head} {before['words'][word]} → {after['words'][word]}"
            for word, head in HEADS.items()
            if before["words"][word] != after["words"][word]
        ]
        if before["words"]["critical_path"] != after["words"]["critical_path"]:
            moved.append(f"  {name}: critical path {after['words']['critical_path']}")
        heads = {"adds": "adds", "removes": "takes away"}
        moved += [f"  {name}: {head} {_names(delta[key])}" for key, head in heads.items() if delta[key]]
        lines += moved or [f"  {name}: no difference"]
        lines += [f"  ✗ {words}" for words in after["over_budget"]]
    return lines
