"""What a task of DMS leaves behind is made by the job of LogicalReplica, PostgreSQL 16 → 18, and the lab's DMS brings
the rows through the gate that keeps everybody else out."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from lab.services.dms.postgres import PostgresSource, PostgresTarget
from lab.services.dms.task import FRESH, Task
from operations.dms import assessment, questions
from operations.dms.answers import Answers, from_files
from operations.dms.service import Described
from tests.dms_pairs import filed
from tests.dms_trials import PATIENCE
from tests.dms_world import published
from tests.mocks.test_dms_cdc_task import POSTGRES
from twinsite.rules.logical import BEATS

from .postgres import Flow, Postgres, eventually

NUMBERS = count(1)
SCHEMA = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer int NOT NULL REFERENCES customers,
    cents int DEFAULT 7 CHECK (cents >= 0)
);
CREATE INDEX orders_customer ON orders (customer);
CREATE VIEW rich AS SELECT customer, sum(cents) AS cents FROM orders GROUP BY 1;
CREATE TABLE log (id int PRIMARY KEY);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NULL; END';
CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted();
GRANT USAGE ON SCHEMA public TO repl;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO repl;
INSERT INTO customers (name) SELECT 'c' || i FROM generate_series(1, 50) i;
INSERT INTO orders (customer, cents) SELECT i % 50 + 1, i FROM generate_series(1, 500) i;
"""
SUMS = """SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (
    SELECT c::text FROM customers c UNION ALL SELECT o::text FROM orders o UNION ALL SELECT 'l' || l::text FROM log l
) t(t)"""
MADE = """SELECT (SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_customer'),
    (SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'c') AND conrelid = 'orders'::regclass),
    (SELECT count(*) FROM pg_views WHERE viewname = 'rich'),
    (SELECT count(*) FROM pg_trigger WHERE tgname = 'noted')"""
TABLES = [{"schema": "public"}, BEATS]


class Carried(Flow):
    """With a task of the lab's DMS, told what the component publishes."""

    def task(self) -> Task:
        folder = self.folder / "task"
        folder.mkdir()
        given, source, target = published(POSTGRES, largest_lob_kib=1, tables=TABLES, through="job")
        heartbeat = source["postgresSettings"]["heartbeatEnable"]
        script = target["postgresSettings"]["afterConnectScript"]
        ends = (
            PostgresSource(self.info(self.source), f"dms_{self.name}", heartbeat, 30.0),
            PostgresTarget(self.info(self.target), script),
        )
        return Task(self.name, folder, ends, given, True, 0.2)

    def info(self, one: Postgres) -> str:
        return f"host={one.folder} port={one.port} user=postgres dbname={self.name}"

    def answered(self) -> Answers:
        """Both ends' answers to `twinsite dms questions`."""
        asked = {"source": self.here, "target": self.there}
        files = [
            filed(self.folder, end, ask(questions.text(end, self.name, ["public", "twinsite"])))
            for end, ask in asked.items()
        ]
        found = from_files(self.name, files)
        assert isinstance(found, Answers)
        return found

    def equal(self) -> bool:
        return self.here(SUMS) == self.there(SUMS)


@pytest.fixture
def flow(servers: tuple[Postgres, Postgres], tmp_path: Path) -> Iterator[Carried]:
    name = f"dmsnative{next(NUMBERS)}"
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    one = Carried(name, *servers, tmp_path, {"carrier": "dms"})
    one.here(SCHEMA)
    yield one
    servers[0].sql(
        f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'dms_{name}'"
    )


def described() -> Described:
    """As DMS has such a task."""
    mappings = published(POSTGRES, largest_lob_kib=1, tables=TABLES, through="job")[0]["tableMappings"]
    return Described("ready", "arn", "", "full-load-and-cdc", mappings, {}, {}, "arn", "dms.t3.medium", "")


def test_definitions_come_first_rows_through_the_gate_and_nobody_else_writes(flow: Carried) -> None:
    made = flow.must("set-up")
    assert flow.there(MADE) == "1|2|1|1"
    assert "made a gate at the target, shut" in made["changed"]
    assert flow.here("SELECT has_schema_privilege('repl', 'twinsite', 'CREATE')") == "t", "for DMS's own heartbeat"
    assert flow.must("set-up")["changed"] == [], "again: nothing"
    assert flow.here("SELECT count(*) FROM pg_replication_slots WHERE slot_name NOT LIKE 'dms%'") == "0"
    # Nothing stands against a start, or would be left behind, but what a person has to know.
    task, seen = flow.task(), described()
    answers = flow.answered().of_tables(seen.carries)
    assert [*assessment.hard("postgres", seen, answers, 24.0)] == []
    assert [*assessment.soft("postgres", answers)] == [
        "the target lacks account repl, which DMS does not carry: let it be made before the task starts"
    ], "it logs in at the source alone: a person's word"
    assert [*assessment.loads(FRESH, seen, answers)] == []

    found, code = flow.guest("look")
    load, beat = found["problems"]
    assert code == 1 and beat == "a heartbeat did not arrive within 10 s, none ever did: run `look` again"
    assert load.startswith("a load by dms is under way or to come at the target since "), "nothing was started yet"
    assert found["load"]["lacks"]["public.orders"] == [0, 500]
    task.start(FRESH)
    try:
        eventually(flow.equal, PATIENCE, "the load")
        flow.here(
            "INSERT INTO orders (customer) SELECT 3 FROM generate_series(1, 40); DELETE FROM orders WHERE id < 20"
        )
        eventually(flow.equal, PATIENCE, "the changes, and no trigger's work a second time")
        assert flow.there("SELECT count(*) FROM log") == "540"

        def healthy() -> bool:
            found, code = flow.guest("look")
            return code == 0 and found["lag"]["seconds"] is not None

        eventually(healthy, PATIENCE, "a heartbeat by the task")
        with pytest.raises(AssertionError, match="takes no writes here"):
            flow.there("INSERT INTO customers (name) VALUES ('somebody')")
        same = flow.must("compare")
        assert (same["divergent"], set(same["equal"])) == ([], {"public.customers", "public.log", "public.orders"})
        # A row that was changed there on purpose is found.
        flow.there("SET session_replication_role = replica; UPDATE customers SET name = 'x' WHERE id = 7")
        assert flow.guest("compare")[0]["divergent"] == ["public.customers"]
    finally:
        task.stop()
    flow.there("DROP INDEX orders_customer")
    problems = flow.guest("look")[0]["problems"]
    assert any("orders_customer" in one for one in problems)


def test_both_carriers_at_once_are_refused(flow: Carried) -> None:
    flow.more = {}
    flow.must("set-up")
    flow.more = {"carrier": "dms"}
    (problem,) = flow.refused("set-up")
    assert "rows would come twice" in problem
    flow.more = {}
    flow.must("take-away")


def test_a_login_whose_rows_the_gate_would_refuse_is_named_before_anything_is_made(flow: Carried) -> None:
    for one in (flow.here, flow.there):
        one("CREATE ROLE plain LOGIN PASSWORD 'x'")
    flow.user = "plain"
    try:
        assert [one for one in flow.refused() if "`GRANT SET ON PARAMETER session_replication_role TO plain`" in one]
        flow.there("GRANT SET ON PARAMETER session_replication_role TO plain")
        assert not [one for one in flow.refused() if "session_replication_role" in one]
    finally:
        flow.there("REVOKE SET ON PARAMETER session_replication_role FROM plain")
        for one in (flow.here, flow.there):
            one("DROP ROLE plain")
