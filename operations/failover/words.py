"""The words that a plan is made of: what a person asks for, kinds of steps, a step, a plan, a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Command(StrEnum):
    """What a person asks for."""

    FAILOVER = "failover"
    FAILBACK = "failback"
    DRILL_FAILOVER = "drill failover"
    DRILL_RESTORE = "drill restore"

    @property
    def drill(self) -> bool:
        """Leaves users where they are."""
        return self in (Command.DRILL_FAILOVER, Command.DRILL_RESTORE)


class Doing(StrEnum):
    """Kinds of steps."""

    FRESH_BACKUP = "fresh-backup"
    RAISE = "raise-mode"
    AWAIT_STANDBY = "await-standby"
    RENEW = "restore-backup"
    VERIFY_DATA = "verify-data"
    OPEN = "open-standby"
    WRITABLE = "verify-writable"
    APPLICATION = "verify-application"
    WRITER = "make-writer"
    LATCH = "set-latch"
    EVENTS = "start-events"
    ANSWERS = "verify-answers"
    KEEP_OLD = "keep-old-primary"
    LIST_EXTRA = "list-extra-rows"
    CLOSE = "close-standby"
    DUMP = "dump-standby"
    MOVE_ASIDE = "move-old-tables-aside"
    RESTORE_HOME = "restore-into-primary"
    COMPARE = "compare-tables"
    HOME_APPLICATION = "verify-primary-application"
    UNLATCH = "remove-latch"
    SCRATCH = "restore-into-scratch"
    SCRATCH_PROVE = "verify-scratch"
    SCRATCH_DROP = "drop-scratch"
    LOWER = "lower-mode"


class Where(StrEnum):
    """Whose plane a step needs, and in which region that is at home."""

    ARM = "Azure Resource Manager, at home in the standby's region"
    STORE = "Azure Storage, at home in the store's region"
    PAGES = "HTTPS and DNS queries, at home nowhere"
    CLUSTER = "the primary site's cluster and database"

    @property
    def plane(self) -> str:
        """Creating and changing machines, and running a program on one, is a control plane; the rest carries data."""
        return "control plane" if self is Where.ARM else "data plane"


@dataclass(frozen=True)
class Step:
    """One step. `name` is stable: the journal speaks of it."""

    name: str
    doing: Doing
    title: str
    needs: str
    """Precondition, as a sentence; the step itself checks it."""
    where: Where
    undo: str = "none"
    argument: str = ""
    again: bool = False
    """Done in every run, whatever the journal says: what was true before a kill need not be true after it."""
    always: bool = False
    """Done also after an earlier step has failed: it puts something back."""


@dataclass(frozen=True)
class Intent:
    """What a person asked for, and the words that they gave for it."""

    command: Command
    to: str = ""
    source_is_dead: bool = False
    one_latch: bool = False
    planned: bool = False
    ignore_lock: bool = False
    backup: str = ""
    """Id of the backup to restore; "" the newest of the writer's."""


@dataclass(frozen=True)
class Refusal:
    """Nothing is done; every reason, each with its fix."""

    problems: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Steps in order, what a person should know before them, and what was decided."""

    command: Command
    to: str
    steps: tuple[Step, ...]
    says: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    resumes: str = ""
    """Id of the operation that this one continues."""
    abandons: str = ""
    """Id of an unfinished operation that this one takes the place of."""
