"""`twinsite drill dms --kind path|slot` against a DMS, an EC2 and a job that answer from tables."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from operations import cli
from operations.amazon import Refused
from operations.console import console
from operations.dms import command, drill_faults, path
from operations.dms.drill_faults import Fault, disk_alarms
from operations.dms.drill_steps import own
from operations.dms.service import DRILL_RIGHTS, Service
from operations.dms.source_slots import Slot, SourceSlots
from operations.dms.words import Kind
from operations.stack import Stack
from operations.steps import StepFailed
from operations.store import DirectoryStore
from operations.subjects import cut_path
from operations.subjects.away import Parts
from operations.subjects.sources import Sources
from operations.transport import Done
from operations.unanswered import CouldNotAsk
from tests.aws_gcp_world import INVENTORY
from tests.unit.test_dms_command import Dms
from tests.unit.test_status_dms import FLOW, TABLE

POSTGRES = replace(
    FLOW, engine="postgres", target_address="10.31.0.3", target_port=5432,
    source_address="crm.abcdefghijkl.ap-northeast-2.rds.amazonaws.com",
)  # fmt: skip
ALLOW = {"RuleNumber": 100, "Egress": True, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
IN = {"RuleNumber": 1, "Egress": False, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
LAST = {"RuleNumber": 32767, "Egress": True, "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}


class Amazon(Dms):
    """With the ACLs of the instance's subnets, and alarms that come up while the task is late or stands."""

    def __init__(self, state: str = "running") -> None:
        super().__init__(state)
        self.acls: dict[str, list[Any]] = {"acl-1": [ALLOW, IN, LAST], "acl-2": [ALLOW, LAST]}
        self.alarmed, self.deaf, self.disk = True, False, False
        self.cut_looks = 0
        self.worst = 90.0

    @property
    def cut(self) -> bool:
        return any(path.Cut("shop", "10.31.0.3", 5432).denies(one) for acl in self.acls.values() for one in acl)

    @property
    def stands(self) -> bool:
        return self.state in ("stopping", "stopped")

    def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
        if operation in self.fails:
            raise self.fails[operation]
        if operation == "DescribeReplicationInstances":
            (one,) = super().ask(service, operation, region, **given)["ReplicationInstances"]
            group = {"Subnets": [{"SubnetIdentifier": name} for name in ("subnet-1", "subnet-2")]}
            return {"ReplicationInstances": [{**one, "ReplicationSubnetGroup": group}]}
        if operation == "DescribeTableStatistics":
            return {"TableStatistics": [TABLE]}
        if operation == "GetMetricData":
            late = self.worst if self.cut and not self.deaf else 1.0
            told = {"Values": [late], "Timestamps": [datetime.fromtimestamp(time.time() + 60, UTC)]}
            told = {"Values": [], "Timestamps": []} if self.stands else told
            return {"MetricDataResults": [{"Id": one["Id"], **told} for one in given["MetricDataQueries"]]}
        if operation == "DescribeAlarmsForMetric":
            disk = given["Namespace"] == "AWS/RDS"
            up = self.disk if disk else (self.cut or self.stands) and not self.deaf
            one = {
                "AlarmName": given["MetricName"], "StateValue": "ALARM" if up else "OK", "Threshold": 0.0, "Period": 0,
                "EvaluationPeriods": 3,
            }  # fmt: skip
            return {"MetricAlarms": [one] if self.alarmed else []}
        if operation == "DescribeNetworkAcls":
            return {"NetworkAcls": [{"NetworkAclId": name, "Entries": list(rows)} for name, rows in self.acls.items()]}
        if operation == "CreateNetworkAclEntry":
            acl = self.acls[given["NetworkAclId"]]
            assert given["RuleNumber"] not in [one["RuleNumber"] for one in acl if one["Egress"] is given["Egress"]]
            acl.append({name: value for name, value in given.items() if name != "NetworkAclId"})
        if operation == "DeleteNetworkAclEntry":
            acl = self.acls[given["NetworkAclId"]]
            gone = [one for one in acl if one["RuleNumber"] == given["RuleNumber"] and one["Egress"]]
            if not gone:
                raise Refused("InvalidNetworkAclEntry.NotFound", f"ec2:{operation}: InvalidNetworkAclEntry.NotFound")
            acl.remove(gone[0])
        return super().ask(service, operation, region, **given)


class Job:
    """One slot: it grows while the task stands, and is let go when the task runs."""

    place, program = "job", "logical"

    def __init__(self, amazon: Amazon, step: int = 6 << 20) -> None:
        self.amazon, self.step, self.held, self.wal_status, self.fails = amazon, step, 1000, "reserved", False

    def run(self, arguments: Any, seconds: float) -> Done:
        if arguments[0] == "look":
            return Done(0, json.dumps({"outcome": "done", "lag": {"seconds": 0.4}}), "")
        if self.amazon.stands and self.fails:
            return Done(1, json.dumps({"outcome": "failed", "problems": ["the source does not answer"]}), "")
        self.held = self.held + self.step if self.amazon.stands else 1000
        one = {"name": "abc_1", "active": not self.amazon.stands, "held_bytes": self.held}
        return Done(0, json.dumps({"outcome": "done", "slots": [{**one, "wal_status": self.wal_status}]}), "")


@pytest.fixture(autouse=True)
def _brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_faults, "LEAST_SECONDS", 0.0)


def drill(tmp_path: Path, amazon: Amazon, fault: Fault, job: Job | None = None, flow: Any = POSTGRES) -> dict[str, Any]:
    stack = Stack("dev", replace(INVENTORY, flows=(flow,), store=""), tmp_path)
    world = command.World(lambda region: amazon, None, DirectoryStore(tmp_path / "store"), look_seconds=0.01)  # type: ignore[arg-type]
    sees = SourceSlots(lambda say: job, "source") if job else None
    return drill_faults.run(stack, flow, world, fault, console(), sees=sees)


def marked(tmp_path: Path) -> bool:
    return (tmp_path / "store" / cut_path.MARK).exists()


def status_says(store: DirectoryStore) -> list[str]:
    known = replace(INVENTORY, flows=(POSTGRES,), store="gs://operations")
    parts = Parts(known, 0.0, {"cut": lambda: cut_path.left(store)})
    there = Sources(known, None, lambda: parts)  # type: ignore[arg-type]
    return [words for one in cut_path.read(there) for words in one.problems()]


def test_a_mark_of_somebody_elses_is_named_and_breaks_nothing(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.write(cut_path.MARK, b"[]")
    assert status_says(store) == [
        "drill-dms-path.json in operations' store is none of `twinsite drill dms`: look who wrote it"
    ]


BRIEF = Fault(Kind.PATH, 0.3)


def test_a_path_is_cut_for_its_time_by_entries_in_front_of_all_others_and_mended(tmp_path: Path) -> None:
    amazon = Amazon()
    before = json.dumps(amazon.acls)
    found = drill(tmp_path, amazon, BRIEF)
    assert (found["verdict"], found["problems"]) == ("passed", [])
    assert [step["name"] for step in found["steps"]] != []
    assert amazon.acted == ["CreateNetworkAclEntry"] * 2 + ["DeleteNetworkAclEntry"] * 2
    assert json.dumps(amazon.acls) == before and not marked(tmp_path)
    figures = found["figures"]
    assert (figures["latency_before_seconds"], figures["latency_worst_seconds"]) == (1.0, 90.0)
    assert figures["broken_for_seconds"] >= 0.3 and figures["latency_back_seconds"] is not None
    assert figures["alarm_fired_seconds"] is not None and figures["alarm_cleared_seconds"] is not None
    assert [check["name"] for check in found["checks"]] == [
        "the fault was one", "latency under the threshold again", "no row is missing", "the alarm",
    ]  # fmt: skip
    assert json.loads(Path(found["evidence"]).read_text())["kind"] == "path"


def test_a_cut_that_nobody_felt_and_an_alarm_that_stays_silent_are_failures(tmp_path: Path) -> None:
    amazon = Amazon()
    amazon.deaf, amazon.worst = True, 1.0
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "failed" and found["problems"] == []
    assert [one["name"] for one in found["checks"] if not one["passed"]] == ["the fault was one", "the alarm"]


def test_what_fails_amid_the_cut_leaves_no_entry_and_no_mark(tmp_path: Path) -> None:
    class Silent(Amazon):
        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            if operation == "GetMetricData" and self.cut:
                raise CouldNotAsk("AWS does not answer")
            return super().ask(service, operation, region, **given)

    amazon = Silent()
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "failed" and "AWS does not answer" in found["problems"][0]
    assert not amazon.cut and not marked(tmp_path)
    # One of two entries was made when the other was refused.
    amazon = Amazon()
    create = amazon.ask

    def ask(service: str, operation: str, region: str = "", **given: Any) -> Any:
        if operation == "CreateNetworkAclEntry" and given["NetworkAclId"] == "acl-2":
            raise Refused("NetworkAclEntryLimitExceeded", "ec2:CreateNetworkAclEntry: NetworkAclEntryLimitExceeded")
        return create(service, operation, region, **given)

    amazon.ask = ask  # type: ignore[method-assign]
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "failed" and "NetworkAclEntryLimitExceeded" in found["problems"][0]
    assert not amazon.cut and not marked(tmp_path)


def test_an_entry_that_ec2_made_and_does_not_list_yet_goes_and_somebody_elses_of_the_number_stays(
    tmp_path: Path,
) -> None:
    class Behind(Amazon):
        """Lists no entry of a drill."""

        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            if operation == "DescribeNetworkAcls":
                return {"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": [ALLOW, LAST]}]}
            return super().ask(service, operation, region, **given)

    amazon: Amazon = Behind()
    assert drill(tmp_path, amazon, BRIEF)["verdict"] == "passed" and amazon.acls["acl-1"] == [ALLOW, IN, LAST]

    class Taken(Behind):
        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            if operation == "CreateNetworkAclEntry":
                self.acls["acl-1"].append({**ALLOW, "RuleNumber": 99})
                raise Refused(path.TAKEN, f"ec2:{operation}: {path.TAKEN}")
            return super().ask(service, operation, region, **given)

    amazon = Taken()
    assert drill(tmp_path, amazon, BRIEF)["verdict"] == "failed"
    assert {**ALLOW, "RuleNumber": 99} in amazon.acls["acl-1"] and not marked(tmp_path)


def test_ctrl_c_mends_and_after_a_kill_the_next_run_does(tmp_path: Path) -> None:
    class Interrupted(Amazon):
        def ask(self, service: str, operation: str, region: str = "", **given: Any) -> Mapping[str, Any]:
            if operation == "GetMetricData" and self.cut:
                raise KeyboardInterrupt
            return super().ask(service, operation, region, **given)

    amazon: Amazon = Interrupted()
    found = drill(tmp_path, amazon, BRIEF)
    assert found["problems"] == ["interrupted: the path was opened again; `twinsite status` says how the task is"]
    assert not amazon.cut and not marked(tmp_path)
    # Killed: nobody takes anything back.
    amazon, store = Amazon(), DirectoryStore(tmp_path / "store")
    killed = path.Path(Service(amazon, POSTGRES, 0.01), store, path.Cut("shop", "10.31.0.3", 5432))
    killed.close()
    assert amazon.cut and marked(tmp_path)
    (problem,) = status_says(store)
    assert "shop: a drill cut its path to 10.31.0.3 (entry 99 of acl-1, entry 99 of acl-2)" in problem
    assert "`twinsite drill dms --kind path --task shop` opens it first" in problem
    other = {**LAST, "RuleNumber": 98}
    amazon.acls["acl-1"].append(other)
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "passed" and not amazon.cut and not marked(tmp_path)
    assert other in amazon.acls["acl-1"], "nobody else's entry goes"
    assert status_says(store) == []
    assert found["steps"][1]["detail"] == "the path of shop to 10.31.0.3 is open again"


def test_a_command_of_the_operators_cuts_and_mends_also_what_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = tmp_path / "fault"
    script.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    script.chmod(0o755)
    amazon = Amazon()
    fault = Fault(Kind.PATH, 0.1, command=str(script))
    found = drill(tmp_path, amazon, fault, flow=replace(POSTGRES, target_address="db.example.com"))
    assert log.read_text().split("\n")[:2] == ["shop on", "shop off"] and amazon.acted == []
    # The command did nothing, and that is seen.
    assert found["verdict"] == "failed" and not found["checks"][0]["passed"] and not marked(tmp_path)
    script.write_text("#!/bin/sh\necho no >&2\nexit 3\n")
    found = drill(tmp_path, amazon, fault)
    assert "failed with exit code 3: no" in found["problems"][0] and marked(tmp_path), "not mended, and not forgotten"


SLOT = Fault(Kind.SLOT, 600.0, 16)


def test_a_slot_holds_the_log_up_to_its_bound_and_is_let_go(tmp_path: Path) -> None:
    amazon = Amazon()
    job = Job(amazon)
    found = drill(tmp_path, amazon, SLOT, job)
    assert (found["verdict"], found["problems"]) == ("passed", [])
    assert amazon.acted == [
        "TestConnection", "TestConnection", "StopReplicationTask", "StartReplicationTask resume-processing",
    ]  # fmt: skip
    figures = found["figures"]
    assert (figures["held_before_bytes"], figures["held_after_bytes"], figures["row_seconds"]) == (1000, 1000, 0.4)
    assert figures["held_most_bytes"] == 1000 + 3 * job.step, "the first look above 16 MiB ends it"
    (watched,) = [step for step in found["steps"] if step["name"].startswith("let the slot")]
    assert watched["detail"].endswith("it held as much as it may")


@pytest.mark.parametrize("amiss", ["look", "lost", "disk", "ctrl-c"])
def test_a_disk_is_never_filled_whatever_is_amiss_the_task_goes_on(tmp_path: Path, amiss: str) -> None:
    amazon = Amazon()

    class Ill(Job):
        def run(self, arguments: Any, seconds: float) -> Done:
            if self.amazon.stands:
                if amiss == "ctrl-c":
                    raise KeyboardInterrupt
                self.fails = amiss == "look"
                self.wal_status = "unreserved" if amiss == "lost" else "reserved"
                self.amazon.disk = amiss == "disk"
            return super().run(arguments, seconds)

    job = Ill(amazon, step=1)
    began = time.monotonic()
    if amiss == "disk":
        amazon_ask = amazon.ask

        def ask(service: str, operation: str, region: str = "", **given: Any) -> Any:
            amazon.disk = amazon.disk and amazon.stands
            return amazon_ask(service, operation, region, **given)

        amazon.ask = ask  # type: ignore[method-assign]
    found = drill(tmp_path, amazon, SLOT, job)
    assert amazon.acted[-1] == "StartReplicationTask resume-processing" and time.monotonic() - began < 60
    words = {
        "look": "the source does not answer",
        "lost": "slot abc_1 is unreserved: the source does not keep what the task needs",
        "disk": "alarm OldestReplicationSlotLag came up",
        "ctrl-c": "interrupted: the task was resumed",
    }[amiss]
    said = found["problems"] + [step["detail"] for step in found["steps"]]
    assert any(words in one for one in said), said
    assert found["verdict"] == ("passed" if amiss == "disk" else "failed")


def test_what_is_drilled_is_well_and_watched_or_nothing_is_broken(tmp_path: Path) -> None:
    amazon = Amazon("stopped")
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "refused" and "while something is wrong" in found["problems"][0]
    amazon = Amazon()
    amazon.alarmed = False
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "refused" and found["problems"][0].startswith("no alarm watches a latency of the task")
    amazon = Amazon()
    amazon.connection = ("failed", "no route")
    found = drill(tmp_path, amazon, SLOT, Job(amazon))
    assert found["verdict"] == "refused" and "StopReplicationTask" not in amazon.acted
    assert not amazon.cut and found["evidence"] is None


@pytest.mark.parametrize(
    ("fault", "flow", "words"),
    [
        (Fault(Kind.PATH), replace(POSTGRES, target_address="db.example.com"), "goes by an IPv4 address: give --fault"),
        (Fault(Kind.PATH), replace(POSTGRES, target_port=0), "does not say the target's port: `pulumi up`"),
        (Fault(Kind.PATH, 4000), POSTGRES, "--seconds 4000: give 0 to 3600"),
        (Fault(Kind.SLOT), replace(POSTGRES, engine="mysql"), "shop reads mysql, which has no slots: give --kind path"),
        (Fault(Kind.SLOT), POSTGRES, "no job of the stack sees rds, and a slot that nobody watches is not drilled"),
        (Fault(Kind.SLOT, hold_mib=1), POSTGRES, "--hold-mib 1: give 16 to 4096; no drill fills a disk"),
        (Fault(Kind.SLOT, command="x"), POSTGRES, "--fault-command cuts a path: leave it out"),
    ],
)
def test_what_cannot_be_drilled_is_refused_with_the_fix(tmp_path: Path, fault: Fault, flow: Any, words: str) -> None:
    amazon = Amazon()
    found = drill(tmp_path, amazon, fault, flow=flow)
    assert found["verdict"] == "refused" and any(words in one for one in found["problems"]), found["problems"]
    assert amazon.acted == []


def test_no_number_in_front_of_all_entries_is_a_refusal(tmp_path: Path) -> None:
    amazon = Amazon()
    amazon.acls["acl-1"].append({**ALLOW, "RuleNumber": 1})
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "refused" and "rule 1 of acl-1 goes out already" in found["problems"][0]
    assert amazon.acted == [] and not marked(tmp_path)


def test_a_right_that_is_missing_is_named_by_its_own_file(tmp_path: Path) -> None:
    amazon = Amazon()
    amazon.fails["DescribeNetworkAcls"] = CouldNotAsk("you may not ask it: ec2:DescribeNetworkAcls is refused")
    found = drill(tmp_path, amazon, BRIEF)
    assert found["verdict"] == "refused" and DRILL_RIGHTS in found["problems"][0]


def test_the_tasks_slot_is_the_one_that_is_no_longer_read_or_the_only_one() -> None:
    one, other = Slot("a", True, 0), Slot("b", False, 0)
    idle = replace(one, active=False)
    assert own((one, other), (idle, other)) == idle
    assert own((idle,), (idle,)) == idle
    for before, now in (((idle, other), (idle, other)), ((), ())):
        with pytest.raises(StepFailed, match="which slot is the task's is not known"):
            own(before, now)


def test_a_slots_bytes_are_watched_where_rds_measures_them_and_the_line_has_each_kind() -> None:
    assert disk_alarms(POSTGRES) == (("AWS/RDS", "OldestReplicationSlotLag", (("DBInstanceIdentifier", "crm"),)),)
    assert disk_alarms(replace(POSTGRES, source_address="10.0.0.5")) == ()
    given = cli._arguments().parse_args(["drill", "dms", "--kind", "slot", "--hold-mib", "64"])
    assert (given.kind, given.hold_mib, given.seconds) == ("slot", 64, 420.0)
    assert cli._arguments().parse_args(["drill", "dms"]).kind == "instance"
