"""The `mysql` client: MySQL's own, and nobody's login file tells it who it is."""

import os
import pathlib
import subprocess
from collections.abc import Callable, Iterator

import pytest

from twinsite.guest import client
from twinsite.guest.backup.client import Server
from twinsite.guest.backup.config import Database
from twinsite.guest.database import server
from twinsite.guest.errors import Refused, SqlError

Client = Callable[[str], None]
DATABASE = Database("db.example.com", 'ba"ck\\up', "app")


@pytest.fixture
def install(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Puts a `mysql` that is this script."""
    monkeypatch.setenv("PATH", str(tmp_path))
    client.require.cache_clear()

    def put(script: str) -> None:
        program = tmp_path / "mysql"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    yield put
    client.require.cache_clear()


@pytest.mark.parametrize(
    ("line", "is_other"),
    [
        ("mysql  Ver 9.7.4 for Linux on x86_64 ((Debian))\n", False),
        ("mysql  Ver 8.0.43-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))", False),
        ("mysql  Ver 8.4.6-6 for Linux on x86_64 (Percona Server (GPL), Release 6)", False),
        ("mysql  Ver 15.1 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64) using  EditLine wrapper", True),
        ("mysql from 11.8.3-MariaDB, client 15.2 for debian-linux-gnu (x86_64) using  EditLine wrapper", True),
    ],
)
def test_mariadbs_client_is_known_by_its_version_line(line: str, is_other: bool) -> None:
    said = client.other(line)
    assert bool(said) == is_other
    assert not said or "mysql-community-client" in said


def test_mariadbs_client_is_refused_with_what_to_install_before_anything_is_asked(install: Client) -> None:
    install("echo 'mysql  Ver 15.1 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)'")
    with Server(DATABASE, "word") as reached, pytest.raises(Refused, match=r"is MariaDB's .*mysql-community-client"):
        reached.session()


def test_a_missing_client_is_refused_with_what_to_install(install: Client) -> None:
    with Server(DATABASE, "word") as reached, pytest.raises(Refused, match=r"not installed: .*mysql-client of Ubuntu"):
        reached.session()


WHO = 'case "$*" in *--version*) echo "mysql  Ver 8.4.6";; *) echo "$MYSQL_TEST_LOGIN_FILE"; /bin/cat "${1#*=}";; esac'


def test_no_login_file_of_whoever_runs_it_is_read_and_the_user_is_ours(install: Client) -> None:
    install(WHO)
    with Server(DATABASE, "word") as reached:
        said, _ = reached.client([], stdout=subprocess.PIPE).communicate()
    login, *defaults = said.decode().splitlines()
    assert login == client.NO_LOGIN_FILE["MYSQL_TEST_LOGIN_FILE"]
    assert not os.path.exists(login)
    assert defaults[:2] == ["[client]", 'user="ba\\"ck\\\\up"']


def test_a_replicas_way_to_its_source_reads_no_login_file_either(install: Client) -> None:
    install(f"({WHO}) >&2; exit 1")
    with pytest.raises(SqlError, match="/nonexistent/twinsite"):
        server._run([], "SELECT 1", 5, "[client]\n")
