"""Reads the world from the away site's store on, once. What does not answer is a fact, too: nothing here raises for a
site that is down.
"""

import functools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twinsite.inventory import AzureRunCommand, Host, Inventory, Name, from_dict

from .. import azure, dns, google
from ..guest import GUEST
from ..host_facts import complaints
from ..journal import document, lock
from ..once import Once
from ..store import Nowhere, Store, Unavailable, open_store
from ..transport import RemoteFailed, Unreachable
from ..transport.azure import RunCommand
from . import cut_path, epochs, gcs_backups, manifests
from .away import Away, Backup, Backups, LatchObject, NameSeen, Parts, PartUnread, Standby, Writer
from .eyes import Eyes


class AwayReader:
    """What is read with."""

    def __init__(
        self,
        inventory: Inventory,
        blobs: azure.Blobs,
        store: Store,
        machines: RunCommand,
        eyes: Eyes,
        bucket: google.Api | None = None,
    ) -> None:
        self.inventory = inventory
        self.blobs, self.store, self.machines, self.eyes = blobs, store, machines, eyes
        self.bucket = bucket or google.Api(google.Identity())

    def away(self, owner: str = "", standby: Callable[[], Standby] | None = None) -> Away:
        """All of it. `owner`: whose lock is our own; `standby`: who asks the machine instead.
        Unavailable when the store of journal and lock cannot be read: without them nothing may be done."""
        try:
            return self.parts(owner, standby)()
        except PartUnread as unread:
            raise unread.problem from None

    def parts(self, owner: str = "", standby: Callable[[], Standby] | None = None) -> Parts:
        """All of it, each part by itself, so that a dead store hides nothing that is elsewhere."""
        latch, pointed = Once(self.latch), Once(lambda: document.pointed(self.store))
        return Parts(
            self.inventory,
            time.time(),
            {
                "latch": latch,
                "writer": lambda: self.writer(latch()),
                "backups": self.backups,
                "names": self.names,
                "standby": standby or self.standby,
                "unfinished": lambda: pointed()[0],
                "astray": lambda: pointed()[1],
                "cut": lambda: cut_path.left(self.store),
                "held": lambda: lock.holder(self.store, owner),
            },
        )

    # The latch.

    def latch(self) -> tuple[LatchObject, ...]:
        """Each object, as its own store says; where that says nothing to us, as it answers the health checks."""
        asked = self.inventory.latch
        if asked is None:
            return ()
        return tuple(self._latch(store, url) for store, url in zip(asked.stores, asked.urls, strict=True))

    def _latch(self, store: str, url: str) -> LatchObject:
        try:
            return LatchObject(store, self.blobs.exists(azure.place(store)))
        except (azure.AzureError, ValueError) as problem:
            words = _explained(problem, store, "Storage Blob Data Contributor")
            return LatchObject(store, True if self.eyes.get(url, "", "").status == 200 else None, words)

    def writer(self, latch: tuple[LatchObject, ...]) -> Writer:
        """Who the writer is. Unavailable when the store does not answer."""
        return epochs.read(self.store, self.inventory.home, self.active(latch))[0]

    def active(self, latch: tuple[LatchObject, ...]) -> str:
        """Where users are by the latch; "" when that cannot be told."""
        return Away(self.inventory, 0.0, latch=latch).active_site()

    # Backups.

    def backups(self) -> Backups:
        """Those of the schedule, what went home in failbacks, and the standby's own."""
        asked = self.inventory.backups
        if asked is None:
            return Backups(problem="the inventory names none")
        if asked.store.startswith("gs://"):
            return gcs_backups.read(asked.store, asked.schema, self.bucket)
        complete: list[Backup] = []
        halves: list[str] = []
        try:
            for store in filter(None, (asked.store, asked.failback)):
                found = self._in_store(store)
                complete += found.complete
                halves += found.halves if store == asked.store else ()
        except (azure.AzureError, ValueError) as problem:
            return Backups(problem=_explained(problem, asked.store, "Storage Blob Data Reader"))
        unread = ""
        try:
            complete += self._in_store(asked.standby).complete if asked.standby else ()
        except (azure.AzureError, ValueError) as problem:
            unread = _explained(problem, asked.standby, "Storage Blob Data Reader")
        ordered = tuple(sorted(complete, key=lambda backup: backup.began))
        return Backups(ordered, tuple(sorted(halves)), unread=unread)

    def _in_store(self, store: str) -> Backups:
        place = azure.place(store)
        names = self.blobs.names(place, "backups/")
        folders = {name.split("/")[1] for name in names if name.count("/") >= 2}
        last = sorted(name for name in names if name.endswith("/manifest.json") and name.count("/") == 2)
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = pool.map(lambda name: self.blobs.get(azure.Place(place.account, place.container, name)), last)
        complete = []
        for name, content in zip(last, found, strict=True):
            backup = manifests.parse(name.split("/")[1], content[0] if content else b"", store)
            complete += [backup] if backup else []
        return Backups(tuple(complete), tuple(folders - {backup.id for backup in complete}))

    # The sites.

    def machine(self) -> Host | None:
        """The standby machine."""
        return self.inventory.with_role("standby", self.inventory.away)

    def standby(self) -> Standby:
        """Its own report, asked for now."""
        machine = self.machine()
        if machine is None or not machine.exists:
            return Standby()
        try:
            done = self.machines.run(machine.name, [GUEST, "standby", "report"], timeout_seconds=60)
        except (Unreachable, RemoteFailed, ValueError) as problem:
            return Standby(exists=True, words=getattr(problem, "words", str(problem)))
        try:
            return parse_standby(json.loads(done.stdout))
        except (ValueError, KeyError, TypeError, AttributeError):
            words = f"its report is not one that this twinsite reads (exit {done.code}): {done.stderr.strip()[-300:]}"
            return Standby(exists=True, words=words)

    def stateful(self) -> Name | None:
        """The name that the application has."""
        return next((name for name in self.inventory.names if name.stateful), None)

    def names(self) -> tuple[NameSeen, ...]:
        """What DNS says of every name."""
        if not self.inventory.names:
            return ()
        with ThreadPoolExecutor(max_workers=len(self.inventory.names)) as pool:
            return tuple(pool.map(functools.partial(self.eyes.name), self.inventory.names))


def connect(known: Inventory, endpoints: azure.Endpoints | None = None) -> AwayReader:
    """With the operator's own identity. Where the inventory names no usable store, what is asked of it is refused."""
    identity = azure.Identity(endpoints)
    store: Store
    try:
        store = open_store(known.store, identity)
    except ValueError as problem:
        store = Nowhere(str(problem))
    inventory = newest(known, store)
    machines = RunCommand(identity, inventory.reached_by(AzureRunCommand))
    resolvers = dns.resolvers()
    eyes = Eyes(inventory.home, inventory.away, resolvers[0] if resolvers else "")
    return AwayReader(inventory, azure.Blobs(identity), store, machines, eyes)


def newest(known: Inventory, store: Store) -> Inventory:
    """The store's own copy, which each `pulumi up` writes: what this desk remembers may be older."""
    try:
        found = store.read("inventory.json")
        return from_dict(json.loads(found[0])) if found else known
    except (Unavailable, ValueError, AttributeError):  # a document that is no inventory, or no object
        return known


def _explained(problem: Exception, where: str, role: str) -> str:
    return azure.explained(problem, where, role) if isinstance(problem, azure.AzureError) else str(problem)


def parse_standby(found: dict[str, Any]) -> Standby:
    """From `twinsite-guest standby report`. Pure."""
    return Standby(
        exists=True,
        known=True,
        outcome=str(found.get("outcome") or ""),
        detail=": ".join(filter(None, (str(found.get("step") or ""), str(found.get("detail") or "")))),
        backup_id=str(found.get("backup_id") or ""),
        closed=bool(found.get("closed")),
        writable=found.get("writable"),
        server=found.get("server") or {},
        complaints=complaints(found),
    )
