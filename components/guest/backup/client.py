"""Sessions with a MySQL server through the `mysql` client: questions, streams of rows, chunks to load.

The password goes in through an unnamed pipe, never in argv, where every user of the host could read it. A session is
one client process and one connection, with statements by standard input; `ask` may be called from several threads.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import secrets
import select
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from .. import client
from ..errors import Failed, SqlError
from .config import Database
from .rows import cell, identifier

_AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
PIPE_BYTES = 1 << 20
LONGEST_ARGUMENT = 120_000
"""Of Linux' 131,072 bytes (MAX_ARG_STRLEN)."""
SILENCE_SECONDS = 30
"""After so long without a word a session looks whether its server works at all."""
LONG_BYTES, ENOUGH_BYTES, PAUSE_SECONDS = 4096, 1 << 18, 0.002
"""After a short read of a long answer, more is let come together: fewer turns between client and program."""

STALL_SECONDS = 86400
"""So long a session may wait for another's work, or for a store that takes or gives slowly."""

# UTC, so that no TIMESTAMP falls into the hour that a time zone has twice; zero dates, invalid dates and id 0 are data
# like any other. And what a server sets for all sessions (timeouts, limits, transactions by hand) is not set for ours.
SETTINGS = (
    "SET NAMES utf8mb4",
    "SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', foreign_key_checks = 0, "
    f"unique_checks = 0, wait_timeout = {STALL_SECONDS}, net_read_timeout = {STALL_SECONDS}, "
    f"net_write_timeout = {STALL_SECONDS}, max_execution_time = 0, sql_select_limit = {2**64 - 1}, "
    "sql_big_selects = 1, autocommit = 1, completion_type = NO_CHAIN",
    # Sizes as they are; and a key that the server made by itself is not the application's: another makes its own.
    "SET /*!80030 SESSION show_gipk_in_create_table_and_information_schema = OFF, */ "
    "SESSION information_schema_stats_expiry = 0",
)


class Server:
    """A server to connect to; a context that holds the file with its certificate authority."""

    def __init__(self, database: Database, password: str) -> None:
        self.database = database
        self._password = password
        self.own_settings: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="twinsite-")
        self._ca = next((path for path in _AUTHORITIES if os.path.exists(path)), _AUTHORITIES[0])
        if database.tls_ca:
            self._ca = os.path.join(self._folder.name, "ca.pem")
            pathlib.Path(self._ca).write_text(database.tls_ca, encoding="utf-8")

    def set_up(self, settings: "dict[str, str]") -> None:
        """What every session from here on sets for itself, beside SETTINGS."""
        self.own_settings = [f"SET SESSION {name} = {value}" for name, value in sorted(settings.items())]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def client(self, options: "Sequence[str | bytes]", **streams: Any) -> "subprocess.Popen[bytes]":
        """A running client."""
        client.require()
        user, words = (text.replace("\\", "\\\\").replace('"', '\\"') for text in (self.database.user, self._password))
        defaults = f'[client]\nuser="{user}"\npassword="{words}"\n'
        if self.database.address.startswith("/"):
            defaults += f"socket={self.database.address}\nprotocol=socket\n"
        else:
            defaults += f"host={self.database.address}\nport={self.database.port}\nprotocol=tcp\n"
            defaults += f"ssl-mode=VERIFY_IDENTITY\nssl-ca={self._ca}\n"
        reader, writer = os.pipe()
        try:
            os.write(writer, defaults.encode())
            os.close(writer)
            # The client's own character set decides only how it reads and escapes: byte by byte (with `binary` it
            # knows no white space). What the server is told comes with SETTINGS.
            return subprocess.Popen(
                [
                    "mysql",
                    f"--defaults-file=/dev/fd/{reader}",
                    "--default-character-set=latin1",
                    "--connect-timeout=60",
                    "--max-allowed-packet=1G",
                    "--comments",
                    *options,
                ],
                pass_fds=(reader,),
                env=client.environment(),
                **streams,
            )
        finally:
            os.close(reader)

    def session(self, schema: str = "") -> "Session":
        """A new connection with our settings."""
        made = Session(self)
        for statement in [*SETTINGS, *self.own_settings, *([f"USE {identifier(schema)}"] if schema else [])]:
            made.ask(statement)
        made.number = made.value("CONNECTION_ID()")
        return made


def widen(pipe: IO[bytes]) -> None:
    """Fewer and larger reads; a container may forbid it."""
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


class Session:
    """One connection."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.number = ""
        """Of the connection, as the server counts; empty while it is not known."""
        self._delimiter = f"ts{secrets.token_hex(6)}"
        self._mark = f"end{secrets.token_hex(12)}".encode()
        self._one = threading.Lock()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the session
        options = ["--batch", "--skip-column-names", "--quick", "--unbuffered", "--binary-mode", "--skip-binary-as-hex"]
        self._process = server.client(
            options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, bufsize=0
        )
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        widen(self._stdout)
        self._send(f"DELIMITER {self._delimiter}\n")

    def close(self) -> None:
        """End the connection; the server rolls back what was not committed."""
        self._process.kill()
        self._process.wait()
        for file in (self._stdin, self._stdout, self._said):
            with contextlib.suppress(OSError):
                file.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _failed(self) -> SqlError:
        self._process.kill()
        self._process.wait()
        self._said.seek(0)
        return SqlError.of(self._said.read().decode("utf-8", "replace"))

    def _send(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "surrogateescape"))
        try:
            while data:
                data = data[self._stdin.write(data) :]
        except (BrokenPipeError, ValueError):
            raise self._failed() from None

    def _heard(self) -> bytes:
        """What the client says next. Failed when it says nothing and its server has nothing to do: then it waits for
        more of a statement, in a quote that it sees where the server sees none, and would wait for ever."""
        while not self._speaks(SILENCE_SECONDS):
            if self._idle() and not self._speaks(SILENCE_SECONDS):
                self._process.kill()
                raise Failed("the `mysql` client waits for more of a statement than there is: it was ended")
        return os.read(self._stdout.fileno(), PIPE_BYTES)

    def _speaks(self, seconds: float) -> bool:
        return bool(select.select([self._stdout], [], [], seconds)[0])

    def _idle(self) -> bool:
        what = f"SELECT command FROM information_schema.processlist WHERE id = {self.number}"
        options = ["--batch", "--skip-column-names", f"--execute={what}"]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with self._server.client(options, **streams) as asked:
            assert asked.stdout
            return bool(self.number) and asked.stdout.read().strip() == b"Sleep"

    def stream(self, sql: str) -> Iterator[bytes]:
        """The rows of one statement as blocks of whole lines, as the client escapes them."""
        self._send(f"{sql}\n{self._delimiter}\nSELECT '{self._mark.decode()}'\n{self._delimiter}\n")
        last, rest = self._mark + b"\n", b""
        while True:
            data = self._heard()
            if not data:
                raise self._failed()
            if LONG_BYTES <= len(data) < ENOUGH_BYTES:
                time.sleep(PAUSE_SECONDS)
            rest += data
            if rest.endswith(last) and rest[-len(last) - 1 : -len(last)] in (b"", b"\n"):
                if rest[: -len(last)]:
                    yield rest[: -len(last)]
                return
            cut = rest.rfind(b"\n") + 1
            # The end mark's line may still be on its way; it is only ever the last one, and whole.
            if cut:
                yield rest[:cut]
                rest = rest[cut:]

    def ask(self, sql: str) -> list[list[str]]:
        """Rows of one statement as text, what is no UTF-8 in it as surrogates. NULL cannot be told from 'NULL': use
        objects() where that matters."""
        with self._one:
            lines = b"".join(self.stream(sql)).split(b"\n")[:-1]
        return [[cell(raw).decode("utf-8", "surrogateescape") for raw in line.split(b"\t")] for line in lines]

    def value(self, expression: str) -> str:
        """The value of one expression; NULL is the text NULL."""
        return self.ask(f"SELECT {expression}")[0][0]

    def objects(self, fields: dict[str, str], rest: str) -> list[dict[str, Any]]:
        """Rows as JSON objects: exact text, NULL as None. `fields`: names and expressions; `rest` begins with FROM."""
        pairs = ", ".join(f"'{name}', {expression}" for name, expression in fields.items())
        return [json.loads(row[0]) for row in self.ask(f"SELECT JSON_OBJECT({pairs}) {rest}")]


def define(server: Server, schema: str, before: list[str], sql: str) -> None:
    """Run one statement that somebody else wrote, after others of ours; its bytes reach the server as they are.

    What comes by standard input the client reads for itself: a line that begins with `delimiter` loses its end, a quote
    that it takes for another's swallows all that follows. Not so its first command.
    """
    statements = ["SET NAMES utf8mb4", *SETTINGS[1:], f"USE {identifier(schema)}", *before]
    whole = ";\n".join([*statements, sql]).encode("utf-8", "surrogateescape")
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as script:
        options: list[str | bytes] = ["--batch", "--binary-mode"]
        if len(whole) < LONGEST_ARGUMENT:
            options += [b"--init-command=" + whole]
        else:
            # An end is an end here, too, and a changed text is found when it is compared.
            delimiter = f"ts{secrets.token_hex(6)}"
            told = f"DELIMITER {delimiter}\n" + "".join(f"{one}\n{delimiter}\n" for one in [*statements, sql])
            script.write(told.encode("utf-8", "surrogateescape"))
            script.seek(0)
        client = server.client(options, stdin=script, stdout=subprocess.DEVNULL, stderr=said)
        if client.wait():
            said.seek(0)
            raise SqlError.of(said.read().decode("utf-8", "replace"))


class Questions:
    """Questions of which some may fail: a client ends with its first error, and the next gets another one."""

    def __init__(self, server: Server, schema: str, *settings: str) -> None:
        self._server, self._schema, self._settings = server, schema, settings
        self._session: Session | None = None

    def ask(self, sql: str) -> list[list[str]]:
        """As Session.ask."""
        if self._session is None:
            self._session = self._server.session(self._schema)
            for setting in self._settings:
                self._session.ask(setting)
        try:
            return self._session.ask(sql)
        except SqlError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._session:
            self._session.close()
        self._session = None

    def __enter__(self) -> "Questions":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load(server: Server, statements: list[str], content: "subprocess.Popen[bytes]") -> str:
    """Run statements that read `/dev/stdin`, fed by a process's output; all of it or an error. What they answered."""
    assert content.stdout
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as answered:
        client = server.client(
            ["--batch", "--skip-column-names", "--local-infile=1", "--execute", ";\n".join([*SETTINGS, *statements])],
            stdin=content.stdout,
            stdout=answered,
            stderr=said,
        )
        content.stdout.close()
        return _ended(client, said, answered)


def feed(server: Server, before: list[str], script: Iterable[bytes], after: list[str]) -> str:
    """Run statements, a script of ended ones as it comes, and statements; the same."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as answered:
        client = server.client(
            ["--batch", "--skip-column-names", "--binary-mode"], stdin=subprocess.PIPE, stdout=answered, stderr=said
        )
        assert client.stdin
        try:
            # A client that has ended says why.
            with contextlib.suppress(BrokenPipeError), client.stdin as stdin:
                stdin.writelines(f"{statement};\n".encode() for statement in [*SETTINGS, *before])
                stdin.writelines(script)
                stdin.writelines(f"{statement};\n".encode() for statement in after)
            return _ended(client, said, answered)
        finally:
            client.kill()
            client.wait()


def _ended(client: "subprocess.Popen[bytes]", said: IO[bytes], answered: IO[bytes]) -> str:
    code = client.wait()
    for file in (said, answered):
        file.seek(0)
    answer = answered.read(1000).decode("utf-8", "replace").strip().replace("\n", "; ")
    if not code:
        return answer
    error = SqlError.of(said.read().decode("utf-8", "replace"))
    raise SqlError(error.number, f"{error.words} ({answer})" if answer else error.words)
