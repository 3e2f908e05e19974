"""The world as a failover needs to know it, in frozen values. Reading is in read.py, judging in plan.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.inventory import Inventory


@dataclass(frozen=True)
class Vantage:
    """What one place sees of the primary's application. `alive` is None when it could not tell."""

    place: str
    alive: bool | None
    words: str


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
    """Who may write, as writer.json says (writer.py)."""

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


@dataclass(frozen=True)
class Home:
    """The primary site's side of a failback."""

    worker: bool = False
    """Whether programs of package `backup` can run there."""
    words: str = ""
    problems: tuple[str, ...] = ()
    """Why its database cannot take the data back; each with its fix."""
    holds_data: bool = True
    """False: its tables were moved aside by a failback that did not end, and nothing whole came in their place."""


@dataclass(frozen=True)
class Seen:
    """Which site a name leads to, as one server or the desk's resolver says. `site` is "" when it cannot be told."""

    server: str
    addresses: tuple[str, ...]
    site: str
    words: str = ""


@dataclass(frozen=True)
class NameSeen:
    """What DNS says of a name now."""

    fqdn: str
    authoritative: tuple[Seen, ...] = ()
    resolver: Seen | None = None

    def site(self) -> str:
        """The one site that all of the zone's servers answer with; "" when they differ or do not say."""
        found = {seen.site for seen in self.authoritative}
        return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True)
class Program:
    """The Pulumi program here, for the one activation that needs it."""

    problems: tuple[str, ...] = ("not looked for",)
    """Why it cannot be used; each with its fix."""


@dataclass(frozen=True)
class Unfinished:
    """An operation whose command ended before it did."""

    id: str
    command: str
    began: str
    done: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """All of it, read once."""

    inventory: Inventory
    now: float
    vantages: tuple[Vantage, ...] = ()
    latch: tuple[LatchObject, ...] = ()
    backups: Backups = Backups()
    standby: Standby = Standby()
    home: Home = Home()
    names: tuple[NameSeen, ...] = ()
    program: Program = Program()
    unfinished: Unfinished | None = None
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
        return all(one.set is False for one in self.latch)

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
        sites = Sites.of(self.inventory)
        return sites.away if self.latched else sites.home if self.unlatched else ""


@dataclass(frozen=True)
class Sites:
    """The two sites of a topology: `home` is where the data live in quiet times, `away` where they go."""

    home: str
    away: str

    @staticmethod
    def of(inventory: Inventory) -> "Sites":
        """Named by what stands there, never by who serves just now: roles swap, sites do not."""
        away = next((one.site for one in inventory.azure_machines if "standby" in one.roles), inventory.standby_site)
        others = {inventory.active_site, inventory.standby_site, *(job.site for job in inventory.jobs)} - {away}
        return Sites(sorted(others)[0] if others else "", away)


def offers_failover(inventory: Inventory) -> str:
    """Empty, or why this stack has no failover from a backup."""
    missing = [
        word
        for word, there in (
            ("names", inventory.names),
            ("a latch", inventory.latch),
            ("backups", inventory.backups),
            ("a standby machine", inventory.azure_machines),
        )
        if not there
    ]
    if not missing:
        return ""
    return (
        f"topology {inventory.topology} has no {' and no '.join(missing)}: failover, failback and their drills "
        "need them; topology aws-azure has them"
    )
