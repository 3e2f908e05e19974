"""Makes a site the writer: the document is raised by compare-and-swap before users move (ADR 18). It is read in
subjects/epochs.py.
"""

import json
import time
from dataclasses import replace

from ...steps import iso
from ...store import Store
from ...subjects.away import Held, Writer
from ...subjects.epochs import DOCUMENT, read

VERSION = 1


class Overtaken(Exception):
    """Somebody else raised it meanwhile."""


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
