"""What each kind of step does, at the edge. Every one may be done again: what is already so is left alone, and said.

Each returns what it saw; StepFailed is a sentence with what to do. Before data are replaced and before a latch object
is removed the world is looked at once more: between plan and deed somebody else may have acted.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.inventory import Inventory, Name
from components.rules.backup import kept_aside

from .. import azure
from ..guest import GUEST, brief
from ..steps import iso
from ..store import Unavailable
from ..transport import Done, RemoteFailed
from . import writer
from .facts import NameSeen, Standby, Writer
from .look import Eyes
from .read import Reader, parse_standby
from .words import Doing, Step
from .worker import LONG_SECONDS, HostWorker, Worker, answer

PAGE_SECONDS = 300.0
"""An application that was just started takes its time."""
ANSWER_MARGIN_SECONDS = 60.0
STANDBY_SECONDS = 3600.0
SHORT_SECONDS = 120.0


class StepFailed(Exception):
    """A step did not come to its end; the sentence says why and what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a step saw."""

    detail: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    """What a person must be told, for instance rows that were kept aside."""


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


Say = Callable[[str], None]


class Deeds:
    """The steps of one operation. `to_mode` runs the Pulumi program and gives the inventory afterwards."""

    def __init__(
        self,
        reader: Reader,
        worker: Worker | None,
        to_mode: Callable[[str, Say], Inventory],
        identity: str,
        began: float,
    ) -> None:
        self._reader, self._worker, self._to_mode = reader, worker, to_mode
        self._identity, self._began = identity, began
        self._eyes: Eyes = reader.eyes

    def do(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        """One step."""
        deed: Callable[[Step, Mapping[str, str], Say], Outcome] = {
            Doing.FRESH_BACKUP: self._fresh_backup,
            Doing.RAISE: self._raise,
            Doing.AWAIT_STANDBY: self._await_standby,
            Doing.RENEW: self._renew,
            Doing.VERIFY_DATA: self._verify_data,
            Doing.OPEN: self._open,
            Doing.WRITABLE: self._writable,
            Doing.APPLICATION: self._application,
            Doing.WRITER: self._make_writer,
            Doing.LATCH: self._latch,
            Doing.EVENTS: self._start_events,
            Doing.ANSWERS: self._answers,
            Doing.KEEP_OLD: self._keep_old,
            Doing.LIST_EXTRA: self._list_extra,
            Doing.CLOSE: self._close,
            Doing.DUMP: self._dump,
            Doing.MOVE_ASIDE: self._move_aside,
            Doing.RESTORE_HOME: self._restore_home,
            Doing.COMPARE: self._compare,
            Doing.HOME_APPLICATION: self._home_application,
            Doing.UNLATCH: self._unlatch,
            Doing.SCRATCH: self._scratch,
            Doing.SCRATCH_PROVE: self._scratch_prove,
            Doing.SCRATCH_DROP: self._scratch_drop,
            Doing.LOWER: self._lower,
        }[step.doing]
        return deed(step, choices, say)

    # Ways to the sites.

    @property
    def _inventory(self) -> Inventory:
        return self._reader.inventory

    def _machine(self) -> str:
        machine = self._reader.machine()
        if machine is None or not machine.vm:
            raise StepFailed("the standby machine does not exist: `pulumi config set dr_mode warm` and `pulumi up`")
        return machine.name

    def _away(self) -> Worker:
        return HostWorker(self._reader.machines, self._machine(), sudo=False)

    def _home(self) -> Worker:
        if self._worker is None:
            raise StepFailed(f"nothing can be run at {self._reader.sites.home}")
        return self._worker

    def _standby(self, *words: str, seconds: float = SHORT_SECONDS) -> Done:
        machine = self._machine()
        done = self._reader.machines.run(machine, [GUEST, "standby", *words], timeout_seconds=seconds)
        if done.code:
            raise StepFailed(f"`standby {words[0]}` on {machine} failed: {brief(done.stderr or done.stdout)}")
        return done

    def _report(self) -> Standby:
        done = self._standby("report")
        try:
            return parse_standby(json.loads(done.stdout))
        except ValueError:
            raise StepFailed(f"the standby's report is no JSON: {done.stdout[-200:]!r}") from None

    def _stateful(self) -> Name:
        name = self._reader.stateful()
        if name is None:
            raise StepFailed("the inventory has no stateful name: run `pulumi up`")
        return name

    def _schema(self) -> str:
        return self._inventory.backups.schema if self._inventory.backups else ""

    def _store_of(self, backup: str) -> tuple[str, ...]:
        """`--store` where a backup is not among those of the schedule."""
        found = self._reader.backups().find(backup)
        normal = self._inventory.backups.store if self._inventory.backups else ""
        return ("--store", found.store) if found and found.store and found.store != normal else ()

    def _failback(self) -> tuple[str, str]:
        backups = self._inventory.backups
        if backups is None or not backups.failback:
            raise StepFailed("the inventory names no place for data on their way home: run `pulumi up`")
        return "--store", backups.failback

    # Towards a standby that can serve.

    def _fresh_backup(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(self._home(), ["run", "--planned"], LONG_SECONDS)
        identity = str(found["id"])
        return Outcome(f"backup {identity}, {found.get('rows')} rows", {"fresh": identity, "backup": identity})

    def _raise(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        self._reader.inventory = self._to_mode("warm", say)
        return Outcome("dr_mode warm", {"raised": "yes"})

    def _lower(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        if any(one.set is not False for one in self._reader.latch()):
            raise StepFailed(
                "a latch object is set, or its store does not answer: users may be at the standby; it stays"
            )
        self._reader.inventory = self._to_mode("cold", say)
        return Outcome("dr_mode cold")

    def _await_standby(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        self._standby("gate", "--timeout", f"{STANDBY_SECONDS:.0f}", seconds=STANDBY_SECONDS + 60)
        found = self._report()
        return Outcome(f"it has data of backup {found.backup_id}" if found.backup_id else "it has no data yet")

    def _backup_choice(self, step: Step, choices: Mapping[str, str]) -> str:
        identity = step.argument or choices.get("backup", "")
        if not identity:
            raise StepFailed("no backup was decided on")
        return identity

    def _prove(self, worker: Worker, arguments: list[str]) -> Proof:
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

    def _age(self, backup: str) -> dict[str, Any]:
        """How much older the data are than the moment in which this operation was begun, and what that means."""
        found = self._reader.backups().find(backup)
        if found is None:
            return {}
        basis = "the newest scheduled backup" if found.scheduled else "planned: a backup that was taken by hand"
        return {"rpo_seconds": round(max(0.0, self._began - found.began), 1), "rpo_basis": basis}

    def _renew(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self._backup_choice(step, choices)
        if self._latched():
            raise StepFailed("a latch object has been set meanwhile: users write at the standby, its data stay")
        store = self._store_of(backup)
        if self._report().backup_id == backup and self._prove(self._away(), [backup, *store]).proved:
            return Outcome("it is there already")
        started = time.monotonic()
        self._standby("renew", backup, *store, seconds=LONG_SECONDS)
        return Outcome(f"restored in {time.monotonic() - started:.1f} s")

    def _verify_data(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self._backup_choice(step, choices)
        proof = self._prove(self._away(), [backup, *self._store_of(backup)])
        figures = {"restored_rows": proof.rows, "divergent_tables": len(proof.divergent), **self._age(backup)}
        if not proof.proved:
            raise StepFailed(
                f"the standby's data differ from the manifest ({proof.words()}): the latch stays as it is; run this "
                "again, which restores anew"
            )
        return Outcome(f"{proof.rows} rows, every table equal to the manifest", figures=figures)

    def _open(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        latched, away, findings = self._latched(), self._reader.sites.away, []
        if latched:
            try:
                self._become(away, choices)
            except (StepFailed, Unavailable) as problem:
                findings.append(f"backups of {away} count as nobody's until `twinsite failover --to {away}`: {problem}")
        self._standby("open", seconds=PAGE_SECONDS)
        if not latched:
            # Where users never were, the scheduled events wait for the latch.
            return Outcome("started")
        try:
            events = self._events(self._away(), self._report().backup_id, "--enable")
        except RemoteFailed as problem:
            # Users have their site back; that is what this step is for.
            findings.append(f"scheduled events stand still at {away}: {problem}")
            events = ""
        return Outcome(", ".join(filter(None, ("started", events))), findings=tuple(findings))

    def _latched(self) -> bool:
        return any(one.set for one in self._reader.latch())

    def _events(self, worker: Worker, backup: str, how: str) -> str:
        """Switch the schema's scheduled events: they write, so they run at the active site only."""
        found = answer(worker, ["events", backup, how, *self._store_of(backup)], SHORT_SECONDS)
        names = found.get("events") or []
        return f"{len(names)} scheduled events {'run' if how == '--enable' else 'stopped'}" if names else ""

    def _start_events(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        if step.argument == self._reader.sites.home:
            # As they were at home when it was last asked; what came back has them all disabled.
            before = choices.get("old") or self._report().backup_id
            return Outcome(self._events(self._home(), before, "--enable") or "there are none")
        return Outcome(self._events(self._away(), self._report().backup_id, "--enable") or "there are none")

    def _writable(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        found = self._report()
        if found.closed:
            raise StepFailed("the standby is closed: run this again, which opens it")
        if found.writable is not True:
            raise StepFailed(f"the standby's database does not take writes ({found.detail or 'it does not say why'})")
        return Outcome("it does")

    def _page(self, look: Callable[[Name], Any], marker: str, name: Name, where: str, say: Say) -> Outcome:
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

    def _application(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        name = self._stateful()
        found = self._page(self._eyes.away, name.secondary_marker, name, self._reader.sites.away, say)
        return Outcome(found.detail, figures={"first_page_seconds": round(time.time() - self._began, 1)})

    # The writer, the latch, and what users get.

    def _become(self, site: str, choices: Mapping[str, str]) -> Writer:
        reader = self._reader
        active, above = reader.active(reader.latch()), int(choices.get("above", 0))
        try:
            return writer.become(reader.store, site, self._identity, reader.sites.home, active, above)
        except writer.Overtaken as problem:
            raise StepFailed(f"{problem}: find out who works on this stack, then run this again") from None

    def _make_writer(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        found = self._become(step.argument, choices)
        return Outcome(f"{found.site}, epoch {found.epoch}")

    def _is_writer(self, site: str) -> None:
        found, _ = writer.read(self._reader.store, self._reader.sites.home, "")
        if found.site != site:
            raise StepFailed(
                f"{found.site} is the writer (epoch {found.epoch}, by {found.by or 'nobody'}), not {site}: what users "
                "write there would be in no backup that counts; run this again"
            )

    def _latch(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        self._is_writer(self._reader.sites.away)
        content = json.dumps({"set": iso(time.time()), "by": self._identity}).encode()
        fresh = self._reader.blobs.put(azure.place(step.argument), content, new=True, kind="application/json")
        return Outcome("set" if fresh else "it was set already")

    def _unlatch(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        if not self._report().closed:
            raise StepFailed(f"{self._reader.sites.away} takes writes again: run this again, which brings them along")
        self._is_writer(self._reader.sites.home)
        gone = self._reader.blobs.delete(azure.place(step.argument))
        return Outcome("removed" if gone else "it was not set")

    def _answers(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        names = self._inventory.names
        longest = max(name.failover_seconds + name.ttl_seconds for name in names)
        deadline = time.monotonic() + longest + ANSWER_MARGIN_SECONDS
        while True:
            wrong = [words for name in names if (words := self._not_yet(name, step.argument))]
            if not wrong:
                figures = {"answers_seconds": round(time.time() - self._began, 1)}
                if step.argument == self._reader.sites.home and "closed_at" in choices:
                    figures["write_outage_seconds"] = round(time.time() - float(choices["closed_at"]), 1)
                return Outcome(", ".join(name.fqdn for name in names), figures=figures)
            if time.monotonic() >= deadline:
                raise StepFailed(f"waited {longest + ANSWER_MARGIN_SECONDS:.0f} s; {'; '.join(wrong)}")
            say(wrong[0])
            time.sleep(1.0)

    def _not_yet(self, name: Name, site: str) -> str:
        """Why users of a name are not at `site`; empty when they are."""
        seen: NameSeen = self._eyes.name(name)
        for one in (*seen.authoritative, *((seen.resolver,) if seen.resolver else ())):
            if one.site != site:
                return f"{name.fqdn}: {one.server} answers {' '.join(one.addresses)} ({one.site or one.words})"
        if not seen.authoritative and seen.resolver is None:
            return f"{name.fqdn}: no server of its zone and no resolver can be asked"
        if seen.resolver is None:
            return ""
        page = self._eyes.page(name, seen.resolver.addresses[0])
        if self._eyes.site_of_page(name, page) != site:
            return f"{name.fqdn}: the page is not {site}'s ({page.words or page.status})"
        return ""

    # Home again.

    def _keep_old(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(self._home(), ["run", "--planned"], LONG_SECONDS)
        identity = str(found["id"])
        kept = f"{self._reader.sites.home}'s database as it was is kept as backup {identity} ({found.get('rows')} rows)"
        return Outcome(f"backup {identity}", {"old": identity}, findings=(kept,))

    def _list_extra(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        old = choices.get("old", "")
        arguments = ["diff", step.argument, old, "--base-store", *self._base_store(step.argument)]
        found = answer(self._away(), [*arguments, "--keep", self._failback()[1]], LONG_SECONDS)
        total = int(found.get("extra") or 0)
        listed = [f"{table['name']}: {table['extra']}" for table in found.get("tables", []) if table.get("extra")]
        home = self._reader.sites.home
        words = f"{total} rows of {home} are not in backup {step.argument}"
        if total:
            kept = f"; one by one below {found['kept']} in {self._failback()[1]}" if found.get("kept") else ""
            words += f" ({', '.join(listed)}): written or changed after it, kept aside and not merged{kept}"
        return Outcome(words, figures={"extra_rows": total}, findings=(words,) if total else ())

    def _base_store(self, backup: str) -> tuple[str, ...]:
        found = self._reader.backups().find(backup)
        return (found.store if found else (self._inventory.backups.store if self._inventory.backups else ""),)

    def _close(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        self._standby("close", seconds=SHORT_SECONDS)
        if not self._report().closed:
            raise StepFailed("the standby says that it is not closed after `standby close`")
        self._events(self._away(), self._report().backup_id, "--disable")
        return Outcome("closed", {"closed_at": f"{time.time():.3f}"})

    def _dump(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(self._away(), ["run", "--planned", *self._failback()], LONG_SECONDS)
        identity = str(found["id"])
        return Outcome(f"dump {identity}, {found.get('rows')} rows", {"dump": identity})

    def _move_aside(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        # A name of the dump: done again for the same dump it is the same place, for another dump another one.
        place = kept_aside(self._schema(), choices["dump"])
        found = answer(self._home(), ["aside", place], SHORT_SECONDS * 5)
        words = f"{found.get('tables')} tables of {self._reader.sites.home} are kept unchanged in schema {place}"
        return Outcome(words, {"aside": place}, findings=(words,))

    def _restore_home(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        started = time.monotonic()
        found = answer(self._home(), ["restore", choices["dump"], *self._failback()], LONG_SECONDS)
        rows, seconds = int(found.get("restored_rows") or 0), time.monotonic() - started
        return Outcome(f"{rows} rows in {seconds:.1f} s", figures={"restored_rows": rows})

    def _compare(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        dump = choices["dump"]
        rows = 0
        for site, worker in ((self._reader.sites.home, self._home()), (self._reader.sites.away, self._away())):
            proof = self._prove(worker, [dump, *self._failback()])
            if not proof.proved:
                raise StepFailed(
                    f"{site} differs from dump {dump} ({proof.words()}): somebody writes at {site}, or the restore "
                    f"is not whole; find out who, then run this again; users stay at {self._reader.sites.away}"
                )
            rows = proof.rows
        # Both equal the same manifest, and so each other.
        figures = {"divergent_tables": 0, "compared_rows": rows}
        return Outcome(f"{rows} rows, every table equal at both sites", figures=figures)

    def _home_application(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        name = self._stateful()
        return self._page(self._eyes.at_home, name.primary_marker, name, self._reader.sites.home, say)

    # A restore that nobody sees.

    def _scratch_schema(self) -> str:
        return f"twinsite_drill_{self._identity.replace('-', '_').lower()}"

    def _scratch(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self._backup_choice(step, choices)
        arguments = ["restore", backup, "--into", self._scratch_schema(), *self._store_of(backup)]
        started = time.monotonic()
        found = answer(self._away(), arguments, LONG_SECONDS)
        seconds = time.monotonic() - started
        figures = {"restore_seconds": round(seconds, 1), "restored_rows": int(found.get("restored_rows") or 0)}
        return Outcome(f"{figures['restored_rows']} rows in {seconds:.1f} s", figures=figures)

    def _scratch_prove(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self._backup_choice(step, choices)
        arguments = [backup, "--into", self._scratch_schema(), *self._store_of(backup)]
        proof = self._prove(self._away(), arguments)
        if not proof.proved:
            raise StepFailed(f"the restored data differ from the manifest: {proof.words()}")
        figures = {"divergent_tables": len(proof.divergent), **self._age(backup)}
        return Outcome(f"{proof.rows} rows, every table equal to the manifest", figures=figures)

    def _scratch_drop(self, step: Step, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(self._away(), ["drop", self._scratch_schema()], SHORT_SECONDS)
        return Outcome("dropped" if found.get("dropped") else "there was none")
