"""Answers for people: plain text that a terminal of 100 columns shows whole. The same facts as --json."""

from collections.abc import Mapping
from typing import Any

from .stack import age_words


def _age(seconds: float | None) -> str:
    return "unknown" if seconds is None else age_words(seconds)


def status_text(found: Mapping[str, Any]) -> str:
    """`twinsite status` for a person."""
    lines = [f"{found['topology']}, {found['dr_mode']}, active site {found['active_site']}"]
    if found["note"]:
        lines.append(f"  note: {found['note']}")
    for tunnel in found["tunnels"]:
        state = {True: "up", False: "DOWN", None: "unknown"}[tunnel["up"]]
        since = f" for {_age(tunnel['established_seconds'])}" if tunnel["up"] else ""
        rtt = f", {tunnel['rtt_ms']:.1f} ms" if tunnel["rtt_ms"] is not None else ""
        children = "" if tunnel["child_sas"] is None else f", {tunnel['child_sas']} CHILD SA"
        lines.append(f"  tunnel   {tunnel['name']:<16} {state}{since}{rtt}{children}")
    for replica in found["replicas"]:
        age = replica["heartbeat_age_seconds"]
        receiver = replica["receiver"] or "unknown"
        words = f"receiver {receiver}, applier {replica['applier'] or 'unknown'}, data "
        words += "of unknown age" if age is None else f"{age:.1f} s old"
        lines.append(f"  replica  {replica['replica']:<16} {words}, MySQL {replica['version'] or 'unknown'}")
    lines += _names(found)
    for host in found["hosts"]:
        if not host["reachable"]:
            lines.append(f"  host     {host['name']:<16} cannot be reached")
    evidence = found["evidence"]
    if evidence["verdict"] is None:
        lines.append(f"  evidence none: {evidence['reason']}")
    else:
        stale = f"STALE, {evidence['reason']}" if evidence["stale"] else "valid"
        lines.append(f"  evidence last drill {evidence['verdict']} {_age(evidence['age_seconds'])} ago, {stale}")
    if found["healthy"]:
        lines.append("healthy")
    else:
        lines += [f"✗ {problem}" for problem in found["problems"]]
    return "\n".join(lines)


def _names(found: Mapping[str, Any]) -> list[str]:
    """Names, latch, backup and standby, where the topology has them."""
    lines = [f"  name     {name['fqdn']:<16} leads to {name['site'] or 'an unknown site'}" for name in found["names"]]
    latch = found["latch"]
    if latch is not None:
        words = {True: "set", False: "not set", None: "unknown: its store does not answer"}
        lines += [f"  latch    {words[one['set']]} in {one['store']}" for one in latch["objects"]]
    backup = found.get("backup")
    if backup is not None:
        newest = f"{backup['id']}, {_age(backup['age_seconds'])} old, {backup['branch']}" if backup["id"] else ""
        lines.append(f"  backup   {newest or 'none that is complete and of the writer'}")
        lines += [f"           {words}" for words in backup["concerns"]]
    writer = found.get("writer")
    if writer is not None:
        lines.append(f"  writer   {writer['site'] or 'unknown'}, epoch {writer['epoch']}")
    standby = found.get("standby")
    if standby is not None:
        lines.append(f"  standby  {standby['words']}")
    return lines


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
    lines += [f"  next: {words}" for words in found["next"]]
    for kind in ("evidence", "report"):
        if found[kind]:
            lines.append(f"  {kind}: {found[kind]}")
    return "\n".join(lines)


def adopt_text(found: Mapping[str, Any]) -> str:
    """`twinsite adopt-name` for a person."""
    lines = [f"{found['command']} {found['name']}: {found['verdict']}"]
    lines += [f"  ✗ {problem}" for problem in found["problems"]]
    lines += [f"  {change}" for change in found["plan"]]
    lines += [f"  next: {words}" for words in found["next"]]
    if found["evidence"]:
        lines.append(f"  journal: {found['evidence']}")
    return "\n".join(lines)


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
    for kind in ("evidence", "report"):
        if result[kind]:
            lines.append(f"  {kind}: {result[kind]}")
    return "\n".join(lines)


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
    return "\n".join(lines)
