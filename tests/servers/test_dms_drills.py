"""Drills of a task of the lab's DMS between real PostgreSQL: its path is cut, its slot holds the log and is let go; a
repair drops the slot of one that is given up. The job that sees both ends is the guest itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.services.dms.api import Api
from lab.services.dms.task import FRESH
from operations.console import console
from operations.dms import command, drill_faults
from operations.dms.drill_faults import Fault
from operations.dms.source_slots import SourceSlots
from operations.dms.words import Kind
from operations.drill import fault_command
from operations.repair import tasks
from operations.stack import Stack
from operations.store import DirectoryStore
from operations.transport import Done
from tests.aws_gcp_world import INVENTORY
from tests.dms_trials import PATIENCE, validated
from tests.dms_world import Asked, told
from twinsite.inventory import DMS
from twinsite.inventory import Flow as Entry

from .dms_pair import PostgresPair
from .postgres import Postgres, eventually
from .test_dms_natively import NUMBERS, SCHEMA, Carried

BUSY = "UPDATE orders SET cents = cents + 1"


class Watched(Asked):
    """With an alarm on each latency, up while the task tells none, and a writer who writes at each look at it."""

    def __init__(self, api: Api, flow: Carried) -> None:
        super().__init__(api)
        self.flow = flow

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        if operation != "DescribeAlarmsForMetric":
            found: Mapping[str, Any] = super().ask(service, operation, region, **given)
            return found
        runs = self.api.task.status == "running"
        if not runs:
            self.flow.here(BUSY)
        one = {"StateValue": "OK" if runs else "ALARM", "Threshold": 0, "Period": 0, "EvaluationPeriods": 3}
        return {"MetricAlarms": [{"AlarmName": given["MetricName"], **one}]}


class Guest:
    """The job."""

    place, program = "guest", "logical"

    def __init__(self, flow: Carried) -> None:
        self.flow = flow

    def run(self, arguments: Sequence[str], seconds: float) -> Done:
        found, code = self.flow.guest(*arguments)
        return Done(code, json.dumps(found), "")


def test_a_tasks_slot_holds_the_log_lets_it_go_and_is_dropped_when_the_task_is_given_up(
    servers: tuple[Postgres, Postgres], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"dmsslot{next(NUMBERS)}"
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    flow = Carried(name, *servers, tmp_path, {"carrier": "dms"})
    flow.here(SCHEMA)
    flow.must("set-up")
    task = flow.task()
    task.start(FRESH)
    try:
        eventually(lambda: validated(task) and told(task) == [], PATIENCE, "a task that is well")
        at = Entry(
            name=task.identifier, engine="postgres", kind=DMS, source="source", target="target", region="r",
            lag_alarm_seconds=60.0,
        )  # fmt: skip
        slots = SourceSlots(lambda say: Guest(flow), "source")
        stack = Stack("dev", replace(INVENTORY, flows=(at,), store=""), tmp_path)
        aws = Watched(Api(task), flow)
        world = command.World(lambda region: aws, None, DirectoryStore(tmp_path / "store"), look_seconds=0.1)  # type: ignore[arg-type]

        (slot,) = slots.read(lambda words: None)
        assert slot.name == f"dms_{name}" and slot.wal_status == "reserved"
        monkeypatch.setattr(drill_faults, "LEAST_MIB", 0)
        monkeypatch.setattr(drill_faults, "LEAST_SECONDS", 0)
        found = drill_faults.run(stack, at, world, Fault(Kind.SLOT, 5, 1), console(), sees=slots)
        assert (found["verdict"], found["problems"]) == ("passed", []), found["checks"]
        figures = found["figures"]
        assert figures["held_most_bytes"] > figures["held_before_bytes"] and figures["row_seconds"] is not None
        assert aws.api.calls == ["TestConnection", "TestConnection", "StopReplicationTask", "StartReplicationTask"]
        eventually(flow.equal, PATIENCE, "what was written while it stood")

        # While the task stands its slot is not dropped by its name alone.
        task.stop()
        drop = f"drop-slot={slot.name}"
        refused = tasks.run(stack, world, console(), False, frozenset({drop}), sees=lambda one: slots)
        assert refused["verdict"] == "refused" and len(slots.read(lambda words: None)) == 1
        words = frozenset({drop, f"give-up={at.name}"})
        done = tasks.run(stack, world, console(), False, words, sees=lambda one: slots)
        assert (done["verdict"], done["problems"]) == ("passed", [])
        assert slots.read(lambda words: None) == () and aws.api.calls[-1] == "StartReplicationTask"
    finally:
        if task.status == "running":
            task.stop()
        mine = f"WHERE slot_name = 'dms_{name}'"
        flow.source.sql(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots {mine}")


class Late(Asked):
    """With an alarm on each latency, up above two seconds."""

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        if operation != "DescribeAlarmsForMetric":
            found: Mapping[str, Any] = super().ask(service, operation, region, **given)
            return found
        state = "ALARM" if self.api.task.latencies[-1][2] > 2 else "OK"
        one = {"StateValue": state, "Threshold": 2, "Period": 0, "EvaluationPeriods": 3}
        return {"MetricAlarms": [{"AlarmName": given["MetricName"], **one}]}


def test_a_path_that_a_command_cuts_is_felt_and_all_that_was_written_meanwhile_arrives(
    servers: tuple[Postgres, Postgres], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = PostgresPair(*servers, f"dmspath{next(NUMBERS)}", tmp_path, 500)
    said: list[tuple[str, str, str]] = []

    def fault(command: str, what: str, state: str) -> str:
        said.append((command, what, state))
        (pair.way.cut if state == "on" else pair.way.mend)()
        if state == "on":
            pair.write(200)
        return ""

    monkeypatch.setattr(drill_faults, "LEAST_SECONDS", 0)
    monkeypatch.setattr(fault_command, "run", fault)
    try:
        task = pair.start(pair.task(seconds=3.0, settings='{"ErrorBehavior": {"RecoverableErrorInterval": 1}}'))
        eventually(lambda: pair.same() and validated(task) and told(task) == [], PATIENCE, "a task that is well")
        at, stack, world = pair.desk(Api(task))
        world.amazon = lambda region: Late(Api(task))
        found = drill_faults.run(stack, at, world, Fault(Kind.PATH, 10, command="cut"), console())
        assert (found["verdict"], found["problems"]) == ("passed", []), found["checks"]
        assert said == [("cut", pair.name, "on"), ("cut", pair.name, "off")]
        assert found["figures"]["latency_worst_seconds"] >= 5 and found["figures"]["alarm_fired_seconds"] is not None
        assert pair.same(), "all that was written during the cut"
    finally:
        pair.gone()


def test_a_slot_that_somebody_reads_is_not_dropped_and_one_of_the_flow_is_none_of_a_tasks(
    servers: tuple[Postgres, Postgres], tmp_path: Path
) -> None:
    name = f"dmsslot{next(NUMBERS)}"
    for one in servers:
        one.sql(f"CREATE DATABASE {name}")
    flow = Carried(name, *servers, tmp_path, {"carrier": "dms"})
    here = f"host={flow.source.folder} port={flow.source.port} user=postgres dbname={name}"
    flow.here("CREATE PUBLICATION nothing; CREATE TABLE t (id int PRIMARY KEY)")
    flow.there(f"CREATE SUBSCRIPTION other_{name} CONNECTION '{here}' PUBLICATION nothing")
    flow.here(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
    try:
        eventually(lambda: flow.must("slots")["slots"][0]["active"], 60, "somebody who reads the slot")
        assert [one["name"] for one in flow.must("slots")["slots"]] == [f"other_{name}"]
        assert flow.must("slots", "--at", "target")["slots"] == []
        found, code = flow.guest("slots", "--drop", f"other_{name}")
        assert code == 2 and found["problems"] == [f"somebody reads slot other_{name}: stop that one first"]
        for own in (name, "nobodys"):
            (problem,) = flow.refused("slots", "--drop", own)
            assert problem == f"the source has no slot {own} that is another's: there is other_{name}"
    finally:
        flow.there(f"ALTER SUBSCRIPTION other_{name} DISABLE; ALTER SUBSCRIPTION other_{name} SET (slot_name = NONE)")
        flow.there(f"DROP SUBSCRIPTION other_{name}")
    eventually(lambda: not flow.must("slots")["slots"][0]["active"], 60, "nobody who reads it")
    assert flow.must("slots", "--drop", f"other_{name}")["changed"] == [f"dropped slot other_{name}"]
    flow.here(f"SELECT pg_drop_replication_slot('{name}')")
