"""MySQL by pymysql: pure Python, so the same at a desk, in a pod and in a recovery kit."""

import contextlib
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

import pymysql
from pymysql.constants import CLIENT, CR
from pymysql.cursors import DictCursor

from .server import Gone, Place, Refused, Session, Untrusted

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
"""As long as the ledger on a host waits before a transaction is in doubt."""

_NO_ANSWER = frozenset({CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, CR.CR_CONN_HOST_ERROR, CR.CR_CONNECTION_ERROR})


class MySql:
    """One connection."""

    def __init__(self, place: Place, seconds: float) -> None:
        self._place = place
        more: dict[str, Any] = {"unix_socket": place.address} if place.local else {
            "host": place.address,
            "port": place.port,
            # Its certificate must be for this name and by this authority, whoever answers at the address.
            "ssl": _context(place),
        }  # fmt: skip
        with self._speaking():
            self._connection = pymysql.connect(
                user=place.user,
                password=place.password,
                charset="utf8mb4",
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                read_timeout=seconds,
                write_timeout=seconds,
                client_flag=CLIENT.MULTI_STATEMENTS,
                # What a server sets for all sessions is not set for ours.
                init_command="SET SESSION completion_type = NO_CHAIN, time_zone = '+00:00'",
                program_name="twinsite",
                **more,
            )

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (pymysql.err.MySQLError, OSError) as error:
            number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            words = str(error.args[1] if len(error.args) > 1 else error)
            if number == CR.CR_SSL_CONNECTION_ERROR or isinstance(
                getattr(error, "original_exception", error), ssl.SSLCertVerificationError
            ):
                raise Untrusted(f"{self._place}: {words}") from None
            if isinstance(error, pymysql.err.MySQLError) and number >= 1000 and number not in _NO_ANSWER:
                raise Refused(f"{self._place}: {words} ({number})", number) from None
            raise Gone(f"{self._place} does not answer: {words}") from None

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows by name."""
        with self._speaking(), self._connection.cursor(DictCursor) as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def script(self, statements: str) -> list[Sequence[Any]]:
        """The rows of all answers. One that is refused ends the rest, and what was begun is rolled back."""
        with self._speaking(), self._connection.cursor() as cursor:
            try:
                cursor.execute(statements)
                found: list[Sequence[Any]] = list(cursor.fetchall())
                while cursor.nextset():
                    found += cursor.fetchall()
            except pymysql.err.MySQLError:
                with contextlib.suppress(pymysql.err.MySQLError, OSError):
                    self._connection.rollback()
                raise
            return found

    def close(self) -> None:
        """Any number of times."""
        if self._connection.open:
            self._connection.close()


def _context(place: Place) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=place.authority or None)
    except ssl.SSLError as error:
        raise Refused(f"{place}: the authority given for it is no PEM certificate ({error})") from None


def connect(place: Place, seconds: float = ANSWER_SECONDS) -> Session:
    """A session."""
    return MySql(place, seconds)
