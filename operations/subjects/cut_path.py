"""A path that a drill of a DMS task cut, and nobody opened again: its command was killed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twinsite.inventory import DMS

from ..store import Store
from .sources import Sources
from .subject import Subject, Trouble

MARK = "drill-dms-path.json"
"""In the store: {"task", "entries": {ACL: number}, "address", "port", "command"} while something may be cut."""


def left(store: Store) -> str:
    """What may be cut, and how it is opened; "" where nothing is."""
    found = store.read(MARK)
    if found is None:
        return ""
    try:
        said = json.loads(found[0])
        entries = ", ".join(f"entry {number} of {acl}" for acl, number in sorted(said["entries"].items()))
        task, where, how = said["task"], said["address"] or "its target", said["command"] or entries
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{MARK} in operations' store is none of `twinsite drill dms`: look who wrote it"
    return (
        f"{task}: a drill cut its path to {where} ({how}) and has not opened it again: unless one runs now, `twinsite "
        f"drill dms --kind path --task {task}` opens it first"
    )


@dataclass(frozen=True)
class CutPathSeen(Trouble):
    """The one, if any."""

    words: str

    def problems(self) -> Iterator[str]:
        if self.words:
            yield self.words


def read(sources: Sources) -> Sequence[Subject]:
    """One, where a task can be drilled and there is a place that says of it."""
    there = sources.inventory
    return [CutPathSeen(sources.away("cut").cut)] if there.flows_of(DMS) and there.store else []
