"""Reads the world once. What does not answer is a fact, too: nothing here raises for a site that is down."""

import dataclasses
import datetime
import functools
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.inventory import AzureMachine, Inventory, Name

from .. import azure, lock
from ..guest import GUEST
from ..store import Store, Unavailable
from ..transport import RemoteFailed, Unreachable
from . import record, writer
from .facts import Backup, Backups, Facts, Home, LatchObject, NameSeen, Program, Sites, Standby, Vantage, Writer
from .look import Eyes
from .worker import HostWorker, Runner, Worker, answer

# A page that does not come is asked for again: one lost packet is no disaster.
LOOKS = 2
LOOK_PAUSE_SECONDS = 1.0


class Reader:
    """Everything that facts are read with."""

    def __init__(
        self,
        inventory: Inventory,
        blobs: azure.Blobs,
        store: Store,
        machines: Runner,
        worker: Worker | None,
        eyes: Eyes,
        program: Callable[[], tuple[str, ...]],
    ) -> None:
        self.inventory = inventory
        self.blobs, self.store, self.machines, self.worker = blobs, store, machines, worker
        self.eyes, self._program = eyes, program
        self.sites = Sites.of(inventory)

    def facts(self, asks_home: bool = False, owner: str = "") -> Facts:
        """All at once. `asks_home`: also whether programs can be run at the primary; `owner`: whose lock is our own.
        Unavailable when the store of journal and lock cannot be read: without them nothing may be done."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            held = pool.submit(lock.holder, self.store, owner)
            unfinished = pool.submit(record.unfinished, self.store)
            latch = pool.submit(self.latch)
            backups = pool.submit(self.backups)
            names = pool.submit(self.names)
            desk = pool.submit(self.desk)
            program = pool.submit(self._program)
            standby = pool.submit(self.standby)
            home = pool.submit(self.home) if asks_home else None
            found = standby.result()
            there = self.from_standby() if found.known else None
            vantages = [desk.result(), self.checkers(names.result(), latch.result()), there]
            return Facts(
                writer=self.writer(latch.result()),
                inventory=self.inventory,
                now=time.time(),
                vantages=tuple(one for one in vantages if one is not None),
                latch=latch.result(),
                backups=backups.result(),
                standby=found,
                home=home.result() if home else Home(False, "not asked"),
                names=names.result(),
                program=Program(program.result()),
                unfinished=unfinished.result(),
                held=held.result(),
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
        return writer.read(self.store, self.sites.home, self.active(latch))[0]

    def active(self, latch: tuple[LatchObject, ...]) -> str:
        """Where users are by the latch; "" when that cannot be told."""
        return Facts(self.inventory, 0.0, latch=latch).active_site()

    # Backups.

    def backups(self) -> Backups:
        """Those of the schedule, what went home in failbacks, and the standby's own."""
        asked = self.inventory.backups
        if asked is None:
            return Backups(problem="the inventory names none")
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
        manifests = sorted(name for name in names if name.endswith("/manifest.json") and name.count("/") == 2)
        with ThreadPoolExecutor(max_workers=8) as pool:
            found = pool.map(lambda name: self.blobs.get(azure.Place(place.account, place.container, name)), manifests)
        complete = []
        for name, content in zip(manifests, found, strict=True):
            backup = parse_manifest(name.split("/")[1], content[0] if content else b"", store)
            complete += [backup] if backup else []
        return Backups(tuple(complete), tuple(folders - {backup.id for backup in complete}))

    # The sites.

    def machine(self) -> AzureMachine | None:
        """The standby machine."""
        return next((one for one in self.inventory.azure_machines if "standby" in one.roles), None)

    def standby(self) -> Standby:
        """Its own report, asked for now."""
        machine = self.machine()
        if machine is None or not machine.vm:
            return Standby()
        try:
            done = self.machines.run(machine.name, [GUEST, "standby", "report"], timeout_seconds=60)
            found = json.loads(done.stdout)
        except (Unreachable, RemoteFailed) as problem:
            return Standby(exists=True, words=getattr(problem, "words", str(problem)))
        except ValueError:
            return Standby(exists=True, words=f"its report is no JSON (exit {done.code}): {done.stderr.strip()[-300:]}")
        return parse_standby(found)

    def home(self) -> Home:
        """Whether programs of `backup` can be run at the primary, and whether its database can take the data back."""
        if self.worker is None:
            return Home(False, "the inventory names no cluster and no host with role backup there")
        asked = self.inventory.backups
        store = ["--base-store", asked.failback] if asked and asked.failback else []
        coming, unknown = self._coming()
        told = ["--coming", json.dumps(coming)] if coming else []
        try:
            found = parse_home(answer(self.worker, ["ready", *store, *told], 300.0, frozenset({0, 1})))
        except (Unreachable, RemoteFailed) as problem:
            return Home(False, str(problem))
        return dataclasses.replace(found, problems=(*found.problems, *unknown))

    def _coming(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What the primary has to be fit for, as the standby's database describes it; and why that is not known."""
        machine = self.machine()
        if machine is None or not machine.vm:
            return {}, ()
        try:
            found: dict[str, Any] = answer(HostWorker(self.machines, machine.name, sudo=False), ["describe"], 120.0)
            return found, ()
        except (Unreachable, RemoteFailed) as problem:
            return {}, (f"{machine.name} does not say what would come home ({problem}): `pulumi up` brings its guest",)

    # Is the primary alive?

    def stateful(self) -> Name | None:
        """The name that the application has."""
        return next((name for name in self.inventory.names if name.stateful), None)

    def desk(self) -> Vantage | None:
        """From here."""
        name = self.stateful()
        if name is None:
            return None
        words = ""
        for attempt in range(LOOKS):
            if attempt:
                time.sleep(LOOK_PAUSE_SECONDS)
            page = self.eyes.at_home(name)
            if page.holds(name.primary_marker):
                return Vantage("this desk", True, f"the page of {self.sites.home} came with status {page.status}")
            words = page.words or f"status {page.status} without the application's marker"
            if page.status and page.status < 500:
                return Vantage("this desk", None, words)
        return Vantage("this desk", False, f"{words}, {LOOKS} times")

    def checkers(self, names: tuple[NameSeen, ...], latch: tuple[LatchObject, ...]) -> Vantage | None:
        """Route 53's checkers in several regions: a name that moves by health tells what they see, without any call to
        Route 53. With the latch set it moves by that, and tells nothing."""
        if any(one.set for one in latch):
            return None
        for name in self.inventory.names:
            if name.stateful:
                continue
            seen = next((one for one in names if one.fqdn == name.fqdn), None)
            site = seen.site() if seen else ""
            if site == self.sites.away:
                return Vantage("Route 53's health checkers", False, f"{name.fqdn} leads to the notice page")
            if site == self.sites.home:
                # Also what Route 53 answers when neither site is healthy: no proof of life.
                return Vantage("Route 53's health checkers", None, f"{name.fqdn} still leads to {site}")
        return Vantage("Route 53's health checkers", None, "no name that moves by health can be read")

    def from_standby(self) -> Vantage | None:
        """From the standby machine, over its own way out."""
        name, machine = self.stateful(), self.machine()
        if name is None or machine is None:
            return None
        place = f"machine {machine.name}"
        command = ["curl", "--silent", "--show-error", "--max-time", "8", "--write-out", "\n%{http_code}"]
        command += connect_to(name)
        try:
            done = self.machines.run(machine.name, command, timeout_seconds=30)
        except (Unreachable, RemoteFailed) as problem:
            return Vantage(place, None, str(problem))
        text, _, status = done.stdout.rpartition("\n")
        if name.primary_marker in text:
            return Vantage(place, True, f"the page of {self.sites.home} came with status {status}")
        if done.code in (6, 7, 28, 35, 52, 56):  # resolving, connecting, time, TLS, empty or cut answer
            return Vantage(place, False, done.stderr.strip()[-200:] or f"curl ended with {done.code}")
        dead = status.startswith("5")
        return Vantage(place, False if dead else None, f"status {status or 'none'} without the application's marker")

    def names(self) -> tuple[NameSeen, ...]:
        """What DNS says of every name."""
        if not self.inventory.names:
            return ()
        with ThreadPoolExecutor(max_workers=len(self.inventory.names)) as pool:
            return tuple(pool.map(functools.partial(self.eyes.name), self.inventory.names))


def _explained(problem: Exception, where: str, role: str) -> str:
    return azure.explained(problem, where, role) if isinstance(problem, azure.AzureError) else str(problem)


def connect_to(name: Name) -> list[str]:
    """curl's arguments for the primary's page: the users' name in TLS and Host, the primary's own address. Pure."""
    scheme, _, rest = name.primary_url.partition("://")
    host, slash, path = rest.partition("/")
    return ["--connect-to", f"::{host}", f"{scheme}://{name.fqdn}{slash}{path}"]


def parse_manifest(identity: str, content: bytes, store: str) -> Backup | None:
    """A backup from its manifest; None when that cannot be read, which is no backup. Pure."""
    try:
        found = json.loads(content)
        tables = found["tables"]
        return Backup(
            id=identity,
            began=_moment(found["began"]),
            scheduled=bool(found.get("scheduled")),
            rows=sum(int(table["rows"]) for table in tables),
            tables=len(tables),
            source=_source(found),
            store=store,
            concerns=tuple(str(one["words"]) for one in found.get("concerns") or ()),
            **_branch(found),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _branch(found: dict[str, Any]) -> dict[str, Any]:
    """As components/guest/backup/branch.py reads it; tests hold the two together."""
    said = found.get("branch")
    if said is None:
        return {}
    said = said if isinstance(said, dict) else {}
    site, epoch, writer = str(said.get("site") or ""), said.get("epoch"), str(said.get("writer") or "")
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0 or not site or not writer:
        return {"site": site, "epoch": None, "unknown": str(said.get("unknown") or "its manifest does not say")}
    return {"site": site, "epoch": epoch, "writer": writer}


def _source(manifest: dict[str, Any]) -> dict[str, Any]:
    about = manifest.get("source") or {}
    settings = about.get("settings") or {}
    known = {"version": about.get("version"), "lower_case_table_names": settings.get("lower_case_table_names")}
    names = [str(table["name"]) for table in manifest["tables"]]
    return {**{name: str(value) for name, value in known.items() if value is not None}, "names": names}


def parse_home(found: dict[str, Any]) -> Home:
    """From `backup ready`. Pure."""
    problems = tuple(map(str, found.get("problems") or ()))
    if "ready" not in found:
        return Home(False, "; ".join(problems))
    return Home(True, "", problems, bool(found.get("tables")) and not found.get("unfinished"))


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
    )


def _moment(value: Any) -> float:
    """Seconds since 1970, from a number or ISO 8601."""
    if isinstance(value, (int, float)):
        return float(value)
    return datetime.datetime.fromisoformat(str(value)).timestamp()


__all__ = ["Reader", "Unavailable", "connect_to", "parse_home", "parse_manifest", "parse_standby"]
