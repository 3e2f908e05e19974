"""Refusals for a site's cache (FACTS K45): it is its own site's, begins empty, and nothing is lost with it. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..modes import DrMode, StandbyData, keeps
from .intent import Intent
from .workload import LABEL, NAME_LIMIT

PINNED = re.compile(r"[a-z0-9.:/_-]+@sha256:[0-9a-f]{64}")
DERIVED = ("fragments", "pages", "queries")
"""What a site can make anew from its database."""
MOST_LOADS = 64


@dataclass(frozen=True, kw_only=True)
class CacheStanceIntent(Intent):
    """What a CacheStance is meant to be."""

    dr_mode: str = DrMode.COLD.value
    standby: bool = False
    site: str = ""
    name: str = "cache"
    namespace: str = ""
    image: str = ""
    memory_mib: int = 256
    holds: tuple[str, ...] = ()
    written_from: tuple[str, ...] = ()
    streams_from: tuple[str, ...] = ()
    loads_at_once: int = 8
    lock_ms: int = 5000
    timeout_ms: int = 200
    ttl_seconds: int = 3600

    @property
    def exists(self) -> bool:
        """Whether the mode has it: at home always, at the standby with its cluster."""
        return not self.standby or keeps(DrMode(self.dr_mode), StandbyData.REPLICA).database

    def problems(self) -> list[str]:
        """Why there must be no such cache."""
        return [*_names(self), *_truth(self), *_others(self), *_bounds(self)]


def _names(known: CacheStanceIntent) -> Iterator[str]:
    modes = [mode.value for mode in DrMode]
    if known.dr_mode not in modes:
        yield f"dr_mode {known.dr_mode!r} is none of {', '.join(modes)}: set one of them"
    if not known.site:
        yield "site is empty: set the site's name as the inventory has it"
    for what, text in (("name", known.name), ("namespace", known.namespace)):
        if not LABEL.fullmatch(text) or len(text) > NAME_LIMIT:
            yield (
                f"{what} {text!r} is no name for Kubernetes: use lower-case letters, digits and -, a letter first, at "
                f"most {NAME_LIMIT}"
            )
    if not PINNED.fullmatch(known.image):
        yield f"image {known.image!r} is not pinned: name a Valkey by its digest, IMAGE@sha256:…"


def _truth(known: CacheStanceIntent) -> Iterator[str]:
    if not known.holds:
        yield f"holds is empty, so nobody has said what is lost with it: list what it holds, of {', '.join(DERIVED)}"
    for what in known.holds:
        if what not in DERIVED:
            yield (
                f"holds has {what!r}, which the other site's database cannot make anew: a failover begins with an "
                f"empty cache, so keep it in the database, and list only {', '.join(DERIVED)}"
            )


def _others(known: CacheStanceIntent) -> Iterator[str]:
    for site in known.written_from:
        if site != known.site:
            yield (
                f"written_from has {site}: an application that writes two caches does so in no common order, and one "
                "of them keeps the older value after an error (K45): let each site fill its own from its own database"
            )
    for site in known.streams_from:
        yield (
            f"streams_from has {site}: a stream lives in one server and is not read from another one (K45): take it "
            "out; the cache begins empty, and loads are bounded"
        )


def _bounds(known: CacheStanceIntent) -> Iterator[str]:
    if not 1 <= known.loads_at_once <= MOST_LOADS:
        yield (
            f"loads_at_once is {known.loads_at_once}: without a bound every visitor of an empty cache asks the "
            f"database that has just been promoted: set 1 to {MOST_LOADS}"
        )
    if not 500 <= known.lock_ms <= 60000:
        yield (
            f"lock_ms {known.lock_ms} is shorter than a load, or longer than anybody waits for one that died: set "
            "500 to 60000"
        )
    if not 10 <= known.timeout_ms <= 2000:
        yield (
            f"timeout_ms {known.timeout_ms} makes each page wait for a cache that is gone, or gives up one that works: "
            "set 10 to 2000"
        )
    if known.ttl_seconds < 1:
        yield f"ttl_seconds {known.ttl_seconds} keeps values for ever: set 1 or more"
    if known.memory_mib < 64:
        yield f"memory_mib {known.memory_mib} is too little for a server: set 64 or more"
