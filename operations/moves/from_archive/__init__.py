"""A PostgreSQL's backup into the standby's empty database: plan.py decides, from what the job there says of backup and
target; step.py runs the job's verb, which fetches, verifies, restores and proves (ADR 53, 68).

Not here: the verbs (components/guest/archive), users and who may write: nobody is moved.
"""

from ...parts import BUCKET, RESTORER, Needs
from ...stack import Stack
from ...transport import Transport
from ..words import Command
from ..world import World

NEEDS: Needs = ((RESTORER,), (BUCKET,))
COMMANDS = {Command.RESTORE.value: NEEDS}


def connect(stack: Stack, hosts: Transport) -> World:
    """With the operator's own identities."""
    from .world import connect as made  # a command line without a restore in it need not load the clouds' clients

    return made(stack)
