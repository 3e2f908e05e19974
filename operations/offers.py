"""What each command needs of a stack, and what to use where a topology has no such thing. Pure.

By what the inventory holds, never by a topology's name; a test holds every command to it, on every topology.
"""

from collections.abc import Iterable

from twinsite.inventory import Inventory

from . import parts
from .moves import kinds
from .moves.words import TOLD_SITE, Command
from .parts import BUCKET, CLOUD_TUNNELS, FOLLOWER, REPLICA, TASK, TUNNEL, Needs

NEEDS: dict[str, tuple[Needs, ...]] = {
    "status": ((),),
    "report": ((),),
    "adopt-name": ((),),  # it runs before there is an inventory, and judges by the program's preview
    "doctor": ((),),  # the same; what the stack needs, the program says
    "review": ((),),  # the same; it judges what is not there yet
    "compare-modes": ((),),  # the same
    "drill tunnel-cut": (((TUNNEL,), (REPLICA,)),),
    **{f"dms {verb}": (((TASK,),),) for verb in ("start", "stop", "resume", "modify", "reload", "questions")},
    "drill dms": (((TASK,),),),
    "drill tunnel": (((CLOUD_TUNNELS,), (FOLLOWER,), (BUCKET,)),),
    **{command.value: kinds.needs(command) for command in Command},
    "repair": (((TUNNEL, REPLICA, TASK),), *kinds.needs("repair")),
}
"""Command → what it has nothing to do without: of one kind of move, or of another."""

INSTEAD = (
    "drill restore",
    "drill failover",
    "drill switchover",
    "drill tunnel-cut",
    "drill tunnel",
    "drill dms",
    "failover",
    "failback",
    "switchover",
    "repair",
    "restore",
    "status",
)
"""What is named to a person whose command was refused, in this order."""


def lacking(command: str, inventory: Inventory) -> list[str]:
    """What the command needs and the inventory has not, in words: by the kind of move that lacks least."""
    return min((parts.lacking(needs, inventory) for needs in NEEDS[command]), key=len)


def offered(inventory: Inventory, commands: Iterable[str] = INSTEAD) -> list[str]:
    """Those of `commands` that this stack has something for."""
    return [command for command in commands if not lacking(command, inventory)]


def typed(command: str, inventory: Inventory) -> str:
    """As a person types it here."""
    to = inventory.home if command == Command.FAILBACK else inventory.away
    return f"twinsite {command}" + (f" --to {to}" if to and command in TOLD_SITE else "")


def drills(inventory: Inventory) -> list[str]:
    """The kinds of drill that this stack has."""
    return [command for command in offered(inventory) if command.startswith("drill ")]


def refusal(command: str, inventory: Inventory) -> str:
    """Empty, or why this stack has nothing for the command, and what it has."""
    missing = lacking(command, inventory)
    if not missing:
        return ""
    where = f"topology {inventory.topology} in {inventory.dr_mode}"
    why = f"{where} has no {' and no '.join(missing)}, and {command} needs them"
    has = ", ".join(f"`{typed(one, inventory)}`" for one in offered(inventory))
    return f"{why}: this stack has {has}"
