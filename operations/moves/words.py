"""The words that a move is made of: what a person asks for, a plan, a refusal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..steps import Step


class Command(StrEnum):
    """What a person asks for."""

    FAILOVER = "failover"
    FAILBACK = "failback"
    DRILL_FAILOVER = "drill failover"
    SWITCHOVER = "switchover"
    REPAIR = "repair"
    RESTORE = "restore"
    DRILL_RESTORE = "drill restore"
    DRILL_SWITCHOVER = "drill switchover"

    @property
    def drill(self) -> bool:
        """Leaves users where they are, or brings them back."""
        return self in (Command.DRILL_FAILOVER, Command.DRILL_RESTORE, Command.DRILL_SWITCHOVER)

    @property
    def verb(self) -> str:
        """Its first word, by which the command line knows it."""
        return self.value.partition(" ")[0]


TOLD_SITE = (Command.SWITCHOVER, Command.FAILOVER, Command.FAILBACK)
"""What a person gives a site, by `--to`."""

OF_A_WRITER = (*TOLD_SITE, Command.DRILL_SWITCHOVER, Command.DRILL_FAILOVER)
"""What moves the writer between two databases of which one follows the other, and the drills of it."""


HALF_LOADED = "half-loaded"
"""A failover's word: what a first copy or a load had not brought may be lost."""


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
    confirmed: frozenset[str] = frozenset()
    """What of a repair, or of a failover (HALF_LOADED), may cost data, or the standby for a while."""
    anew: bool = False
    """Rows that the old writer alone has may be lost: it is emptied, and everything copied to it."""
    live: bool = False
    """A drill may move users, and brings them back."""

    @property
    def moves_users(self) -> bool:
        """Whether users are elsewhere for a while, at least."""
        return self.live or not (self.command.drill or self.command in (Command.REPAIR, Command.RESTORE))


@dataclass(frozen=True)
class Refusal:
    """Nothing is done; every reason, each with its fix."""

    problems: tuple[str, ...]


@dataclass(frozen=True)
class TurnBack:
    """What puts users' site back when a step fails before anybody was moved."""

    step: Step[Any]
    after: str
    """Name of the step that it undoes: without that one there is nothing to turn back."""
    undoes: frozenset[str]
    """Names of what counts no more afterwards."""
    why: str
    by_hand: str
    """What a person types when this command cannot."""
    until: str = ""
    """Name of the step after whose end nothing is turned back."""
    stopped: str = "writes at the standby are stopped"
    """What an interrupted command leaves, in words."""
    failed: str = "the standby could not be opened again"
    """When it did not turn back, in words."""


@dataclass(frozen=True)
class Plan:
    """Steps in order, what a person should know before them, and what was decided."""

    command: Command
    to: str
    steps: tuple[Step[Any], ...]
    says: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    resumes: str = ""
    """Id of the operation that this one continues."""
    abandons: str = ""
    """Id of an unfinished operation that this one takes the place of."""
    from_mode: str = ""
    """The mode in which it finds the stack."""
    turn_back: TurnBack | None = None
    backup_gib: float | None = None
    """Of what is restored; None where nothing is, or its size is not known before."""
