"""Which site is the writer, and in which epoch: a document in the operations store; and the newest backup by it.

Raised by compare-and-swap before users move, never deleted (ADR 18). The guest reads site and epoch of it
(components/guest/backup/writer.py); who held which epoch before is for the choice here.
"""

import datetime
import json
import time
from collections.abc import Iterable
from dataclasses import replace

from ..steps import iso
from ..store import Store
from . import record
from .facts import Backup, Held, Writer

DOCUMENT = "writer.json"
VERSION = 1
MOVES = ("set-latch", "remove-latch")
"""Steps with which an epoch begins to be somebody's; their names begin so."""


class Overtaken(Exception):
    """Somebody else raised it meanwhile."""


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


def packed(writer: Writer) -> bytes:
    """The document."""
    held = [
        {"epoch": one.epoch, "site": one.site, "since": iso(one.since) if one.since else 0, "by": one.by}
        for one in writer.held
    ]
    content = {"version": VERSION, "site": writer.site, "epoch": writer.epoch, "held": held}
    return json.dumps(content, indent=1).encode()


def raised(writer: Writer, site: str, by: str, above: int, now: float) -> Writer:
    """What the document has to say so that operation `by` may move users to `site`; the same when it says so already.

    `above`: the highest epoch that a backup names, so that a document that was lost does not count from the start
    again. Pure.
    """
    right = writer.site == site and writer.epoch >= above and not writer.words
    if right and (writer.by == by or not writer.unserved):
        return writer
    epoch = max(writer.epoch, above) + 1
    # An epoch in which nobody was moved is of the site that served on.
    before = [replace(one, site=writer.holder(one.epoch)) for one in writer.held]
    return Writer(site, epoch, by, (*before, Held(epoch, site, now, by)))


def served(store: Store, writer: Writer, active: str) -> Writer:
    """With `unserved` judged: users are elsewhere, and the operation that raised it has not touched a latch object."""
    if not writer.by or not active or writer.site == active:
        return writer
    found = record.load(store, writer.by)
    if found is None:
        return writer  # nobody can say, so what was backed up in it counts
    return replace(writer, unserved=not any(step.startswith(MOVES) for step in found.begun() | found.done()))


def read(store: Store, home: str, active: str) -> tuple[Writer, str]:
    """(the writer, the document's tag, "" without one). `active`: where users are by the latch, "" not known.
    Unavailable when the store does not answer."""
    found = store.read(DOCUMENT)
    writer = parse(found[0] if found else None, home)
    return served(store, writer, active), found[1] if found else ""


def become(store: Store, site: str, by: str, home: str, active: str, above: int = 0) -> Writer:
    """Have `site` as the writer. Overtaken when another one raised it at the same moment."""
    known, tag = read(store, home, active)
    wanted = raised(known, site, by, above, time.time())
    if wanted is known:
        return known
    content = packed(wanted)
    if store.replace(DOCUMENT, content, tag) if tag else store.create(DOCUMENT, content):
        return wanted
    # Perhaps by ourselves: of a call whose answer was lost the second try is refused.
    found, _ = read(store, home, active)
    if (found.site, found.by) == (site, by):
        return found
    raise Overtaken(f"{found.site} was made the writer (epoch {found.epoch}) by {found.by or 'somebody'} meanwhile")


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
