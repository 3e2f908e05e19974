"""What DmsCdcTask and `twinsite dms` promise, tried on a pair of databases of either engine."""

import json
from pathlib import Path

from lab.services.dms.api import Api
from lab.services.dms.task import RELOAD, RESUME, Task
from operations.dms.words import Verb, Word
from tests.dms_pairs import ONE_ROW, ROWS, SOURCE, TARGET, TRANSACTIONS, Pair, differing, validated
from tests.dms_world import told
from tests.servers.postgres import eventually
from twinsite.rules.dms_source import start_problems

PATIENCE = 200
"""Seconds, of a test on a busy machine."""


def all_rows_arrive_and_a_planted_difference_is_found(pair: Pair) -> None:
    task = pair.start(pair.task())
    pair.write(TRANSACTIONS)
    eventually(pair.same, PATIENCE, "the last transaction at the target")
    assert pair.ask(SOURCE, "SELECT COUNT(*) FROM shop.orders") == str(ROWS), "as many came as went"
    eventually(lambda: validated(task), PATIENCE, "every table compared by the task")
    eventually(lambda: task.latencies[-1][1] < 1, PATIENCE, "a latency of nothing")
    assert told(task) == []
    pair.ask(TARGET, "UPDATE shop.orders SET cents = 0.5 WHERE id = 9000")
    pair.ask(SOURCE, "UPDATE shop.orders SET cents = cents + 1 WHERE id = 8000")
    eventually(lambda: differing(task) == ("Mismatched records", 1), PATIENCE, "the planted difference")
    (problem,) = told(task)
    assert problem.startswith(f"{task.identifier}: 1 rows of shop.orders differ between the ends")
    assert not pair.equal()
    # What was made natively is still there.
    assert pair.made_natively() == pair.native


def the_documents_settings_drop_and_cut_off_what_ours_leave_as_it_is(pair: Pair) -> None:
    ours = pair.start(pair.task())
    eventually(pair.same, PATIENCE, "the load")
    eventually(lambda: validated(ours), PATIENCE, "every table compared")
    ours.stop()
    pair.ask(TARGET, "INSERT INTO shop.orders (id, customer, cents) VALUES (999, 1, 1)")
    pair.start(ours, RESUME)
    pair.write(40)
    eventually(lambda: ours.statistics.rows()[1]["Deletes"] > 0 and ours.status == "running", PATIENCE, "the changes")
    ours.stop()
    assert pair.made_natively() == pair.native and pair.lobs() == "50000|60000"
    assert pair.ask(TARGET, ONE_ROW) == "1"
    assert ours.log() == []
    # Started again, the document's drops what it finds; twinsite's rule refuses that.
    alone = int(pair.ask(TARGET, "SELECT COUNT(*) FROM shop.orders")) - 500
    (refusal,) = start_problems(RELOAD, ours.status, {"shop.orders": alone}, {})
    assert refusal.startswith("reload-target would lose rows that the target alone has: shop.orders (1)")
    theirs = pair.start(pair.task(theirs=True), RELOAD)
    eventually(lambda: theirs.status != "running" or len(theirs.statistics.rows()) == 2, PATIENCE, "its load")
    eventually(lambda: pair.lobs() == pair.cut_off, PATIENCE, "the document's load")
    eventually(lambda: pair.made_natively() == "0|0", PATIENCE, "both tables dropped")
    assert pair.ask(TARGET, ONE_ROW) == "0"
    assert [line for line in theirs.log() if "truncated" in line] == [
        "]W:  shop.customers: LOB column note was truncated to 32768 bytes",
        "]W:  shop.customers: LOB column scan was truncated to 32768 bytes",
    ]
    assert {row["ValidationState"] for row in theirs.statistics.rows()} == {"Not enabled"}, "nobody compares"
    assert theirs.status == "running"


def a_cut_path_is_waited_for_and_all_that_was_written_meanwhile_arrives(pair: Pair) -> None:
    task = pair.start(pair.task(seconds=3.0, settings='{"ErrorBehavior": {"RecoverableErrorInterval": 1}}'))
    eventually(lambda: pair.same() and len(task.latencies) > 0, PATIENCE, "the load")
    pair.way.cut()
    pair.write(200)
    eventually(lambda: task.latencies[-1][2] > 4, PATIENCE, "a latency that shows the cut")
    assert not pair.equal() and task.status == "running"
    pair.way.mend()
    eventually(pair.same, PATIENCE, "what was written during the cut")
    eventually(lambda: task.latencies[-1][2] < 1, PATIENCE, "a latency that is down again")
    assert any("next try in" in line for line in task.log())


def twinsite_starts_stops_and_loads_it_again_and_refuses_what_would_lose_rows(pair: Pair) -> None:
    task = pair.task()
    api = Api(task)
    pair.started.append(task)
    # A row at the target: nothing is started.
    pair.ask(TARGET, "INSERT INTO shop.customers (id, name) VALUES (7, 'nobody knows')")
    found = pair.dms(api, Verb.START)
    assert found["verdict"] == "refused" and api.calls == []
    assert any("shop.customers hold rows already" in one for one in found["problems"]), found["problems"]
    pair.ask(TARGET, "DELETE FROM shop.customers")
    # A value above the limit, which the task would cut off.
    pair.ask(SOURCE, "UPDATE shop.customers SET note = repeat('x', 70000) WHERE id = 8")
    small = Api(pair.task(largest_lob_kib=20))
    found = pair.dms(small, Verb.START)
    assert any("shop.customers holds a value of" in one for one in found["problems"]), found["problems"]
    found = pair.dms(api, Verb.START)
    assert (found["verdict"], found["problems"]) == ("passed", []), found
    assert api.calls == ["TestConnection", "TestConnection", "StartReplicationTask"]
    eventually(pair.same, PATIENCE, "the load")

    found = pair.dms(api, Verb.STOP)
    assert found["verdict"] == "passed" and task.status == "stopped"
    pair.write(40)
    pair.ask(TARGET, "INSERT INTO shop.orders (id, customer, cents) VALUES (999, 1, 1)")
    found = pair.dms(api, Verb.RELOAD)
    assert found["verdict"] == "refused"
    assert any("would lose rows that the target alone has: shop.orders (" in one for one in found["problems"]), found
    assert pair.ask(TARGET, ONE_ROW) == "1"
    assert pair.dms(api, Verb.RESUME)["verdict"] == "passed"
    last = "SELECT MAX(id) FROM shop.orders WHERE id < 999"
    eventually(lambda: pair.ask(TARGET, last) == pair.ask(SOURCE, last) != "500", PATIENCE, "the changes")

    # One table is emptied by a person, and loaded again while the others go on.
    found = pair.dms(api, Verb.RELOAD, tables=("shop.orders",))
    assert found["verdict"] == "refused" and "ReloadTables" not in api.calls
    pair.ask(TARGET, "DELETE FROM shop.orders")
    words = () if pair.answered() == () else (Word.LOSE_ROWS,)
    found = pair.dms(api, Verb.RELOAD, *words, tables=("shop.orders",))
    assert (found["verdict"], found["problems"]) == ("passed", [])
    eventually(pair.same, PATIENCE, "the table again, without the row that it alone had")
    assert pair.ask(TARGET, ONE_ROW) == "0"
    # Validation has seen the empty table, and looks again.
    eventually(lambda: told(task) == [], PATIENCE, "nothing that status complains of")


def an_instance_that_is_lost_brings_the_task_back_and_all_rows_arrive(pair: Pair) -> None:
    task = pair.start(pair.task())
    api = Api(task)
    eventually(pair.same, PATIENCE, "the load")
    eventually(lambda: validated(task) and told(task) == [], PATIENCE, "a task that is well")
    refused = pair.drill(Api(pair.task(largest_lob_kib=1)))
    assert refused["verdict"] == "refused" and "while something is wrong" in refused["problems"][0]

    def again() -> Task:
        pair.write(200)  # while it is away
        made = pair.task()
        pair.started.append(made)
        return made

    api.again = again
    found = pair.drill(api)
    assert (found["verdict"], found["problems"]) == ("passed", [])
    assert found["figures"]["runs_again_seconds"] >= 0 and api.calls == ["RebootReplicationInstance"]
    assert json.loads(Path(found["evidence"]).read_text())["command"] == "drill dms"
    eventually(pair.same, PATIENCE, "what was written while it was away")
    assert api.task is not task and api.task.log() == []


TRIALS = (
    (all_rows_arrive_and_a_planted_difference_is_found, ROWS),
    (the_documents_settings_drop_and_cut_off_what_ours_leave_as_it_is, 500),
    (a_cut_path_is_waited_for_and_all_that_was_written_meanwhile_arrives, 500),
    (an_instance_that_is_lost_brings_the_task_back_and_all_rows_arrive, 500),
    (twinsite_starts_stops_and_loads_it_again_and_refuses_what_would_lose_rows, 500),
)
"""Each with the rows that it wants at the source."""
