"""The lab's DMS between PostgreSQL 16 and 18, told what DmsCdcTask publishes: rows, harms, cuts, `twinsite dms`."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from lab.services.dms.task import FRESH, RESUME, Fault
from tests.dms_pairs import Pair
from tests.dms_trials import PATIENCE, TRIALS

from .dms_pair import PostgresPair
from .postgres import Postgres, eventually

NUMBERS = count(1)


@pytest.fixture
def pair(servers: tuple[Postgres, Postgres], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[PostgresPair]:
    made = PostgresPair(*servers, f"dmstask{next(NUMBERS)}", tmp_path, getattr(request, "param", 500))
    yield made
    made.gone()


@pytest.mark.parametrize(("trial", "pair"), TRIALS, ids=[one.__name__ for one, _ in TRIALS], indirect=["pair"])
def test_what_is_promised(trial: Callable[[Pair], None], pair: PostgresPair) -> None:
    trial(pair)


def test_a_stopped_tasks_slot_keeps_the_log_and_a_resume_takes_it_up(pair: PostgresPair) -> None:
    task = pair.start(pair.task())
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
    pair.start(task, RESUME)
    eventually(pair.same, PATIENCE, "what was written while it was stopped")
    task.stop()
    # Another instance with a place from before: what it meets again is done already.
    (pair.folder / f"{pair.name}.json").write_text(place)
    other = pair.task()
    assert other.status == "stopped"
    pair.start(other, RESUME)
    pair.write(40)
    eventually(pair.same, PATIENCE, "the changes by another instance")
    assert other.log() == []


def test_a_value_above_the_limit_ends_our_task_with_a_word_and_is_not_cut_off(pair: PostgresPair) -> None:
    task = pair.start(pair.task(largest_lob_kib=30))
    eventually(lambda: task.status == "failed", PATIENCE, "a failure")
    assert task.describe()["LastFailureMessage"] == "shop.customers: LOB column note is longer than 65536 bytes"


def test_a_load_into_tables_with_rows_and_a_table_without_a_key_are_seen(pair: PostgresPair) -> None:
    pair.source.sql("CREATE TABLE shop.log (at int); INSERT INTO shop.log VALUES (1), (1), (2)", pair.name)
    pair.target.sql("INSERT INTO shop.customers VALUES (7, 'somebody else', NULL, NULL, NULL)", pair.name)
    task = pair.start(pair.task())
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
