"""The repair of a DMS task: what is found, done, refused, and left to a person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from operations import cli, offers
from operations.console import console
from operations.dms import command
from operations.dms.answers import Unasked
from operations.dms.plan import Request, decide
from operations.dms.source_slots import Slot, SourceSlots
from operations.dms.words import Verb
from operations.repair import slots, tasks
from operations.stack import Stack
from operations.store import DirectoryStore
from operations.subjects.dms_task import TableSeen
from operations.transport import Done
from tests.aws_gcp_world import INVENTORY
from tests.unit.test_dms_command import TASK, TRIED, Dms, answers
from tests.unit.test_status_dms import FLOW
from twinsite.inventory import Flow

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


def run(
    tmp_path: Path,
    dms: Dms,
    *confirmed: str,
    only_plan: bool = False,
    flow: Flow = FLOW,
    sees: slots.Sees | None = None,
) -> dict[str, Any]:
    def opened(end: str) -> Any:
        raise ValueError(f"the {end} is not reached from here")

    stack = Stack("dev", replace(INVENTORY, flows=(flow,), store=""), tmp_path)
    world = command.World(
        lambda region: dms,
        None,  # type: ignore[arg-type]
        DirectoryStore(tmp_path / "store"),
        lambda service, task: opened,
        0.01,
    )
    return tasks.run(stack, world, console(), only_plan, frozenset(confirmed), sees=sees)


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


# Slots

POSTGRES = replace(FLOW, engine="postgres")
LEFT, READ = Slot("left_1", False, 12 << 20), Slot("own_1", True, 0)


class Job:
    """The stack's job over slots of a table."""

    place, program = "job", "logical"

    def __init__(self, *there: Slot, then: str = "") -> None:
        self.there, self.asked, self.then = list(there), [("",)][:0], then

    def run(self, arguments: Sequence[str], seconds: float) -> Done:
        self.asked.append(tuple(arguments))
        if "--drop" in arguments:
            if self.then:
                return Done(2, json.dumps({"outcome": "refused", "problems": [self.then]}), "")
            self.there = [one for one in self.there if one.name != arguments[-1]]
        rows = [asdict(one) for one in self.there]
        return Done(0, json.dumps({"outcome": "done", "slots": rows}), "")

    def sees(self, flow: Flow) -> SourceSlots:
        return SourceSlots(lambda say: self, "source")


class Gone(Dms):
    """AWS has no such task."""

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        return {"ReplicationTasks": []} if operation.startswith("Describe") else super().ask(service, operation)


DROP, GIVE_UP = "drop-slot=left_1", "give-up=shop"


def repaired(tmp_path: Path, state: str, job: Job, *words: str, only_plan: bool = False) -> dict[str, Any]:
    dms = Dms(state) if state else Gone()
    return run(tmp_path, dms, *words, only_plan=only_plan, flow=POSTGRES, sees=job.sees)


def test_a_slot_of_no_task_is_named_with_its_harm_and_dropped_on_a_persons_word(tmp_path: Path) -> None:
    job = Job(LEFT)
    found = repaired(tmp_path, "", job)
    assert found["found"] == ["rds keeps its log for slot left_1, which holds 12 MiB, and nobody reads it"]
    gone, harm = found["refused"]
    assert gone.startswith("AWS has no DMS task shop") and harm == (
        "slot left_1, which holds 12 MiB fills rds's disk if it is left. Whoever goes on from it, a task that is "
        "stopped for instance, also of another stack, would have to load all rows anew into empty tables: if it is "
        "nobody's, run `twinsite repair --confirm drop-slot=left_1`"
    )
    assert repaired(tmp_path, "", job, DROP, only_plan=True)["planned"] == ["drop slot left_1 at the source"]
    assert job.there == [LEFT], "nothing yet"
    found = repaired(tmp_path, "", job, DROP)
    assert job.there == [] and found["refused"] == []
    assert found["steps"][1]["detail"] == "no slot is left"
    # That there is no task is a person's all the same.
    assert found["verdict"] == "failed" and found["problems"][0].startswith("AWS has no DMS task shop")


@pytest.mark.parametrize(
    ("state", "there", "words", "against"),
    [
        ("stopped", [LEFT], [DROP], "shop is stopped, and slot left_1 may be the one from which it goes on"),
        ("failed", [LEFT], [DROP], "`twinsite dms resume`; if it is given up"),
        ("stopping", [LEFT], [DROP, GIVE_UP], "shop is stopping: run this again when it has settled"),
        ("running", [LEFT], [DROP], "shop runs and is not well, so slot left_1 may be its own"),
        ("", [replace(LEFT, active=True)], [DROP], "slot left_1 at rds is read by somebody: stop that one first"),
        ("", [READ], [DROP], "no source has a slot left_1 that a task could have left: there is own_1"),
        ("stopped", [LEFT], ["give-up=shap"], "--confirm give-up=shap: the stack's tasks are shop"),
        ("stopped", [LEFT], [GIVE_UP], "`twinsite repair --confirm drop-slot=left_1 --confirm give-up=shop`"),
    ],
)
def test_a_slot_that_somebody_reads_or_may_go_on_from_is_never_dropped(
    tmp_path: Path, state: str, there: list[Slot], words: list[str], against: str
) -> None:
    job = Job(*there)
    found = repaired(tmp_path, state, job, *words)
    assert found["verdict"] == "refused" and any(against in one for one in found["refused"]), found["refused"]
    assert job.there == there and found["steps"] == []


@pytest.mark.parametrize(
    ("known", "ill", "dropped"),
    [((LEFT, READ), (), True), ((LEFT,), (), False), ((LEFT, READ), ("shop",), False)],
)
def test_beside_a_task_that_runs_a_slot_is_anothers_only_where_it_reads_one(
    known: tuple[Slot, ...], ill: tuple[str, ...], dropped: bool
) -> None:
    readers = slots.Readers({"shop": "running"}, ill)
    left = slots.decide(POSTGRES, Job().sees(POSTGRES), known, readers, slots.Words(("left_1",)))
    assert [step.name for step in left.steps] == (["drop-slot"] if dropped else []) and bool(left.refused) != dropped


def test_a_task_that_is_given_up_is_not_resumed_and_its_slot_goes_unless_somebody_was_faster(tmp_path: Path) -> None:
    job = Job(LEFT)
    found = repaired(tmp_path, "stopped", job, DROP, GIVE_UP)
    assert (found["verdict"], found["planned"], job.there) == ("passed", ["drop slot left_1 at the source"], [])
    assert found["steps"][1]["detail"].endswith("empty its tables at the target, then `twinsite dms reload`")
    late = Job(LEFT, then="somebody reads slot left_1 again: stop that one first")
    found = repaired(tmp_path, "stopped", late, DROP, GIVE_UP)
    assert found["verdict"] == "failed" and "somebody reads slot left_1 again" in found["problems"][0]


def test_a_source_that_no_job_sees_is_its_owners_and_one_that_is_well_is_not_asked(tmp_path: Path) -> None:
    found = run(tmp_path, Gone(), flow=POSTGRES, sees=lambda flow: None)
    assert "pg_drop_replication_slot" in found["refused"][1]
    job = Job(LEFT)
    assert repaired(tmp_path, "stopped", job)["verdict"] == "passed" and job.asked == []
    assert run(tmp_path, Gone(), sees=job.sees)["refused"][0].startswith("AWS has no DMS task") and job.asked == []


def test_the_command_line_takes_a_slot_by_name_and_no_word_of_nobodys(capsys: pytest.CaptureFixture[str]) -> None:
    given = cli._arguments().parse_args(["repair", "--confirm", DROP, "--confirm", GIVE_UP])
    assert slots.Words.of(frozenset(given.confirm)) == slots.Words(("left_1",), ("shop",))
    for wrong in ("drop-slot", "drop-slot=", "all"):
        with pytest.raises(SystemExit):
            cli._arguments().parse_args(["repair", "--confirm", wrong])
        assert "is none of reseed, empty-transactions, reload-tables, drop-slot=NAME" in capsys.readouterr().err


def test_a_stack_with_a_task_has_a_repair_and_two_parts_have_one_verdict() -> None:
    assert offers.refusal("repair", replace(INVENTORY, flows=(FLOW,), tunnels=())) == ""
    lists: dict[str, Any] = {name: [] for name in ("found", "planned", "refused", "steps", "problems")}
    one, other = {**lists, "verdict": "passed"}, {**lists, "verdict": "failed", "problems": ["x"]}
    assert tasks.together(one, other) | {"clocks": 0} == {**other, "clocks": 0}
