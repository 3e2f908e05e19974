"""What the plans of several commands share: steps, sentences and refusals come together here. Pure."""

from twinsite.inventory import AzureRunCommand, Host
from twinsite.rules.standby import way_home_problems

from ...journal.document import Unfinished
from ...stack import age_words
from ...steps import iso
from ...subjects import epochs
from ...subjects.away import Backup
from .. import activation
from ..words import Command, Intent
from .facts import Facts
from .ground import Ground
from .standby_steps import (
    AwaitStandby,
    OpenStandby,
    RaiseMode,
    RestoreBackup,
    VerifyApplication,
    VerifyData,
    VerifyWritable,
)
from .step import MoveStep
from .user_steps import MakeWriter, StartEvents, VerifyAnswers


class Draft:
    """What comes together while the facts are judged."""

    def __init__(self, facts: Facts, intent: Intent) -> None:
        self.facts, self.intent = facts, intent
        self.home, self.away = facts.inventory.home, facts.inventory.away
        self.problems: list[str] = []
        self.says: list[str] = []
        self.steps: list[MoveStep] = []
        self.abandoned = ""
        unfinished = facts.unfinished
        self.resumed: Unfinished | None = unfinished if unfinished and unfinished.command == intent.command else None
        self.done = set(self.resumed.done) if self.resumed else set()
        self.choices = dict(self.resumed.choices) if self.resumed else {}
        self.ground = Ground.of(facts.inventory)
        self.from_mode = (self.resumed.from_mode if self.resumed else "") or facts.inventory.dr_mode
        """In which the operation found the stack: where a drill goes back to."""
        self.serving_mode = activation.serving_mode()
        self.backup_gib: float | None = None

    def refuse(self, words: str) -> None:
        self.problems.append(words)

    def add(self, step: MoveStep) -> None:
        self.steps.append(step)

    def common(self) -> None:
        facts, intent = self.facts, self.intent
        if facts.held and not intent.ignore_lock:
            self.refuse(facts.held)
        wanted = self.home if intent.command is Command.FAILBACK else self.away
        if not intent.command.drill and intent.to != wanted:
            self._wrong_site(wanted)
        other = facts.unfinished
        if other is not None and self.resumed is None:
            self._other(other)
        elif self.resumed:
            self.says.append(f"goes on with {self.resumed.command} {self.resumed.id}, begun {self.resumed.began}")

    def _wrong_site(self, wanted: str) -> None:
        command = self.intent.command
        if self.intent.to not in (self.home, self.away):
            self.refuse(f"--to {self.intent.to}: there is no such site; this stack has {self.home} and {self.away}")
        elif command is Command.FAILOVER:
            self.refuse(
                f"--to {self.intent.to}: a failover of this stack goes to {wanted}; to bring users home to "
                f"{self.home} run `twinsite failback --to {self.home}`"
            )
        else:
            self.refuse(
                f"--to {self.intent.to}: a failback of this stack goes to {wanted}; to move users to {self.away} "
                f"run `twinsite failover --to {self.away}`"
            )

    def _other(self, other: Unfinished) -> None:
        if self.intent.command.drill and other.command.startswith("drill "):
            self.refuse(
                f"{other.command} {other.id}, begun {other.began}, has not ended: run `twinsite {other.command}` "
                "again, which puts back what it changed"
            )
            return
        # A disaster does not wait for a drill to be tidied up, nor for a failback that it broke; and an operation that
        # moved nobody needs no end.
        self.abandoned = other.id
        self.says.append(f"{other.command} {other.id}, begun {other.began} and never ended, is given up for this")

    # What several commands need.

    def latch_known(self, may_lack_one: bool) -> None:
        """Refuse when a store does not answer."""
        gone = [one for one in self.facts.latch if one.set is None]
        if not gone:
            return
        listed = "; ".join(f"{one.store} ({one.words})" for one in gone)
        page = "see runbook latch-store-gone"
        if len(gone) == len(self.facts.latch):
            self.refuse(f"no latch store can be reached: {listed}: check your network and identity; {page}")
        elif not may_lack_one:
            self.refuse(
                f"a latch store cannot be reached: {listed}: what it holds cannot be seen or removed, and would "
                f"move users when it comes back: bring it back first; {page}"
            )
        elif not self.intent.one_latch:
            self.refuse(
                f"a latch store cannot be reached: {listed}: with the other object alone users fall back to "
                f"{self.home} whenever its store does not answer; bring it back, or accept that with "
                f"--one-latch; {page}"
            )
        else:
            self.says.append(f"--one-latch: {listed} is left out; run this again when it is back")

    def backup(self, scheduled: bool = False) -> Backup | None:
        """The backup to restore: the newest complete one. Not the one of before a kill: nobody uses that yet."""
        backups, page = self.facts.backups, "runbook no-backup"
        if backups.problem:
            self.refuse(f"the backups cannot be read: {backups.problem}")
            return None
        if not self._readable_enough():
            return None
        # What went home in a failback counts as well: it is newer than any backup that was taken before it.
        wanted = self.intent.backup or (self.choices.get("fresh", "") if self.intent.planned else "")
        newest = epochs.newest(self.facts.writer, backups.complete, scheduled)
        found = backups.find(wanted) or (None if self.intent.backup else newest)
        if self.intent.backup and found is None:
            also = f"; the newest is {newest.id}" if newest else ""
            self.refuse(f"--backup {self.intent.backup}: there is no complete backup of that id{also}")
        elif found is None and epochs.newest(self.facts.writer, backups.complete) is not None:
            self.refuse(
                "every complete backup was taken by hand, so its age shows nothing: wait for a scheduled one, or say "
                "--planned"
            )
        elif found is None and backups.complete:
            last = backups.complete[-1]
            self.refuse(
                f"no complete backup was taken where the writer was; the last is {last.id} ({last.branch}): look what "
                "it holds, then name it with --backup"
            )
        elif found is None and backups.halves:
            self.refuse(
                f"there is no complete backup: {len(backups.halves)} were begun and never finished (they have no "
                f"manifest), the last is {max(backups.halves)}: see {page} for what can be saved from one"
            )
        elif found is None:
            store = self.facts.inventory.backups
            self.refuse(f"there is no backup at all in {store.store if store else 'the store'}: see {page}")
        else:
            self.choices["backup"] = found.id
            self.backup_gib = None if found.size_bytes is None else found.size_bytes / 2**30
            self._passed_over(found)
            later = [half for half in backups.halves if half > found.id]
            if later:
                self.says.append(f"not used, because begun and never finished: {', '.join(sorted(later))}")
        return found

    def _readable_enough(self) -> bool:
        """Whether what cannot be read cannot be the newest."""
        unread, known = self.facts.backups.unread, self.facts.writer
        if not unread:
            return True
        if self.intent.backup or max(known.epoch, self.facts.backups.highest_epoch) == 0:
            self.says.append(f"{self.away}'s own backups cannot be read, and are not needed: {unread}")
            return True
        self.refuse(
            f"{self.away}'s own backups cannot be read ({unread}), and it has been the writer: the newest data "
            "may be there; mend that, or name a backup with --backup"
        )
        return False

    def _passed_over(self, found: Backup) -> None:
        later = [one for one in self.facts.backups.complete if one.began > found.began and one is not found]
        other = [f"{one.id} ({one.branch})" for one in later if one.site or one.epoch is None]
        if other:
            self.says.append(
                f"younger, and of another branch than {found.id} ({found.branch}): {', '.join(other[-3:])}; to restore "
                "one of them name it with --backup"
            )

    def make_writer(self, site: str) -> None:
        """Before users go there, and before a standby that they are at is opened."""
        self.choices["above"] = str(self.facts.backups.highest_epoch)
        if self.facts.writer_problem:
            self.says.append(f"{self.facts.writer_problem}: it is written anew, in an epoch above every backup's")
        self.add(MakeWriter(self.ground, site))

    def say_loss(self, backup: Backup) -> None:
        age = age_words(max(0.0, self.facts.now - backup.began))
        kind = "" if backup.scheduled else ", taken by hand: its age is not what a disaster would cost"
        self.says.append(
            f"data: backup {backup.id} of {iso(backup.began)}, {age} old, {backup.rows} rows in {backup.tables} "
            f"tables, {backup.branch}{kind}"
        )
        self.says.append(
            f"lost to users until a failback: what was written at {self.home} after {iso(backup.began)}; it "
            f"stays in {self.home}'s database, and the failback lists it"
        )

    def say_way_home(self, backup: Backup) -> None:
        """Said and not refused: in a disaster a site without a way home is better than none."""
        for problem in way_home_problems(backup.source, self.facts.standby.server):
            self.says.append(f"a failback will be refused: {problem}")

    def raise_mode(self) -> None:
        """Pulumi, where the standby does not exist."""
        if self.facts.standby.exists:
            return
        if "raise-mode" not in self.done:
            self.problems += self.facts.program.problems
        self.add(RaiseMode(self.ground, self.serving_mode, self.from_mode))

    def standby_known(self) -> None:
        standby = self.facts.standby
        if standby.exists and not standby.known:
            machine = self.facts.inventory.with_role("standby", self.away)
            self.refuse(
                f"{machine.name if machine else 'the standby machine'} cannot be asked ({standby.words}): check it"
                f"{_looked_at(machine)}; if it is lost, `pulumi up` makes it again"
            )

    def await_standby(self) -> None:
        self.add(AwaitStandby(self.ground))

    def restored(self, backup: Backup | None) -> None:
        """Restore if needed, then prove. Never once users are there. None: the backup that this very run takes."""
        identity = backup.id if backup else ""
        there = bool(identity) and self.facts.standby.backup_id == identity
        self.add(RestoreBackup(self.ground, identity, there))
        self.add(VerifyData(self.ground, identity))

    def serving(self) -> None:
        """Open, writable, answering at its own address."""
        if self.facts.standby.closed:
            self.add(OpenStandby(self.ground))
        self.add(VerifyWritable(self.ground))
        self.add(VerifyApplication(self.ground))

    def events(self, site: str) -> None:
        self.add(StartEvents(self.ground, site))

    def answers(self, site: str) -> None:
        self.add(VerifyAnswers(self.ground, site))


def _looked_at(machine: Host | None) -> str:
    """The command that shows what a cloud knows of a machine."""
    if machine is None or not isinstance(machine.way, AzureRunCommand):
        return ""
    return f" with `az vm get-instance-view --name {machine.way.vm} --resource-group {machine.way.resource_group}`"
