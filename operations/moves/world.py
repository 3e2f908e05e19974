"""What a kind of move is: a module that says which commands it has, and makes the world of a stack."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from twinsite.inventory import Inventory

from ..drill.timeline import Clock
from ..parts import Needs
from ..stack import Stack
from ..store import Store
from ..transport import Transport
from .users import Watch
from .words import Command, Intent, Plan, Refusal


class World(Protocol):
    """A stack, as one kind of move works with it."""

    store: Store
    """Keeps lock, journal and evidence."""

    @property
    def inventory(self) -> Inventory:
        """As it is now: a step may change it."""

    def plan(self, intent: Intent, owner: str) -> Plan | Refusal:
        """Read everything once, and decide. `owner` holds the lock; it is not in its own way."""

    def hands(self, identity: str, began: float) -> Any:
        """What the steps of operation `identity` work with."""

    def watch(self, intent: Intent) -> Watch | None:
        """Users, watched from now on; None where nobody is moved, or nobody can be watched."""

    def lead(self, command: Command) -> str:
        """What was done, for the head of the page."""

    def left(self, command: Command, to: str) -> list[str]:
        """What is left for a person after it; `to` is the site that serves now."""


@runtime_checkable
class Clocked(Protocol):
    """Hands that have seen what machines' clocks say."""

    @property
    def clocks(self) -> Mapping[str, Clock]:
        """Machine → its clock beside this desk's."""


class Move(Protocol):
    """A kind of move."""

    @property
    def COMMANDS(self) -> Mapping[str, Needs]:
        """Command → what it needs of a stack."""

    def connect(self, stack: Stack, hosts: Transport) -> World:
        """ValueError when the inventory names no store that can be used."""
