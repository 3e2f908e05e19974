"""A failover amid a load, PostgreSQL 16 and 18: of a task of the lab's DMS, and of a subscription's first copy. Plan
and job refuse it until somebody says that what is lacking may be lost."""

from dataclasses import replace
from typing import Any

import pytest

from lab.services.dms.task import RELOAD, RESUME
from operations.moves.words import HALF_LOADED, Command, Intent
from tests.dms_trials import PATIENCE

from .dms_carried import Carried, carried
from .postgres import Flow, eventually
from .test_dms_moves import FAILOVER, Moved
from .test_logical_commands import Real, passed, run
from .test_logical_moves import flow as natively
from .test_logical_moves import session

native = natively
flow = carried
GIVEN_UP = replace(FAILOVER, confirmed=frozenset({HALF_LOADED}))
PROMOTE = ("promote", "--epoch", "1", "--although-it-answers")
AS_DMS = "SET session_replication_role = replica;"


def load(flow: Flow) -> dict[str, Any]:
    found: dict[str, Any] = flow.guest("look")[0]["load"]
    return found


def gate(flow: Flow) -> str:
    """The target's: epoch and whether it writes."""
    return flow.there("SELECT epoch || CASE WHEN writes THEN ' open' ELSE ' shut' END FROM twinsite.gate")


def loaded(flow: Flow) -> bool:
    found = load(flow)
    return found["since"] is None and found["ended"] is not None


def amid(flow: Carried) -> None:
    """Emptied, and loaded again but for a table that somebody holds."""
    eventually(lambda: loaded(flow), PATIENCE, "the first load's end")
    flow.task().stop()
    flow.must("reseed")
    holds = session(flow.target, flow.name, "postgres", "BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE;")
    flow.task().start(RELOAD)
    eventually(lambda: flow.there("SELECT count(*) FROM customers") == "500", PATIENCE, "the tables before it")
    flow.guest("look")
    flow.task().kill()  # its instance dies with the site
    holds.kill()
    holds.wait()
    eventually(lambda: flow.there("SELECT count(*) FROM orders") == "0", PATIENCE, "nothing of the table that was held")


def test_a_failover_amid_a_load_is_refused_until_what_is_lacking_is_given_up(
    flow: Carried, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Moved(flow)
    amid(flow)
    flow.source.stop("immediate")
    model.alive = False
    found = run(monkeypatch, model, FAILOVER)
    (problem,) = found["problems"]
    assert found["verdict"] == "refused" and "public.orders (about 0 rows of 2000)" in problem
    assert "`twinsite failover --to gcp --confirm half-loaded`" in problem
    assert found["steps"] == [] and gate(flow) == "0 shut"
    # Whoever runs the verb without a plan is stopped as well.
    problem = flow.refused(*PROMOTE)[0]
    assert "public.orders has about 0 rows of 2000" in problem and "--although-half-loaded" in problem
    assert gate(flow) == "0 shut"
    over = passed(monkeypatch, model, GIVEN_UP)
    assert over["figures"]["rpo_seconds"] is None and "under way" in over["figures"]["rpo_basis"]
    assert any("public.orders" in one for one in over["says"])
    assert gate(flow) == "1 open"
    assert flow.guest("look")[0]["load"] is None, "of who writes nothing is told"


def test_a_load_that_was_told_by_dms_itself_is_seen_without_dms(flow: Carried) -> None:
    """What DMS wrote at the target is read when the load began, or ended, since anybody looked."""
    eventually(lambda: loaded(flow), PATIENCE, "the first load's end")
    flow.task().kill()
    flow.there("UPDATE twinsite.awsdms_status SET task_status = 'FULL LOAD', status_time = status_time + interval '1s'")
    assert [one for one in flow.refused(*PROMOTE) if "a load by dms is under way" in one]
    flow.there(
        "UPDATE twinsite.awsdms_status SET task_status = 'CHANGE PROCESSING (CDC)', "
        "status_time = status_time + interval '1s'"
    )
    assert flow.must(*PROMOTE)["lacking"] == ""
    assert gate(flow) == "1 open"


def test_whoever_empties_a_table_begins_a_load_and_a_comparison_ends_it(flow: Carried) -> None:
    """A reload from AWS's console, of a task that tells its target nothing."""
    eventually(lambda: loaded(flow), PATIENCE, "the first load's end")
    flow.task().stop()
    flow.through = ""
    flow.tasks.clear()
    flow.there(f"DROP TABLE twinsite.awsdms_status; CREATE TABLE kept AS TABLE orders; {AS_DMS} TRUNCATE orders")
    assert load(flow)["lacks"] == {"public.orders": [0, 2000]}
    assert [one for one in flow.refused(*PROMOTE) if "public.orders has about 0 rows of 2000" in one]
    flow.there(f"{AS_DMS} INSERT INTO orders OVERRIDING SYSTEM VALUE SELECT * FROM kept WHERE id > 1; DROP TABLE kept")
    flow.task().start(RESUME)
    try:
        eventually(flow.current, PATIENCE, "a heartbeat")
        assert flow.guest("compare")[0]["divergent"] == ["public.orders"] and not loaded(flow)
        flow.there(f"{AS_DMS} INSERT INTO orders (id, customer, cents) OVERRIDING SYSTEM VALUE VALUES (1, 2, 1)")
        assert flow.must("compare")["divergent"] == []
        assert loaded(flow)
    finally:
        flow.task().stop()


def test_a_table_that_dms_gave_up_amid_the_load_holds_its_end_back(flow: Carried) -> None:
    eventually(lambda: loaded(flow), PATIENCE, "the first load's end")
    task = flow.task()
    task.stop()
    flow.must("reseed")
    flow.there(f"{AS_DMS} INSERT INTO customers (id, name) VALUES (3, 'in the way')")
    task.start(RELOAD)
    status = "SELECT task_status FROM twinsite.awsdms_status"
    eventually(lambda: flow.there(status) == "CHANGE PROCESSING", PATIENCE, "the load's end by DMS")
    assert load(flow)["given_up"] == ["public.customers"] and not loaded(flow)
    assert [one for one in flow.refused(*PROMOTE) if "public.customers was given up" in one]


def test_a_gate_of_before_is_not_known_and_stops_nobody(flow: Carried, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Moved(flow)
    eventually(flow.current, PATIENCE, "a heartbeat")
    flow.task().kill()
    flow.there("DROP TABLE twinsite.loads, twinsite.awsdms_status")
    assert load(flow) is None
    assert flow.must("set-up")["changed"] == ["made a gate at the target, shut"]
    assert flow.must("set-up")["changed"] == [] and load(flow) is None
    flow.source.stop("immediate")
    model.alive = False
    over = passed(monkeypatch, model, FAILOVER)
    assert gate(flow) == "1 open" and 0 < over["figures"]["rpo_seconds"] < 240


def test_a_failover_amid_a_first_copy_is_refused_until_what_is_lacking_is_given_up(
    native: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "CREATE TABLE more (id int PRIMARY KEY);"
    native.here(f"{more} INSERT INTO more SELECT generate_series(1, 100); GRANT SELECT ON more TO repl")
    native.there(
        f"{more} CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(600); RETURN NEW; END'; CREATE TRIGGER slow BEFORE INSERT ON more FOR EACH ROW "
        "EXECUTE FUNCTION slow(); ALTER TABLE more ENABLE ALWAYS TRIGGER slow"
    )
    native.must("set-up", "--wait", "0")
    eventually(lambda: native.guest("look")[0]["tables"]["public.more"] == "copying", PATIENCE, "a copy that hangs")
    model = Real(native)
    native.source.stop("immediate")
    model.alive = False
    found = run(monkeypatch, model, Intent(Command.FAILOVER, "gcp"))
    assert found["verdict"] == "refused" and found["steps"] == []
    assert "public.more (copying)" in found["problems"][0] and "--confirm half-loaded" in found["problems"][0]
    (problem,) = native.refused(*PROMOTE)
    assert "public.more copying" in problem and "--although-half-loaded" in problem
    over = passed(monkeypatch, model, GIVEN_UP)
    assert over["figures"]["rpo_seconds"] is None
    assert gate(native) == "1 open"
    assert native.there("SELECT count(*) FROM more") == "0"
