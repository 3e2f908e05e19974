"""What status says of a DMS task, from answers of the documented shapes: each fault with its fix."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from operations.amazon import Refused
from operations.subjects import cloud_reader, flow, postgres_replica
from operations.subjects.clouds import Unknown
from operations.subjects.dms_task import TaskSeen, task
from operations.subjects.sources import Sources
from operations.unanswered import CouldNotAsk
from tests.aws_gcp_world import INVENTORY
from tests.clouds_world import Clouds
from tests.doctor_world import FakeAws
from tests.mocks import harness
from tests.mocks.test_dms_cdc_task import FILL, MYSQL, build
from twinsite import DmsCdcTask
from twinsite.inventory import DMS, Flow
from twinsite.rules.dms import NOT_PROMISED

FLOW = Flow(
    name="shop", engine="mysql", kind=DMS, source="rds", target="10.31.0.3", tolerated_outage_hours=72.0,
    region="ap-northeast-2", lag_alarm_seconds=60.0,
)  # fmt: skip
ARN = "arn:aws:dms:ap-northeast-2:123456789012:task:shop"
TABLE = {
    "SchemaName": "shop", "TableName": "orders", "TableState": "Table completed", "ValidationState": "Validated",
    "ValidationFailedRecords": 0, "FullLoadRows": 20000,
}  # fmt: skip


def answers(
    status: str = "running",
    tables: Any = (TABLE,),
    source: float | None = 0.0,
    target: float | None = 2.0,
    instance: str = "available",
    **more: Any,
) -> FakeAws:
    on = "arn:aws:dms:ap-northeast-2:123456789012:rep:R"
    told = {
        "source": [] if source is None else [source, 99.0],
        "target": [] if target is None else [target, 99.0],
    }
    return FakeAws(
        {
            "dms:DescribeReplicationTasks": {
                "ReplicationTasks": [
                    {"ReplicationTaskArn": ARN, "ReplicationInstanceArn": on, "Status": status, **more}
                ]
            },
            "dms:DescribeReplicationInstances": {
                "ReplicationInstances": [
                    {"ReplicationInstanceIdentifier": "shop-instance", "ReplicationInstanceStatus": instance}
                ]
            },
            "dms:DescribeTableStatistics": lambda given: (
                {"TableStatistics": list(tables)[1:]}
                if given.get("Marker")
                else {"TableStatistics": list(tables)[:1], **({"Marker": "m"} if len(tables) > 1 else {})}
            ),
            "cloudwatch:GetMetricData": {
                "MetricDataResults": [{"Id": side, "Values": values} for side, values in told.items()]
            },
        }
    )


def said(aws: FakeAws, of: Flow = FLOW) -> list[str]:
    found = list(TaskSeen(of, task(of, aws)).problems())
    # A command may end a fix's sentence; what it is told to do stands first.
    assert all(": " in one for one in found), found
    return found


def test_a_task_that_runs_and_is_current_has_no_problem_and_shows_both_latencies() -> None:
    aws = answers()
    assert said(aws) == []
    seen = TaskSeen(FLOW, task(FLOW, aws))
    assert seen.shown() == {
        "flows": [
            {
                "name": "shop", "kind": "dms", "source": "rds", "target": "10.31.0.3", "state": "running",
                "instance": "available", "latency_source_seconds": 0.0, "latency_target_seconds": 2.0,
                "tables_in_error": [], "rows_that_differ": {}, "tables_loading": [],
                "not_promised": list(NOT_PROMISED),
            }
        ]
    }  # fmt: skip
    first, *rest = seen.lines()
    assert first == "  task     shop             running, 2 s behind, to 10.31.0.3"
    assert [one.strip() for one in rest] == [f"not promised: {words}" for words in NOT_PROMISED]


def test_the_page_has_what_a_replica_by_dms_cannot_promise() -> None:
    page = (Path(__file__).parents[2] / "docs/components/dms-cdc-task.md").read_text()
    assert [words for words in NOT_PROMISED if words[1:] not in page] == []


@pytest.mark.parametrize(("loading", "words"), [(1, "1 table is"), (2, "2 tables are")])
def test_a_target_amid_a_load_is_said_to_be_no_standby_yet(loading: int, words: str) -> None:
    amid = [{**TABLE, "TableName": f"t{at}", "TableState": "Full load"} for at in range(loading)]
    seen = TaskSeen(FLOW, task(FLOW, answers(tables=(TABLE, *amid))))
    assert next(seen.lines()).endswith(f"to 10.31.0.3, {words} being loaded: no standby yet")
    assert seen.shown()["flows"][0]["tables_loading"] == [f"shop.t{at}" for at in range(loading)]


def test_cloudwatch_is_asked_for_the_task_as_the_alarms_of_the_component_are() -> None:
    aws = answers()
    task(FLOW, aws)
    (given,) = [given for call, given in aws.asked if call == "cloudwatch:GetMetricData"]
    asked = [one["MetricStat"]["Metric"] for one in given["MetricDataQueries"]]
    run = build(MYSQL)
    for one, name in zip(asked, ("t-latency-source", "t-latency-target"), strict=True):
        alarm = run.one(name, "aws:cloudwatch/metricAlarm:MetricAlarm").inputs
        assert (one["Namespace"], one["MetricName"]) == (alarm["namespace"], alarm["metricName"])
        assert {of["Name"]: of["Value"] for of in one["Dimensions"]} == alarm["dimensions"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "ready"}, "it was never started"),
        ({"status": "stopped", "StopReason": "me"}, "it is stopped (me), and the source keeps its log for 72 h"),
        ({"status": "failed", "LastFailureMessage": "no log"}, "it has failed (no log)"),
        ({"status": "modifying"}, "it is modifying: ask again"),
        ({"status": "failed-move"}, "it is failed-move: look at it"),
        ({"target": 300.0}, "it is 300 s behind in writing at the target, more than 60 s"),
        ({"source": None}, "nobody has told its latency at the source for ten minutes"),
        ({"instance": "storage-full"}, "its replication instance is storage-full"),
        ({"tables": ({**TABLE, "TableState": "Table error"},)}, "shop.orders is in error, no longer followed"),
        ({"tables": (TABLE, {**TABLE, "TableName": "b", "ValidationFailedRecords": 3})}, "3 rows of shop.b differ"),
        ({"tables": ({**TABLE, "ValidationState": "No primary key"},)}, "shop.orders is not compared (No primary key)"),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_what_to_do(change: dict[str, Any], words: str) -> None:
    (problem,) = said(answers(**change))
    assert problem.startswith(f"shop: {words}")


def test_a_stopped_task_is_not_late_as_well() -> None:
    (problem,) = said(answers(status="stopped", source=None, target=None))
    assert "`twinsite dms resume --task shop`, unless the target was promoted" in problem


def test_a_task_that_is_gone_is_told_and_one_that_cannot_be_asked_is_unknown() -> None:
    gone = FakeAws({"dms:DescribeReplicationTasks": Refused("ResourceNotFoundFault", "no such task")})
    (problem,) = said(gone)
    assert problem.startswith("shop: AWS has no DMS task of that name in ap-northeast-2")
    denied = FakeAws({"dms:DescribeReplicationTasks": CouldNotAsk("you may not ask it", "have a right")})
    with pytest.raises(CouldNotAsk):
        task(FLOW, denied)
    (problem,) = TaskSeen(FLOW, Unknown("you may not ask it", "have a right")).problems()
    assert problem == "shop: how the DMS task is, is not known (you may not ask it: have a right)"


def test_status_asks_for_the_flow_of_an_inventory_and_an_old_one_is_told_to_be_written_anew() -> None:
    (made,) = harness.run(lambda: DmsCdcTask("t", MYSQL).inventory, FILL).result.flows  # type: ignore[arg-type]
    inventory = replace(INVENTORY, flows=(made,))
    world = replace(Clouds().world(), amazon=lambda region: answers() if region == "ap-northeast-2" else None)
    told = cloud_reader.connect(inventory, world)
    (seen,) = flow.read(Sources(inventory, None, None, clouds=lambda: told))  # type: ignore[arg-type]
    assert list(seen.problems()) == []
    old = replace(inventory, flows=(replace(made, region=""),))
    told = cloud_reader.connect(old, world)
    (seen,) = flow.read(Sources(old, None, None, clouds=lambda: told))  # type: ignore[arg-type]
    assert list(seen.problems()) == [
        "shop: how the DMS task is, is not known (the inventory does not say its region: `pulumi up` with this "
        "twinsite writes it)"
    ]


THROUGH = replace(
    FLOW, name="shop-crm", engine="postgres", through="gcp-logical-shop_crm", look_seconds=120.0, target="twinsite"
)
REPORT = {
    "version": 1, "flow": "shop_crm", "at": "2026-11-29T03:00:00Z", "healthy": True, "problems": [], "from": "source",
    "carrier": "dms", "gate": {"source": None, "target": {"epoch": 0, "writes": False, "without": []}},
    "differences": [], "lag": {"seconds": 1.5, "newest_seconds": 0.0},
}  # fmt: skip


def through(**change: Any) -> TaskSeen:
    """A flow that a job looks at, which has left this 60 s ago."""
    found = postgres_replica.parse({**REPORT, **change}, "shop_crm")
    return TaskSeen(
        THROUGH, task(THROUGH, answers()), postgres_replica.ReplicaSeen(THROUGH, None, found, found.at + 60)
    )


def test_a_job_that_looks_at_both_ends_is_believed_beside_dms() -> None:
    assert list(through().problems()) == [], "there is no subscription, and the slot is DMS's own"
    (shown,) = through().shown()["flows"]
    assert (shown["kind"], shown["state"], shown["lag_seconds"]) == ("dms", "running", 1.5)
    assert shown["gates"] == {"rds": None, "twinsite": {"epoch": 0, "writes": False}}
    words = "index orders.by_customer is missing at the target"
    assert list(through(healthy=False, problems=[words]).problems()) == [f"shop-crm: {words}"]
    (problem,) = through(lag=None).problems()
    assert "has not seen a heartbeat that arrived" in problem


BEGUN, ENDED = "2026-12-01T02:10:00Z", "2026-12-01T03:00:00Z"


@pytest.mark.parametrize(
    ("load", "copied", "words"),
    [
        (None, None, "to twinsite"),
        ({"since": None, "ended": None}, None, "to twinsite"),
        ({"since": None, "ended": ENDED}, True, f"to twinsite, loaded at {ENDED}"),
        ({"since": BEGUN, "ended": None}, False, f"to twinsite, a load is under way since {BEGUN}"),
        ({"since": BEGUN, "ended": ENDED}, False, f"to twinsite, a load is under way since {BEGUN}"),
    ],
)
def test_whether_all_rows_were_loaded_is_said_as_the_target_has_it(
    load: dict[str, Any] | None, copied: bool | None, words: str
) -> None:
    seen = through(load=load)
    assert seen.job is not None and isinstance(seen.job.found, postgres_replica.Look)
    assert seen.job.found.copied is copied
    assert next(iter(seen.lines())).endswith(words)
    (shown,) = seen.shown()["flows"]
    assert (shown["loading_since"], shown["loaded_at"]) == tuple((load or {}).get(one) for one in ("since", "ended"))


def test_what_such_a_job_has_left_is_asked_for_under_the_flows_name() -> None:
    clouds = Clouds()
    host = replace(clouds.inventory.hosts[0], name=THROUGH.through)
    known = replace(clouds.inventory, flows=(THROUGH,), hosts=(host,))
    assert ("flow", "shop-crm") in postgres_replica.asks(known, clouds.world())
