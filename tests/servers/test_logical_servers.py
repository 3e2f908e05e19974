"""The guest role `logical` between two real servers, PostgreSQL 16 → 18: set up, killed, looked at, taken away."""

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from .postgres import Flow, Postgres, eventually

NUMBERS = count(1)
SCHEMA = """
CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, mood mood);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer int NOT NULL REFERENCES customers,
    cents int CHECK (cents >= 0)
);
CREATE TABLE events (day date, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX orders_customer ON orders (customer);
CREATE VIEW rich AS SELECT customer, sum(cents) AS cents FROM orders GROUP BY 1;
GRANT USAGE ON SCHEMA public TO repl;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO repl;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO repl;
INSERT INTO customers (name, mood) SELECT 'c' || i, 'fine' FROM generate_series(1, 500) i;
INSERT INTO orders (customer, cents) SELECT i % 500 + 1, i FROM generate_series(1, 2000) i;
INSERT INTO events SELECT '2026-03-01', i FROM generate_series(1, 100) i;
"""


@pytest.fixture
def flow(servers: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Flow]:
    """Databases of their own, the source's with data; nothing set up."""
    name = f"crm{next(NUMBERS)}"
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    one = Flow(name, *servers, tmp_path)
    one.here(SCHEMA)
    yield one
    one.guest("take-away")


def sums(flow: Flow) -> tuple[str, str]:
    """What both ends say of all rows."""
    asked = """SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (
        SELECT c::text FROM customers c UNION ALL SELECT o::text FROM orders o UNION ALL SELECT e::text FROM events e
    ) t(t)"""
    return flow.here(asked), flow.there(asked)


def equal(flow: Flow) -> bool:
    here, there = sums(flow)
    return here == there


def test_rows_are_copied_and_then_changes_arrive(flow: Flow) -> None:
    assert flow.must("check")["versions"] == {"source": 16, "target": 18}
    made = flow.must("set-up")
    assert made["copied"] and made["tables"].keys() == {
        "public.customers",
        "public.orders",
        "public.events_2026",
        "twinsite.heartbeat",
    }
    assert flow.there("SELECT count(*) FROM orders") == "2000"
    assert equal(flow)
    flow.here("UPDATE orders SET cents = cents + 1 WHERE id <= 50; DELETE FROM orders WHERE id > 1990;")
    flow.here("INSERT INTO orders (customer, cents) VALUES (1, 7); INSERT INTO events VALUES ('2026-05-01', 1);")
    assert not equal(flow) or flow.there("SELECT count(*) FROM orders") == "1991"
    eventually(lambda: equal(flow), 60, "the changes at the target")
    found = flow.must("look")
    assert found["problems"] == [] and found["differences"] == []
    assert found["lag"]["seconds"] < 10 and found["slot"]["wal_status"] == "reserved"
    # Each again: nothing is done.
    assert flow.must("set-up")["changed"] == []
    options = flow.there(
        "SELECT suborigin, subfailover, substream FROM pg_subscription WHERE subslotname = current_database()"
    )
    assert options == "none|f|p", "failover slots need 17 at both ends"
    found = flow.must("watch", "--seconds", "1")
    assert found["connections"] > 0 and (found["lost"], found["lost_seconds"]) == (0, 0.0)


@pytest.mark.parametrize("after", ["made twinsite.heartbeat", "tables at the target", "made publication", "made slot"])
def test_a_set_up_that_was_killed_goes_on(flow: Flow, after: str) -> None:
    run = flow.begin("set-up")
    assert run.stderr
    for line in run.stderr:
        if after in line:
            break
    os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    flow.here("INSERT INTO orders (customer, cents) VALUES (2, 9)")  # what an old slot has, and the copy too
    made = flow.must("set-up")
    assert not any(after in line for line in made["changed"] if "heartbeat" not in line), "what was done is left alone"
    assert equal(flow)
    assert flow.must("look")["healthy"]


def test_a_column_that_only_the_source_has_is_named_and_then_catches_up(flow: Flow) -> None:
    flow.must("set-up")
    flow.here("ALTER TABLE orders ADD COLUMN note text")
    found, code = flow.guest("look")
    assert code == 1
    assert [one["object"] for one in found["differences"]] == ["public.orders"]
    assert any("column note text at the source only" in one for one in found["problems"])
    flow.here("INSERT INTO orders (customer, cents, note) VALUES (1, 1, 'x')")
    eventually(lambda: flow.guest("look")[0]["subscription"]["errors"]["apply_error"] > 0, 60, "an error at the target")
    assert any("a heartbeat did not arrive" in one for one in flow.guest("look")[0]["problems"])
    flow.there("ALTER TABLE orders ADD COLUMN note text")
    eventually(lambda: equal(flow), 60, "the row with the new column")
    assert flow.must("look")["differences"] == []


def test_a_new_table_is_named_and_taken_in(flow: Flow) -> None:
    flow.must("set-up")
    flow.here("CREATE TABLE extra (id int PRIMARY KEY, x mood); INSERT INTO extra VALUES (1, 'bad'), (2, 'fine')")
    problems = flow.guest("look")[0]["problems"]
    assert any("public.extra is missing at the target" in one for one in problems)
    assert any("public.extra of the source are not published" in one for one in problems)
    assert flow.must("set-up")["changed"] == [
        "made 1 tables at the target: public.extra",
        f"added public.extra to publication {flow.name}",
        "subscribed to public.extra",
    ]
    assert flow.there("SELECT string_agg(id || ':' || x, ' ' ORDER BY id) FROM extra") == "1:bad 2:fine"
    assert flow.must("look")["healthy"]


def test_indexes_views_and_types_that_differ_are_named(flow: Flow) -> None:
    flow.must("set-up")
    flow.here("ALTER TYPE mood ADD VALUE 'odd'; CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    flow.there("DROP INDEX orders_customer; DROP VIEW rich; ALTER TABLE orders DROP CONSTRAINT orders_cents_check")
    found, code = flow.guest("look")
    assert code == 1
    assert [one["object"] for one in found["differences"]] == [
        "constraint public.orders.orders_cents_check",
        "function public.one()",
        "index public.orders_customer",
        "type public.mood",
        "view public.rich",
    ]


def test_everything_that_cannot_be_replicated_is_refused_at_once(flow: Flow) -> None:
    flow.here("CREATE TABLE keyless (a int); CREATE UNLOGGED TABLE fleeting (a int PRIMARY KEY)")
    flow.here("SELECT lo_create(0); ALTER ROLE repl SET wal_sender_timeout = 0")
    flow.there("CREATE TABLE customers (id int PRIMARY KEY); INSERT INTO customers VALUES (1)")
    flow.target.configure(wal_receiver_timeout="0", log_statement="ddl")
    try:
        problems = flow.refused()
    finally:
        flow.here("ALTER ROLE repl RESET wal_sender_timeout")
        flow.target.configure(wal_receiver_timeout="", log_statement="")
    wanted = (
        "1 large objects",
        "wal_sender_timeout for repl at the source is 0",
        "wal_receiver_timeout of the target is 0",
        "would fail at the source once they are published, public.keyless",
        "that are unlogged and never reach the WAL, public.fleeting",
        "log_statement of the target is ddl",
        "the target has rows in public.customers",
        "public.customers has the column name text at the source only",
        "public.customers has the column mood public.mood at the source only",
    )
    assert len(problems) == len(wanted), problems
    for one in wanted:
        assert any(one in problem for problem in problems), (one, problems)
    # Refused means that nothing was made.
    assert flow.guest("set-up")[1] == 2
    assert flow.here("SELECT count(*) FROM pg_publication") == "0"
    assert flow.there("SELECT to_regclass('twinsite.heartbeat') IS NULL") == "t"


def test_an_update_of_a_table_without_identity_would_have_failed_at_the_source(flow: Flow) -> None:
    """The harm behind the refusal."""
    flow.here("CREATE TABLE keyless (a int); INSERT INTO keyless VALUES (1); CREATE PUBLICATION harm FOR TABLE keyless")
    with pytest.raises(AssertionError, match="does not have a replica identity and publishes updates"):
        flow.here("UPDATE keyless SET a = 2")
    flow.here("DROP PUBLICATION harm; DROP TABLE keyless")


def test_a_slot_of_somebody_else_is_refused(flow: Flow) -> None:
    flow.source.sql(f"SELECT pg_create_physical_replication_slot('{flow.name}')")
    try:
        (problem,) = flow.refused()
        assert "somebody else's: choose another name for this flow (K43)" in problem
    finally:
        flow.source.sql(f"SELECT pg_drop_replication_slot('{flow.name}')")


def test_a_slot_without_bound_is_refused(flow: Flow) -> None:
    flow.source.configure(max_slot_wal_keep_size="-1")
    try:
        (problem,) = flow.refused()
        assert "max_slot_wal_keep_size of the source is -1" in problem and "set it to 64 (MB)" in problem
    finally:
        flow.source.configure(max_slot_wal_keep_size="")


def test_a_lost_slot_is_named_and_a_new_copy_heals_it(flow: Flow) -> None:
    flow.must("set-up")
    flow.there(f"ALTER SUBSCRIPTION {flow.name} DISABLE")
    flow.source.configure(max_slot_wal_keep_size="1MB")
    flow.more["slot_wal_keep_mib"] = 1
    try:
        flow.here("CREATE TABLE noise (id int PRIMARY KEY, x text)")
        for at in range(8):
            flow.here(f"INSERT INTO noise SELECT {at} * 20000 + i, repeat('x', 400) FROM generate_series(1, 20000) i")
            flow.here("SELECT pg_switch_wal(); CHECKPOINT")
        flow.here("DROP TABLE noise")
        found, code = flow.guest("look")
        assert code == 1 and found["slot"]["wal_status"] == "lost"
        assert any(one.startswith(f"slot {flow.name} is lost: the source has removed WAL") for one in found["problems"])
        assert any(one.startswith(f"slot {flow.name} is lost") for one in flow.refused())
    finally:
        flow.source.configure(max_slot_wal_keep_size="")
    assert flow.must("reseed")["copied"] and equal(flow)
    again, code = flow.guest("reseed")
    assert code == 2 and "nothing is emptied" in again["problems"][0]
    assert flow.must("look")["problems"] == [], "the target is behind a gate that is shut"


def test_rows_that_differ_are_named_by_table_and_those_that_are_written_meanwhile_not_judged(flow: Flow) -> None:
    flow.must("set-up")
    found = flow.must("compare")
    assert (found["divergent"], found["moving"]) == ([], []) and "public.customers" in found["equal"]
    assert found["rows"] == sum(int(flow.here(f"SELECT count(*) FROM {one}")) for one in found["equal"])
    flow.there("UPDATE customers SET name = name || '!' WHERE id = 1")
    there, code = flow.guest("compare")
    assert (code, there["divergent"]) == (1, ["public.customers"])
    flow.there("UPDATE customers SET name = rtrim(name, '!') WHERE id = 1")
    assert flow.must("compare")["divergent"] == []


def test_sequences_go_ahead_of_the_sources_once(flow: Flow) -> None:
    flow.must("set-up")
    assert flow.there("SELECT coalesce(last_value, 0) FROM pg_sequences WHERE sequencename = 'customers_id_seq'") == "0"
    found = flow.must("sequences")
    assert found["moved"] == {"public.customers_id_seq": 1500, "public.orders_id_seq": 3000}
    assert flow.must("sequences")["moved"] == {}
    assert flow.there("INSERT INTO customers (name) VALUES ('new') RETURNING id") == "1501"


def test_sequences_of_a_source_that_is_gone_go_by_the_rows(flow: Flow) -> None:
    flow.must("set-up")
    flow.here("CREATE SEQUENCE loose; SELECT nextval('loose')")
    flow.there("CREATE SEQUENCE loose")
    found, code = flow.guest("sequences", "--without-source")
    assert found["moved"] == {"public.customers_id_seq": 1500, "public.orders_id_seq": 3000} and code == 1
    (problem,) = found["problems"]
    assert problem.startswith("sequence public.loose belongs to no column: set it by hand")


def test_taking_away_leaves_the_data_and_nothing_else(flow: Flow) -> None:
    flow.must("set-up")
    flow.must("take-away")
    assert flow.must("take-away")["changed"] == []
    left = "SELECT (SELECT count(*) FROM pg_publication), to_regnamespace('twinsite') IS NULL"
    assert flow.here(left) == flow.there(left) == "0|t"
    assert flow.here("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == "0"
    assert flow.there("SELECT count(*) FROM pg_subscription WHERE subname = current_database()") == "0"
    assert flow.there("SELECT count(*) FROM orders") == "2000"


def test_a_target_is_cut_off_from_a_source_that_is_gone(flow: Flow) -> None:
    flow.must("set-up")
    flow.source.stop()
    try:
        found, code = flow.guest("look")
        assert code == 1 and found["problems"][0].startswith("the source does not answer")
        away = flow.must("take-away", "--without-source")
        assert away["left"] and f"dropped subscription {flow.name}" in away["changed"]
        flow.there("INSERT INTO customers VALUES (100000, 'here')")
    finally:
        flow.source.start()
    assert flow.here("SELECT active FROM pg_replication_slots WHERE database = current_database()") == "f"
    assert f"dropped slot {flow.name}" in flow.must("take-away", "--without-target")["changed"]
    assert flow.here("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == "0"
