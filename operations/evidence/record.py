"""Evidence: what ran, on what, with which figures and verdict; and when it stops counting. One JSON file a drill."""

import datetime
import json
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..stack import age_words

VALID_DAYS = 30
"""After this a drill is repeated even when nothing changed: people, certificates and kernels do."""


def write(folder: pathlib.Path, name: str, content: dict[str, Any]) -> pathlib.Path:
    """Atomically; the path."""
    place = folder / "evidence"
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.json"
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
    return path


Found = tuple[pathlib.Path, dict[str, Any]]


def _all(folder: pathlib.Path) -> Iterator[Found]:
    """Newest first (names begin with the time); unreadable files are passed over."""
    for path in sorted((folder / "evidence").glob("*.json"), reverse=True):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            yield path, found


def latest(folder: pathlib.Path) -> Found | None:
    """The newest evidence of all."""
    return next(_all(folder), None)


def by_kind(folder: pathlib.Path, commands: Iterable[str]) -> dict[str, Found | None]:
    """Command of a drill → its newest evidence: a restore that was proved says nothing of a tunnel."""
    newest: dict[str, Found | None] = dict.fromkeys(commands)
    for one in _all(folder):
        command = str(one[1].get("command"))
        if command in newest and newest[command] is None:
            newest[command] = one
    return newest


def standing(
    found: Found | None,
    digest: str,
    now: float,
    drill: str,
    valid_days: float = VALID_DAYS,
) -> dict[str, Any]:
    """What the newest evidence is worth now: {"path", "verdict", "age_seconds", "stale", "reason"}. `reason` is
    empty when it counts. `drill` is the one that
    this stack has, as it is typed. Pure."""
    if found is None:
        return _nothing(f"no drill has been run: run `{drill}`")
    path, content = found
    try:
        finished = datetime.datetime.fromisoformat(str(content.get("finished"))).timestamp()
    except ValueError:
        finished = 0.0
    age = max(0.0, now - finished)
    again = f"run `{drill}` again"
    reason = ""
    if content.get("digest") != digest:
        reason = f"the stack has changed since the last drill: {again}"
    elif age > valid_days * 86400:
        reason = f"the last drill is {age_words(age)} old, it counts for {valid_days:g} days: {again}"
    verdict = content.get("verdict")
    return {"path": str(path), "verdict": verdict, "age_seconds": round(age), "stale": bool(reason), "reason": reason}


def _nothing(reason: str) -> dict[str, Any]:
    return {"path": None, "verdict": None, "age_seconds": None, "stale": True, "reason": reason}


def of_drills(found: Mapping[str, Found | None], digest: str, now: float, typed: Mapping[str, str]) -> dict[str, Any]:
    """The standing of each kind of drill that a stack has, in `drills`; beside it that of the youngest that counts.

    `typed`: command → as a person types it. Pure."""
    each = {command: standing(one, digest, now, typed[command]) for command, one in found.items()}
    every = list(each.values()) or [_nothing("this version has no drill for what this stack has")]
    best = min(every, key=lambda one: (one["verdict"] is None, one["stale"], one["age_seconds"] or 0))
    return {**best, "drills": each}
