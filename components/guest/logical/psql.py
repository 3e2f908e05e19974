"""PostgreSQL through its own client: SQL by standard input, answers as JSON, the password by the environment.

The environment of a process is readable by its own user and root only; argv is readable by everybody.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import Failed, Refused
from .config import End

SECONDS = 120
"""How long one call may take; a schema's restore may take longer."""
PROGRAMS = ("psql", "pg_dump", "pg_restore")
_SETTINGS = "-c search_path=pg_catalog -c standard_conforming_strings=on -c client_min_messages=warning"
"""Names come qualified."""
_ERROR = re.compile(r"(?:ERROR|FATAL):  ([0-9A-Z]{5}): (.*)", re.DOTALL)
_VERSION = re.compile(r"\) (\d+)")


FORBIDDEN = "42501"
"""SQLSTATE insufficient_privilege."""


APPLICATION = "twinsite"
"""By which sessions of jobs and agents are known (sessions.sql)."""


class PgError(Failed):
    """PostgreSQL said no. `state` is the SQLSTATE ("" when the client said something else), `words` its message."""

    def __init__(self, which: str, state: str, words: str) -> None:
        self.state = state
        self.words = words
        super().__init__(f"the {which} said: {words}" + (f" (SQLSTATE {state})" if state else ""))

    @property
    def unreachable(self) -> bool:
        """Whether nobody answered: the client had no server to ask."""
        return not self.state

    @classmethod
    def of(cls, which: str, said: str) -> "PgError":
        """Of a failed client's standard error."""
        found = _ERROR.search(said)
        if found:
            words = re.split(r"\n(?:LOCATION|LINE \d+):", found[2])[0]
            return cls(which, found[1], " ".join(words.split()))
        return cls(which, "", " ".join(said.split())[-1500:] or "the client was ended")


def identifier(*parts: str) -> str:
    """A name, quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """A text, quoted."""
    return "'" + text.replace("'", "''") + "'"


def conninfo(words: Mapping[str, str]) -> str:
    """libpq's key/value form."""
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in words.items()}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())


def client_version() -> int:
    """The client's major version; Refused, with what to install, when one of its programs is not there."""
    lacking = []
    said = ""
    for program in PROGRAMS:
        try:
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        except FileNotFoundError:
            lacking.append(program)
    if lacking:
        raise Refused([f"{', '.join(lacking)} of PostgreSQL's client are not installed: package postgresql-client"])
    found = _VERSION.search(said)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds."""

    connect: int = 20
    """A job is in no hurry: a busy server may take its time to let it in."""
    lock: int = 10
    """A lock that others hold for long is an error, not an outage."""
    statement: int = 0
    """0: as long as it takes."""
    call: float = SECONDS
    """One call of the client, all of it."""


PATIENT = Patience()
HURRIED = Patience(connect=5, lock=2, statement=10, call=20)
"""While nobody may write."""


class Server:
    """One end. `which` is what messages call it."""

    def __init__(self, which: str, end: End, secrets: "tuple[str, ...]" = (), patience: Patience = PATIENT) -> None:
        """`secrets` are further words that no message may have."""
        self.which, self.end, self.secrets, self.patience = which, end, secrets, patience
        self._authority = "system"
        self._file: Any = None
        if end.tls_ca and not end.local:
            # Open as long as the server is asked.
            self._file = tempfile.NamedTemporaryFile("w", prefix="twinsite-ca-", suffix=".pem")  # noqa: SIM115
            self._file.write(end.tls_ca)
            self._file.flush()
            self._authority = self._file.name

    @property
    def way(self) -> str:
        """For `--dbname`; without the password."""
        more = {"connect_timeout": str(self.patience.connect), "application_name": APPLICATION}
        return conninfo({**self.end.where(self._authority), **more})

    @property
    def environment(self) -> "dict[str, str]":
        """What a client is run with: nobody's files and variables but ours."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        own |= {"PGPASSFILE": os.devnull, "PGSERVICEFILE": os.devnull, "LC_ALL": "C.UTF-8"}
        limits = f"-c lock_timeout={self.patience.lock}s -c statement_timeout={self.patience.statement}s"
        own["PGOPTIONS"] = f"{_SETTINGS} {limits}"
        # Else a client speaks as its database is stored, which may be LATIN1, and so would what pg_dump writes.
        own |= {"PGCLIENTENCODING": "UTF8"}
        return own | ({"PGPASSWORD": self.end.password} if self.end.password else {})

    def script(self, sql: str, seconds: "float | None" = None, together: bool = False) -> str:
        """Run statements; what they answered, unaligned. `together`: in one transaction."""
        seconds = self.patience.call if seconds is None else seconds
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
        command += [*(["--single-transaction"] if together else []), "--dbname", self.way, "--file", "-"]
        try:
            done = subprocess.run(
                command,
                input=sql,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                env=self.environment,
            )
        except FileNotFoundError:
            client_version()
            raise
        except subprocess.TimeoutExpired:
            raise PgError(self.which, "", f"no answer within {seconds:g} s") from None
        if done.returncode:
            raise PgError.of(self.which, self._hidden(done.stderr))
        return done.stdout

    def tool(self, command: "list[str]", seconds: float = SECONDS) -> str:
        """pg_dump or pg_restore against this server; what it printed."""
        done = subprocess.run(
            [*command, "--dbname", self.way],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=self.environment,
        )
        if done.returncode:
            raise PgError(self.which, "", self._hidden(" ".join(done.stderr.split())[-1500:]))
        return done.stdout

    def _hidden(self, said: str) -> str:
        for secret in (self.end.password, *self.secrets):
            said = said.replace(secret, "…") if secret else said
        return said

    def rows(self, query: str, seconds: "float | None" = None) -> "list[dict[str, Any]]":
        """The rows of one SELECT, with PostgreSQL's types as JSON has them."""
        answer = self.script(f"SELECT coalesce(json_agg(q), '[]') FROM (\n{query}\n) q;", seconds)
        found: list[dict[str, Any]] = json.loads(answer)
        return found

    def row(self, query: str) -> "dict[str, Any]":
        """The one row of a SELECT."""
        (found,) = self.rows(query)
        return found
