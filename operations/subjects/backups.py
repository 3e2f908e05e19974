"""Backups: which one a failover would restore, and how old it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Backups as Asked
from twinsite.inventory import Host, Inventory, Pod

from ..stack import age_words
from . import epochs, pods
from .away import Away, Backup, Backups
from .sources import Sources, Unread
from .subject import Subject


@dataclass(frozen=True)
class BackupsSeen:
    """All of them, and the newest that is complete and of the writer."""

    asked: Asked
    found: Backups
    newest: Backup | None
    age_seconds: float
    """Of the newest; of the youngest while nobody knows which counts; 0 without one."""
    serving: str
    """The away site, while it is the writer and so takes the backups; else ""."""
    unjudged: str = ""
    """Why nobody knows which of them counts; "" when that is known."""
    host: Host | None = None
    """What makes them at home, where the inventory says so."""
    promised_seconds: float | None = None
    """The RPO that the stack promises, where only backups bring the data."""

    @property
    def youngest(self) -> Backup | None:
        """Whether it counts or not."""
        return self.found.complete[-1] if self.found.complete else None

    def problems(self) -> Iterator[str]:
        newest, found, youngest = self.newest, self.found, self.youngest
        if youngest is not None and youngest.epoch is None and newest is not None:
            yield f"the youngest backup {youngest.id} is restored by its id only, because it is {youngest.branch}"
        if found.unread:
            yield f"the standby's own backups cannot be read: {found.unread}"
        for words in found.broken:
            yield f"{words}: find out who deletes in {self.asked.store}; {self._another()}"
        if found.problem:
            yield f"the backups cannot be read: {found.problem}"
        elif self.unjudged and youngest is not None:
            yield (
                f"which backup counts is not known ({self.unjudged}); the youngest complete one is {youngest.id}, "
                f"{age_words(self.age_seconds)} old ({youngest.branch}): bring the operations' store back first; a "
                "failover restores none unjudged"
            )
        elif newest is None and youngest is not None:
            yield (f"no complete backup was taken where the writer was; the last is {youngest.id} ({youngest.branch})")
        elif newest is None:
            yield f"there is no complete backup of {self.asked.schema} in {self.asked.store}: {self._none()}"
        else:
            yield from self._old(newest)

    def _old(self, newest: Backup) -> Iterator[str]:
        allowed, words = self.asked.max_age_hours * 3600, f"{self.asked.max_age_hours:g} h are allowed"
        if self.promised_seconds is not None and self.promised_seconds < allowed:
            allowed, words = self.promised_seconds, f"an RPO of {self.promised_seconds / 3600:g} h is promised"
        if self.age_seconds > allowed:
            yield (
                f"the newest complete backup ({newest.branch}) is {age_words(self.age_seconds)} old, and {words}: "
                f"{self._look()}"
            )

    @property
    def _way(self) -> Pod | None:
        """To a job that is a pod of role archive; for others there is a runbook."""
        host = self.host
        return host.way if host and "archive" in host.roles and isinstance(host.way, Pod) else None

    def _look(self) -> str:
        if self.serving:
            return f"look at `journalctl -u twinsite-backup` on {self.serving}'s machine (runbook no-backup)"
        return pods.seen(self._way) if self._way else "look at the backup job (runbook no-backup)"

    def _none(self) -> str:
        return (
            f"{pods.again(self._way)} takes one now, and {pods.seen(self._way)}"
            if self._way
            else "see runbook no-backup"
        )

    def _another(self) -> str:
        return f"{pods.again(self._way)} takes another now" if self._way else "take another (runbook no-backup)"

    def shown(self) -> Mapping[str, Any]:
        newest = self.newest
        return {
            "backup": {
                "id": newest.id if newest else None,
                "age_seconds": round(self.age_seconds) if newest else None,
                "branch": newest.branch if newest else None,
                "unfinished": list(self.found.halves),
                "concerns": list(newest.concerns) if newest else [],
            }
        }

    def lines(self) -> Iterator[str]:
        newest = self.newest
        if newest is None:
            if self.found.problem:
                yield "  backup   unknown: the backups cannot be read"
            elif self.unjudged and self.youngest:
                yield f"  backup   youngest {self.youngest.id}; whether it counts is not known"
            else:
                yield "  backup   none that is complete and of the writer"
            return
        yield f"  backup   {newest.id}, {age_words(round(self.age_seconds))} old, {newest.branch}"
        for words in newest.concerns:
            yield f"           {words}"


def seen(facts: Away) -> list[BackupsSeen]:
    """The backups of what is known; none where the inventory names none."""
    asked, there = facts.inventory.backups, facts.inventory
    if asked is None:
        return []
    newest = epochs.newest(facts.writer, facts.backups.complete)
    age = max(0.0, facts.now - newest.began) if newest else 0.0
    serving = there.away if facts.writer.site == there.away else ""
    return [BackupsSeen(asked, facts.backups, newest, age, serving, "", *_about(there))]


def read(sources: Sources) -> Sequence[Subject]:
    """One. Which of them counts is the writer's document's to say; that they are there is not."""
    asked = sources.inventory.backups
    if asked is None:
        return []
    try:
        return seen(sources.away("backups", "writer"))
    except Unread as unread:
        known = sources.away("backups")
        began = [one.began for one in known.backups.complete[-1:]]
        age = max(0.0, known.now - began[0]) if began else 0.0
        return [BackupsSeen(asked, known.backups, None, age, "", str(unread), *_about(sources.inventory))]


def _about(there: Inventory) -> tuple[Host | None, float | None]:
    """(what makes backups at home, the RPO that they have to keep)."""
    host = there.with_role("archive", there.home) or there.with_role("backup", there.home)
    return host, None if there.flows else there.promise.rpo_seconds
