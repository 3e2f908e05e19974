"""What the plans of several commands share: steps, sentences and refusals come together here. Pure."""

from components.rules.standby import way_home_problems

from ..stack import age_words
from ..steps import iso
from . import writer
from .facts import Backup, Facts, Sites, Unfinished
from .words import Command, Doing, Intent, Step, Where


class Draft:
    """What comes together while the facts are judged."""

    def __init__(self, facts: Facts, intent: Intent, sites: Sites) -> None:
        self.facts, self.intent, self.sites = facts, intent, sites
        self.problems: list[str] = []
        self.says: list[str] = []
        self.steps: list[Step] = []
        self.abandoned = ""
        unfinished = facts.unfinished
        self.resumed: Unfinished | None = unfinished if unfinished and unfinished.command == intent.command else None
        self.done = set(self.resumed.done) if self.resumed else set()
        self.choices = dict(self.resumed.choices) if self.resumed else {}

    def refuse(self, words: str) -> None:
        self.problems.append(words)

    def add(
        self,
        doing: Doing,
        title: str,
        needs: str,
        where: Where,
        undo: str = "none",
        argument: str = "",
        number: int = 0,
        again: bool = False,
        always: bool = False,
    ) -> None:
        name = f"{doing.value}-{number}" if number else doing.value
        self.steps.append(Step(name, doing, title, needs, where, undo, argument, again, always))

    def common(self) -> None:
        facts, intent = self.facts, self.intent
        if facts.held and not intent.ignore_lock:
            self.refuse(facts.held)
        wanted = self.sites.home if intent.command is Command.FAILBACK else self.sites.away
        if not intent.command.drill and intent.to != wanted:
            self._wrong_site(wanted)
        other = facts.unfinished
        if other is not None and self.resumed is None:
            self._other(other)
        elif self.resumed:
            self.says.append(f"goes on with {self.resumed.command} {self.resumed.id}, begun {self.resumed.began}")

    def _wrong_site(self, wanted: str) -> None:
        command, sites = self.intent.command, self.sites
        if self.intent.to not in (sites.home, sites.away):
            self.refuse(f"--to {self.intent.to}: there is no such site; this stack has {sites.home} and {sites.away}")
        elif command is Command.FAILOVER:
            self.refuse(
                f"--to {self.intent.to}: a failover of this stack goes to {wanted}; to bring users home to "
                f"{sites.home} run `twinsite failback --to {sites.home}`"
            )
        else:
            self.refuse(
                f"--to {self.intent.to}: a failback of this stack goes to {wanted}; to move users to {sites.away} "
                f"run `twinsite failover --to {sites.away}`"
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
        page = "see docs/runbooks/latch-store-gone.md"
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
                f"{self.sites.home} whenever its store does not answer; bring it back, or accept that with "
                f"--one-latch; {page}"
            )
        else:
            self.says.append(f"--one-latch: {listed} is left out; run this again when it is back")

    def backup(self, scheduled: bool = False) -> Backup | None:
        """The backup to restore: the newest complete one. Not the one of before a kill: nobody uses that yet."""
        backups, page = self.facts.backups, "docs/runbooks/no-backup.md"
        if backups.problem:
            self.refuse(f"the backups cannot be read: {backups.problem}")
            return None
        if not self._readable_enough():
            return None
        # What went home in a failback counts as well: it is newer than any backup that was taken before it.
        wanted = self.intent.backup or (self.choices.get("fresh", "") if self.intent.planned else "")
        newest = writer.newest(self.facts.writer, backups.complete, scheduled)
        found = backups.find(wanted) or (None if self.intent.backup else newest)
        if self.intent.backup and found is None:
            also = f"; the newest is {newest.id}" if newest else ""
            self.refuse(f"--backup {self.intent.backup}: there is no complete backup of that id{also}")
        elif found is None and writer.newest(self.facts.writer, backups.complete) is not None:
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
            self.says.append(f"{self.sites.away}'s own backups cannot be read, and are not needed: {unread}")
            return True
        self.refuse(
            f"{self.sites.away}'s own backups cannot be read ({unread}), and it has been the writer: the newest data "
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
        self.add(
            Doing.WRITER,
            f"make {site} the writer, in an epoch of its own",
            "nobody else changed the document",
            Where.STORE,
            undo="another failover or failback raises it again",
            argument=site,
            again=True,
        )

    def say_loss(self, backup: Backup) -> None:
        age = age_words(max(0.0, self.facts.now - backup.began))
        kind = "" if backup.scheduled else ", taken by hand: its age is not what a disaster would cost"
        self.says.append(
            f"data: backup {backup.id} of {iso(backup.began)}, {age} old, {backup.rows} rows in {backup.tables} "
            f"tables, {backup.branch}{kind}"
        )
        self.says.append(
            f"lost to users until a failback: what was written at {self.sites.home} after {iso(backup.began)}; it "
            f"stays in {self.sites.home}'s database, and the failback lists it"
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
        self.add(
            Doing.RAISE,
            f"raise the mode: `pulumi config set dr_mode warm`, `pulumi up` without what is at {self.sites.home}",
            f"Pulumi's state, secrets and this desk do not depend on {self.sites.home}",
            Where.ARM,
            undo="`pulumi config set dr_mode cold` and `pulumi up`, while users are not there",
            # The machine says whether it was done: after a kill in the middle of it the journal does not.
            again=True,
        )

    def standby_known(self) -> None:
        standby = self.facts.standby
        if standby.exists and not standby.known:
            machine = next(one for one in self.facts.inventory.azure_machines if "standby" in one.roles)
            self.refuse(
                f"{machine.name} cannot be asked ({standby.words}): check it with `az vm get-instance-view --name "
                f"{machine.vm} --resource-group {machine.resource_group}`; if it is lost, `pulumi up` makes it again"
            )

    def await_standby(self) -> None:
        self.add(
            Doing.AWAIT_STANDBY,
            "wait until the standby machine has finished",
            "the machine exists",
            Where.ARM,
            again=True,
        )

    def restored(self, backup: Backup | None) -> None:
        """Restore if needed, then prove. Never once users are there. None: the backup that this very run takes."""
        identity = backup.id if backup else ""
        self.add(
            Doing.RENEW,
            f"have backup {identity or 'just taken'} in the standby's database",
            "no latch object is set: nobody has written at the standby",
            Where.ARM,
            undo="restore another backup; nobody uses the data yet",
            argument=identity,
            again=True,
        )
        self.add(
            Doing.VERIFY_DATA,
            "compare every table with the backup's manifest",
            "the restore has ended",
            Where.ARM,
            argument=identity,
            again=True,
        )

    def serving(self) -> None:
        """Open, writable, answering at its own address."""
        closed = self.facts.standby.closed
        if closed:
            self.add(
                Doing.OPEN,
                "start the standby's application, which a failback had stopped",
                "its data are the ones to serve",
                Where.ARM,
                undo="stop it again",
                again=True,
            )
        self.add(
            Doing.WRITABLE,
            "see that the standby's database takes writes",
            "the server answers",
            Where.ARM,
            again=True,
        )
        self.add(
            Doing.APPLICATION,
            f"get the application's page at {self.sites.away}'s own address",
            "the standby's application runs",
            Where.PAGES,
            again=True,
        )

    def events(self, site: str, where: Where) -> None:
        self.add(
            Doing.EVENTS,
            f"start the database's scheduled events at {site}",
            f"users are at {site}: events write, so they run there only",
            where,
            undo="stop them",
            argument=site,
            again=True,
        )

    def answers(self, site: str) -> None:
        self.add(
            Doing.ANSWERS,
            f"see every name lead to {site}, as its zone's servers, the resolver and the page itself say",
            "the latch says so",
            Where.PAGES,
            argument=site,
            again=True,
        )
