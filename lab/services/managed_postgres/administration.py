"""What a managed PostgreSQL's own administration does inside it, from the network's router: as the service's superuser.

Not here: what a customer may (the SQL files beside), the machine (machine.py).
"""

import functools
import time
from collections.abc import Sequence

import psycopg

from lab.client import LabError
from lab.services.managed_postgres.machine import PORT
from lab.services.netns import inside

SECONDS = 120.0
"""For a first boot with initdb on a busy machine."""


def answered(
    namespace: str, address: str, user: str, password: str, statements: Sequence[str], database: str = "postgres"
) -> list[list[str]]:
    """Rows of the last statement, as text; each statement in a transaction of its own. Waits for a server that comes
    up. LabError with PostgreSQL's words, or when none comes up."""
    ask = functools.partial(_ask, address, user, password, statements, database)
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return inside(namespace, ask)
        except (psycopg.OperationalError, OSError) as error:
            # Roles come a moment after the server's first answer.
            if time.monotonic() > deadline:
                raise LabError(f"the server at {address} does not come up: {error}") from error
        except psycopg.Error as error:
            raise LabError(str(error).strip()) from error
        time.sleep(0.25)


def _ask(address: str, user: str, password: str, statements: Sequence[str], database: str) -> list[list[str]]:
    way = {"host": address, "port": PORT, "user": user, "password": password, "dbname": database}
    with psycopg.connect(**way, sslmode="require", connect_timeout=5, autocommit=True) as connection:
        rows: list[list[str]] = []
        for statement in statements:
            cursor = connection.execute(statement.encode())
            rows = [[str(value) for value in row] for row in cursor.fetchall()] if cursor.description else []
        return rows
