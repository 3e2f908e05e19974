"""A backup reads no schema that a restore is filling, or has left half filled.

Such a schema looks whole: its tables are there, some with some of their rows. The restore's lock says whether one is at
work, to every user; what it leaves behind (progress.py) says whether one did not end, to whoever may see that schema:
the user that restores, which is another one where the configuration's target is.
"""

import contextlib
from collections.abc import Iterator

from ..errors import Failed, Refused
from . import progress
from .client import Server, Session
from .config import Config, Secrets


@contextlib.contextmanager
def _restorer(config: Config, secrets: Secrets, server: Server) -> Iterator[Session]:
    """A session of whoever restores into the server that is backed up."""
    here, there = config.database, config.target
    with contextlib.ExitStack() as stack:
        if (here.address, here.port) == (there.address, there.port) and here.user != there.user:
            server = stack.enter_context(Server(there, secrets.target_password))
        yield stack.enter_context(server.session())


@contextlib.contextmanager
def undisturbed(config: Config, secrets: Secrets, server: Server) -> Iterator[None]:
    """No restore into this schema has begun and not ended, and meanwhile none begins. Refused otherwise."""
    with _restorer(config, secrets, server) as session:
        # Goes with the session. A restore waits for it, longer than a snapshot takes.
        free = session.value(f"GET_LOCK('{progress.SCHEMA}', 0)") == "1"
        found = progress.look(session, config.schema)
        if words := _unfinished(found, config.schema):
            raise Refused([words])
        if not free and not found.backup_id:
            raise Refused(
                ["a restore works on this server, and this user cannot see into which schema: take the backup later"]
            )
        yield


def still_undisturbed(config: Config, secrets: Secrets, server: Server) -> None:
    """Failed when a restore into this schema began since."""
    with _restorer(config, secrets, server) as session:
        if words := _unfinished(progress.look(session, config.schema), config.schema):
            raise Failed(f"{words}; it began while the backup was taken")


def _unfinished(found: progress.State, schema: str) -> str:
    if not found.known:
        return (
            f"schema {progress.SCHEMA!r} is on the server, and is not ours or of another version, so nobody can say "
            f"whether {schema!r} is whole: DROP DATABASE {progress.SCHEMA} after a look"
        )
    if found.target_schema != schema:
        return ""
    return (
        f"a restore of backup {found.backup_id} into schema {schema!r} has not ended, so the schema is half filled: "
        f"run `backup restore {found.backup_id}` to its end, or drop the schema and then {progress.SCHEMA}"
    )
