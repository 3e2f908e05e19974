"""The backup's sessions with a `mysql` client that does not answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from twinsite.guest import client as guest_client
from twinsite.guest.backup import client
from twinsite.guest.backup.config import Database
from twinsite.guest.errors import Failed, SqlError

# A client that waits for the end of a quote, on a server that has so much to do; one that ends with its first command.
CLIENT = """#!/bin/sh
for word; do
    case $word in
    --version) echo 'mysql  Ver 9.7.0 for Linux on x86_64' && exit ;;
    --execute=*) sed -n 1p {folder}/server && sed -i 1d {folder}/server && exit ;;
    --init-command=*)
        printf %s "${{word#--init-command=}}" > {folder}/told
        echo 'ERROR 1064 (42000): no' >&2
        exit 1 ;;
    esac
done
if [ -f {folder}/script ]; then cat > {folder}/told; exit; fi
cat > /dev/null
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    program = tmp_path / "mysql"
    program.write_text(CLIENT.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(client, "SILENCE_SECONDS", 0.05)
    guest_client.require.cache_clear()
    yield tmp_path
    guest_client.require.cache_clear()


def test_a_client_that_waits_for_more_of_a_statement_is_ended_and_one_whose_server_works_is_not(folder: Path) -> None:
    (folder / "server").write_text("Query\nQuery\nSleep\n")
    with client.Server(Database("/run/mysqld.sock", "u", "app"), "") as server, client.Session(server) as session:
        session.number = "7"
        with pytest.raises(Failed, match="waits for more of a statement"):
            session.ask("SELECT 'it''s")
    assert (folder / "server").read_text() == "", "it was asked until the server had nothing to do"


def test_a_statement_of_somebody_else_is_not_for_the_client_to_read(folder: Path) -> None:
    body = "CREATE PROCEDURE p() -- don't\nSELECT 1,\ndelimiter FROM t"
    with client.Server(Database("/run/mysqld.sock", "u", "app"), "") as server:
        with pytest.raises(SqlError, match="1064"):
            client.define(server, "app", ["SET SESSION sql_mode = ''"], body)
        assert (folder / "told").read_text().endswith(f"USE `app`;\nSET SESSION sql_mode = '';\n{body}")
        # Too long for an argument: a script, which has an end.
        (folder / "script").touch()
        long = f"CREATE PROCEDURE p() SELECT '{'x' * client.LONGEST_ARGUMENT}'"
        client.define(server, "app", [], long)
    told = (folder / "told").read_text()
    boundary = told.splitlines()[0].removeprefix("DELIMITER ")
    assert told.endswith(f"USE `app`\n{boundary}\n{long}\n{boundary}\n")
