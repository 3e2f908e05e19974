"""Steps towards a standby that can serve, and away from it after a drill."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ...steps import Outcome, Plane, Say, StepFailed
from ...store import Unavailable
from ...transport import RemoteFailed
from ...worker import LONG_SECONDS, answer
from .hands import PAGE_SECONDS, Hands
from .step import AtHome, AtStandby, MoveStep, OnPages

STANDBY_SECONDS = 5280.0
"""With the minute beyond it within Run Command's 90: a restore of many GiB takes that long."""


@dataclass(frozen=True)
class FreshBackup(AtHome):
    """What a planned drill restores."""

    name = "fresh-backup"
    title = "take a fresh backup, labelled as planned"
    undo = "remove it"

    @property
    def needs(self) -> str:
        return f"{self.ground.home} is well"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(hands.at_home(), ["run", "--planned"], LONG_SECONDS)
        identity = str(found["id"])
        return Outcome(f"backup {identity}, {found.get('rows')} rows", {"fresh": identity, "backup": identity})


@dataclass(frozen=True)
class RaiseMode(MoveStep):
    """The one activation that uses Pulumi, where the standby does not exist."""

    to_mode: str
    from_mode: str
    name = "raise-mode"
    # `up` ends when the machine says that it serves.
    phases = ("creation", "transfer", "restore", "start")
    # The machine says whether it was done: after a kill in the middle of it the journal does not.
    again = True

    @property
    def title(self) -> str:
        return (
            f"raise the mode: `pulumi config set dr_mode {self.to_mode}`, `pulumi up` without what is at "
            f"{self.ground.home}"
        )

    @property
    def needs(self) -> str:
        return f"Pulumi's state, secrets and this desk do not depend on {self.ground.home}"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return self.ground.making

    @property
    def undo(self) -> str:
        return f"`pulumi config set dr_mode {self.from_mode}` and `pulumi up`, while users are not there"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.reader.inventory = hands.to_mode(self.to_mode, say)
        return Outcome(f"dr_mode {self.to_mode}", {"raised": "yes"})


@dataclass(frozen=True)
class LowerMode(MoveStep):
    """As it was before the drill."""

    to_mode: str
    name = "lower-mode"
    needs = "users are not there, and this drill had raised it"
    undo = "raise it again"
    again = True
    always = True

    @property
    def title(self) -> str:
        return f"lower the mode again: `pulumi config set dr_mode {self.to_mode}`, `pulumi up`"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return self.ground.making

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        if any(one.set is not False for one in hands.reader.latch()):
            raise StepFailed(
                "a latch object is set, or its store does not answer: users may be at the standby; it stays"
            )
        hands.reader.inventory = hands.to_mode(self.to_mode, say)
        return Outcome(f"dr_mode {self.to_mode}")


@dataclass(frozen=True)
class AwaitStandby(AtStandby):
    """Its own first restore may take an hour."""

    name = "await-standby"
    title = "wait until the standby machine has finished"
    needs = "the machine exists"
    again = True

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.standby("gate", "--timeout", f"{STANDBY_SECONDS:.0f}", seconds=STANDBY_SECONDS + 60)
        found = hands.report()
        return Outcome(f"it has data of backup {found.backup_id}" if found.backup_id else "it has no data yet")


@dataclass(frozen=True)
class FromBackup(AtStandby):
    """Works on one backup; "" the one that this very run takes."""

    backup: str

    def decided(self, choices: Mapping[str, str]) -> str:
        """Its id."""
        identity = self.backup or choices.get("backup", "")
        if not identity:
            raise StepFailed("no backup was decided on")
        return identity


@dataclass(frozen=True)
class RestoreBackup(FromBackup):
    """Never once users are there."""

    there: bool = False
    """As it was seen when this was planned."""
    name = "restore-backup"
    needs = "no latch object is set: nobody has written at the standby"
    undo = "restore another backup; nobody uses the data yet"
    again = True

    @property
    def phases(self) -> tuple[str, ...]:
        return () if self.there else ("transfer", "restore", "start")

    @property
    def title(self) -> str:
        return f"have backup {self.backup or 'just taken'} in the standby's database"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self.decided(choices)
        if hands.latched():
            raise StepFailed("a latch object has been set meanwhile: users write at the standby, its data stay")
        store = hands.store_of(backup)
        if hands.report().backup_id == backup and hands.prove(hands.at_standby(), [backup, *store]).proved:
            return Outcome("it is there already")
        started = time.monotonic()
        hands.standby("renew", backup, *store, seconds=LONG_SECONDS)
        return Outcome(f"restored in {time.monotonic() - started:.1f} s")


class VerifyData(FromBackup):
    """Table by table."""

    name = "verify-data"
    title = "compare every table with the backup's manifest"
    needs = "the restore has ended"
    again = True

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self.decided(choices)
        proof = hands.prove(hands.at_standby(), [backup, *hands.store_of(backup)])
        figures = {"restored_rows": proof.rows, "divergent_tables": len(proof.divergent), **hands.age(backup)}
        if not proof.proved:
            raise StepFailed(
                f"the standby's data differ from the manifest ({proof.words()}): the latch stays as it is; run this "
                "again, which restores anew"
            )
        return Outcome(f"{proof.rows} rows, every table equal to the manifest", figures=figures)


class OpenStandby(AtStandby):
    """A failback had closed it."""

    name = "open-standby"
    title = "start the standby's application, which a failback had stopped"
    needs = "its data are the ones to serve"
    undo = "stop it again"
    again = True

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        latched, away, findings = hands.latched(), hands.away, []
        if latched:
            try:
                hands.become(away, choices)
            except (StepFailed, Unavailable) as problem:
                findings.append(f"backups of {away} count as nobody's until `twinsite failover --to {away}`: {problem}")
        hands.standby("open", seconds=PAGE_SECONDS)
        if not latched:
            # Where users never were, the scheduled events wait for the latch.
            return Outcome("started")
        try:
            events = hands.events(hands.at_standby(), hands.report().backup_id, "--enable")
        except RemoteFailed as problem:
            # Users have their site back; that is what this step is for.
            findings.append(f"scheduled events stand still at {away}: {problem}")
            events = ""
        return Outcome(", ".join(filter(None, ("started", events))), findings=tuple(findings))


class Reopen(OpenStandby):
    """What turns a failback back that has not moved anybody."""

    title = "turn back: start the standby's application again"
    needs = "no latch object was touched: users are still there"
    undo = "none"


class VerifyWritable(AtStandby):
    """A replica of nobody, and not read-only."""

    name = "verify-writable"
    title = "see that the standby's database takes writes"
    needs = "the server answers"
    again = True

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.report()
        if found.closed:
            raise StepFailed("the standby is closed: run this again, which opens it")
        if found.writable is not True:
            raise StepFailed(f"the standby's database does not take writes ({found.detail or 'it does not say why'})")
        return Outcome("it does")


class VerifyApplication(OnPages):
    """Before any user is sent there."""

    name = "verify-application"
    needs = "the standby's application runs"
    again = True

    @property
    def title(self) -> str:
        return f"get the application's page at {self.ground.away}'s own address"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        name = hands.stateful()
        found = hands.page(hands.reader.eyes.at_away, name.secondary_marker, name, hands.away, say)
        return Outcome(found.detail, figures={"first_page_seconds": round(time.time() - hands.began, 1)})
