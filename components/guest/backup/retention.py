"""Which backups go after a new one is complete, and their deletion. The store's own lifecycle never deletes a backup.

A rule of the store goes by age alone: a job that has been dead for `keep_days` would lose its last backup to it. Here
nothing is deleted before a new backup is complete, so a dead job keeps all that it has made.
"""

import datetime
from collections.abc import Sequence
from typing import Any

from ..errors import Failed, Refused
from . import branch, manifest
from .config import Config, Say
from .manifest import Found
from .store import Store, read_all

KEEP_NEWEST = 7
"""So many complete ones of each branch stay whatever their age: the first one after a long silence does not replace all
the others, and those of a site that was not the writer push none of the writer's out."""


def outdated(found: Sequence[Found], made: str, keep_days: int) -> list[Found]:
    """What may go now that backup `made` is complete, the oldest first. Pure.

    Never what is younger than `keep_days` (counted back from `made`), never one of a branch's seven newest complete
    ones or its newest scheduled one. Manual ones go by the same days; half ones, too. Nothing at all when the site of
    `made` was not the writer. Refused when `made` is not complete.
    """
    complete = sorted((one for one in found if one.complete), key=manifest.began, reverse=True)
    newest = next((one for one in complete if one.backup_id == made), None)
    if newest is None:
        raise Refused([f"no old backup is deleted: the store does not show backup {made} as complete"])
    if not manifest.fit(newest):
        return []
    branches: dict[str, list[Found]] = {}
    for one in complete:
        branches.setdefault(branch.of(one.manifest).name, []).append(one)
    kept: set[str] = set()
    for several in branches.values():
        scheduled = [one for one in several if one.manifest and one.manifest.get("scheduled")]
        kept |= {one.backup_id for one in [*several[:KEEP_NEWEST], *scheduled[:1]]}
    limit = manifest.began(newest) - datetime.timedelta(days=keep_days)
    old = [(_age_from(one), one) for one in found if one.backup_id not in kept]
    return [one for moment, one in sorted(old, key=lambda pair: pair[0]) if moment < limit]


def _age_from(one: Found) -> datetime.datetime:
    if one.complete:
        return manifest.began(one)
    try:
        return manifest.made_at(one.backup_id)
    except ValueError:  # no run of ours gave it this name
        return datetime.datetime.max.replace(tzinfo=datetime.timezone.utc)


def prune(config: Config, store: Store, made: str, say: Say) -> list[str]:
    """Delete what is outdated; ids of what went. Killed amid it, the next run goes on."""
    if not config.keep_days:
        return []
    gone = []
    for one in outdated(read_all(store), made, config.keep_days):
        # The manifest first: from then on nobody takes what is left for a backup.
        for name in sorted(store.sizes(manifest.path(one.backup_id, "")), key=_manifest_first):
            store.delete(name)
        gone.append(one.backup_id)
        say({"event": "outdated", "backup_id": one.backup_id})
    return gone


def _manifest_first(name: str) -> tuple[bool, str]:
    return not name.endswith(f"/{manifest.NAME}"), name


def told(config: Config, store: Store, made: dict[str, Any], say: Say) -> dict[str, Any]:
    """What a run says about old backups. A new backup is good whatever becomes of them, so trouble fails nothing.

    Only a scheduled run deletes: one by hand, in a drill or in a failback, leaves all as it is.
    """
    if not made["scheduled"]:
        return {"outdated": []}
    try:
        return {"outdated": prune(config, store, made["id"], say)}
    except (Refused, Failed) as problem:
        return {"outdated": [], "outdated_problem": str(problem)}
