"""Answers for people: plain text that a terminal of 100 columns shows whole. The same facts as --json."""

from collections.abc import Mapping
from typing import Any

from . import predicted
from .stack import age_words


def _age(seconds: float | None) -> str:
    return "unknown" if seconds is None else age_words(seconds)


def evidence_lines(found: Mapping[str, Any]) -> list[str]:
    """What was proved, and whether it still counts: a line for each kind of drill that was run, one at least."""
    drills = found.get("drills") or {}
    proved = {kind: one for kind, one in drills.items() if one["verdict"] is not None}
    if not proved and found["verdict"] is None:
        return [f"  evidence none: {found['reason']}"]
    lines = []
    for kind, one in proved.items() if len(drills) > 1 else [("last drill", found)]:
        stale = f"STALE, {one['reason']}" if one["stale"] else "valid"
        lines.append(f"  evidence {kind} {one['verdict']} {_age(one['age_seconds'])} ago, {stale}")
    return lines


def record_lines(found: Mapping[str, Any]) -> list[str]:
    """Where the attempt's last record is."""
    record = found.get("record")
    return [f"  record: {record['number']} in {record['place']}"] if record else []


def predicted_lines(found: Mapping[str, Any]) -> list[str]:
    """The estimate's figures beside the measured ones, and whose rates they rest on."""
    said = found.get("predicted") or {"ground": "", "phases": []}
    if not said["phases"]:
        return []
    whose = f"with the rates of {said['ground']}" if said["ground"] else "with no rate that was measured there"
    return [f"  predicted {whose}", *(f"    {words}" for words in predicted.lines(said))]


def failover_text(found: Mapping[str, Any]) -> str:
    """failover, failback and their drills for a person."""
    lines = [f"{found['command']}: {found['verdict']}"]
    lines += [f"  ✗ {problem}" for problem in found["problems"]]
    if not found["steps"]:
        lines += [f"  {words}" for words in found["says"]]
        for number, step in enumerate(found["plan"], 1):
            lines += [
                f"  {number:2}. {step['title']}",
                f"      needs: {step['needs']}; {step['plane']}: {step['where']}",
                f"      undo: {step['undo']}",
            ]
    lines += [f"  ! {words}" for words in found["findings"]]
    for name, value in found["figures"].items():
        if value is not None:
            lines.append(f"    {name:<26} {value:g}" if isinstance(value, (int, float)) else f"    {name:<26} {value}")
    lines += predicted_lines(found)
    lines += [f"  next: {words}" for words in found["next"]]
    for kind in ("evidence", "report"):
        if found[kind]:
            lines.append(f"  {kind}: {found[kind]}")
    return "\n".join([*lines, *record_lines(found)])


def adopt_text(found: Mapping[str, Any]) -> str:
    """`twinsite adopt-name` for a person."""
    lines = [f"{found['command']} {found['name']}: {found['verdict']}"]
    lines += [f"  ✗ {problem}" for problem in found["problems"]]
    lines += [f"  {change}" for change in found["plan"]]
    lines += [f"  next: {words}" for words in found["next"]]
    if found["evidence"]:
        lines.append(f"  journal: {found['evidence']}")
    return "\n".join([*lines, *record_lines(found)])


def drill_text(result: Mapping[str, Any]) -> str:
    """A drill's answer for a person."""
    lines = [f"{result['command']}: {result['verdict']}"]
    lines += [f"  ✗ {problem}" for problem in result["problems"]]
    for check in result["checks"]:
        mark = "✓" if check["passed"] else "✗"
        lines.append(f"  {mark} {check['name']}: {check['seen']}")
        if not check["passed"]:
            lines.append(f"      expected: {check['expected']}")
    for name, value in result["figures"].items():
        if value is not None:
            lines.append(f"    {name:<26} {value:g}" if isinstance(value, (int, float)) else f"    {name:<26} {value}")
    lines += predicted_lines(result)
    for kind in ("evidence", "report"):
        if result[kind]:
            lines.append(f"  {kind}: {result[kind]}")
    return "\n".join([*lines, *record_lines(result)])


def repair_text(found: Mapping[str, Any]) -> str:
    """`twinsite repair` for a person."""
    lines = [f"found: {fact}" for fact in found["found"]]
    if not found["found"] and not found["refused"]:
        lines.append("found: everything works")
    lines += [f"refused: {problem}" for problem in found["refused"]]
    planned = found["planned"]
    if planned and not found["steps"]:
        lines += [f"would: {step}" for step in planned]
    lines += [
        f"{'✓' if step['outcome'] == 'done' else '✗'} {step['name']}{': ' if step['detail'] else ''}{step['detail']}"
        for step in found["steps"]
    ]
    if not planned and not found["refused"]:
        lines.append("nothing to do")
    return "\n".join([*lines, *record_lines(found)])
