"""The doctor's question to the primary's database: what it reads, what it finds wrong, and what could not be asked.

Against a real server: tests/lab/test_doctor_database.py.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from operations import sql
from operations.doctor import database
from operations.doctor.answers import Answer
from operations.sql import Gone, Place, Refused, Untrusted
from operations.unanswered import CouldNotAsk
from tests.unit.test_doctor_questions import says
from twinsite.needs import Database, DatabaseSettings
from twinsite.rules.backup import failback_grants, grants
from twinsite.rules.home_database import HomeDatabase

NEEDS = Database(
    "db.example",
    "backup",
    "petclinic",
    DatabaseSettings("address_key", "user_key", "password_key", "ca_key"),
    version="8.4.6",
)
GRANTS = tuple(grants("petclinic")) + tuple(failback_grants("petclinic"))
VARIABLES = {"version": "8.4.9", "gtid_mode": "ON", "local_infile": "ON", "log_bin": "ON",
             "log_bin_trust_function_creators": "ON"}  # fmt: skip
GOOD = HomeDatabase("backup@%", VARIABLES, ("GRANT USAGE ON *.* TO `backup`@`%`", *GRANTS), ("visits",))


def judged(**changes: Any) -> Any:
    return database.judged(replace(GOOD, **changes), "petclinic", NEEDS.version)


def test_a_server_from_which_all_comes_and_to_which_all_can_return_is_ok() -> None:
    says(judged(), Answer.OK, "MySQL 8.4.9", "data can come home")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("local_infile", "OFF", ("local_infile is OFF on the primary", "SET GLOBAL local_infile = ON")),
        ("log_bin_trust_function_creators", "OFF", ("cannot make visits", "set the server parameter to ON")),
        ("super_read_only", "ON", ("the primary is read_only",)),
        ("version", "8.0.43", ("runs MySQL 8.0.43", "pulumi config set primary_database_version 8.0.43")),
    ],
)
def test_a_setting_that_would_stop_a_failback_is_said_with_its_fix(name: str, value: str, words: Sequence[str]) -> None:
    says(judged(variables={**VARIABLES, name: value}), Answer.NOT_OK, *words)


def test_without_routines_or_as_its_administrator_nobody_has_to_be_trusted() -> None:
    closed = {**VARIABLES, "log_bin_trust_function_creators": "OFF"}
    says(judged(variables=closed, programs=()), Answer.OK)
    says(judged(variables=closed, grants=("GRANT ALL PRIVILEGES ON *.* TO `backup`@`%`",)), Answer.OK)


@pytest.mark.parametrize("lacking", GRANTS)
def test_each_grant_of_the_documents_is_asked_for(lacking: str) -> None:
    found = judged(grants=[line for line in GRANTS if line != lacking])
    if lacking == GRANTS[1]:
        says(found, Answer.OK)  # what a return needs of the schema is more than that
        return
    says(found, Answer.NOT_OK, "as the server's administrator GRANT")
    assert lacking in found.fix


@dataclass
class Server:
    """Answers what the doctor asks, or does as it is told."""

    problem: Exception | None = None
    asked: list[Place] = field(default_factory=list)

    def connect(self, place: Place, seconds: float) -> "Server":
        self.asked.append(place)
        if self.problem is not None:
            raise self.problem
        return self

    def ask(self, statement: str, *values: object) -> list[dict[str, Any]]:
        if statement == "SHOW GLOBAL VARIABLES":
            return [{"Variable_name": name, "Value": value} for name, value in VARIABLES.items()]
        if statement == "SHOW GRANTS":
            return [{"Grants for backup@%": line} for line in GOOD.grants]
        if "CURRENT_USER" in statement:
            return [{"name": GOOD.user}]
        assert values == ("petclinic", "petclinic")
        return [{"name": "visits"}]

    def script(self, statements: str) -> list[Sequence[Any]]:
        raise AssertionError(statements)

    def close(self) -> None:
        return


def primary(server: Server, needs: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sql.ENGINES, "mysql", server.connect)
    return database.primary(needs, "dr", lambda key, stack: f"word of {key} in {stack}\n")


def test_it_is_asked_as_the_backups_user_with_the_stacks_own_password_and_authority(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    says(primary(server, replace(NEEDS, authority="PEM"), monkeypatch), Answer.OK)
    assert server.asked == [Place("mysql", "db.example", "backup", 3306, "word of password_key in dr", "PEM")]


@pytest.mark.parametrize(
    ("needs", "key"), [(replace(NEEDS, address=""), "address_key"), (replace(NEEDS, user=""), "user_key")]
)
def test_a_setting_that_is_not_made_is_named(needs: Database, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CouldNotAsk, match=f"setting {key} is not made"):
        primary(Server(), needs, monkeypatch)


def test_a_server_that_a_desk_does_not_reach_could_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for problem in (Gone("it does not answer"), Refused("Host 'desk' is blocked (1129)", 1129)):
        with pytest.raises(CouldNotAsk, match=r"does not answer|is blocked") as missed:
            primary(Server(problem), NEEDS, monkeypatch)
        assert missed.value.fix


def test_a_wrong_password_is_not_ok_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    found = primary(Server(Refused("Access denied for user 'backup' (1045)", 1045)), NEEDS, monkeypatch)
    says(found, Answer.NOT_OK, "Access denied", "pulumi config set --secret password_key")
    assert "word of" not in "".join(itertools.chain(found.words, found.fix))


def test_a_server_that_cannot_prove_who_it_is_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    found = primary(Server(Untrusted("certificate verify failed")), NEEDS, monkeypatch)
    says(found, Answer.NOT_OK, "certificate verify failed", "set ca_key", "address_key")
