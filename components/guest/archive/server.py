"""One end: ../logical's sessions, under settings with which a value is the same text at both ends."""

import contextlib
import json
import subprocess
from collections.abc import Sequence
from types import TracebackType

from ..errors import Failed
from ..logical import psql

SETTINGS = {
    # Names come qualified, and who may not see every row is told so instead of being shown some.
    "search_path": "pg_catalog",
    "row_security": "off",
    "standard_conforming_strings": "on",
    "client_min_messages": "warning",
    "lock_timeout": "30s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # What a value's text depends on; a role's or a database's own settings would win over the server's, not over these.
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    # pg_dump does not set it: money would come out as one country writes it and go in as another reads it.
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
}
NO_END = (
    "SELECT set_config(name, '0', false) FROM pg_settings "
    "WHERE name IN ('transaction_timeout', 'idle_session_timeout') \\g /dev/null\n"
)
"""A server may end what takes long (since 17) or waits (since 14); pg_dump says the same for itself."""
SECONDS = 24 * 3600
"""Of sums and of a dump: the job's own deadline ends them before."""


class Server(psql.Server):
    """`which` is what messages call it."""

    @property
    def environment(self) -> "dict[str, str]":
        """What clients are run with."""
        told = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        return {**super().environment, "PGOPTIONS": told}

    def begins_with(self, names: Sequence[str]) -> "dict[str, str]":
        """Settings as an application's sessions begin with them, by their names in lower case."""
        listed = ", ".join(psql.literal(name.lower()) for name in names)
        asked = f"SELECT json_object_agg(lower(name), setting) FROM pg_settings WHERE lower(name) IN ({listed})"
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "--dbname", self.way, "--command", asked]
        own = {name: value for name, value in self.environment.items() if name != "PGOPTIONS"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=psql.SECONDS, check=False, env=own)
        if done.returncode:
            raise psql.PgError.of(self.which, self._hidden(done.stderr))
        return dict(json.loads(done.stdout))


class Session:
    """One connection that stays: a transaction, or a lock, for as long as others work. Close it with `with`."""

    def __init__(self, server: Server) -> None:
        self._which = server.which
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"]
        self._process = subprocess.Popen(
            [*command, "--dbname", server.way, "--file", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=server.environment,
        )
        self.ask(NO_END)

    def ask(self, sql: str) -> str:
        """Run statements; what they answered."""
        assert self._process.stdin and self._process.stdout and self._process.stderr
        with contextlib.suppress(BrokenPipeError):  # then it has said why
            self._process.stdin.write(f"{sql};\n\\echo {_END}\n")
            self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.rstrip("\n") == _END:
                return "".join(lines).strip()
            lines.append(line)
        self._process.wait()
        raise psql.PgError.of(self._which, self._process.stderr.read())

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, kind: "type[BaseException] | None", value: object, trace: "TracebackType | None") -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.terminate()
        self._process.wait()


_END = "twinsite-answered"


def run(server: Server, command: "list[str]") -> None:
    """pg_dump or pg_restore against a server, for as long as it takes. Failed with its own words."""
    try:
        done = subprocess.run(
            [*command, "--dbname", server.way],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=server.environment,
        )
    except FileNotFoundError:
        psql.client_version()
        raise
    if done.returncode:
        raise Failed(f"{command[0]} against the {server.which}: {' '.join(done.stderr.split())[-1500:]}")


def text_of(command: "list[str]") -> str:
    """What pg_restore prints of an archive. Failed with its own words."""
    done = subprocess.run(command, capture_output=True, text=True, errors="surrogateescape", check=False)
    if done.returncode:
        raise Failed(f"{command[0]}: {' '.join(done.stderr.split())[-1500:]}")
    return done.stdout
