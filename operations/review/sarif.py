"""What must be looked at, as SARIF 2.1.0 for code-scanning views. Pure.

A policy knows the resource and not the line that made it: each finding stands at the first line of the stack's file.
"""

from typing import Any

from .verdict import losing
from .words import Combination, Review

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
UP_FAILS, LOST = "up-fails", "data-lost"


def sarif(review: Review, prefix: str = "") -> dict[str, Any]:
    """One run. `prefix` is the project's folder in the repository, with its slash."""
    rules: dict[str, str] = {}
    results: list[dict[str, Any]] = []
    for one in review.combinations:
        for violation in one.told.violations:
            rules.setdefault(violation.policy, violation.why or violation.policy)
            level = _LEVELS.get(violation.severity, "error") if violation.mandatory else "note"
            results.append(_result(violation.policy, level, violation.message, one, prefix))
        for problem in one.told.problems:
            rules.setdefault(UP_FAILS, "The program, a hook or a provider refuses.")
            results.append(_result(UP_FAILS, "error", problem, one, prefix))
        for change in losing(one) if not one.moves else ():
            rules.setdefault(LOST, "What holds data is deleted or replaced.")
            results.append(_result(LOST, "error", f"data are lost with {change.name}", one, prefix))
    driver = {
        "name": "twinsite review",
        "rules": [{"id": name, "shortDescription": {"text": why}} for name, why in sorted(rules.items())],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(rule: str, level: str, text: str, one: Combination, prefix: str) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": f"{prefix}Pulumi.{one.stack}.yaml"}, "region": {"startLine": 1}}
    return {
        "ruleId": rule,
        "level": level,
        "message": {"text": f"{one.title}: {text}"},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"twinsite/v1": f"{rule}:{one.title}:{text}"[:200]},
    }
