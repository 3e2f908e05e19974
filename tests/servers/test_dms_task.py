"""The lab's DMS between PostgreSQL 16 and 18, told what DmsCdcTask publishes: rows, harms, cuts."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lab.services.dms.postgres import PostgresSource, PostgresTarget
from lab.services.dms.task import FRESH, RELOAD, RESUME, Fault, Task
from tests.dms_world import Way, documents, published, told
from tests.mocks.test_dms_cdc_task import POSTGRES
from twinsite.rules.dms_source import start_problems

from .postgres import Postgres, eventually

NUMBERS = count(1)
ROWS, TRANSACTIONS, WRITERS = 20_000, 4_000, 4
PATIENCE = 200
"""Seconds, of a test on a busy machine."""
SCHEMA = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL, note text, scan bytea, at timestamptz);
CREATE TABLE shop.orders (
    id bigint PRIMARY KEY, customer int NOT NULL REFERENCES shop.customers, cents numeric(12, 2), tags text[]
);
CREATE INDEX by_customer ON shop.orders (customer);
"""
FILL = """
INSERT INTO shop.customers SELECT i, 'ü' || i, NULL, NULL, '2026-01-01 12:00+09' FROM generate_series(1, 100) i;
UPDATE shop.customers SET note = repeat('x', 50000), scan = decode(repeat('78', 60000), 'hex') WHERE id = 7;
INSERT INTO shop.orders SELECT i, i % 100 + 1, i / 7.0, ARRAY['a,b', NULL] FROM generate_series(1, {rows}) i;
"""
LARGEST_KIB = 98
"""50000 characters, two bytes each."""


class Pair:
    """A database at each end, the same schema natively at both, rows at the source."""

    def __init__(self, source: Postgres, target: Postgres, name: str, folder: Path, rows: int) -> None:
        self.rows, self._written = rows, 0
        self.source, self.target, self.name, self.folder = source, target, name, folder
        for one in (source, target):
            one.sql(f"CREATE DATABASE {name}")
            one.sql(SCHEMA, name)
        source.sql(FILL.replace("{rows}", str(rows)), name)
        place = source.folder / name
        place.mkdir()
        self.way = Way(place / f".s.PGSQL.{source.port}", source.folder / f".s.PGSQL.{source.port}")
        self._through = place

    def info(self, one: Postgres, folder: Path | None = None) -> str:
        return f"host={folder or one.folder} port={one.port} user=postgres dbname={self.name}"

    def task(self, theirs: bool = False, seconds: float = 30.0, **change: Any) -> Task:
        given, source, target = published(POSTGRES, **{"largest_lob_kib": LARGEST_KIB, **change})
        own = source["postgresSettings"]
        ends = (
            PostgresSource(self.info(self.source, self._through), f"dms_{self.name}", own["heartbeatEnable"], seconds),
            PostgresTarget(self.info(self.target), target["postgresSettings"]["afterConnectScript"]),
        )
        fails = own["failTasksOnLobTruncation"] and not theirs
        return Task(self.name, self.folder, ends, documents(given) if theirs else given, fails, 0.2)

    def sums(self) -> tuple[str, str]:
        asked = """SELECT md5(string_agg(t, ',' ORDER BY t)) FROM (
            SELECT c::text AS t FROM shop.customers c UNION ALL SELECT o::text FROM shop.orders o) x"""
        return self.source.sql(asked, self.name), self.target.sql(asked, self.name)

    def equal(self) -> bool:
        here, there = self.sums()
        return here == there

    def same(self) -> bool:
        """Whether what was written last has arrived, and all is equal; the first is asked quickly."""
        asked = "SELECT max(id) FROM shop.orders"
        return self.source.sql(asked, self.name) == self.target.sql(asked, self.name) and self.equal()

    def write(self, transactions: int) -> None:
        """By several sessions: inserts, changes and deletes, several rows each, one in ten rolled back."""

        first, self._written = self.rows + 1 + self._written, self._written + transactions

        def writes(worker: int) -> None:
            with psycopg.connect(self.info(self.source)) as one:
                for number in range(transactions // WRITERS):
                    new = first + worker + number * WRITERS
                    one.execute("INSERT INTO shop.orders VALUES (%s, %s, 1, '{x}')", [new, new % 100 + 1])
                    one.execute("UPDATE shop.orders SET cents = cents + 1 WHERE id = %s", [new // 2])
                    if number % 10 == 5:
                        one.rollback()
                        continue
                    one.execute("DELETE FROM shop.orders WHERE id = %s", [new - self.rows])
                    one.execute("UPDATE shop.customers SET name = %s WHERE id = %s", [f"n{new}", new % 100 + 1])
                    one.commit()

        with ThreadPoolExecutor(WRITERS) as sessions:
            list(sessions.map(writes, range(WRITERS)))

    def gone(self) -> None:
        self.way.close()
        self.source.sql(
            f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'dms_{self.name}'"
        )
        for one in (self.source, self.target):
            one.sql(f"DROP DATABASE {self.name} WITH (FORCE)")


@pytest.fixture
def pair(servers: tuple[Postgres, Postgres], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    made = Pair(*servers, f"dmstask{next(NUMBERS)}", tmp_path, getattr(request, "param", 500))
    yield made
    made.gone()


@pytest.fixture
def running(pair: Pair) -> Iterator[Callable[[Task, str], Task]]:
    """Starts tasks, and stops at the end what still runs."""
    started: list[Task] = []

    def start(task: Task, how: str = FRESH) -> Task:
        task.start(how)
        started.append(task)
        return task

    yield start  # type: ignore[misc]
    for task in started:
        if task.status == "running":
            task.stop()


def validated(task: Task) -> bool:
    return {row["ValidationState"] for row in task.statistics.rows()} == {"Validated"}


@pytest.mark.parametrize("pair", [ROWS], indirect=True)
def test_all_rows_and_all_transactions_arrive_and_a_planted_difference_is_found(pair: Pair, running: Any) -> None:
    task = running(pair.task())
    pair.write(TRANSACTIONS)
    eventually(pair.same, PATIENCE, "the last transaction at the target")
    assert pair.source.sql("SELECT count(*) FROM shop.orders", pair.name) == str(ROWS), "as many came as went"
    eventually(lambda: validated(task), PATIENCE, "every table compared by the task")
    eventually(lambda: task.latencies[-1][1] < 1, PATIENCE, "a latency of nothing")
    assert told(task) == []
    pair.target.sql("UPDATE shop.orders SET cents = 0.5 WHERE id = 9000", pair.name)
    pair.source.sql("UPDATE shop.orders SET cents = cents WHERE id = 8000", pair.name)

    def found() -> bool:
        (row,) = [one for one in task.statistics.rows() if one["TableName"] == "orders"]
        return (row["ValidationState"], row["ValidationFailedRecords"]) == ("Mismatched records", 1)

    eventually(found, PATIENCE, "the planted difference")
    (problem,) = told(task)
    assert problem.startswith(f"{task.identifier}: 1 rows of shop.orders differ between the ends")
    assert not pair.equal()
    # What was made natively is still there.
    assert pair.target.sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop'", pair.name) == "3"


def index_and_key(pair: Pair) -> tuple[str, str]:
    """How many secondary indexes and foreign keys the target has."""
    found = pair.target.sql(
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'shop' AND indexname = 'by_customer' UNION ALL "
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f'",
        pair.name,
    ).split()
    return found[0], found[1]


def lobs(pair: Pair) -> str:
    return pair.target.sql("SELECT length(note), length(scan) FROM shop.customers WHERE id = 7", pair.name)


def test_the_documents_settings_drop_and_cut_off_what_ours_leave_as_it_is(pair: Pair, running: Any) -> None:
    ours = running(pair.task())
    eventually(pair.same, PATIENCE, "the load")
    eventually(lambda: validated(ours), PATIENCE, "every table compared")
    ours.stop()
    pair.target.sql("INSERT INTO shop.orders VALUES (999, 1, 1, NULL)", pair.name)
    ours.start(RESUME)
    pair.write(40)
    eventually(lambda: ours.statistics.rows()[1]["Deletes"] > 0 and ours.status == "running", PATIENCE, "the changes")
    ours.stop()
    assert index_and_key(pair) == ("1", "1") and lobs(pair) == "50000|60000"
    assert pair.target.sql("SELECT count(*) FROM shop.orders WHERE id = 999", pair.name) == "1"
    assert ours.log() == []
    # Started again, the document's drops what it finds; twinsite's rule refuses that.
    alone = int(pair.target.sql("SELECT count(*) FROM shop.orders", pair.name)) - 500
    (refusal,) = start_problems(RELOAD, ours.status, {"shop.orders": alone}, {})
    assert refusal.startswith("reload-target would lose rows that the target alone has: shop.orders (1)")
    theirs = running(pair.task(theirs=True), RELOAD)
    eventually(lambda: lobs(pair) == "16384|32768", PATIENCE, "the document's load")
    assert index_and_key(pair) == ("0", "0")
    assert pair.target.sql("SELECT count(*) FROM shop.orders WHERE id = 999", pair.name) == "0"
    assert [line for line in theirs.log() if "truncated" in line] == [
        "]W:  shop.customers: LOB column note was truncated to 32768 bytes",
        "]W:  shop.customers: LOB column scan was truncated to 32768 bytes",
    ]
    assert {row["ValidationState"] for row in theirs.statistics.rows()} == {"Not enabled"}, "nobody compares"
    assert theirs.status == "running"


def test_a_cut_path_is_waited_for_and_all_that_was_written_meanwhile_arrives(pair: Pair, running: Any) -> None:
    task = running(pair.task(seconds=3.0, settings='{"ErrorBehavior": {"RecoverableErrorInterval": 1}}'))
    eventually(lambda: pair.same() and len(task.latencies) > 0, PATIENCE, "the load")
    pair.way.cut()
    pair.write(200)
    eventually(lambda: task.latencies[-1][2] > 4, PATIENCE, "a latency that shows the cut")
    assert not pair.equal() and task.status == "running"
    pair.way.mend()
    eventually(pair.same, PATIENCE, "what was written during the cut")
    eventually(lambda: task.latencies[-1][2] < 1, PATIENCE, "a latency that is down again")
    assert any("next try in" in line for line in task.log())


def test_a_stopped_tasks_slot_keeps_the_log_and_a_resume_takes_it_up(pair: Pair, running: Any) -> None:
    task = running(pair.task())
    eventually(pair.same, PATIENCE, "the load")
    for refused, code in (
        (lambda: task.start(RESUME), "InvalidResourceStateFault"),
        (lambda: task.modify(tableMappings="{}"), "InvalidResourceStateFault"),
    ):
        with pytest.raises(Fault) as fault:
            refused()
        assert fault.value.code == code
    place = (pair.folder / f"{pair.name}.json").read_text()
    pair.write(80)
    eventually(pair.same, PATIENCE, "the changes")
    task.stop()
    pair.write(80)
    slot = f"SELECT active FROM pg_replication_slots WHERE slot_name = 'dms_{pair.name}'"
    assert (task.status, pair.source.sql(slot)) == ("stopped", "f")
    with pytest.raises(Fault, match="valid only for tasks running for the first time"):
        task.start(FRESH)
    running(task, RESUME)
    eventually(pair.same, PATIENCE, "what was written while it was stopped")
    task.stop()
    # Another instance with a place from before: what it meets again is done already.
    (pair.folder / f"{pair.name}.json").write_text(place)
    other = pair.task()
    assert other.status == "stopped"
    running(other, RESUME)
    pair.write(40)
    eventually(pair.same, PATIENCE, "the changes by another instance")
    assert other.log() == []


def test_a_value_above_the_limit_ends_our_task_with_a_word_and_is_not_cut_off(pair: Pair, running: Any) -> None:
    task = running(pair.task(largest_lob_kib=30))
    eventually(lambda: task.status == "failed", PATIENCE, "a failure")
    assert task.describe()["LastFailureMessage"] == "shop.customers: LOB column note is longer than 65536 bytes"


def test_a_load_into_tables_with_rows_and_a_table_without_a_key_are_seen(pair: Pair, running: Any) -> None:
    pair.source.sql("CREATE TABLE shop.log (at int); INSERT INTO shop.log VALUES (1), (1), (2)", pair.name)
    pair.target.sql("INSERT INTO shop.customers VALUES (7, 'somebody else', NULL, NULL, NULL)", pair.name)
    task = running(pair.task())
    state = {"customers": "Table error", "log": "Table completed", "orders": "Table completed"}
    eventually(
        lambda: {row["TableName"]: row["TableState"] for row in task.statistics.rows()} == state, PATIENCE, "states"
    )
    pair.source.sql("INSERT INTO shop.log VALUES (3); DELETE FROM shop.log WHERE at = 2", pair.name)
    eventually(lambda: pair.target.sql("SELECT max(at) FROM shop.log", pair.name) == "3", PATIENCE, "the insert")
    assert pair.target.sql("SELECT count(*) FROM shop.log", pair.name) == "4", "the delete is ignored"

    def said() -> dict[str, str]:
        return {row["TableName"]: row["ValidationState"] for row in task.statistics.rows()}

    # What was not loaded is not compared either.
    wanted = {"customers": "Not enabled", "log": "No primary key", "orders": "Validated"}
    eventually(lambda: said() == wanted, PATIENCE, "what validation says")
