"""Which site is the writer, and in which epoch: a document in the operations store; and the newest backup by it.

Never deleted (ADR 18); a move raises it (moves/from_backup/writer.py). The guest reads site and epoch of it
(components/guest/backup/writer.py); who held which epoch before is for the choice here.
"""

import datetime
import json
from collections.abc import Iterable
from dataclasses import replace

from ..journal import document
from ..store import Store
from .away import Backup, Held, Writer

DOCUMENT = "writer.json"
MOVES = ("set-latch", "remove-latch")
"""Steps with which an epoch begins to be somebody's; their names begin so."""


def parse(content: bytes | None, home: str) -> Writer:
    """Without a document `home` is the writer since ever, in epoch 0; the same, with words, for another's."""
    first = Writer(home, 0, held=(Held(0, home, 0.0),))
    if content is None:
        return first
    try:
        found = json.loads(content)
        held = tuple(
            Held(int(one["epoch"]), str(one["site"]), _moment(one["since"]), str(one.get("by") or ""))
            for one in found["held"]
        )
        last = held[-1]
        if (found["site"], found["epoch"]) != (last.site, last.epoch):
            raise ValueError(f"it names {found['site']!r} and epoch {found['epoch']!r}, and then others")
    except (ValueError, KeyError, TypeError, IndexError) as problem:
        return replace(first, words=f"{DOCUMENT} is no document of ours ({problem})")
    return Writer(last.site, last.epoch, last.by, held)


def served(store: Store, writer: Writer, active: str) -> Writer:
    """With `unserved` judged: users are elsewhere, and the operation that raised it has not touched a latch object."""
    if not writer.by or not active or writer.site == active:
        return writer
    found = document.load(store, writer.by)
    if found is None:
        return writer  # nobody can say, so what was backed up in it counts
    return replace(writer, unserved=not any(step.startswith(MOVES) for step in found.begun() | found.done()))


def read(store: Store, home: str, active: str) -> tuple[Writer, str]:
    """(the writer, the document's tag, "" without one). `active`: where users are by the latch, "" not known.
    Unavailable when the store does not answer."""
    found = store.read(DOCUMENT)
    writer = parse(found[0] if found else None, home)
    return served(store, writer, active), found[1] if found else ""


def holds(writer: Writer, backup: Backup) -> bool:
    """Whether the backup's site was the writer when it was taken. Pure."""
    if backup.epoch is None:
        return False
    if not backup.site:
        # From before there were epochs, or of a job that was not told of them yet: of epoch 0, taken at home.
        then = [one for one in writer.held if one.since <= backup.began]
        return not then or writer.holder(then[-1].epoch) == writer.holder(0)
    return backup.site == (writer.holder(backup.epoch) or backup.writer)


def newest(writer: Writer, backups: Iterable[Backup], scheduled: bool = False) -> Backup | None:
    """Of those whose site was the writer the one of the highest epoch, and in it the one that began last. Pure."""
    fit = [one for one in backups if holds(writer, one) and (one.scheduled or not scheduled)]
    return max(fit, key=lambda one: (one.epoch or 0, one.began), default=None)


def _moment(value: object) -> float:
    return datetime.datetime.fromisoformat(str(value)).timestamp() if value else 0.0
