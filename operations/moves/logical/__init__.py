"""Switchover, failover, failback and their drills where a PostgreSQL follows another by its own logical replication:
plan.py decides, from facts alone; each step stands whole in one of the *_steps.py, and works with hands.py. Rows and
gates are moved by verbs of the job that sees both ends (ADR 59); what is asked of whom, and in which order, is ADR 64.

Not here: the verbs (components/guest/logical), the registers' rule (components/guest/writer).
"""

from ...parts import BUCKET, FOLLOWER, NAMES, Needs
from ...stack import Stack
from ...transport import Transport
from ..words import OF_A_WRITER, Command
from ..world import World

NEEDS: Needs = ((NAMES,), (FOLLOWER,), (BUCKET,))
COMMANDS = {command.value: NEEDS for command in (*OF_A_WRITER, Command.REPAIR)}


def connect(stack: Stack, hosts: Transport) -> World:
    """With the operator's own identities."""
    from .world import connect as made  # a command line without a move in it need not load the clouds' clients

    return made(stack)
