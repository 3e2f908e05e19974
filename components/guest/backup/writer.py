"""Who the writer is: a document in the operations store, read before a backup's snapshot and after its last row.

Every failover and failback raises it, nobody deletes it (ADR 18). Without one the site where the data live in quiet
times is the writer, in epoch 0. Pure but for `read`.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..epoch import DOCUMENT, Writer, parse
from ..errors import Failed
from .config import Config, WriterPlace, at
from .store import open_store

PATIENCE_SECONDS = 60
"""For a role on its way; a backup of an unknown branch is better than one that comes too late."""


@dataclass(frozen=True)
class Unknown:
    """Why nobody can say who the writer is."""

    why: str


def read(config: Config) -> "Writer | Unknown | None":
    """The writer now; None when the configuration names no place where that would be said."""
    place = config.writer
    if place is None:
        return None
    patience = min(config.role_seconds, PATIENCE_SECONDS)
    try:
        store = open_store(dataclasses.replace(at(config, place.store), role_seconds=patience))
        if DOCUMENT not in store.sizes(DOCUMENT):
            return Writer(place.home, 0)
        return parse(store.get(DOCUMENT))
    except (Failed, ValueError) as problem:
        return Unknown(f"{place.store}/{DOCUMENT} cannot be read: {problem}")


def stands_by(place: "WriterPlace | None", seen: "Writer | Unknown | None") -> str:
    """Why a run of the schedule has nothing to do here; "" when it has.

    A standby that does not serve holds what came out of a backup. The site where the data live in quiet times backs up
    whoever the writer is: its database holds rows that nobody else has.
    """
    if place is None or not isinstance(seen, Writer) or place.site in (place.home, seen.site):
        return ""
    return f"{seen.site} is the writer (epoch {seen.epoch}), so the data of {place.site} came out of a backup"


def between(
    place: "WriterPlace | None", before: "Writer | Unknown | None", after: "Writer | Unknown | None"
) -> dict[str, Any]:
    """The manifest's field: {} or {"branch": {"site", "epoch", "writer"}} or {"branch": {"site", "unknown"}}."""
    if place is None or before is None or after is None:
        return {}
    for seen in (before, after):
        if isinstance(seen, Unknown):
            return {"branch": {"site": place.site, "unknown": seen.why}}
    assert isinstance(before, Writer) and isinstance(after, Writer)
    if before != after:
        why = (
            f"the writer changed meanwhile, from {before.site} (epoch {before.epoch}) to {after.site} (epoch "
            f"{after.epoch})"
        )
        return {"branch": {"site": place.site, "unknown": why}}
    return {"branch": {"site": place.site, "epoch": before.epoch, "writer": before.site}}
