"""Whose a MySQL account is: made by twinsite, made by somebody, or MySQL's own."""

import pytest

from tests.unit.test_database_settings import SECRETS, SOURCE
from twinsite.guest import ownership
from twinsite.guest.database import accounts
from twinsite.guest.database.config import parse
from twinsite.guest.errors import Refused

SYSTEM = ["root", "mysql.sys", "mysql.session", "mysql.infoschema", "debian-sys-maint", "rdsadmin", "azure_superuser"]
WANTED = [
    "GRANT PROCESS, REPLICATION CLIENT ON *.* TO 'ops'@'localhost'",
    "GRANT SELECT ON twinsite.* TO 'ops'@'localhost'",
]
SHOWN = [
    "GRANT USAGE ON *.* TO `ops`@`localhost`",
    "GRANT REPLICATION CLIENT, PROCESS ON *.* TO `ops`@`localhost`",
    "GRANT SELECT ON `twinsite`.* TO `ops`@`localhost`",
]


@pytest.mark.parametrize("user", [*SYSTEM, "ROOT", "", "cloudsqladmin", "mysql.anything"])
def test_a_system_accounts_name_is_known(user: str) -> None:
    assert ownership.is_system(user)


@pytest.mark.parametrize("user", ["ubuntu", "twinsite", "twinsite_repl", "dbadmin", "rooted", "mysqlops"])
def test_an_ordinary_name_is_no_system_accounts(user: str) -> None:
    assert not ownership.is_system(user)


@pytest.mark.parametrize("user", SYSTEM)
@pytest.mark.parametrize("field", ["replication_user", "clone_user", "operator_users"])
def test_every_system_accounts_name_is_refused_wherever_one_is_named(field: str, user: str) -> None:
    if field == "operator_users" and "." in user:
        return  # no login of an operating system; refused by its form
    config = parse({**SOURCE, field: [user] if field == "operator_users" else user})
    with pytest.raises(Refused, match=f"{user}.*give a name of its own"):
        accounts.refuse_system_names(config)


def test_grants_are_the_same_whatever_their_quotes_and_order() -> None:
    assert ownership.same_grants(SHOWN, WANTED)


@pytest.mark.parametrize(
    "more",
    [
        "GRANT SELECT ON `shop`.* TO `ops`@`localhost`",
        "GRANT `dba`@`%` TO `ops`@`localhost`",
        "GRANT SELECT ON `twinsite`.* TO `ops`@`localhost` WITH GRANT OPTION",
        "REVOKE SELECT ON `mysql`.* FROM `ops`@`localhost`",
    ],
)
def test_one_right_more_makes_them_somebodys_own(more: str) -> None:
    assert not ownership.same_grants([*SHOWN, more], WANTED)


def test_one_right_less_makes_them_somebodys_own() -> None:
    assert not ownership.same_grants(SHOWN[:2], WANTED)


GOOD = {"p": "caching_sha2_password", "s": "ANY", "l": "N", "x": "N", "a": None}


def judged(monkeypatch: pytest.MonkeyPatch, row: "dict[str, str | None] | None", grants: list[str]) -> list[str]:
    """What is said of the replication account when it is like that; the clone account is as it is to be."""
    config = parse(SOURCE)
    repl = f"GRANT REPLICATION SLAVE ON *.* TO `{config.replication_user}`@`{config.replica_address}`"
    clone = f"GRANT BACKUP_ADMIN ON *.* TO `{config.clone_user}`@`{config.replica_address}`"
    rows = {
        config.replication_user: row and {"f": ownership.fingerprint(SECRETS.replication_password), **row},
        config.clone_user: {"f": ownership.fingerprint(SECRETS.clone_password), **GOOD},
    }
    shown = {config.replication_user: [repl] if grants == ["its own"] else grants, config.clone_user: [clone]}
    monkeypatch.setattr(accounts, "_user", lambda user, host: rows[user])
    monkeypatch.setattr(accounts, "_shown", lambda user, host: shown[user])
    return accounts.differences(config, SECRETS)


def test_accounts_as_they_were_made_have_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, dict(GOOD), ["its own"]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"l": "Y"}, "is locked"),
        ({"x": "Y"}, "the password of account"),
        ({"s": ""}, "is let in without TLS"),
        ({"f": "0" * 32}, "bears the mark of another password"),
    ],
)
def test_each_difference_of_an_account_is_named(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str | None], words: str
) -> None:
    (found,) = judged(monkeypatch, {**GOOD, **change}, ["its own"])
    assert words in found
    assert "twinsite_repl@192.168.64.20" in found


def test_an_account_that_is_gone_or_has_other_rights_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(monkeypatch, None, []) == ["account twinsite_repl@192.168.64.20 is missing"]
    (found,) = judged(monkeypatch, dict(GOOD), ["GRANT USAGE ON *.* TO `twinsite_repl`@`192.168.64.20`"])
    assert "has not exactly its grants (REPLICATION SLAVE ON *.*)" in found
