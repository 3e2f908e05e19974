"""The repair of a DMS task: what is found, done, refused, and left to a person."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations import offers
from operations.console import console
from operations.dms import command
from operations.dms.answers import Unasked
from operations.dms.plan import Request, decide
from operations.dms.words import Verb
from operations.repair import tasks
from operations.stack import Stack
from operations.store import DirectoryStore
from operations.subjects.dms_task import TableSeen
from tests.aws_gcp_world import INVENTORY
from tests.unit.test_dms_command import TASK, TRIED, Dms, answers
from tests.unit.test_status_dms import FLOW

WRONG = TableSeen("shop.orders", "Table error", "Not enabled", 0)
RUNNING = replace(TASK, state="running")


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_task_that_stands_goes_on_from_its_place(state: str) -> None:
    found = tasks.plan(FLOW, replace(TASK, state=state, why="binlog_format is MIXED"), False, None)
    assert found.found == (f"shop: the task is {state} (binlog_format is MIXED)",)
    assert [step.name for step in found.steps] == [*TRIED, "resume"] and found.refused == ()
    assert bool(found.persons) == (state == "failed")


def test_no_task_goes_on_over_a_standby_that_serves() -> None:
    found = tasks.plan(FLOW, replace(TASK, state="stopped"), True, None)
    assert found.steps == () and "old ones would be written over those of its users" in found.refused[0]


def test_a_table_in_error_is_loaded_again_on_a_persons_word_and_where_nothing_is_lost() -> None:
    task = replace(RUNNING, tables=(WRONG,))
    (harm,) = tasks.plan(FLOW, task, False, None).refused
    assert harm == (
        "shop.orders would be loaded again from the source, and what the target alone has there is lost: let the "
        "tables be emptied at the target, then `twinsite repair --confirm reload-tables`"
    )
    request = Request(Verb.RELOAD, FLOW, ("shop.orders",))
    alone = tasks.plan(FLOW, task, False, decide(request, task, answers({"shop.orders": 2}, 2)))
    assert alone.steps == () and "rows that the target alone has: shop.orders (2)" in alone.refused[0]
    unknown = tasks.plan(FLOW, task, False, decide(request, task, Unasked("no way")))
    assert unknown.steps == () and "is not known (no way)" in unknown.refused[0]
    empty = tasks.plan(FLOW, task, False, decide(request, task, answers({"shop.orders": 0})))
    assert [step.name for step in empty.steps] == ["reload-tables"]


def test_what_is_well_is_left_alone_and_what_a_person_must_do_is_said() -> None:
    assert tasks.plan(FLOW, RUNNING, False, None) == tasks.Repair()
    rows = tasks.plan(FLOW, replace(RUNNING, tables=(replace(WRONG, state="Table completed", failed=3),)), False, None)
    assert rows.persons[0].startswith("3 rows of shop.orders differ between the ends: compare them")
    assert tasks.plan(FLOW, TASK, False, None).persons[0].startswith("shop was never started: `twinsite dms start`")
    assert "pg_drop_replication_slot" in tasks.gone(replace(FLOW, engine="postgres"))
    assert "slot" not in tasks.gone(FLOW)


def run(tmp_path: Path, dms: Dms, *confirmed: str, only_plan: bool = False) -> dict[str, Any]:
    def opened(end: str) -> Any:
        raise ValueError(f"the {end} is not reached from here")

    stack = Stack("dev", replace(INVENTORY, flows=(FLOW,), store=""), tmp_path)
    world = command.World(
        lambda region: dms,
        None,  # type: ignore[arg-type]
        DirectoryStore(tmp_path / "store"),
        lambda service, task: opened,
        0.01,
    )
    return tasks.run(stack, world, console(), only_plan, frozenset(confirmed))


def test_the_command_resumes_under_the_lock_and_says_what_it_did(tmp_path: Path) -> None:
    dms = Dms("stopped")
    assert run(tmp_path, dms, only_plan=True)["planned"][-1] == "start shop (resume-processing)" and dms.acted == []
    found = run(tmp_path, dms)
    assert (found["verdict"], found["problems"]) == ("passed", [])
    assert dms.acted == ["TestConnection", "TestConnection", "StartReplicationTask resume-processing"]
    assert found["steps"][0]["name"] == "take the operation lock"
    (journal,) = (tmp_path / "store" / "journal").glob("*.json")
    assert json.loads(journal.read_text())["found"] == ["shop: the task is stopped"]
    # Done again there is nothing to do.
    assert run(tmp_path, dms)["planned"] == [] and len(dms.acted) == 3


def test_a_task_that_aws_does_not_have_and_tables_that_nobody_can_count_are_refused(tmp_path: Path) -> None:
    class Nothing(Dms):
        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            return {"ReplicationTasks": []}

    assert run(tmp_path, Nothing())["refused"][0].startswith("AWS has no DMS task shop in ap-northeast-2: `pulumi up`")

    class Wrong(Dms):
        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            if operation == "DescribeTableStatistics":
                return {"TableStatistics": [{"SchemaName": "shop", "TableName": "orders", "TableState": "Table error"}]}
            return super().ask(service, operation, region, **given)

    dms = Wrong("running")
    found = run(tmp_path, dms, tasks.RELOAD)
    assert "is not known (the source is not reached from here)" in found["refused"][0] and dms.acted == []


def test_a_stack_with_a_task_has_a_repair_and_two_parts_have_one_verdict() -> None:
    assert offers.refusal("repair", replace(INVENTORY, flows=(FLOW,), tunnels=())) == ""
    lists: dict[str, Any] = {name: [] for name in ("found", "planned", "refused", "steps", "problems")}
    one, other = {**lists, "verdict": "passed"}, {**lists, "verdict": "failed", "problems": ["x"]}
    assert tasks.together(one, other) | {"clocks": 0} == {**other, "clocks": 0}
