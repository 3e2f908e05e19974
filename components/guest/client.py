"""The `mysql` client of this machine: MySQL's own, and told by nobody but us who it is.

~/.mylogin.cnf is read whatever --defaults-file or --no-defaults say, after them, so that its user and host win
[MySQL manual, Using Option Files]; its name comes from the environment. `--no-login-paths` is not in every 8.0.
"""

import functools
import os
import subprocess

from .errors import Refused

NO_LOGIN_FILE = {"MYSQL_TEST_LOGIN_FILE": "/nonexistent/twinsite"}
INSTALL = (
    "install MySQL's own: package mysql-client of Ubuntu, mysql-community-client of MySQL's repositories for Debian, "
    "Red Hat and others (Debian's default-mysql-client is MariaDB's)"
)


def environment() -> "dict[str, str]":
    """What the client is run with."""
    return {**os.environ, **NO_LOGIN_FILE}


@functools.lru_cache(maxsize=1)
def require() -> None:
    """Refused, with what to install, when there is no client or it is MariaDB's: that has other options, another TLS
    and other words for what it reads."""
    try:
        said = subprocess.run(["mysql", "--no-defaults", "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Refused([f"the `mysql` client is not installed: {INSTALL}"]) from None
    if problem := other(said.stdout):
        raise Refused([problem])


def other(version: str) -> str:
    """Why a client that says this of itself is not the one that is needed; empty when it is. Pure."""
    line = version.strip()
    # mysql  Ver 8.4.6 for Linux on x86_64 ((Ubuntu)); mysql  Ver 15.1 Distrib 10.11.6-MariaDB, for debian-linux-gnu;
    # mysql from 11.4.2-MariaDB, client 15.2 for debian-linux-gnu
    return f"this machine's `mysql` client is MariaDB's ({line}): {INSTALL}" if "mariadb" in line.lower() else ""
