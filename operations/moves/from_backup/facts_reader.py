"""Reads, once, what a move from a backup needs beside what status knows: whether the primary is alive, whether it can
take the data back, whether the program here can be used. What does not answer is a fact, too.
"""

import dataclasses
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twinsite.inventory import Inventory, Name

from ... import azure
from ...store import Store
from ...subjects.away import LatchObject, NameSeen
from ...subjects.away_reader import AwayReader
from ...subjects.eyes import Eyes
from ...transport import RemoteFailed, Unreachable
from ...transport.azure import RunCommand
from ...worker import HostWorker, Worker, answer
from .facts import Facts, Home, ProgramFound, Vantage

# A page that does not come is asked for again: one lost packet is no disaster.
LOOKS = 2
LOOK_PAUSE_SECONDS = 1.0


class FactsReader(AwayReader):
    """Everything that facts are read with."""

    def __init__(
        self,
        inventory: Inventory,
        blobs: azure.Blobs,
        store: Store,
        machines: RunCommand,
        worker: Worker | None,
        eyes: Eyes,
        program: Callable[[], tuple[str, ...]],
    ) -> None:
        super().__init__(inventory, blobs, store, machines, eyes)
        self.worker, self._program = worker, program

    def facts(self, asks_home: bool = False, owner: str = "") -> Facts:
        """All at once. `asks_home`: also whether programs can be run at the primary; the rest as `away` has it."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            standby = pool.submit(self.standby)
            known = pool.submit(self.away, owner, standby.result)
            desk = pool.submit(self.desk)
            program = pool.submit(self._program)
            home = pool.submit(self.home) if asks_home else None
            there = self.from_standby() if standby.result().known else None
            found = known.result()
            vantages = [desk.result(), self.checkers(found.names, found.latch), there]
            return Facts.of(
                found,
                vantages=tuple(one for one in vantages if one is not None),
                home=home.result() if home else Home(False, "not asked"),
                program=ProgramFound(program.result()),
            )

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
        if machine is None or not machine.exists:
            return {}, ()
        try:
            found: dict[str, Any] = answer(HostWorker(self.machines, machine.name, sudo=False), ["describe"], 120.0)
            return found, ()
        except (Unreachable, RemoteFailed) as problem:
            return {}, (f"{machine.name} does not say what would come home ({problem}): `pulumi up` brings its guest",)

    # Is the primary alive?

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
                return Vantage("this desk", True, f"the page of {self.inventory.home} came with status {page.status}")
            words = page.words or f"status {page.status} without the application's marker"
            if page.status < 500 and (page.status or not page.silent):
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
            if site == self.inventory.away:
                return Vantage("Route 53's health checkers", False, f"{name.fqdn} leads to the notice page")
            if site == self.inventory.home:
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
            return Vantage(place, True, f"the page of {self.inventory.home} came with status {status}")
        if done.code:
            words = done.stderr.strip()[-200:] or f"curl ended with {done.code}"
            return Vantage(place, False if silent(done.code, done.stderr) else None, words)
        dead = status.startswith("5")
        return Vantage(place, False if dead else None, f"status {status or 'none'} without the application's marker")


def silent(code: int, words: str) -> bool:
    """Whether curl's exit code says that nobody answered, as web.Page has it: not connected, out of time, an empty or a
    cut answer. Not a name that does not resolve (6), nor a certificate (60); TLS (35) only where it was cut. Pure."""
    if code == 35:
        return re.search("SYSCALL|unexpected eof|reset by peer", words, re.IGNORECASE) is not None
    return code in (7, 28, 52, 56)


def connect_to(name: Name) -> list[str]:
    """curl's arguments for the primary's page: the users' name in TLS and Host, the primary's own address. Pure."""
    scheme, _, rest = name.primary_url.partition("://")
    host, slash, path = rest.partition("/")
    return ["--connect-to", f"::{host}", f"{scheme}://{name.fqdn}{slash}{path}"]


def parse_home(found: dict[str, Any]) -> Home:
    """From `backup ready`. Pure."""
    problems = tuple(map(str, found.get("problems") or ()))
    if "ready" not in found:
        return Home(False, "; ".join(problems))
    return Home(True, "", problems, bool(found.get("tables")) and not found.get("unfinished"))
