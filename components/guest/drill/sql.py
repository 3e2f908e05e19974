"""One long-lived `mysql` client that answers many questions: a look at the replica several times a second costs
little."""

import contextlib
import os
import re
import subprocess
import threading
from typing import IO

SOCKET = "/run/mysqld/mysqld.sock"
LOCAL = ("--no-defaults", "--protocol=socket")
"""~/.mylogin.cnf is read all the same; what stands here wins over a host in it, as --user does over a user."""
_END = "twinsite-end"
_ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", "0": "\0"}


class SqlGone(Exception):
    """The client or the server ended, or the server said no; its own words."""


def cells(line: str) -> list[str | None]:
    """The cells of a line of `mysql --batch`. A text that is literally NULL cannot be told from NULL there."""
    found: list[str | None] = []
    for cell in line.split("\t"):
        plain = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), cell)
        found.append(None if cell == "NULL" else plain)
    return found


class Sql:
    """A session as root over the unix socket (auth_socket). Not thread-safe."""

    def __init__(self, timeout_seconds: float = 5.0) -> None:
        self._timeout = timeout_seconds
        try:
            self._client = subprocess.Popen(
                ["mysql", *LOCAL, f"--socket={SOCKET}", "--user=root", "--batch", "--unbuffered"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except OSError as error:
            raise SqlGone(f"the `mysql` client does not start: {error}") from None
        self._asking = threading.Timer(0, lambda: None)

    def close(self) -> None:
        self._client.kill()
        self._client.wait()
        for pipe in (self._client.stdin, self._client.stdout, self._client.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _words(self) -> str:
        self._client.kill()
        _, words = self._client.communicate()
        return words.strip() or "the mysql client ended without a word"

    def ask(self, statement: str) -> list[dict[str, str | None]]:
        """Rows of one statement. SqlGone ends the session: make a new one."""
        stdin, stdout = self._client.stdin, self._client.stdout
        assert stdin is not None and stdout is not None
        # A server that hangs must not hang the observer: killing the client ends the reading below.
        watch = threading.Timer(self._timeout, self._client.kill)
        watch.daemon = True
        watch.start()
        try:
            stdin.write(f"{statement};\nSELECT '{_END}';\n")
            stdin.flush()
            lines = list(self._until_end(stdout))
        except (BrokenPipeError, ValueError):
            raise SqlGone(self._words()) from None
        finally:
            watch.cancel()
        if not lines:
            return []
        names = [name or "" for name in cells(lines[0])]
        return [dict(zip(names, cells(line), strict=True)) for line in lines[1:]]

    def _until_end(self, stdout: IO[str]) -> list[str]:
        """Lines up to our mark, which comes twice: as the column's name and as its value."""
        lines: list[str] = []
        while True:
            line = stdout.readline()
            if not line:
                raise SqlGone(self._words())
            line = line.rstrip("\n")
            if line == _END:
                stdout.readline()
                return lines
            lines.append(line)
