"""Where subjects are read: the hosts, the away site with all that is found from there, the cluster, the clouds.

Each is asked once, and only when the inventory has something that needs it."""

from collections.abc import Callable
from dataclasses import dataclass

from twinsite.inventory import Inventory

from .. import host_facts
from .away import Away, Parts, PartUnread
from .clouds import Told

WORDS = {
    "latch": "where users are",
    "writer": "who may write",
    "backups": "the backups",
    "names": "where the names lead",
    "standby": "the standby machine",
    "unfinished": "whether an operation has not ended",
    "astray": "whether an operation has not ended",
    "cut": "whether a drill has left a path cut",
}
"""Part of Away → what nobody knows without it."""


class Unread(Exception):
    """Something that was asked did not answer; the sentence says what."""


@dataclass(frozen=True)
class Sources:
    """What is asked for one status."""

    inventory: Inventory
    hosts: Callable[[], host_facts.HostFacts]
    """What the roles of the hosts report."""
    parts: Callable[[], Parts]
    """What is known from the away site on, each part by itself."""
    cluster: Callable[[], str] = lambda: ""
    """Why the home site's cluster is not seen; empty when it is, or there is none."""

    clouds: Callable[[], Told] = Told
    """What clouds say of what they run."""

    def away(self, *needed: str) -> Away:
        """These parts of what is known. Unread when one of them cannot be: a subject asks for no more than it needs."""
        try:
            return self.parts()(*needed)
        except PartUnread as unread:
            raise Unread(f"{WORDS[unread.part]} cannot be read: {unread.problem}") from None
