"""The step of a restore, what it needs, and the job that it works with."""

import datetime
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Inventory

from ...steps import Outcome, Plane, Say, Step, StepFailed, control_plane, data_plane
from ...transport import RemoteFailed
from ...worker import LONG_SECONDS, Worker, answer

BACKUP = "backup"
"""Under what the id is kept, so that the same command goes on with the same one."""
VERB_SECONDS = 600.0
"""A Job's start, and a verb that fetches nothing."""
RAN = frozenset({0, 1})
"""Codes of a verb that came to its end; 1: what it looked at is not well."""


@dataclass(frozen=True)
class Ground:
    """Both planes are of the site that is restored at."""

    away: str
    planes: tuple[Plane, ...]

    @classmethod
    def of(cls, inventory: Inventory) -> "Ground":
        """By what the inventory holds."""
        site = inventory.site(inventory.away)
        store = inventory.backups.store if inventory.backups else "the bucket of backups"
        return cls(
            site.name,
            (
                control_plane(f"the API of {site.name}'s cluster, which runs the job", site.name, site.region),
                data_plane(f"{site.name}'s database, and {store}", site.name, site.region),
            ),
        )


class Hands:
    """Of one operation."""

    def __init__(self, worker: Callable[[Say], Worker], began: float) -> None:
        self._worker, self.began = worker, began

    def verb(self, say: Say, *words: str, seconds: float = LONG_SECONDS) -> dict[str, Any]:
        """What a verb prints. RemoteFailed with its own sentences when it refuses."""
        found: dict[str, Any] = answer(self._worker(say), words, seconds, RAN)
        return found

    def age(self, fit: Mapping[str, Any]) -> dict[str, Any]:
        """How much older the data are than the moment in which this operation was begun, and what that means."""
        began = datetime.datetime.fromisoformat(str(fit["began"])).timestamp()
        basis = "the newest scheduled backup" if fit["scheduled"] else "planned: a backup that was taken by hand"
        return {"rpo_seconds": round(max(0.0, self.began - began), 1), "rpo_basis": basis}


@dataclass(frozen=True)
class RestoreBackup(Step[Hands]):
    """Fetched and verified whole, restored, compared by table: the job refuses before its first write what does not
    fit, a database with anything in it above all."""

    ground: Ground
    backup: str
    name = "restore-backup"
    needs = "the database there is empty; every part of the backup is whole"
    undo = "drop the database's tables and run this again; nobody uses them yet"
    phases = ("transfer", "restore")

    @property
    def title(self) -> str:
        return f"restore backup {self.backup} into {self.ground.away}'s database, and prove it by its manifest"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return self.ground.planes

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        started = time.monotonic()
        fit = hands.verb(say, "fit", self.backup, seconds=VERB_SECONDS)
        if not fit["fits"]:
            # Perhaps an earlier try came to its end, and nobody heard of it.
            found, words = self._proved(hands, say, "; ".join(fit["problems"])), "it is there already"
        else:
            found = self._said(hands.verb(say, "restore", self.backup))
            words = f"restored in {time.monotonic() - started:.1f} s"
        detail = f"{words}: {found['rows']} rows in {found['tables']} tables, as in its manifest"
        figures = {"restored_rows": found["rows"], **hands.age(fit)}
        return Outcome(detail, {}, figures, (*found.get("differences", ()), *found.get("left_behind", ())))

    def _proved(self, hands: Hands, say: Say, why: str) -> dict[str, Any]:
        try:
            found = hands.verb(say, "prove", self.backup)
        except RemoteFailed:
            raise StepFailed(why) from None
        if not found["proved"]:
            raise StepFailed(why)
        return found

    def _said(self, found: dict[str, Any]) -> dict[str, Any]:
        if not found["proved"]:
            raise StepFailed(
                f"what is there is not what the backup was ({'; '.join(map(str, found['problems'][:3]))}): run this "
                "again, which begins anew; nobody was let in"
            )
        return found
