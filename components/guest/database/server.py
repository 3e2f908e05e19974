"""The local MySQL server: SQL through the `mysql` client, start and stop through systemd.

Statements go in by standard input, never in argv, where every user of the host could read a password.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable
from xml.etree import ElementTree

from .. import client
from ..errors import Failed, SqlError

Row = dict[str, str | None]

UNIT = "mysql.service"
SOCKET = "/run/mysqld/mysqld.sock"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

# mysqld's own: only a connection that never came about carries them.
UNREACHABLE = frozenset({2002, 2003, 2005, 2006, 2013, 2026})


def quote(text: str) -> str:
    """A string literal. The client runs with default SQL modes, where the backslash escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _rows(output: str) -> list[list[Row]]:
    """One list of rows per result set of `mysql --xml`; the only client format that tells NULL from 'NULL'."""
    results = []
    # Characters that XML 1.0 forbids would make the whole answer unreadable.
    output = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", output)
    for document in output.split('<?xml version="1.0"?>')[1:]:
        root = ElementTree.fromstring(document.strip())
        results.append(
            [
                {cell.get("name", ""): None if cell.get(_NIL) == "true" else (cell.text or "") for cell in row}
                for row in root.iter("row")
            ]
        )
    return results


def _run(options: list[str], sql: str, timeout: float, defaults: str = "") -> list[list[Row]]:
    command = ["mysql", "--no-defaults"]
    descriptors: tuple[int, ...] = ()
    if defaults:
        # An unnamed pipe: no file is left behind by a kill. MySQL skips only world-writable files.
        reader, writer = os.pipe()
        os.write(writer, defaults.encode())
        os.close(writer)
        command, descriptors = ["mysql", f"--defaults-file=/dev/fd/{reader}"], (reader,)
    try:
        done = subprocess.run(
            [*command, "--xml", "--connect-timeout=3", *options],
            input=sql,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            pass_fds=descriptors,
            env=client.environment(),
        )
    except subprocess.TimeoutExpired:
        raise SqlError(0, f"MySQL did not answer within {timeout:g} s") from None
    except FileNotFoundError:
        raise SqlError(0, f"the `mysql` client is not installed: {client.INSTALL}") from None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    if done.returncode:
        raise SqlError.of(done.stderr)
    try:
        return _rows(done.stdout)
    except ElementTree.ParseError as error:
        raise SqlError(0, f"the mysql client's answer is unreadable: {error}") from None


def sql(statements: str, timeout: float = 60) -> list[list[Row]]:
    """Run statements on the local server as root over its socket (auth_socket); rows per result set."""
    return _run(["--protocol=socket", f"--socket={SOCKET}", "--user=root"], statements, timeout)


def value(selected: str, timeout: float = 60) -> str:
    """First column of the first row of `SELECT {selected}`; NULL becomes the empty string."""
    return next(iter(sql(f"SELECT {selected}", timeout)[0][0].values())) or ""


def remote(
    address: str, port: int, user: str, password: str, ca_path: str, statements: str, timeout: float = 15
) -> list[list[Row]]:
    """Run statements on another server over verified TLS."""
    escaped = password.replace("\\", "\\\\").replace('"', '\\"')
    defaults = f'[client]\nuser={user}\npassword="{escaped}"\nhost={address}\nport={port}\n'
    options = ["--protocol=tcp", "--ssl-mode=VERIFY_IDENTITY", f"--ssl-ca={ca_path}"]
    return _run(options, statements, timeout, defaults)


def systemctl(*arguments: str, check: bool = True) -> str:
    """Run systemctl; its output. Raises Failed with the unit's last words when `check`."""
    try:
        done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"systemctl {' '.join(arguments)} did not end within 600 s\n{last_words()}") from None
    if check and done.returncode:
        raise Failed(f"systemctl {' '.join(arguments)} failed: {done.stderr.strip()}\n{last_words()}")
    return done.stdout.strip()


def last_words(lines: int = 8) -> str:
    """The server's newest error-log lines, for a message that says why it does not run."""
    found = []
    for path in ("/var/log/mysql/error.log", "/var/lib/mysql/error.log"):
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                found = [line.rstrip() for line in file if "[ERROR]" in line or "[Warning]" not in line][-lines:]
            break
    journal = subprocess.run(
        ["journalctl", "-u", UNIT, "-n", "4", "--no-pager", "-o", "cat"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return "\n".join([*found, journal])


def running() -> bool:
    """Whether the unit is active."""
    return systemctl("is-active", UNIT, check=False) == "active"


def wait(what: str, check: Callable[[], bool], seconds: float, interval: float = 0.3) -> None:
    """Until `check` is true. Raises Failed with what was awaited and the last SQL error seen."""
    deadline = time.monotonic() + seconds
    seen = ""
    while True:
        try:
            if check():
                return
        except SqlError as error:
            seen = f"; last answer: {error}"
        if time.monotonic() >= deadline:
            raise Failed(f"waited {seconds:g} s for {what}{seen}")
        time.sleep(interval)


def answers() -> bool:
    """Whether SQL works. For wait()."""
    return value("1", 5) == "1"


def start() -> None:
    """Start the server and wait until it answers."""
    systemctl("reset-failed", UNIT, check=False)
    systemctl("start", UNIT)
    wait("MySQL to answer after its start", answers, 120)


def restart() -> None:
    """Restart the server and wait until it answers."""
    systemctl("reset-failed", UNIT, check=False)
    systemctl("restart", UNIT)
    wait("MySQL to answer after its restart", answers, 120)
