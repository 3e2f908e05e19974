"""What is known from the away site's store on, in frozen values: latch, writer, backups, standby machine, names,
operation. Reading is in away_reader.py; judging is in the subjects, and in the moves.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from twinsite.inventory import Inventory

from ..host_facts import Complaint
from ..journal.document import Unfinished


@dataclass(frozen=True)
class LatchObject:
    """One of the two. `set` is None when its store does not answer; `words` says why."""

    store: str
    set: bool | None
    words: str = ""


@dataclass(frozen=True)
class Backup:
    """A complete backup, as its manifest has it."""

    id: str
    began: float
    """Moment of its snapshot, seconds since 1970: what was written later is not in it."""
    scheduled: bool
    """False: taken by hand, so its age says nothing of what a disaster would cost."""
    rows: int
    tables: int
    store: str = ""
    """`azblob://ACCOUNT/CONTAINER` that holds it: the backups', or that of data on their way home."""
    site: str = ""
    """Where it was taken; "" in a manifest from before there were epochs."""
    epoch: int | None = 0
    """Of the writer, as it was read before the snapshot and after the last row; None: not known."""
    writer: str = ""
    """Which site the writer was then."""
    unknown: str = ""
    """Why the epoch is not known."""
    concerns: tuple[str, ...] = ()
    """What a restore may have to leave out, in the backup's own sentences."""
    size_bytes: int | None = None
    """Of all its parts together; None where the manifest does not say."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Of the server that it is of: version, lower_case_table_names and names of tables, as far as it says."""

    @property
    def branch(self) -> str:
        """Whose history it is of, for a sentence."""
        if self.epoch is None:
            return f"of an unknown branch ({self.unknown})"
        if not self.site:
            return f"epoch {self.epoch}"
        beside = "" if self.site == self.writer else f", while {self.writer} was the writer"
        return f"{self.site}, epoch {self.epoch}{beside}"


@dataclass(frozen=True)
class Held:
    """One epoch, and the site that was the writer in it, since when (seconds since 1970) and by which operation."""

    epoch: int
    site: str
    since: float
    by: str = ""


@dataclass(frozen=True)
class Writer:
    """Who may write, as writer.json says (epochs.py)."""

    site: str
    """"" while nobody has looked."""
    epoch: int = 0
    by: str = ""
    """The operation that raised it."""
    held: tuple[Held, ...] = ()
    """All epochs, the present one last."""
    unserved: bool = False
    """Raised, and then no latch object was touched: users are elsewhere, and nobody served in this epoch."""
    words: str = ""
    """What is wrong with the document."""

    def holder(self, epoch: int) -> str:
        """The site whose backups of this epoch count; "" when the document does not know the epoch."""
        if self.unserved and epoch == self.epoch:
            epoch = max((one.epoch for one in self.held[:-1]), default=0)
        return next((one.site for one in self.held if one.epoch == epoch), "")


@dataclass(frozen=True)
class Backups:
    """All of them, in the order in which they began."""

    complete: tuple[Backup, ...] = ()
    halves: tuple[str, ...] = ()
    """Begun, without a manifest: no backups."""
    problem: str = ""
    """Why they cannot be listed; empty when they were."""
    unread: str = ""
    """Why the standby's own, in a store of its own, cannot be listed; empty when they were."""
    broken: tuple[str, ...] = ()
    """Sentences about those that have a manifest, and not what it names."""

    def find(self, identity: str) -> Backup | None:
        """The complete backup of that name."""
        return next((backup for backup in self.complete if backup.id == identity), None)

    @property
    def highest_epoch(self) -> int:
        """That any of them names."""
        return max((backup.epoch or 0 for backup in self.complete), default=0)


@dataclass(frozen=True)
class Standby:
    """The standby machine's own report."""

    exists: bool = False
    known: bool = False
    words: str = ""
    """Why it is not known."""
    outcome: str = ""
    """running, ready or failed; with the step and the reason in `detail`."""
    detail: str = ""
    backup_id: str = ""
    """Backup that its data came from; "" while there is none."""
    closed: bool = False
    """Its application was stopped by a failback and stays so."""
    writable: bool | None = None
    server: Mapping[str, Any] = field(default_factory=dict)
    """Of its database: version, lower_case_table_names."""
    complaints: tuple[Complaint, ...] = ()
    """What it finds wrong with itself."""


@dataclass(frozen=True)
class Answer:
    """Which site a name leads to, as one server or the desk's resolver answers. `site` is "" when it cannot be told."""

    server: str
    addresses: tuple[str, ...]
    site: str
    words: str = ""
    ttl_seconds: int | None = None
    """What is left of it: so long a resolver gives the same answer."""


@dataclass(frozen=True)
class NameSeen:
    """What DNS says of a name now."""

    fqdn: str
    authoritative: tuple[Answer, ...] = ()
    resolver: Answer | None = None

    def site(self) -> str:
        """The one site that all of the zone's servers answer with; "" when they differ or do not say."""
        found = {seen.site for seen in self.authoritative}
        return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True)
class Away:
    """All of it, read once; or some parts, and the others as if there were nothing."""

    inventory: Inventory
    now: float
    latch: tuple[LatchObject, ...] = ()
    backups: Backups = Backups()
    standby: Standby = Standby()
    names: tuple[NameSeen, ...] = ()
    unfinished: Unfinished | None = None
    astray: str = ""
    """Why the journal's pointer leads to no operation, and what to do; "" when it does, or there is none."""
    cut: str = ""
    """What a drill of a DMS task may have left cut, in words; "" where nothing is."""
    writer: Writer = Writer("")
    held: str = ""
    """Who holds the operation lock, in words."""

    @property
    def latched(self) -> bool:
        """Users are at the standby: one object is enough."""
        return any(one.set for one in self.latch)

    @property
    def unlatched(self) -> bool:
        """Users are at the primary for certain: both stores say that there is nothing."""
        return bool(self.latch) and all(one.set is False for one in self.latch)

    @property
    def writer_problem(self) -> str:
        """What is wrong with the writer's document by itself; "" when nothing is."""
        if self.writer.words:
            return self.writer.words
        if self.backups.highest_epoch > self.writer.epoch:
            return (
                f"writer.json is of epoch {self.writer.epoch} and a backup of epoch {self.backups.highest_epoch}: it "
                "was lost, or an old one was put back"
            )
        return ""

    def active_site(self) -> str:
        """Where users are by the latch, which decides; "" when it cannot be told."""
        return self.inventory.away if self.latched else self.inventory.home if self.unlatched else ""


class PartUnread(Exception):
    """A part of Away that its place did not tell."""

    def __init__(self, part: str, problem: Exception) -> None:
        self.part, self.problem = part, problem
        super().__init__(str(problem))


class Parts:
    """The parts of Away, all asked for at once; whoever needs some waits for those, and learns what became of them."""

    def __init__(self, inventory: Inventory, now: float, asks: Mapping[str, Callable[[], Any]]) -> None:
        """`asks`: field of Away → how it is read."""
        self._inventory, self._now = inventory, now
        pool = ThreadPoolExecutor(max_workers=len(asks))
        self._found: dict[str, Future[Any]] = {part: pool.submit(ask) for part, ask in asks.items()}
        pool.shutdown(wait=False)

    def __call__(self, *parts: str) -> Away:
        """These; all without a word. PartUnread when one of them could not be read."""
        found = {}
        for part in parts or self._found:
            try:
                found[part] = self._found[part].result()
            except Exception as problem:
                raise PartUnread(part, problem) from problem
        return Away(self._inventory, self._now, **found)
