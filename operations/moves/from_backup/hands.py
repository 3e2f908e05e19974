"""What the steps of a move from a backup work with: ways to both sites, and what several steps ask of them."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Inventory, Name

from ...drill.timeline import Clock, clock
from ...guest import GUEST, brief
from ...steps import Outcome, Say, StepFailed
from ...subjects import epochs
from ...subjects.away import Standby, Writer
from ...subjects.away_reader import parse_standby
from ...transport import Done
from ...worker import LONG_SECONDS, HostWorker, Worker, answer
from .. import activation
from . import writer
from .facts_reader import FactsReader

PAGE_SECONDS = 300.0
"""An application that was just started takes its time."""
SHORT_SECONDS = 120.0


@dataclass(frozen=True)
class Proof:
    """A comparison with a manifest."""

    proved: bool
    rows: int
    divergent: tuple[str, ...]
    problems: tuple[str, ...]

    def words(self) -> str:
        """What differs, in short."""
        return "; ".join(self.problems[:3]) or ", ".join(self.divergent[:5])


class Hands:
    """Of one operation. `to_mode` runs the Pulumi program and gives the inventory afterwards."""

    def __init__(
        self,
        reader: FactsReader,
        worker: Worker | None,
        to_mode: Callable[[str, Say], Inventory],
        identity: str,
        began: float,
    ) -> None:
        self.reader, self.to_mode = reader, to_mode
        self.identity, self.began = identity, began
        self._worker = worker
        self._exchanges: dict[str, list[tuple[float, float, float]]] = {}

    @property
    def inventory(self) -> Inventory:
        """As it is now: raising the mode changes it."""
        return self.reader.inventory

    @property
    def home(self) -> str:
        """Site where the data live in quiet times."""
        return self.inventory.home

    @property
    def away(self) -> str:
        """Site where they go."""
        return self.inventory.away

    # Ways to the sites.

    def machine(self) -> str:
        """The standby machine's name."""
        machine = self.reader.machine()
        if machine is None or not machine.exists:
            mode = activation.serving_mode()
            raise StepFailed(f"the standby machine does not exist: `pulumi config set dr_mode {mode}` and `pulumi up`")
        return machine.name

    def at_standby(self) -> Worker:
        """Runs `backup` there."""
        return HostWorker(self.reader.machines, self.machine(), sudo=False)

    def at_home(self) -> Worker:
        """Runs `backup` there."""
        if self._worker is None:
            raise StepFailed(f"nothing can be run at {self.home}")
        return self._worker

    def standby(self, *words: str, seconds: float = SHORT_SECONDS) -> Done:
        """The machine's role `standby` does something."""
        machine = self.machine()
        done = self.reader.machines.run(machine, [GUEST, "standby", *words], timeout_seconds=seconds)
        if done.code:
            raise StepFailed(f"`standby {words[0]}` on {machine} failed: {brief(done.stderr or done.stdout)}")
        return done

    def report(self) -> Standby:
        """What the standby machine says of itself."""
        machine, asked = self.machine(), time.time()
        done = self.standby("report")
        answered = time.time()
        try:
            found = json.loads(done.stdout)
        except ValueError:
            raise StepFailed(f"the standby's report is no JSON: {done.stdout[-200:]!r}") from None
        if "clock" in found:  # an older guest does not tell
            self._exchanges.setdefault(machine, []).append((asked, float(found["clock"]), answered))
        return parse_standby(found)

    @property
    def clocks(self) -> dict[str, Clock]:
        """Machines' clocks beside this desk's, as far as their reports have told."""
        return {machine: clock(exchanges) for machine, exchanges in self._exchanges.items()}

    def stateful(self) -> Name:
        """The name that the application has."""
        name = self.reader.stateful()
        if name is None:
            raise StepFailed("the inventory has no stateful name: run `pulumi up`")
        return name

    # Backups.

    @property
    def schema(self) -> str:
        """Database that is backed up."""
        return self.inventory.backups.schema if self.inventory.backups else ""

    def store_of(self, backup: str) -> tuple[str, ...]:
        """`--store` where a backup is not among those of the schedule."""
        found = self.reader.backups().find(backup)
        normal = self.inventory.backups.store if self.inventory.backups else ""
        return ("--store", found.store) if found and found.store and found.store != normal else ()

    def base_store(self, backup: str) -> str:
        """Where a backup is."""
        found = self.reader.backups().find(backup)
        return found.store if found else (self.inventory.backups.store if self.inventory.backups else "")

    def failback(self) -> tuple[str, str]:
        """`--store` for data on their way home."""
        backups = self.inventory.backups
        if backups is None or not backups.failback:
            raise StepFailed("the inventory names no place for data on their way home: run `pulumi up`")
        return "--store", backups.failback

    def prove(self, worker: Worker, arguments: list[str]) -> Proof:
        """A target compared with a manifest: a difference is a result."""
        found = answer(worker, ["prove", *arguments], LONG_SECONDS, frozenset({0, 1}))
        if "proved" not in found:
            raise StepFailed(
                f"`backup prove` on {worker.place}: {'; '.join(map(str, found.get('problems') or [found]))}"
            )
        return Proof(
            bool(found["proved"]),
            int(found.get("restored_rows") or 0),
            tuple(str(table) for table in found.get("divergent_tables") or ()),
            tuple(str(words) for words in found.get("problems") or ()),
        )

    def age(self, backup: str) -> dict[str, Any]:
        """How much older the data are than the moment in which this operation was begun, and what that means."""
        found = self.reader.backups().find(backup)
        if found is None:
            return {}
        basis = "the newest scheduled backup" if found.scheduled else "planned: a backup that was taken by hand"
        return {"rpo_seconds": round(max(0.0, self.began - found.began), 1), "rpo_basis": basis}

    # Users, and who may write.

    def latched(self) -> bool:
        """Users have been sent away."""
        return any(one.set for one in self.reader.latch())

    def events(self, worker: Worker, backup: str, how: str) -> str:
        """Switch the schema's scheduled events: they write, so they run at the active site only."""
        found = answer(worker, ["events", backup, how, *self.store_of(backup)], SHORT_SECONDS)
        names = found.get("events") or []
        return f"{len(names)} scheduled events {'run' if how == '--enable' else 'stopped'}" if names else ""

    def become(self, site: str, choices: Mapping[str, str]) -> Writer:
        """Have `site` as the writer."""
        reader = self.reader
        active, above = reader.active(reader.latch()), int(choices.get("above", 0))
        try:
            return writer.become(reader.store, site, self.identity, self.home, active, above)
        except writer.Overtaken as problem:
            raise StepFailed(f"{problem}: find out who works on this stack, then run this again") from None

    def is_writer(self, site: str) -> None:
        """StepFailed when another one is."""
        found, _ = epochs.read(self.reader.store, self.home, "")
        if found.site != site:
            raise StepFailed(
                f"{found.site} is the writer (epoch {found.epoch}, by {found.by or 'nobody'}), not {site}: what users "
                "write there would be in no backup that counts; run this again"
            )

    def page(self, look: Callable[[Name], Any], marker: str, name: Name, where: str, say: Say) -> Outcome:
        """Wait for a site's own page."""
        started, deadline = time.monotonic(), time.monotonic() + PAGE_SECONDS
        while True:
            page = look(name)
            if page.holds(marker) and page.status == 200:
                waited = round(time.monotonic() - started, 1)
                return Outcome(f"status 200 with {where}'s marker", figures={"application_seconds": waited})
            seen = page.words or f"status {page.status}" + ("" if page.holds(marker) else f" without {where}'s marker")
            if time.monotonic() >= deadline:
                raise StepFailed(f"waited {PAGE_SECONDS:g} s for the application at {where}; last seen: {seen}")
            say(seen)
            time.sleep(0.5)
