"""The lab's DMS between two MySQL servers of the machine image, told what DmsCdcTask publishes: rows, harms, cuts,
`twinsite dms`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.services.dms.shapes import Row, Table
from lab.services.dms.task import Task
from tests.dms_pairs import SOURCE, TARGET, Pair
from tests.dms_trials import PATIENCE, TRIALS
from tests.servers.postgres import eventually

from .dms_pair import MySqlPair
from .two_servers import Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]


@pytest.fixture
def pair(servers: Servers, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MySqlPair]:
    made = MySqlPair(servers, tmp_path, getattr(request, "param", 500))
    yield made
    made.gone()


@pytest.mark.parametrize(("trial", "pair"), TRIALS, ids=[one.__name__ for one, _ in TRIALS], indirect=["pair"])
def test_what_is_promised(trial: Callable[[Pair], None], pair: MySqlPair) -> None:
    trial(pair)


def there(pair: MySqlPair, statement: str) -> str:
    return pair.ask(TARGET, statement)


def states(task: Task) -> dict[str, str]:
    """Table → what validation says of it."""
    return {row["TableName"]: row["ValidationState"] for row in task.statistics.rows()}


def drops_before_it_is_compared(pair: MySqlPair, task: Task, name: str) -> None:
    """The moment that a busy machine hits by chance: the list has the table, and the source has not."""
    source, _ = task._ends
    rows = source.rows

    def first_dropped(table: Table) -> Iterator[Row]:
        if table.name == name:
            pair.servers.ask(SOURCE, f"DROP TABLE IF EXISTS shop.{name}")
        return rows(table)

    source.rows = first_dropped  # type: ignore[method-assign]


def test_a_source_with_checksums_ends_the_task_with_a_word(pair: MySqlPair) -> None:
    pair.servers.ask(SOURCE, "SET GLOBAL binlog_checksum = DEFAULT")
    task = pair.start(pair.task())
    eventually(lambda: task.status == "failed", PATIENCE, "a failure")
    assert task.describe()["LastFailureMessage"] == "the source's binlog_checksum is CRC32, not NONE"


def test_what_happens_to_a_table_at_the_source_is_followed_but_for_its_end(pair: MySqlPair) -> None:
    task = pair.task()
    drops_before_it_is_compared(pair, task, "extra")
    pair.start(task)
    eventually(pair.same, PATIENCE, "the load")
    pair.servers.ask(
        SOURCE,
        "ALTER TABLE shop.orders ADD COLUMN more INT",
        "UPDATE shop.orders SET more = 3 WHERE id = 1",
        "CREATE TABLE shop.extra (id INT PRIMARY KEY, what VARCHAR(9) DEFAULT 'x', KEY what (what))",
        "INSERT INTO shop.extra VALUES (1, 'a')",
    )
    eventually(lambda: there(pair, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME = 'extra'") == "1"
               and there(pair, "SELECT COUNT(*) FROM shop.extra") == "1", PATIENCE, "a new table")  # fmt: skip
    assert there(pair, "SELECT more FROM shop.orders WHERE id = 1") == "3"
    indexes = "SELECT COUNT(DISTINCT INDEX_NAME) FROM information_schema.STATISTICS WHERE TABLE_NAME = 'extra'"
    assert there(pair, indexes) == "1", "a primary key and nothing else"
    eventually(lambda: states(task).get("extra") == "Error", PATIENCE, "a comparison that met no table")
    pair.servers.ask(SOURCE, "UPDATE shop.orders SET more = 4 WHERE id = 1")
    eventually(
        lambda: there(pair, "SELECT more FROM shop.orders WHERE id = 1") == "4", PATIENCE, "the change after the drop"
    )
    assert there(pair, "SELECT COUNT(*) FROM shop.extra") == "1", "a table dropped by mistake is still there"
    assert any("drop at the source is not followed" in line for line in task.log())
