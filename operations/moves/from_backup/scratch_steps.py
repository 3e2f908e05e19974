"""Steps of a restore that nobody sees."""

import time
from collections.abc import Mapping

from ...steps import Outcome, Say, StepFailed
from ...worker import LONG_SECONDS, answer
from .hands import SHORT_SECONDS, Hands
from .standby_steps import FromBackup
from .step import AtStandby


def _schema(hands: Hands) -> str:
    return f"twinsite_drill_{hands.identity.replace('-', '_').lower()}"


class RestoreIntoScratch(FromBackup):
    """Beside the standby's own tables."""

    name = "restore-into-scratch"
    phases = ("transfer", "restore")
    anew = True
    needs = "the standby's own tables are not touched"
    undo = "drop the schema"

    @property
    def title(self) -> str:
        return f"restore backup {self.backup or 'just taken'} into a scratch schema"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self.decided(choices)
        arguments = ["restore", backup, "--into", _schema(hands), *hands.store_of(backup)]
        started = time.monotonic()
        found = answer(hands.at_standby(), arguments, LONG_SECONDS)
        seconds = time.monotonic() - started
        figures = {"restore_seconds": round(seconds, 1), "restored_rows": int(found.get("restored_rows") or 0)}
        return Outcome(f"{figures['restored_rows']} rows in {seconds:.1f} s", figures=figures)


class VerifyScratch(FromBackup):
    """Table by table."""

    name = "verify-scratch"
    title = "compare every table of the scratch schema with the manifest"
    needs = "the restore has ended"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        backup = self.decided(choices)
        proof = hands.prove(hands.at_standby(), [backup, "--into", _schema(hands), *hands.store_of(backup)])
        if not proof.proved:
            raise StepFailed(f"the restored data differ from the manifest: {proof.words()}")
        figures = {"divergent_tables": len(proof.divergent), **hands.age(backup)}
        return Outcome(f"{proof.rows} rows, every table equal to the manifest", figures=figures)


class DropScratch(AtStandby):
    """Whatever came before."""

    name = "drop-scratch"
    title = "drop the scratch schema"
    needs = "none"
    again = True
    always = True

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = answer(hands.at_standby(), ["drop", _schema(hands)], SHORT_SECONDS)
        return Outcome("dropped" if found.get("dropped") else "there was none")
