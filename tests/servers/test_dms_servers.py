"""What is asked of a PostgreSQL before DMS follows it, on real servers 16 and 18: each statement, and its judgement."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.unit.test_tunnel_rules import names_a_fix
from twinsite.rules import dms_postgres, dms_source

from .postgres import Postgres, eventually

NUMBERS = count(1)
SCHEMA = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('fine', 'bad');
CREATE DOMAIN shop.note AS text CHECK (value <> '');
CREATE TABLE shop.customers (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(40) DEFAULT 'x' UNIQUE, mood shop.mood, home inet
);
CREATE TABLE shop.orders (
    id serial PRIMARY KEY, customer int CONSTRAINT whose REFERENCES shop.customers, note shop.note, scan bytea,
    more jsonb, "odd""%" text, free varchar, tags text[], cents numeric(12, 2) CHECK (cents >= 0), rate numeric
);
CREATE INDEX by_customer ON shop.orders (customer);
CREATE TABLE shop.log (at timestamptz);
CREATE UNLOGGED TABLE shop.cache (id int PRIMARY KEY);
CREATE TABLE shop.events (day date, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE shop.events_2026 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW shop.names AS SELECT name FROM shop.customers;
CREATE FUNCTION shop.counted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER counted BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.counted();
CREATE SEQUENCE shop.down INCREMENT -1;
INSERT INTO shop.customers (name) VALUES ('Ada');
INSERT INTO shop.orders (customer, scan, more, "odd""%") VALUES
    (1, decode(repeat('78', 70000), 'hex'), '{"a": 1}', NULL), (1, NULL, NULL, repeat('x', 40000)),
    (1, NULL, NULL, repeat('ü', 1000));
"""


class Database:
    """One with the schema, asked as a driver asks: values for `%s`, rows by name."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name

    def ask(self, statement: str, *values: str, user: str = "") -> list[dict[str, Any]]:
        # Without values nothing is put in, as drivers do it.
        text = statement % tuple(f"'{value}'" for value in values) if values else statement
        role = f"SET ROLE {user};" if user else ""
        found = self.server.sql(f"{role} SELECT coalesce(json_agg(x), '[]') FROM ({text}) x", self.name)
        rows: list[dict[str, Any]] = json.loads(found)
        return rows

    def run(self, text: str) -> None:
        self.server.sql(text, self.name)


@pytest.fixture(params=[0, 1], ids=["16", "18"])
def source(request: pytest.FixtureRequest, servers: tuple[Postgres, Postgres]) -> Iterator[Database]:
    made = Database(servers[request.param], f"dms{next(NUMBERS)}")
    made.server.sql(f"CREATE DATABASE {made.name}")
    made.run(SCHEMA)
    yield made
    made.server.sql(f"DROP DATABASE {made.name} WITH (FORCE)")


def test_the_largest_value_is_measured_as_dms_counts_it(source: Database) -> None:
    columns = source.ask(dms_postgres.LOBS, "shop")
    assert [row["column"] for row in columns] == ["note", "scan", "more", 'odd"%', "free", "tags"]
    measured = {table: int(source.ask(asked)[0]["bytes"]) for table, asked in dms_postgres.largest(columns).items()}
    assert measured == {"shop.orders": 80000}, "40000 characters have two bytes each; 70000 bytes are as many"
    assert list(dms_source.lob_problems(measured, dms_source.largest_kib(measured))) == []
    assert "cuts off" in next(iter(dms_source.lob_problems(measured, 20)))
    source.run("DELETE FROM shop.orders WHERE id < 3")
    (asked,) = dms_postgres.largest(columns).values()
    assert source.ask(asked) == [{"bytes": 4000}], "beyond ASCII a character has four"
    source.run("DELETE FROM shop.orders")
    assert source.ask(asked) == [{"bytes": 0}]


def judged(source: Database, own_slot: str = "") -> list[str]:
    settings, slots = source.ask(dms_postgres.SETTINGS), source.ask(dms_postgres.SLOTS)
    (recovery,) = source.ask(dms_postgres.RECOVERY)
    return list(dms_source.postgres_source_problems(settings, slots, recovery["replica"], own_slot))


def test_its_settings_and_slots_are_judged(source: Database) -> None:
    assert judged(source) == []
    slot = f"left_{source.name}"
    try:
        source.run(f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')")
        (problem,) = judged(source)
        assert problem.startswith(f"slot {slot} is inactive and keeps the log")
        assert judged(source, slot) == []
        source.server.configure(max_wal_senders="3", wal_sender_timeout="5s")
        assert [one.split(": ")[0] for one in judged(source, slot)] == [
            "max_wal_senders wait for a reboot", "wal_sender_timeout is 5000 ms",
        ]  # fmt: skip
    finally:
        source.server.configure(max_wal_senders="", wal_sender_timeout="")
        source.run(f"SELECT pg_drop_replication_slot('{slot}')")
    eventually(lambda: judged(source) == [], 60, "all is as it was, for whoever comes next")


def test_an_account_that_may_not_replicate_or_read_is_told_what_it_lacks(source: Database) -> None:
    dms = f"dms_of_{source.name}"
    source.run(f"CREATE ROLE {dms} LOGIN; GRANT USAGE ON SCHEMA shop TO {dms}; GRANT SELECT ON shop.orders TO {dms}")

    def told() -> list[str]:
        (account,) = source.ask(dms_postgres.ACCOUNT, user=dms)
        unreadable = source.ask(dms_postgres.UNREADABLE, "shop", user=dms)
        return list(dms_source.postgres_account_problems(account, unreadable))

    try:
        replicate, read = told()
        assert names_a_fix(replicate) and names_a_fix(read)
        assert replicate.startswith(f"DMS's account {dms} may not replicate")
        lacking = "shop.cache, shop.customers, shop.events, shop.events_2026, shop.log"
        assert read.startswith(f"DMS's account {dms} may not read {lacking}: let")
        source.run(f"ALTER ROLE {dms} REPLICATION; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {dms}")
        assert told() == []
    finally:
        source.run(f"DROP OWNED BY {dms}; DROP ROLE {dms}")


def test_what_dms_leaves_behind_is_listed(source: Database) -> None:
    reader = f"reader_of_{source.name}"
    source.run(f"CREATE ROLE {reader}; GRANT SELECT ON shop.orders TO {reader}")
    listed: dict[str, list[str]] = {
        one.what: [row["name"] for row in source.ask(one.postgres, "shop")] for one in dms_source.LEFT if one.postgres
    }
    source.run(f"DROP OWNED BY {reader}; DROP ROLE {reader}")
    assert listed == {
        "secondary index": ["customers.customers_name_key", "orders.by_customer"],
        "foreign key": ["orders.whose"],
        "check constraint": ["orders.orders_cents_check"],
        "default": ["customers.name", "orders.id"],
        "identity": ["customers.id"],
        "sequence": ["customers_id_seq", "down", "orders_id_seq"],
        "type": ["mood", "note"],
        "extension": [],
        "view": ["names"],
        "routine": ["counted()"],
        "account": [reader],
        "trigger": ["orders.counted"],
    }
    (problem,) = dms_source.keyless_problems(source.ask(dms_postgres.KEYLESS, "shop"))
    assert problem.startswith("shop.log has no primary key")


def test_what_dms_does_not_carry_is_named_with_a_way_out(source: Database) -> None:
    found = list(dms_source.uncarried_problems(source.ask(dms_postgres.UNCARRIED, "shop", "shop")))
    assert all(names_a_fix(one) for one in found), found
    assert [one.partition(",")[0] for one in found] == [
        "shop.cache is unlogged",
        "shop.customers.home is inet",
        "shop.customers.mood is shop.mood",
        "shop.events is partitioned",
        "shop.orders.rate is numeric without a precision",
    ]


def test_a_sequence_that_would_give_a_number_again_is_set_by_what_the_refusal_says(source: Database) -> None:
    source.run("SELECT nextval('shop.down') FROM generate_series(1, 3); CREATE SCHEMA there")
    source.run("CREATE SEQUENCE there.orders_id_seq; CREATE SEQUENCE there.down INCREMENT -1")
    source.run("SELECT setval('there.down', -2)")

    def told() -> list[str]:
        ends = (source.ask(dms_postgres.SEQUENCES, schema) for schema in ("shop", "there"))
        return list(dms_source.sequence_problems(*ends))

    down, orders = told()
    assert names_a_fix(down) and names_a_fix(orders)
    assert down.startswith("sequence shop.down is at -2 at the target and at -3 at the source")
    assert orders.startswith("sequence shop.orders_id_seq is at its beginning at the target and at 3 at the source")
    for problem in (down, orders):
        source.run(problem.split("`")[1].replace('"shop"', '"there"'))
    assert told() == []
    assert source.ask("SELECT nextval('there.orders_id_seq') AS next") == [{"next": 4}]


def test_an_account_that_may_write_is_named_however_it_got_there(source: Database) -> None:
    app, group, reader = (f"{one}_of_{source.name}" for one in ("app", "writers", "reader"))
    source.run(f"CREATE ROLE {app} LOGIN; CREATE ROLE {group}; CREATE ROLE {reader} LOGIN; GRANT {group} TO {app};"
               f"GRANT UPDATE ON shop.orders TO {group}; GRANT SELECT ON shop.orders TO {reader}")  # fmt: skip
    try:
        assert source.ask(dms_postgres.WRITERS, "shop") == [{"name": app}]
    finally:
        source.run(f"DROP OWNED BY {app}, {group}, {reader}; DROP ROLE {app}, {group}, {reader}")
