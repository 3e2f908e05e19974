"""A task: loads, follows, stores its place, tries again after a cut, compares; and what its API says about it."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .mappings import Mappings
from .settings import Settings
from .shapes import Change, Cut, Denied, Fatal, Missing, Row, Source, Table, Target, Transaction
from .statistics import Statistics
from .validation import differing

FRESH, RESUME, RELOAD = "start-replication", "resume-processing", "reload-target"
_RELOADS = 10
"""Of one call [user guide, reloading tables during a task]."""
_SAVE_SECONDS = 0.2
_LOOK_SECONDS = 0.05
"""Between two looks into a log that had nothing new."""


class Fault(Exception):
    """What the API answers. `code` is AWS's own."""

    def __init__(self, code: str, words: str) -> None:
        self.code = code
        super().__init__(words)


class Task:
    """One, with its place in `folder`, which is the instance's storage: another Task over it goes on there."""

    def __init__(
        self,
        identifier: str,
        folder: Path,
        ends: tuple[Source, Target],
        told: Mapping[str, Any],
        fails_on_truncation: bool = False,
        tell_seconds: float = 60.0,
    ) -> None:
        """`told` as the provider has it: migrationType, tableMappings, replicationTaskSettings, cdcStartPosition. The
        latencies are told each `tell_seconds`."""
        self.identifier, self._folder, self._ends = identifier, folder, ends
        self._told, self._fails, self._tell_seconds = dict(told), fails_on_truncation, tell_seconds
        self._state: dict[str, Any] = {"status": "ready", "position": "", "loaded": [], "reason": ""}
        if self._place.exists():
            self._state = json.loads(self._place.read_text())
            if self._state["status"] == "running":
                self._state["status"] = "stopped"  # its instance was killed
        self.statistics = Statistics()
        self.latencies: list[tuple[float, float, float]] = []
        """When, CDCLatencySource, CDCLatencyTarget; none while it does not run."""
        self._stop, self._thread = threading.Event(), threading.Thread()
        self._tables: dict[tuple[str, str], Table] = {}
        self._read_until = self._told_at = 0.0
        self._saved = 0.0
        self._again: list[tuple[str, str]] = []
        self._began, self._killed = 0.0, False
        """When this run, or the last reload, did."""
        self._sure = False
        """Whether all that was in the log before this run, and may be met a second time, is behind."""

    # Its API

    @property
    def status(self) -> str:
        return str(self._state["status"])

    def describe(self) -> dict[str, Any]:
        """As DescribeReplicationTasks has it."""
        return {
            "ReplicationTaskIdentifier": self.identifier,
            "Status": self.status,
            "MigrationType": self._told["migrationType"],
            "RecoveryCheckpoint": self._state["position"],
            **({"LastFailureMessage": self._state["reason"]} if self.status == "failed" else {}),
        }

    def start(self, how: str) -> None:
        """Begins; `how` is StartReplicationTaskType."""
        if self.status in ("running", "stopping"):
            raise Fault("InvalidResourceStateFault", f"task {self.identifier} is {self.status}")
        first = self.status == "ready"
        if how == FRESH and not first:
            words = "Start Type : START_REPLICATION, valid only for tasks running for the first time"
            raise Fault("InvalidParameterCombinationException", words)
        if how in (RESUME, RELOAD) and first:
            raise Fault("InvalidParameterCombinationException", f"{how}: task {self.identifier} never ran")
        loads = self._told["migrationType"] != "cdc"
        if how == RELOAD and not loads:
            raise Fault("InvalidParameterCombinationException", "RELOAD_TARGET, valid only for tasks that load")
        if how != RESUME:
            self._state |= {"position": "" if loads else self._told.get("cdcStartPosition") or "", "loaded": []}
        self._save(status="running", reason="")
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name=f"dms {self.identifier}", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 30.0) -> None:
        """Ends it in an orderly way; its slot stays."""
        if self.status != "running":
            raise Fault("InvalidResourceStateFault", f"task {self.identifier} is not running")
        self._stop.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise Fault("InvalidResourceStateFault", f"task {self.identifier} is still stopping")

    def modify(self, **told: Any) -> None:
        """Refused while it runs [ModifyReplicationTask]."""
        if self.status == "running":
            raise Fault("InvalidResourceStateFault", f"task {self.identifier} is running: stop it first")
        self._told |= told

    def reload(self, tables: Sequence[tuple[str, str]]) -> None:
        """These are loaded again while the others go on, prepared as `TargetTablePrepMode` has it [ReloadTables]."""
        if self.status != "running":
            raise Fault("InvalidResourceStateFault", f"task {self.identifier} is not running")
        if self._told["migrationType"] == "cdc" or len(tables) > _RELOADS or len(set(tables)) < len(tables):
            words = f"up to {_RELOADS} different tables of a task that loads can be reloaded"
            raise Fault("InvalidParameterCombinationException", words)
        self._again = list(tables)

    @property
    def told(self) -> Mapping[str, Any]:
        """As the provider has it."""
        return self._told

    @property
    def whole_settings(self) -> dict[str, Any]:
        """Over DMS's own defaults."""
        return Settings(self._told.get("replicationTaskSettings", "")).document

    def kill(self) -> None:
        """What it runs on is gone: nothing more is written down; another Task over the folder finds it as it was."""
        self._killed = True
        self._stop.set()
        self._thread.join()

    def log(self) -> list[str]:
        """Its lines in CloudWatch; none where logging is off."""
        return self._lines.read_text().splitlines() if self._lines.exists() else []

    # Its run

    def _run(self) -> None:
        try:
            self._settings, self._mappings = (
                Settings(self._told.get("replicationTaskSettings", "")),
                Mappings(self._told["tableMappings"]),
            )
            self._read_until, tries = time.time(), 0
            while not self._stop.is_set():
                self._sure = False
                began = self._state["position"], self._state["loaded"]
                try:
                    self._once()
                except Cut as cut:
                    tries = 1 if (self._state["position"], self._state["loaded"]) != began else tries + 1
                    wait = self._settings.wait(tries)
                    self._say("W", f"{cut}: next try in {wait:g} s")
                    self._idle(wait)
                finally:
                    self._stands()
                    for end in self._ends:
                        end.close()
            self._save(status="stopped")
        except Fatal as fatal:
            self._say("E", str(fatal))
            self._save(status="failed", reason=str(fatal))
        except Exception as error:  # a mistake of ours must not look like a task that runs
            self._save(status="failed", reason=f"{type(error).__name__}: {error}")
            raise

    def _once(self) -> None:
        source, target = self._ends
        source.open()
        target.open()
        self._tables = {(one.schema, one.name): one for one in self._selected(source)}
        if not self._tables:
            raise Fatal("no tables were found by the mappings")
        if not self._state["position"]:
            self._save(position=source.position(True))
        loads = [] if self._told["migrationType"] == "cdc" else list(self._tables.values())
        for table in loads:
            if table.full not in self._state["loaded"]:
                self._tell_target("FULL LOAD")
                self._load(table)
                self._save(loaded=[*self._state["loaded"], table.full])
        self._follow()

    def _selected(self, source: Source) -> Iterator[Table]:
        return (one for one in source.tables() if self._mappings.selects(one.schema, one.name))

    def _load(self, table: Table) -> None:
        there = self._mappings.at_target(table)
        self._prepare(there)
        self._give_up(table, "")
        self.statistics.begun(table)
        try:
            self._copy(table, there)
        except Missing as gone:
            self._ends[1].rollback()
            self._policy("TableErrorPolicy", table, f"load: {gone}")
        self.statistics.loaded(table)
        if self.statistics.suspended(table):
            self._give_up(table, "Table error")

    def _copy(self, table: Table, there: Table) -> None:
        rows: list[Row] = []
        for row in self._ends[0].rows(table):
            rows.append(self._fitting(table, row))
            if len(rows) >= 1000:
                self._put(table, there, rows)
                rows = []
            if self._stop.is_set():
                raise Cut("stopped while it loaded")
        self._put(table, there, rows)

    def _prepare(self, there: Table) -> None:
        target, mode = self._ends[1], self._settings("FullLoadSettings.TargetTablePrepMode")
        if mode == "DROP_AND_CREATE":
            target.drop(there)
        if not target.exists(there):
            target.create(there)
        elif mode == "TRUNCATE_BEFORE_LOAD":
            target.truncate(there)
        target.commit()

    def _put(self, table: Table, there: Table, rows: Sequence[Row]) -> None:
        target = self._ends[1]
        try:
            if rows:
                target.insert(there, rows)
            target.commit()
            self.statistics.count(table, "FullLoadRows", len(rows))
        except Denied as no:
            target.rollback()
            if no.conflict:
                self._say("E", f"{table.full}: the load met a row that is there already: {no}")
                self.statistics.failed(table)
                return
            for row in rows:
                self._one(table, Change("insert", table.schema, table.name, row, row))
            target.commit()

    def _follow(self) -> None:
        source, self._began = self._ends[0], time.time()
        self._tell_target("CHANGE PROCESSING")
        while not self._stop.is_set():
            self._load_again()
            looked, found = time.time(), False
            for transaction in source.changes(self._state["position"]):
                found = found or bool(transaction.changes)
                self._read_until = transaction.at or looked
                # A MySQL's time of a commit is whole seconds.
                self._sure = self._sure or transaction.at > self._began + 1
                self._apply(transaction)
                self._tell()
                if self._stop.is_set():
                    return
            if found:
                self._save()
            source.applied(self._state["position"])
            if not found:
                self._sure, self._read_until = True, looked
                if self._settings("ValidationSettings.EnableValidation"):
                    self._validate()
                self._idle(_LOOK_SECONDS)

    def _load_again(self) -> None:
        again, self._again = self._again, []
        for table in [self._tables[place] for place in again if place in self._tables]:
            # What is in the log before it is met twice.
            self._sure, self._began = False, time.time()
            self._tell_target("FULL LOAD")
            self._load(table)
        if again:
            self._tell_target("CHANGE PROCESSING")

    def _apply(self, transaction: Transaction) -> None:
        target = self._ends[1]
        ours = [one for one in transaction.changes if self._mappings.selects(one.schema, one.table)]
        try:
            for change in ours:
                self._change(change)
            target.commit()
        except Denied:
            target.rollback()
            for change in ours:
                table = self._table(change)
                if table:
                    self._one(table, change)
            target.commit()
        # A kill before the next save meets them again, which a resume takes as done.
        self._state["position"] = transaction.position
        if time.monotonic() - self._saved > _SAVE_SECONDS:
            self._save()
        for change in ours:
            self.statistics.changed(change)

    def _one(self, table: Table, change: Change) -> None:
        """A change that may be refused, by the policies for that."""
        target = self._ends[1]
        target.mark()
        try:
            self._change(change)
        except Denied as no:
            target.back()
            if no.conflict and not self._sure:
                return  # FullLoadIgnoreConflicts, and what a resume meets again
            self._policy("ApplyErrorInsertPolicy" if no.conflict else "DataErrorPolicy", table, f"{change.kind}: {no}")

    def _policy(self, name: str, table: Table, words: str) -> None:
        policy = self._settings(f"ErrorBehavior.{name}")
        if policy == "IGNORE_RECORD":
            return
        self._say("E" if policy == "STOP_TASK" else "W", f"{table.full}: {words}")
        if policy == "STOP_TASK":
            raise Fatal(f"{table.full}: {words}")
        if policy == "SUSPEND_TABLE":
            self.statistics.failed(table)

    def _table(self, change: Change) -> Table | None:
        place = (change.schema, change.table)
        if place not in self._tables:
            source, target = self._ends
            self._tables |= {(one.schema, one.name): one for one in self._selected(source)}
            made = self._tables.get(place)
            if made and not target.exists(self._mappings.at_target(made)):
                target.create(self._mappings.at_target(made))
        found = self._tables.get(place)
        return None if found is None or self.statistics.suspended(found) else found

    def _change(self, change: Change) -> None:
        target = self._ends[1]
        table = self._table(change)
        if table is None:
            return
        there = self._mappings.at_target(table)
        if change.kind in ("truncate", "drop", "alter"):
            self._definition(change, table, there)
            return
        old = self._mappings.row(table, change.old)
        if change.kind == "insert":
            target.insert(there, [self._fitting(table, change.row)])
        elif change.kind == "update":
            if not target.update(there, self._fitting(table, change.row), old) and self._sure:
                self._policy("ApplyErrorUpdatePolicy", table, "update: the target has no such row")
        elif not target.delete(there, old) and self._sure:
            self._policy("ApplyErrorDeletePolicy", table, "delete: the target has no such row")

    def _definition(self, change: Change, table: Table, there: Table) -> None:
        source, target = self._ends
        if change.kind == "drop":
            del self._tables[table.schema, table.name]
        handled = {"truncate": "Truncated", "drop": "Dropped", "alter": "Altered"}[change.kind]
        if not self._settings(f"ChangeProcessingDdlHandlingPolicy.HandleSourceTable{handled}"):
            self._say("W", f"{table.full}: {change.kind} at the source is not followed")
        elif change.kind == "truncate":
            target.truncate(there)
        elif change.kind == "drop":
            target.drop(there)
        else:
            now = {(one.schema, one.name): one for one in self._selected(source)}
            new = now.get((table.schema, table.name), table)
            target.alter(there, self._mappings.at_target(new))
            self._tables[table.schema, table.name] = new

    def _fitting(self, table: Table, row: Row) -> dict[str, Any]:
        """The row for the target, cut off where it is longer than it may be."""
        most, found = self._settings.lob_bytes, dict(row)
        for column in table.columns:
            value = found.get(column.name)
            if not column.lob or value is None:
                continue
            if not self._settings("TargetMetadata.SupportLobs"):
                found[column.name] = None
                continue
            longest = column.longest(most)
            if most >= 0 and longest < len(value):
                self._say("W", f"{table.full}: LOB column {column.name} was truncated to {most} bytes")
                if self._fails:
                    raise Fatal(f"{table.full}: LOB column {column.name} is longer than {most} bytes")
                found[column.name] = value[:longest]
        return self._mappings.row(table, found)

    def _validate(self) -> None:
        source, target = self._ends
        for table in self._tables.values():
            if self.statistics.wants_validation(table):
                there = self._mappings.at_target(table)
                mine = (self._mappings.row(table, row) for row in source.rows(table))
                try:
                    self.statistics.validated(table, differing(there, mine, target.rows(there)) if table.key else None)
                except Missing as gone:  # dropped or altered, which the log says next
                    self._say("E", f"{table.full}: validation: {gone}")
                    self.statistics.unvalidated(table)

    # What is kept and told

    def _idle(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stop.is_set() and time.monotonic() < until:
            self._tell()
            self._stop.wait(min(0.2, max(0.0, until - time.monotonic())))

    def _tell(self) -> None:
        now = time.time()
        if now - self._told_at >= self._tell_seconds:
            behind = max(0.0, now - self._read_until - 2 * _LOOK_SECONDS)
            self.latencies.append((now, behind, behind))
            self._told_at = now

    def _tell_target(self, status: str) -> None:
        """At the target, where it can be read without DMS."""
        if self._settings("ControlTablesSettings.StatusTableEnabled"):
            self._ends[1].tell(self._settings("ControlTablesSettings.ControlSchema"), self.identifier, status)

    def _give_up(self, table: Table, why: str) -> None:
        if self._settings("ControlTablesSettings.SuspendedTablesTableEnabled"):
            schema = self._settings("ControlTablesSettings.ControlSchema")
            self._ends[1].give_up(schema, self.identifier, self._mappings.at_target(table), why)

    def _stands(self) -> None:
        """One that was killed says nothing any more."""
        if self._stop.is_set() and not self._killed:
            with contextlib.suppress(Cut, Fatal, Denied, Missing, AttributeError):
                self._ends[1].rollback()
                self._tell_target("NOT RUNNING")

    def _say(self, level: str, words: str) -> None:
        if self._settings("Logging.EnableLogging"):
            with self._lines.open("a", encoding="utf-8") as file:
                file.write(f"]{level}:  {words}\n")

    @property
    def _place(self) -> Path:
        return self._folder / f"{self.identifier}.json"

    @property
    def _lines(self) -> Path:
        return self._folder / f"{self.identifier}.log"

    def _save(self, **state: Any) -> None:
        if self._killed:
            return
        self._state |= state
        self._saved = time.monotonic()
        half = self._place.with_suffix(".half")
        half.write_text(json.dumps(self._state))
        half.replace(self._place)
