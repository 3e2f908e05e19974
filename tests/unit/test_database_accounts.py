"""Whose a MySQL account is: made by twinsite, made by somebody, or MySQL's own."""

import pytest

from components.guest import ownership
from components.guest.database import accounts
from components.guest.database.config import parse
from components.guest.errors import Refused
from tests.unit.test_database_settings import SOURCE

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
