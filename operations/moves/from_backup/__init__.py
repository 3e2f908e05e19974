"""Failover, failback and their drills where the standby's data come from backups: plan.py decides, from facts alone;
each step stands whole in one of the *_steps.py, and works with hands.py. What is read is in facts_reader.py.
"""

from ...parts import BACKUPS, LATCH, NAMES, STANDBY, Needs
from ...stack import Stack
from ...transport import Transport
from ..words import Command
from ..world import World

NEEDS: Needs = ((NAMES,), (LATCH,), (BACKUPS,), (STANDBY,))
COMMANDS = {
    command.value: NEEDS
    for command in (Command.FAILOVER, Command.FAILBACK, Command.DRILL_FAILOVER, Command.DRILL_RESTORE)
}


def connect(stack: Stack, hosts: Transport) -> World:
    """With the operator's own identity."""
    from .world import connect as made  # a command line without a move in it need not load the clouds' clients

    return made(stack, hosts)
