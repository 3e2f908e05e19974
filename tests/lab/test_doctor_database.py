"""The doctor's question to a primary's database, put to a real one: what it finds, and that its fix mends it."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from operations import sql
from operations.doctor import database
from operations.doctor.answers import Answer, Finding

from .two_servers import PASSWORD, SOURCE, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

SCHEMA = "CREATE TABLE app.t (id INT PRIMARY KEY); CREATE TRIGGER app.each_row BEFORE INSERT ON app.t FOR EACH ROW DO 0"


@pytest.fixture
def primary(servers: Servers) -> Iterator[Servers]:
    """A schema with a trigger, a backup's user with what the documents say about a backup, nothing about a return."""
    servers.clear(SOURCE)
    servers.ask(SOURCE, "CREATE DATABASE app", SCHEMA)
    servers.grant_job("app")
    yield servers
    servers.ask(SOURCE, "SET GLOBAL local_infile = ON", "SET GLOBAL log_bin_trust_function_creators = ON")
    servers.clear(SOURCE)


def asked(servers: Servers) -> Finding:
    place = replace(servers.place(SOURCE), user="job", password=PASSWORD)
    with contextlib.closing(sql.connect(place)) as session:
        return database.judged(database.look(session, "app"), "app", "")


def test_what_a_failback_would_lack_is_said_and_its_statements_mend_it(primary: Servers) -> None:
    primary.ask(SOURCE, "SET GLOBAL local_infile = OFF", "SET GLOBAL log_bin_trust_function_creators = OFF")
    found = asked(primary)
    assert found.answer == Answer.NOT_OK
    for words in ("'job'@'localhost' has no ALTER", "on schemas app_aside_…", "local_infile is OFF", "make each_row"):
        assert words in found.words
    for fix in found.fix.split("; "):
        if "GRANT" in fix:
            primary.ask(SOURCE, fix.removeprefix("as the server's administrator "))
    found = asked(primary)
    assert "has no" not in found.words
    primary.ask(SOURCE, "SET GLOBAL local_infile = ON", "SET GLOBAL log_bin_trust_function_creators = ON")
    assert asked(primary).answer == Answer.OK


def test_a_right_that_a_backup_lacks_is_said(primary: Servers) -> None:
    primary.ask(SOURCE, "REVOKE TRIGGER ON app.* FROM job@localhost")
    assert "so triggers would be missing from the backup" in asked(primary).words
