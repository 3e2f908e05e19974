"""Evidence: what ran, on what, with which figures and verdict; and when it stops counting. One JSON file a drill."""

import datetime
import json
import pathlib
from typing import Any

from .stack import age_words

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


def latest(folder: pathlib.Path) -> tuple[pathlib.Path, dict[str, Any]] | None:
    """The newest evidence (names begin with the time); unreadable files are passed over."""
    for path in sorted((folder / "evidence").glob("*.json"), reverse=True):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return path, found
    return None


def standing(
    found: tuple[pathlib.Path, dict[str, Any]] | None,
    digest: str,
    now: float,
    valid_days: float = VALID_DAYS,
    drill: str = "drill tunnel-cut",
) -> dict[str, Any]:
    """What the newest evidence is worth now: {"path", "verdict", "age_seconds", "stale", "reason"}. `reason` is
    empty when it counts. `drill` is the one that this topology has. Pure."""
    if found is None:
        reason = f"no drill has been run: run `twinsite {drill}`"
        return {"path": None, "verdict": None, "age_seconds": None, "stale": True, "reason": reason}
    path, content = found
    try:
        finished = datetime.datetime.fromisoformat(str(content.get("finished"))).timestamp()
    except ValueError:
        finished = 0.0
    age = max(0.0, now - finished)
    again = f"run `twinsite {drill}` again"
    reason = ""
    if content.get("digest") != digest:
        reason = f"the stack has changed since the last drill: {again}"
    elif age > valid_days * 86400:
        reason = f"the last drill is {age_words(age)} old, it counts for {valid_days:g} days: {again}"
    verdict = content.get("verdict")
    return {"path": str(path), "verdict": verdict, "age_seconds": round(age), "stale": bool(reason), "reason": reason}
