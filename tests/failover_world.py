"""A model of both sites for tests of failover and failback: what each step does to data, application and latch.

It checks, at every deed, what must hold whatever happened before; and it can be killed at any moment: before a step's
effect, after it, and around every write of journal and lock.
"""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from operations.journal.document import unfinished
from operations.moves.from_backup import home_steps, scratch_steps, standby_steps, user_steps, writer
from operations.moves.from_backup.facts import Facts, Home, ProgramFound, Vantage
from operations.moves.from_backup.step import MoveStep
from operations.moves.from_backup.world import BackupWorld
from operations.moves.words import Plan, Refusal
from operations.steps import Outcome, Step, StepFailed
from operations.store import Unavailable
from operations.subjects import epochs
from operations.subjects.away import Backup, Backups, LatchObject, Standby, Writer
from twinsite.inventory import AzureRunCommand, Host, Inventory, Name, Pod, Route53Latch
from twinsite.inventory import Backups as AskedBackups
from twinsite.inventory import Site as Place

STORES = ("azblob://petclinicpublic/$web/latch/dr", "azblob://petcliniclatch/$web/latch/dr")
HOUR = 3600.0

LATCH = Route53Latch(STORES, tuple(f"https://{at}.web.example/latch/dr" for at in ("one", "two")))

INVENTORY = Inventory(
    topology="aws-azure",
    dr_mode="cold",
    sites=(Place("aws", ("aws", "kubernetes")), Place("azure", ("azure-native",), "koreacentral")),
    home="aws",
    away="azure",
    active_site="aws",
    hosts=(
        Host("azure-standby", "azure", "", ("standby",), AzureRunCommand("sub", "dr-rg", "")),
        Host("aws-rds-backup", "aws", "", ("backup",), Pod("", "petclinic", "rds-backup")),
    ),
    names=(
        Name("www.example.com", False, "https://alb.aws.example/petclinic/", "https://www.edge.example/petclinic/",
             "/petclinic/", "served by site aws", "notice", 60, 96.0, LATCH),
        Name("dr.example.com", True, "https://alb.aws.example/petclinic/", "https://dr.edge.example/petclinic/",
             "/petclinic/", "served by site aws", "served by site azure", 60, 76.0, LATCH),
    ),
    backups=AskedBackups("azblob://petclinicbackup/mysql-backup", "petclinic", "0 3 * * *", 26.0,
                         "azblob://petclinicbackup/failback"),
    store="azblob://petclinicbackup/operations",
    digest="digest-1",
)  # fmt: skip


class Killed(BaseException):
    """The command's process is gone; nothing of it runs any more, not even `finally`."""


class MemoryStore:
    """A store that dies with its command."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self.objects: dict[str, bytes] = {}
        self.gone = False
        self._tick = tick

    def __str__(self) -> str:
        return "memory"

    def _use(self) -> None:
        self._tick()
        if self.gone:
            raise Unavailable("memory cannot be used")

    def read(self, name: str) -> tuple[bytes, str] | None:
        self._use()
        found = self.objects.get(name)
        return None if found is None else (found, str(hash(found)))

    def write(self, name: str, content: bytes) -> None:
        self._use()
        self.objects[name] = content
        self._tick()

    def create(self, name: str, content: bytes) -> bool:
        self._use()
        if name in self.objects:
            return False
        self.objects[name] = content
        self._tick()
        return True

    def replace(self, name: str, content: bytes, tag: str) -> bool:
        self._use()
        if name not in self.objects or str(hash(self.objects[name])) != tag:
            return False
        self.objects[name] = content
        return True

    def remove(self, name: str, tag: str) -> bool:
        self._use()
        return self.objects.pop(name, None) is not None

    def names(self, prefix: str) -> list[str]:
        self._use()
        return sorted(name for name in self.objects if name.startswith(prefix))


@dataclass
class Site:
    """Rows of a site's database, and whether its application serves."""

    rows: frozenset[int] | None = None
    """None while the tables are not whole."""
    serves: bool = False


@dataclass
class Model:
    """Everything. Rows are numbers; each is written once."""

    alive: bool = True
    home: Site = field(default_factory=lambda: Site(frozenset({1, 2, 3}), True))
    exists: bool = False
    away: Site = field(default_factory=Site)
    away_from: str = ""
    closed: bool = False
    verified: bool = False
    latch: list[bool] = field(default_factory=lambda: [False, False])
    latch_gone: set[int] = field(default_factory=set)
    backups: dict[str, Backup] = field(default_factory=dict)
    held_by: dict[str, frozenset[int]] = field(default_factory=dict)
    """Rows of each backup."""
    line: frozenset[int] = frozenset()
    """Rows of the backup that the users' data go on from, and what they wrote since: what the newest one may hold."""
    identity: str = ""
    """Of the operation that runs."""
    halves: tuple[str, ...] = ()
    aside: dict[str, frozenset[int]] = field(default_factory=dict)
    scratch: bool = False
    program: tuple[str, ...] = ()
    clock: float = 1_000_000.0
    written_away: set[int] = field(default_factory=set)
    rogue: bool = False
    """Somebody writes at the primary behind everybody's back, at each step."""
    fails: str = ""
    """Name of a step that fails once."""
    deeds: list[str] = field(default_factory=list)
    ticks: int = 0
    kill_at: int | None = None
    dead: bool = False
    row: int = 100

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.tick)
        self.line = self.home.rows or frozenset()
        self.take_backup()

    # Time and death.

    def tick(self) -> None:
        if self.dead:
            raise Killed
        self.ticks += 1
        self.clock += 1.0
        if self.kill_at is not None and self.ticks >= self.kill_at:
            self.dead = True
            raise Killed

    def revive(self) -> None:
        self.dead, self.kill_at, self.ticks = False, None, 0

    # What happens around the commands.

    def take_backup(self, scheduled: bool = True, store: str = "mysql-backup") -> str:
        site, name = (self.home, "aws") if store == "mysql-backup" else (self.away, "azure")
        assert site.rows is not None
        self.clock += 1.0
        identity = f"b{self.clock:.0f}"
        now = epochs.parse(self.store.objects.get(epochs.DOCUMENT), "aws")
        self.held_by[identity] = site.rows
        self.backups[identity] = Backup(
            identity, self.clock, scheduled, len(site.rows), 3, f"azblob://petclinicbackup/{store}",
            name, now.epoch, now.site,
        )  # fmt: skip
        return identity

    def newest(self) -> Backup | None:
        """As the desk chooses."""
        return epochs.newest(self.writer(), self.backups.values())

    def writer(self) -> Writer:
        found = epochs.parse(self.store.objects.get(epochs.DOCUMENT), "aws")
        return epochs.served(self.store, found, self.active())

    def active(self) -> str:
        return "azure" if self.latched() else "" if self.latch_gone else "aws"

    def _become(self, site: str, choices: Mapping[str, str]) -> Writer:
        try:
            return writer.become(self.store, site, self.identity, "aws", self.active(), int(choices.get("above", 0)))
        except writer.Overtaken as problem:
            raise StepFailed(str(problem)) from None

    def latched(self) -> bool:
        return any(self.latch)

    def user_writes(self) -> None:
        """Where the latch leads."""
        self.row += 1
        if self.latched() and not self.closed and self.away.rows is not None:
            self.away.rows |= {self.row}
            self.written_away.add(self.row)
            self.line |= {self.row}
        elif not self.latched() and self.alive and self.home.rows is not None:
            self.home.rows |= {self.row}
            self.line |= {self.row}

    def stray_write(self) -> None:
        """At a primary that came back, by somebody who does not know that users are elsewhere."""
        now = epochs.parse(self.store.objects.get(epochs.DOCUMENT), "aws")
        if now.site == "azure" and self.latched() and self.alive and self.home.rows:
            self.row += 1
            self.home.rows |= {self.row}

    def scheduled_backups(self) -> None:
        """What both sites' schedules do now: the primary always, the standby where it is the writer."""
        now = epochs.parse(self.store.objects.get(epochs.DOCUMENT), "aws")
        if self.exists and self.away.rows is not None and now.site == "azure":
            self.take_backup(store="standby-backup")
        # The youngest, whoever the writer is.
        if self.alive and self.home.rows:
            self.take_backup()

    # Facts.

    def facts(self, asks_home: bool) -> Facts:
        alive = Vantage("this desk", self.alive, "status 200" if self.alive else "timed out, 3 times")
        checkers = Vantage("Route 53's health checkers", None if self.alive else False, "www leads elsewhere")
        complete = tuple(self.backups.values())
        return Facts(
            inventory=INVENTORY,
            now=self.clock,
            vantages=(alive, checkers),
            latch=tuple(
                LatchObject(store, None if at in self.latch_gone else self.latch[at], "timed out")
                for at, store in enumerate(STORES)
            ),
            backups=Backups(tuple(sorted(complete, key=lambda backup: backup.began)), self.halves),
            standby=Standby(
                self.exists, self.exists, outcome="ready", backup_id=self.away_from, closed=self.closed, writable=True
            ),
            home=Home(self.alive, "" if self.alive else "the cluster does not answer", holds_data=bool(self.home.rows)),
            program=ProgramFound(self.program),
            unfinished=unfinished(self.store),
            writer=self.writer(),
        )

    # Steps, as `played` does them.

    def do(self, step: Step[Any], choices: Mapping[str, str], say: Callable[[str], None]) -> Outcome:
        self.tick()
        if step.name == self.fails:
            self.fails = ""
            raise StepFailed("made to fail")
        if self.rogue and self.home.rows is not None:
            self.row += 1
            self.home.rows |= {self.row}
        outcome = getattr(self, kind_of(step))(step, choices) or Outcome()
        self.deeds.append(step.name)
        assert isinstance(outcome, Outcome)
        self.tick()
        return outcome

    def _chosen(self, step: Any, choices: Mapping[str, str]) -> str:
        return step.backup or choices["backup"]

    def _fresh_backup(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        identity = self.take_backup(scheduled=False)
        return Outcome(choices={"fresh": identity, "backup": identity})

    def _raise_mode(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        assert not self.program, "raising the mode was refused"
        if not self.exists:
            # By manifests alone, as the machine does.
            newest = max(
                self.backups,
                key=lambda name: (self.backups[name].site == self.backups[name].writer, self.backups[name].epoch or 0,
                                  self.backups[name].began),
            )  # fmt: skip
            self.exists, self.away, self.away_from = True, Site(self.held_by[newest], True), newest
        return Outcome(choices={"raised": "yes"})

    def _lower_mode(self, step: Any, choices: Mapping[str, str]) -> None:
        assert not self.latched(), "the machine that users are on was taken away"
        self.exists, self.away, self.away_from, self.closed, self.verified = False, Site(), "", False, False

    def _await_standby(self, step: Any, choices: Mapping[str, str]) -> None:
        assert self.exists

    def _restore_backup(self, step: Any, choices: Mapping[str, str]) -> None:
        assert not self.latched(), "data that users write to were replaced"
        backup = self._chosen(step, choices)
        self.verified = False
        if self.away_from != backup or self.away.rows != self.held_by[backup]:
            self.away.rows = None
            self.tick()  # a kill in the middle of a restore
            self.away.rows, self.away_from = self.held_by[backup], backup
        self.away.serves = not self.closed

    def _verify_data(self, step: Any, choices: Mapping[str, str]) -> None:
        if self.away.rows != self.held_by[self._chosen(step, choices)]:
            raise StepFailed("tables differ")
        self.verified = True

    def _open_standby(self, step: Any, choices: Mapping[str, str]) -> None:
        if self.latched():
            self._become("azure", choices)
        self.closed, self.away.serves = False, True

    def _verify_writable(self, step: Any, choices: Mapping[str, str]) -> None:
        if self.closed:
            raise StepFailed("closed")

    def _verify_application(self, step: Any, choices: Mapping[str, str]) -> None:
        if not self.away.serves or self.away.rows is None:
            raise StepFailed("no page")

    def _make_writer(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        return Outcome(f"epoch {self._become(step.site, choices).epoch}")

    def _set_latch(self, step: Any, choices: Mapping[str, str]) -> None:
        at = STORES.index(step.store)
        assert self.writer().site == "azure", "users go where nobody is the writer"
        assert self.away.rows is not None and self.away.serves and not self.closed, "the application is not ready"
        assert self.latched() or self.verified, "the data are not verified"
        if not self.latched():
            newest = self.newest()
            assert newest is not None and self.away.rows >= self.held_by[newest.id], "a newer backup was passed over"
            self.line = self.away.rows
        self.latch[at] = True

    def _verify_answers(self, step: Any, choices: Mapping[str, str]) -> None:
        if (step.site == "azure") != self.latched():
            raise StepFailed("the names lead elsewhere")

    def _start_events(self, step: Any, choices: Mapping[str, str]) -> None:
        assert (step.site == "azure") == self.latched(), "events write where users are not"

    def _keep_old_primary(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        if not self.home.rows:
            raise StepFailed("the schema has no tables")
        return Outcome(choices={"old": self.take_backup(scheduled=False)})

    def _list_extra_rows(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        extra = self.held_by[choices["old"]] - self.held_by[step.base]
        return Outcome(figures={"extra_rows": len(extra)}, findings=(f"{len(extra)} rows",) if extra else ())

    def _close_standby(self, step: Any, choices: Mapping[str, str]) -> None:
        self.closed, self.away.serves = True, False

    def _dump_standby(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        assert self.closed, "dumped while users write"
        return Outcome(choices={"dump": self.take_backup(False, "failback")})

    def _move_old_tables_aside(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        name = f"aside_{choices['dump']}"
        if name not in self.aside:
            self.aside[name] = self.home.rows or frozenset()
            self.home.rows = frozenset()
        return Outcome(choices={"aside": name})

    def _restore_into_primary(self, step: Any, choices: Mapping[str, str]) -> None:
        assert choices["aside"] == f"aside_{choices['dump']}", "the old tables were not moved aside for this dump"
        self.home.rows = (self.home.rows or frozenset()) | self.held_by[choices["dump"]]

    def _compare_tables(self, step: Any, choices: Mapping[str, str]) -> Outcome:
        wanted = self.held_by[choices["dump"]]
        if self.home.rows != wanted or self.away.rows != wanted:
            raise StepFailed("tables differ")
        return Outcome(figures={"divergent_tables": 0})

    def _verify_primary_application(self, step: Any, choices: Mapping[str, str]) -> None:
        if not (self.alive and self.home.serves):
            raise StepFailed("no page")

    def _remove_latch(self, step: Any, choices: Mapping[str, str]) -> None:
        assert self.closed, "both sites take writes"
        assert self.writer().site == "aws", "users go where nobody is the writer"
        assert self.home.rows is not None and self.away.rows is not None
        # A rogue writer may have added rows since they were compared; none may be missing.
        assert self.home.rows >= self.away.rows, "users were sent to a site that lacks rows"
        assert self.rogue or self.home.rows == self.away.rows
        assert self.written_away <= self.home.rows, "rows written at the standby are lost"
        self.latch[STORES.index(step.store)] = False

    def _restore_into_scratch(self, step: Any, choices: Mapping[str, str]) -> None:
        self.scratch = True

    def _verify_scratch(self, step: Any, choices: Mapping[str, str]) -> None:
        assert self.scratch

    def _drop_scratch(self, step: Any, choices: Mapping[str, str]) -> None:
        self.scratch = False

    def kept_rows(self) -> frozenset[int]:
        """All rows that are anywhere."""
        found = set(self.home.rows or ()) | set(self.away.rows or ())
        for rows in (*self.aside.values(), *self.held_by.values()):
            found |= rows
        return frozenset(found)


class _Eyes:
    resolver = ""


class _Reader:
    """What command.py asks a reader for when nobody is watched."""

    eyes = _Eyes()

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    def stateful(self) -> None:
        return None


class ModelWorld(BackupWorld):
    """A BackupWorld over a Model."""

    def __init__(self, model: Model, inventory: Inventory = INVENTORY) -> None:
        reader: Any = _Reader(inventory)
        store: Any = model.store
        super().__init__(store, reader, None, lambda mode, say: inventory)
        self._model, self._inventory = model, inventory

    def facts(self, command: Any, intent: Any, owner: str) -> Facts:
        return replace(self._model.facts(True), inventory=self._inventory)

    def plan(self, intent: Any, owner: str) -> Plan | Refusal:
        found = super().plan(intent, owner)
        if isinstance(found, Refusal):
            return found
        back = found.turn_back and replace(found.turn_back, step=played(found.turn_back.step))
        return replace(found, steps=tuple(map(played, found.steps)), turn_back=back)

    def hands(self, identity: str, began: float) -> Any:
        self._model.identity = identity
        return self._model


def played(step: Step[Any]) -> Step[Any]:
    """The same step, done to the model."""
    kind = type(step)
    do = {"do": lambda self, model, choices, say: model.do(self, choices, say)}
    found = copy.copy(step)
    object.__setattr__(found, "__class__", type(kind.__name__, (kind,), do))
    return found


def kind_of(step: Step[Any]) -> str:
    """The model's method for a step."""
    return "_" + step.name.rstrip("-0123456789").replace("-", "_")


def _snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


STEPS = [each for module in (home_steps, scratch_steps, standby_steps, user_steps) for each in vars(module).values()]
KINDS = {step for step in STEPS if isinstance(step, type) and issubclass(step, MoveStep) and "do" in vars(step)}
assert KINDS and {_snake(step.__name__) for step in KINDS} <= set(dir(Model))
