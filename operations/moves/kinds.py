"""The kinds of move: ours, and each module that a topology elsewhere brings in a folder `operations/moves`."""

from twinsite.inventory import Inventory

from ..brought import brought
from ..parts import Needs, lacking
from ..stack import Stack
from ..transport import Transport
from . import dms, from_archive, from_backup, logical
from .world import Move, World

KINDS: tuple[Move, ...] = (from_backup, logical, dms, from_archive, *brought(__package__))


def needs(command: str) -> tuple[Needs, ...]:
    """What the command needs of a stack, by each kind of move that has it."""
    return tuple(kind.COMMANDS[command] for kind in KINDS if command in kind.COMMANDS)


def chosen(command: str, inventory: Inventory) -> Move | None:
    """The first kind that has the command, and for which the inventory holds the parts."""
    fit = (kind for kind in KINDS if command in kind.COMMANDS and not lacking(kind.COMMANDS[command], inventory))
    return next(fit, None)


def connect(command: str, stack: Stack, hosts: Transport) -> World:
    """The world of a stack as that kind works with it. ValueError when there is none, or no store that can be used."""
    kind = chosen(command, stack.inventory)
    if kind is None:
        raise ValueError(f"no kind of move has {command} for topology {stack.inventory.topology}: `twinsite status`")
    return kind.connect(stack, hosts)
