"""Steps that bring data home: what home holds is kept, the standby is closed, its data go home and are compared."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from twinsite.rules.backup import kept_aside

from ...steps import Outcome, Plane, Say, StepFailed
from ...worker import LONG_SECONDS, answer
from .hands import SHORT_SECONDS, Hands
from .step import AtHome, AtStandby, OnPages


class KeepOldPrimary(AtHome):
    """It may hold rows that nobody else has."""

    name = "keep-old-primary"
    undo = "remove the dump"

    @property
    def title(self) -> str:
        return f"dump {self.ground.home}'s database as it is and keep it"

    @property
    def needs(self) -> str:
        return f"{self.ground.home}'s database answers"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(hands.at_home(), ["run", "--planned"], LONG_SECONDS)
        identity = str(found["id"])
        kept = f"{hands.home}'s database as it was is kept as backup {identity} ({found.get('rows')} rows)"
        return Outcome(f"backup {identity}", {"old": identity}, findings=(kept,))


@dataclass(frozen=True)
class ListExtraRows(AtStandby):
    """What was written at home after the backup that the standby started from."""

    base: str
    name = "list-extra-rows"
    needs = "the dump is complete, and the backup is still there"

    @property
    def title(self) -> str:
        return f"list the rows of {self.ground.home} that backup {self.base} lacked"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        old, place = choices.get("old", ""), hands.failback()[1]
        arguments = ["diff", self.base, old, "--base-store", hands.base_store(self.base), "--keep", place]
        found = answer(hands.at_standby(), arguments, LONG_SECONDS)
        total = int(found.get("extra") or 0)
        listed = [f"{table['name']}: {table['extra']}" for table in found.get("tables", []) if table.get("extra")]
        words = f"{total} rows of {hands.home} are not in backup {self.base}"
        if total:
            kept = f"; one by one below {found['kept']} in {place}" if found.get("kept") else ""
            words += f" ({', '.join(listed)}): written or changed after it, kept aside and not merged{kept}"
        return Outcome(words, figures={"extra_rows": total}, findings=(words,) if total else ())


class CloseStandby(AtStandby):
    """The write outage begins."""

    name = "close-standby"

    @property
    def title(self) -> str:
        return f"stop writes at {self.ground.away}: its application stops, and stays stopped over reboots"

    @property
    def needs(self) -> str:
        return f"{self.ground.home} can take the data"

    @property
    def undo(self) -> str:
        return f"start it again: users write at {self.ground.away} as before"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.standby("close", seconds=SHORT_SECONDS)
        if not hands.report().closed:
            raise StepFailed("the standby says that it is not closed after `standby close`")
        hands.events(hands.at_standby(), hands.report().backup_id, "--disable")
        return Outcome("closed", {"closed_at": f"{time.time():.3f}"})


class DumpStandby(AtStandby):
    """All that users wrote there."""

    name = "dump-standby"
    needs = "nobody writes there"
    undo = "remove the dump"

    @property
    def title(self) -> str:
        return f"dump {self.ground.away}'s database"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(hands.at_standby(), ["run", "--planned", *hands.failback()], LONG_SECONDS)
        identity = str(found["id"])
        return Outcome(f"dump {identity}, {found.get('rows')} rows", {"dump": identity})


class MoveOldTablesAside(AtHome):
    """Nothing of home's is replaced."""

    name = "move-old-tables-aside"
    needs = "the dump that comes in their place is complete"
    undo = "rename them back; they are not changed"

    @property
    def title(self) -> str:
        return f"move {self.ground.home}'s old tables aside, into a schema of their own"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        # A name of the dump: done again for the same dump it is the same place, for another dump another one.
        place = kept_aside(hands.schema, choices["dump"])
        found = answer(hands.at_home(), ["aside", place], SHORT_SECONDS * 5)
        words = f"{found.get('tables')} tables of {hands.home} are kept unchanged in schema {place}"
        return Outcome(words, {"aside": place}, findings=(words,))


class RestoreIntoPrimary(AtHome):
    """The dump."""

    name = "restore-into-primary"
    needs = "the old tables are aside"
    undo = "move the new tables aside as well"

    @property
    def title(self) -> str:
        return f"restore the dump into {self.ground.home}'s database"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        started = time.monotonic()
        found = answer(hands.at_home(), ["restore", choices["dump"], *hands.failback()], LONG_SECONDS)
        rows, seconds = int(found.get("restored_rows") or 0), time.monotonic() - started
        return Outcome(f"{rows} rows in {seconds:.1f} s", figures={"restored_rows": rows})


class CompareTables(AtHome):
    """Both with the dump's manifest, and so with each other."""

    name = "compare-tables"
    title = "compare every table: both sites with the dump"
    needs = "the restore has ended, nobody writes at either site"
    again = True

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.at_home, self.ground.machine)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        dump = choices["dump"]
        rows = 0
        for site, worker in ((hands.home, hands.at_home()), (hands.away, hands.at_standby())):
            proof = hands.prove(worker, [dump, *hands.failback()])
            if not proof.proved:
                raise StepFailed(
                    f"{site} differs from dump {dump} ({proof.words()}): somebody writes at {site}, or the restore "
                    f"is not whole; find out who, then run this again; users stay at {hands.away}"
                )
            rows = proof.rows
        figures = {"divergent_tables": 0, "compared_rows": rows}
        return Outcome(f"{rows} rows, every table equal at both sites", figures=figures)


class VerifyPrimaryApplication(OnPages):
    """Before any user is sent home."""

    name = "verify-primary-application"
    needs = "the tables are equal"
    again = True

    @property
    def title(self) -> str:
        return f"get the application's page at {self.ground.home}'s own address"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        name = hands.stateful()
        return hands.page(hands.reader.eyes.at_home, name.primary_marker, name, hands.home, say)
