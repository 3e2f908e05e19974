"""What is asked of a MySQL before DMS follows it, on a real server of the machine image."""

from collections.abc import Iterator
from typing import Any

import pytest

from operations import sql
from twinsite.rules import dms_source

from .two_servers import SOURCE, TARGET, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

SCHEMA = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) DEFAULT 'x', KEY by_name (name), "
    "CONSTRAINT named CHECK (name <> ''))",
    "CREATE TABLE shop.orders (id INT PRIMARY KEY, customer INT, note TEXT, scan MEDIUMBLOB, more JSON, `odd``%` TEXT, "
    "CONSTRAINT whose FOREIGN KEY (customer) REFERENCES shop.customers (id))",
    "CREATE TABLE shop.log (at INT)",
    "CREATE VIEW shop.names AS SELECT name FROM shop.customers",
    "CREATE TRIGGER shop.counted BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = COALESCE(NEW.note, '')",
    "INSERT INTO shop.customers VALUES (1, 'Ada')",
    "INSERT INTO shop.orders VALUES (1, 1, 'short', REPEAT('x', 70000), '{\"a\": 1}', NULL), "
    "(2, 1, NULL, NULL, NULL, 'z')",
)  # fmt: skip


@pytest.fixture
def session(servers: Servers) -> Iterator[sql.Session]:
    servers.ask(SOURCE, *SCHEMA)
    made = sql.connect(servers.place(SOURCE))
    yield made
    made.close()
    for server in (SOURCE, TARGET):
        servers.clear(server)


def test_the_largest_value_is_measured_and_judged(session: sql.Session) -> None:
    columns = session.ask(dms_source.MYSQL_LOBS, "shop")
    assert [row["column"] for row in columns] == ["note", "scan", "more", "odd`%"]
    measured = {
        table: int(session.ask(asked)[0]["bytes"]) for table, asked in dms_source.mysql_largest(columns).items()
    }
    assert measured == {"shop.orders": 70000}
    assert dms_source.largest_kib(measured) == 69
    assert list(dms_source.lob_problems(measured, 69)) == []
    assert "cuts off" in next(iter(dms_source.lob_problems(measured, 20)))


def test_its_settings_are_judged_and_the_default_checksum_is_one_of_the_problems(session: sql.Session) -> None:
    variables = session.ask(dms_source.MYSQL_VARIABLES)
    grants = [str(line) for row in session.ask(dms_source.MYSQL_GRANTS) for line in row.values()]
    follows = session.ask(dms_source.MYSQL_FOLLOWS)
    found = list(dms_source.mysql_source_problems(variables, grants, 72, follows=follows))
    assert [one.split(" is ")[0] for one in found if not one.startswith("DMS's account")] == ["binlog_checksum"]
    quiet = [{**row, "Value": "NONE"} if row["Variable_name"] == "binlog_checksum" else row for row in variables]
    everything = ["GRANT ALL PRIVILEGES ON *.* TO `root`"]
    assert list(dms_source.mysql_source_problems(quiet, everything, 72)) == []


def test_what_dms_leaves_behind_is_listed(session: sql.Session) -> None:
    listed: dict[str, list[Any]] = {
        one.what: [str(row["name"]) for row in session.ask(one.mysql, "shop")] for one in dms_source.LEFT if one.mysql
    }
    assert listed == {
        "secondary index": ["customers.by_name", "orders.whose"],
        "foreign key": ["orders.whose"],
        "check constraint": ["customers.named"],
        "default": ["customers.name"],
        "AUTO_INCREMENT": ["customers.id"],
        "view": ["names"],
        "routine": [],
        "account": [],
        "trigger": ["counted"],
        "event": [],
    }
    (problem,) = dms_source.keyless_problems(session.ask(dms_source.MYSQL_KEYLESS, "shop"))
    assert problem.startswith("shop.log has no primary key")


def test_an_account_that_may_write_is_named(session: sql.Session, servers: Servers) -> None:
    servers.ask(SOURCE, "CREATE USER app", "GRANT SELECT, INSERT ON shop.* TO app", "CREATE USER reader",
                "GRANT SELECT ON shop.* TO reader", "CREATE USER clerk", "GRANT UPDATE ON shop.orders TO clerk",
                "CREATE USER typist", "GRANT UPDATE (note), SELECT ON shop.orders TO typist")  # fmt: skip
    try:
        assert [row["name"] for row in session.ask(dms_source.WRITERS, "shop")] == [
            "'app'@'%'", "'clerk'@'%'", "'typist'@'%'",
        ]  # fmt: skip
    finally:
        servers.ask(SOURCE, "DROP USER app, reader, clerk, typist")
