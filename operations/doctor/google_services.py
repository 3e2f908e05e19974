"""Google's APIs: a project that never used one refuses its first call."""

import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from ..google import Google
from ..unanswered import CouldNotAsk
from .answers import Finding, needs_setting, not_ok, ok

OTHERWISE = {"cloudsql": "sqladmin", "resourcemanager": "cloudresourcemanager"}
"""First word of a permission → its API, where they differ."""
AT_ONCE = 30
"""Of one batchGet [Service Usage API, from memory]."""


def services(role: pathlib.Path) -> list[str]:
    """What the list of rights needs switched on."""
    first = {str(one).partition(".")[0] for one in json.loads(role.read_text(encoding="utf-8"))["includedPermissions"]}
    return sorted(f"{OTHERWISE.get(one, one)}.googleapis.com" for one in first)


def ask(google: Google, project: str, wanted: Sequence[str]) -> Finding:
    """One call for all."""
    scope = f"projects/{needs_setting(project, 'gcp:project')}/services"
    names = [f"{scope}/{one}" for one in wanted[:AT_ONCE]]
    return enabled(google.get("serviceusage", f"v1/{scope}:batchGet", names=names), wanted, project)


def enabled(found: Mapping[str, Any], wanted: Sequence[str], project: str) -> Finding:
    """Pure."""
    listed = found.get("services") or []
    if not listed:
        raise CouldNotAsk("the list of services is empty")
    states = {str(one.get("name")).rpartition("/")[2]: str(one.get("state")) for one in listed}
    lacking = [one for one in wanted if states.get(one) != "ENABLED"]
    if not lacking:
        return ok(", ".join(one.removesuffix(".googleapis.com") for one in wanted))
    return not_ok(
        f"switched off: {', '.join(lacking)}",
        f"`gcloud services enable {' '.join(lacking)} --project {project}`, and wait some minutes",
    )
