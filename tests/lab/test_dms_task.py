"""The lab's DMS between two MySQL servers of the machine image, told what DmsCdcTask publishes: rows, harms, cuts."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql
import pytest

from lab.services.dms.mysql import MySqlSource, MySqlTarget
from lab.services.dms.task import FRESH, RELOAD, RESUME, Task
from tests.dms_world import Way, documents, published, told
from tests.mocks.test_dms_cdc_task import MYSQL
from tests.servers.postgres import eventually
from twinsite.rules.dms_source import start_problems

from .two_servers import SOURCE, TARGET, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

ROWS, TRANSACTIONS, WRITERS = 20_000, 4_000, 4
PATIENCE = 200
"""Seconds, of a test on a busy machine."""
SCHEMA = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.customers (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, note MEDIUMTEXT, scan MEDIUMBLOB, "
    "more JSON, at TIMESTAMP NULL)",
    "CREATE TABLE shop.orders (id BIGINT UNSIGNED PRIMARY KEY, customer INT NOT NULL, cents DECIMAL(12, 2), day DATE, "
    "KEY by_customer (customer), CONSTRAINT whose FOREIGN KEY (customer) REFERENCES shop.customers (id))",
)  # fmt: skip
FILL = (
    "SET time_zone = '+09:00', cte_max_recursion_depth = 100000",
    "INSERT INTO shop.customers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
    "SELECT i, CONCAT('ü', i), NULL, NULL, JSON_OBJECT('ä', i), '2026-01-01 12:00' FROM n",
    "UPDATE shop.customers SET note = REPEAT('x', 50000), scan = REPEAT('x', 60000) WHERE id = 7",
    "INSERT INTO shop.orders WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
    "SELECT i, i % 100 + 1, i / 7, '2026-03-01' FROM n",
)  # fmt: skip
LARGEST_KIB = 59


class Pair:
    """The same schema natively at both servers, rows at the source."""

    def __init__(self, servers: Servers, folder: Path, rows: int) -> None:
        self.servers, self.folder, self.rows, self._written = servers, folder, rows, 0
        # DMS reads no checksums; the server has them by default.
        servers.ask(SOURCE, "SET GLOBAL binlog_checksum = 'NONE'", *SCHEMA)
        servers.ask(TARGET, *SCHEMA)
        servers.ask(SOURCE, *(one.replace("{rows}", str(rows)) for one in FILL))
        self._short = tempfile.TemporaryDirectory(prefix="dms-")  # a socket's path has 107 bytes at most
        self._through = Path(self._short.name) / "source.sock"
        self.way = Way(self._through, Path(servers.place(SOURCE).address))

    def task(self, theirs: bool = False, seconds: float = 30.0, **change: Any) -> Task:
        given, _, target = published(MYSQL, **{"largest_lob_kib": LARGEST_KIB, **change})
        (init,) = [one.removeprefix("Initstmt=") for one in target["extraConnectionAttributes"].split(";")]
        ends = (
            MySqlSource({"unix_socket": str(self._through), "user": "root"}, seconds=seconds),
            MySqlTarget({"unix_socket": self.servers.place(TARGET).address, "user": "root"}, init),
        )
        return Task("shop", self.folder, ends, documents(given) if theirs else given, tell_seconds=0.2)

    def there(self, statement: str) -> Any:
        (row,) = self.servers.ask(TARGET, statement)
        return row[0]

    def equal(self) -> bool:
        asked = ("SELECT * FROM shop.customers ORDER BY id", "SELECT * FROM shop.orders ORDER BY id")
        return list(self.servers.ask(SOURCE, *asked)) == list(self.servers.ask(TARGET, *asked))

    def same(self) -> bool:
        """Whether what was written last has arrived, and all is equal; the first is asked quickly."""
        asked = "SELECT MAX(id) FROM shop.orders"
        return self.servers.ask(SOURCE, asked) == self.servers.ask(TARGET, asked) and self.equal()

    def write(self, transactions: int) -> None:
        """By several sessions: inserts, changes and deletes, several rows each, one in ten rolled back."""
        first, self._written = self.rows + 1 + self._written, self._written + transactions

        def writes(worker: int) -> None:
            place = self.servers.place(SOURCE).address
            with contextlib.closing(pymysql.connect(unix_socket=place, user="root")) as one, one.cursor() as ask:
                for number in range(transactions // WRITERS):
                    new = first + worker + number * WRITERS
                    ask.execute("INSERT INTO shop.orders VALUES (%s, %s, 1, '2026-05-01')", [new, new % 100 + 1])
                    ask.execute("UPDATE shop.orders SET cents = cents + 1 WHERE id = %s", [new // 2])
                    if number % 10 == 5:
                        one.rollback()
                        continue
                    ask.execute("DELETE FROM shop.orders WHERE id = %s", [new - self.rows])
                    ask.execute("UPDATE shop.customers SET name = %s WHERE id = %s", [f"ö{new}", new % 100 + 1])
                    one.commit()

        with ThreadPoolExecutor(WRITERS) as sessions:
            list(sessions.map(writes, range(WRITERS)))

    def gone(self) -> None:
        self.way.close()
        self._short.cleanup()
        self.servers.ask(SOURCE, "SET GLOBAL binlog_checksum = DEFAULT")
        for server in (SOURCE, TARGET):
            self.servers.clear(server)


@pytest.fixture
def pair(servers: Servers, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Pair]:
    made = Pair(servers, tmp_path, getattr(request, "param", 500))
    yield made
    made.gone()


@pytest.fixture
def running() -> Iterator[Callable[..., Task]]:
    """Starts tasks, and stops at the end what still runs."""
    started: list[Task] = []

    def start(task: Task, how: str = FRESH) -> Task:
        task.start(how)
        started.append(task)
        return task

    yield start
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
    assert pair.there("SELECT COUNT(*) FROM shop.orders") == ROWS, "as many came as went"
    eventually(lambda: validated(task), PATIENCE, "every table compared by the task")
    eventually(lambda: task.latencies[-1][1] < 1, PATIENCE, "a latency of nothing")
    assert told(task) == []
    pair.servers.ask(TARGET, "UPDATE shop.orders SET cents = 0.5 WHERE id = 9000")
    pair.servers.ask(SOURCE, "UPDATE shop.orders SET cents = cents + 1 WHERE id = 8000")

    def found() -> bool:
        (row,) = [one for one in task.statistics.rows() if one["TableName"] == "orders"]
        return (row["ValidationState"], row["ValidationFailedRecords"]) == ("Mismatched records", 1)

    eventually(found, PATIENCE, "the planted difference")
    (problem,) = told(task)
    assert problem.startswith(f"{task.identifier}: 1 rows of shop.orders differ between the ends")
    assert not pair.equal()


def index_and_key(pair: Pair) -> tuple[int, int]:
    """How many secondary indexes and foreign keys the target has."""
    of = "TABLE_SCHEMA = 'shop'"
    return (
        pair.there(f"SELECT COUNT(*) FROM information_schema.STATISTICS WHERE {of} AND INDEX_NAME = 'by_customer'"),
        pair.there(f"SELECT COUNT(*) FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_{of[6:]}"),
    )


def lobs(pair: Pair) -> str:
    return str(pair.there("SELECT CONCAT(LENGTH(note), '|', LENGTH(scan)) FROM shop.customers WHERE id = 7"))


def test_the_documents_settings_drop_and_cut_off_what_ours_leave_as_it_is(pair: Pair, running: Any) -> None:
    ours = running(pair.task())
    eventually(pair.same, PATIENCE, "the load")
    eventually(lambda: validated(ours), PATIENCE, "every table compared")
    ours.stop()
    pair.servers.ask(TARGET, "INSERT INTO shop.orders VALUES (999, 1, 1, NULL)")
    ours.start(RESUME)
    pair.write(40)
    eventually(lambda: ours.statistics.rows()[1]["Deletes"] > 0 and ours.status == "running", PATIENCE, "the changes")
    ours.stop()
    assert index_and_key(pair) == (1, 1) and lobs(pair) == "50000|60000"
    assert pair.there("SELECT COUNT(*) FROM shop.orders WHERE id = 999") == 1
    assert ours.log() == []
    # Started again, the document's drops what it finds; twinsite's rule refuses that.
    alone = pair.there("SELECT COUNT(*) FROM shop.orders") - 500
    (refusal,) = start_problems(RELOAD, ours.status, {"shop.orders": alone}, {})
    assert refusal.startswith("reload-target would lose rows that the target alone has: shop.orders (1)")
    theirs = running(pair.task(theirs=True), RELOAD)
    eventually(
        lambda: theirs.status != "running" or len(theirs.statistics.rows()) == 2, PATIENCE, "the document's load"
    )
    eventually(lambda: lobs(pair) == "32768|32768", PATIENCE, "the document's load")
    assert index_and_key(pair) == (0, 0)
    assert pair.there("SELECT COUNT(*) FROM shop.orders WHERE id = 999") == 0
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


def test_a_source_with_checksums_ends_the_task_with_a_word(pair: Pair, running: Any) -> None:
    pair.servers.ask(SOURCE, "SET GLOBAL binlog_checksum = DEFAULT")
    task = running(pair.task())
    eventually(lambda: task.status == "failed", PATIENCE, "a failure")
    assert task.describe()["LastFailureMessage"] == "the source's binlog_checksum is CRC32, not NONE"


def test_what_happens_to_a_table_at_the_source_is_followed_but_for_its_end(pair: Pair, running: Any) -> None:
    task = running(pair.task())
    eventually(pair.same, PATIENCE, "the load")
    pair.servers.ask(
        SOURCE,
        "ALTER TABLE shop.orders ADD COLUMN more INT",
        "UPDATE shop.orders SET more = 3 WHERE id = 1",
        "CREATE TABLE shop.extra (id INT PRIMARY KEY, what VARCHAR(9) DEFAULT 'x', KEY what (what))",
        "INSERT INTO shop.extra VALUES (1, 'a')",
    )
    eventually(lambda: pair.there("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'extra'") == 1
               and pair.there("SELECT COUNT(*) FROM shop.extra") == 1, PATIENCE, "a new table")  # fmt: skip
    assert pair.there("SELECT more FROM shop.orders WHERE id = 1") == 3
    indexes = "SELECT COUNT(DISTINCT INDEX_NAME) FROM information_schema.STATISTICS WHERE TABLE_NAME = 'extra'"
    assert pair.there(indexes) == 1, "a primary key and nothing else"
    pair.servers.ask(SOURCE, "DROP TABLE shop.extra", "UPDATE shop.orders SET more = 4 WHERE id = 1")
    eventually(
        lambda: pair.there("SELECT more FROM shop.orders WHERE id = 1") == 4, PATIENCE, "the change after the drop"
    )
    assert pair.there("SELECT COUNT(*) FROM shop.extra") == 1, "a table dropped by mistake is still there"
    assert any("drop at the source is not followed" in line for line in task.log())
