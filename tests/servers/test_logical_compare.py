"""The guest role `logical` compares both ends' rows while users write: what was spoilt is found, and nothing else."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from .load import Load
from .postgres import Flow, Postgres, eventually
from .test_logical_moves import flow as flow
from .test_logical_moves import killed, session

PASSING = """
CREATE TABLE locks (name text PRIMARY KEY, holder int);
CREATE TABLE counters (id int PRIMARY KEY, n bigint);
INSERT INTO counters SELECT i, 0 FROM generate_series(1, 200) i;
GRANT SELECT, INSERT, UPDATE, DELETE ON locks, counters TO crm_app;
"""
CHURN = """
INSERT INTO locks VALUES ('job', 1), ('mail', 1);
UPDATE counters SET n = n + 1 WHERE id = 1;
UPDATE counters SET n = 1 - n WHERE id = 2;
SELECT pg_sleep(0.02);
DELETE FROM locks;
SELECT pg_sleep(0.02);
"""
"""Rows that come and go under the same key, that change all the while, and that change there and back."""


class Churn:
    """A session that does that again and again."""

    def __init__(self, server: Postgres, database: str) -> None:
        self._client = session(server, database, "crm_app", "SET work_mem = 64;")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        pipe = self._client.stdin
        assert pipe and self._client.stdout
        while not self._over.is_set():
            pipe.write(CHURN.replace("SELECT pg_sleep", "SELECT FROM pg_sleep") + "\\echo round\n")
            pipe.flush()
            for line in self._client.stdout:
                if line.strip() == "round":
                    break

    def __enter__(self) -> "Churn":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)
        said, _ = self._client.communicate(timeout=60)
        assert "ERROR" not in said, said


@pytest.fixture
def busy(flow: Flow) -> Iterator[Flow]:
    """Under the application's load, all its tables written all the while."""
    flow.here(PASSING)
    flow.must("set-up")
    with Load((flow.source, flow.source), flow.name) as load, Churn(flow.source, flow.name):
        load.wait_for(20, 60)
        yield flow
        load.wait_for(5, 60)


def test_tables_that_are_written_all_the_while_are_judged_row_by_row(busy: Flow) -> None:
    written = {"public.customers", "public.orders"}
    same = busy.must("compare")
    assert (same["divergent"], same["unread"], same["problems"]) == ([], [], [])
    assert written | {"public.events_2026"} <= set(same["equal"])
    assert same["rows"] >= 500 + 2000 + 100 + 198, "what was there before the load is equal, and more"
    # What changes in each look is counted, and nothing else.
    assert set(same["moving"]) <= {"public.counters", "public.locks"}
    assert sum(same["unjudged"].values()) <= 4

    busy.there(
        "UPDATE orders SET cents = cents + 1 WHERE id = 7; DELETE FROM orders WHERE id = 9; "
        "INSERT INTO customers (id, name) VALUES (900000, 'of nobody')"
    )
    found, code = busy.guest("compare")
    assert (code, found["divergent"]) == (1, ["public.customers", "public.orders"])
    assert found["problems"] == [
        "public.customers differs between source and target: 1 rows (1 at the target only), of key 900000",
        "public.orders differs between source and target: 2 rows (1 at the source only, 1 not the same), of key 7, 9",
    ]
    busy.there(
        "UPDATE orders SET cents = cents - 1 WHERE id = 7; DELETE FROM customers WHERE id = 900000; "
        "INSERT INTO orders (id, customer, cents) OVERRIDING SYSTEM VALUE VALUES (9, 10, 9)"
    )
    assert busy.must("compare")["divergent"] == []


def test_a_row_that_is_changed_all_the_while_and_missing_is_found(busy: Flow) -> None:
    busy.there("DELETE FROM counters WHERE id = 1")
    found, code = busy.guest("compare")
    assert (code, found["divergent"]) == (1, ["public.counters"])
    assert found["problems"][0].endswith("1 rows (1 at the source only), of key 1")


def test_what_differs_is_mended_by_hand_behind_a_gate_that_is_shut(flow: Flow) -> None:
    """As runbook move-the-writer has it."""
    flow.must("prepare")
    behind = "BEGIN; SET LOCAL session_replication_role = replica; {}; COMMIT"
    flow.there(behind.format("DELETE FROM orders WHERE id = 9"))
    assert flow.guest("compare")[0]["divergent"] == ["public.orders"]
    row = flow.here("SELECT format('%s, %s, %s', id, customer, cents) FROM orders WHERE id = 9")
    flow.there(behind.format(f"INSERT INTO orders (id, customer, cents) OVERRIDING SYSTEM VALUE VALUES ({row})"))
    assert flow.must("compare")["divergent"] == []


def test_many_rows_that_differ_are_copied_anew_on_a_word(flow: Flow) -> None:
    flow.must("prepare")
    flow.there("BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM orders; COMMIT")
    found, code = flow.guest("compare")
    assert (code, found["divergent"], found["rows"]) == (1, ["public.orders"], 600)
    assert "2000 rows (2000 at the source only), of key 1, 10, 100 and more" in found["problems"][0]
    assert flow.refused("reseed")[0].endswith("if rows differ (`compare`), `reseed --anew`")
    killed(flow, "emptied", "reseed", "--anew")
    assert flow.must("reseed")["copied"]
    assert flow.must("compare")["divergent"] == []


def test_values_are_compared_and_not_how_a_server_writes_them(flow: Flow) -> None:
    flow.here("CREATE TABLE moments (id int PRIMARY KEY, at timestamptz, b bytea, f float8, i interval)")
    flow.here("INSERT INTO moments VALUES (1, '2026-12-01 04:00+09', '\\x00ff', 0.1::float8 + 0.2, '1 day 2 hours')")
    flow.must("set-up")
    for name, value in (("TimeZone", "Asia/Seoul"), ("DateStyle", "German"), ("bytea_output", "escape")):
        flow.there(f"ALTER DATABASE {flow.name} SET {name} = '{value}'")
    flow.there(f"ALTER DATABASE {flow.name} SET extra_float_digits = -3")
    assert flow.must("compare")["divergent"] == []


def test_a_table_without_a_key_is_compared_by_whole_rows(flow: Flow) -> None:
    flow.here("CREATE TABLE keyless (a int, b text); ALTER TABLE keyless REPLICA IDENTITY FULL")
    flow.here("INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (2, NULL)")
    flow.must("set-up")
    assert "public.keyless" in flow.must("compare")["equal"]
    flow.there("DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless WHERE a = 1)")
    assert flow.guest("compare")[0]["divergent"] == ["public.keyless"]


def test_what_there_was_no_time_for_is_named(flow: Flow) -> None:
    found = flow.must("compare", "--wait", "0")
    assert found["unread"] == ["public.customers", "public.events_2026", "public.orders"]
    assert (found["rows"], found["equal"]) == (0, [])


def test_a_comparison_that_is_killed_leaves_nothing_open(flow: Flow) -> None:
    """No transaction outlives the statement that it was at."""
    blocker = session(flow.source, flow.name, "postgres", "BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;")
    ours = "FROM pg_stat_activity WHERE application_name = 'twinsite' AND datname = current_database()"
    run = flow.begin("compare")
    eventually(lambda: flow.here(f"SELECT count(*) {ours} AND wait_event_type = 'Lock'") == "1", 60, "it is at orders")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    blocker.communicate("COMMIT;\n")
    for ask in (flow.here, flow.there):
        eventually(lambda ask=ask: ask(f"SELECT count(*) {ours}") == "0", 60, "nothing is open")  # type: ignore[misc]
    assert flow.must("compare")["divergent"] == []
