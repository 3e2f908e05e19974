"""Customers in PostgreSQL. A connection that is lost is a clear refusal, and the next request has another one.

What may be written is the database's to say: a gate (components/guest/logical/gate.sql) or a server that only reads
answers SQLSTATE 25006, missing rights 42501; both mean that this site only reads.
"""

import contextlib
import ipaddress
import os
import queue
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

READS_ONLY = ("25006", "42501")
CONNECTIONS = 8
TIMES = {"connect_timeout": "3", "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3",
         "tcp_user_timeout": "10000"}  # fmt: skip
STATEMENT_MS = 5000


class Unreachable(Exception):
    """The database does not answer, or ended the session."""


class ReadsOnly(Exception):
    """The database takes no writes from this application."""


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """libpq's, of DATABASE_* of a Workload. The certificate is always verified, its name where it has one:
    Cloud SQL's is signed by an authority of that one server, names PROJECT:INSTANCE and no address."""
    authority = environment.get("DATABASE_CA", "")
    return {
        "host": environment["DATABASE_HOST"],
        "port": environment.get("DATABASE_PORT") or "5432",
        "dbname": environment["DATABASE_NAME"],
        "user": environment["DATABASE_USER"],
        "password": environment.get("DATABASE_PASSWORD", ""),
        "sslmode": "verify-ca" if authority and _is_address(environment["DATABASE_HOST"]) else "verify-full",
        "sslrootcert": authority or "system",
        "application_name": f"crm {environment.get('SITE', '')}".strip(),
        "options": f"-c statement_timeout={STATEMENT_MS}",
        **TIMES,
    }


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Database:
    """Thread-safe. Every method raises Unreachable; those that write also ReadsOnly."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings(environment)
        self._site = environment.get("SITE", "")
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        self._room = queue.Queue[None]()
        for _ in range(CONNECTIONS):
            self._room.put(None)

    def count(self) -> int:
        return int(self._rows("SELECT count(*) FROM customers")[0][0])

    def customer(self, number: int) -> "dict[str, Any] | None":
        found = self._rows("SELECT id, key, name, email, site FROM customers WHERE id = %s", number)
        return _shown(found[0]) if found else None

    def customers(self, after: int, limit: int) -> "list[dict[str, Any]]":
        """In the order of their numbers, those above `after`."""
        asked = "SELECT id, key, name, email, site FROM customers WHERE id > %s ORDER BY id LIMIT %s"
        return [_shown(row) for row in self._rows(asked, after, limit)]

    def add(self, key: str, name: str, email: str) -> "tuple[dict[str, Any], bool]":
        """The customer of a key, and whether it is new: a writer that got no answer may ask again."""
        made = self._rows(
            "INSERT INTO customers (key, name, email, site) VALUES (%s, %s, %s, %s) ON CONFLICT (key) DO NOTHING "
            "RETURNING id, key, name, email, site",
            key, name, email, self._site,
        )  # fmt: skip
        if made:
            return _shown(made[0]), True
        return _shown(self._rows("SELECT id, key, name, email, site FROM customers WHERE key = %s", key)[0]), False

    def change(self, number: int, name: str) -> bool:
        """False when there is no such customer."""
        return bool(self._rows("UPDATE customers SET name = %s WHERE id = %s RETURNING id", name, number))

    def writes(self) -> bool:
        """Whether a write would be taken: one of no row, which a gate is asked about like any other."""
        try:
            self._rows("UPDATE customers SET name = name WHERE false RETURNING id")
        except ReadsOnly:
            return False
        return True

    def close(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._free.get_nowait().close()

    def _rows(self, statement: str, *values: Any) -> "list[tuple[Any, ...]]":
        with self._connection() as connection:
            try:
                return list(connection.execute(statement, values).fetchall())
            except psycopg.Error as error:
                if error.sqlstate in READS_ONLY:
                    raise ReadsOnly(str(error).strip()) from error
                if isinstance(error, psycopg.OperationalError):
                    raise Unreachable(str(error).strip()) from error
                raise

    @contextlib.contextmanager
    def _connection(self) -> "Iterator[Any]":
        """One of a few; one that broke is not used again."""
        try:
            self._room.get(timeout=STATEMENT_MS / 1000)
        except queue.Empty:
            raise Unreachable("all connections are busy") from None
        try:
            try:
                connection = self._free.get_nowait()
            except queue.Empty:
                connection = self._connect()
            try:
                yield connection
            finally:
                if connection.broken or connection.closed:
                    connection.close()
                else:
                    self._free.put(connection)
        finally:
            self._room.put(None)

    def _connect(self) -> Any:
        try:
            return psycopg.connect(autocommit=True, **self._settings)  # type: ignore[arg-type]
        except psycopg.Error as error:
            raise Unreachable(str(error).strip()) from error


def _shown(row: "tuple[Any, ...]") -> "dict[str, Any]":
    return dict(zip(("id", "key", "name", "email", "site"), row, strict=True))
