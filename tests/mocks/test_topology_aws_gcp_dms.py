"""Topology aws-gcp with rows by a task of AWS's DMS (`flow: dms`): what stands around the task, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from stacks.aws_gcp.build import refusals
from stacks.aws_gcp.estimate import estimate
from tests.policy.pack import Given, said
from twinsite import inventory
from twinsite.estimate.path import critical
from twinsite.rules import Refused
from twinsite.rules.dms import NOT_PROMISED

from .aws_gcp_topology import BY_DMS, build, read
from .harness import Run, plain
from .test_dms_cdc_task import ENDPOINT, INSTANCE, TASK

TOPIC = "aws:sns/topic:Topic"
SECRET = "aws:secretsmanager/secretVersion:SecretVersion"


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({})


@pytest.fixture(scope="module")
def found() -> Run:
    made = build(**BY_DMS)
    pulumi.runtime.set_all_config({})
    return made


def told(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run.one("aws-gcp-replica-told").inputs["data"]["logical.json"])
    return document


def test_the_job_makes_what_the_task_leaves_behind_and_no_subscription(found: Run) -> None:
    assert told(found)["carrier"] == "dms"
    assert "carrier" not in told(build())
    job = found.one("aws-gcp-replica-set-up").inputs["spec"]["template"]["spec"]["containers"][0]
    assert job["args"][-1:] == ["set-up"], "there is no first copy to wait for"
    assert "switch" in found.result["replica_by_hand"]


def test_the_task_carries_the_schemas_and_the_heartbeat_and_nothing_else_of_ours(found: Run) -> None:
    rules = json.loads(found.one("aws-gcp-dms-task").inputs["tableMappings"])["rules"]
    assert [one["object-locator"] for one in rules] == [
        {"schema-name": "public", "table-name": "%"},
        {"schema-name": "twinsite", "table-name": "heartbeat"},
    ]
    assert found.one("aws-gcp-dms-task").inputs["startReplicationTask"] is False


def test_both_logins_are_secrets_of_the_stack_and_the_targets_is_known_after_its_job(found: Run) -> None:
    words = {
        side: json.loads(found.one(f"aws-gcp-dms-{side}-login", SECRET).inputs["secretString"])
        for side in ("source", "target")
    }
    assert words["source"] == {
        "host": "crm.abcdefghijkl.ap-northeast-2.rds.amazonaws.com",
        "port": 5432,
        "username": "twinsite_replication",
        "password": "nor is this",
    }
    assert (words["target"]["host"], words["target"]["username"]) == ("10.31.0.3", "twinsite")
    for side in words:
        assert found.one(f"aws-gcp-dms-{side}-login", SECRET).holds_secret("secretString")
    job = found.one("aws-gcp-replica-set-up").urn
    reached = found.one("aws-gcp-dms-target-login", SECRET).request.propertyDependencies["secretString"].urns
    assert job in reached, "no endpoint, and so no task, before the definitions are there"


def test_the_instance_reaches_both_databases_and_rds_lets_it_in(found: Run) -> None:
    out = found.one("aws-gcp-dms-from-dms", "aws:ec2/securityGroup:SecurityGroup").inputs
    assert {(one["cidrBlocks"][0], one["toPort"]) for one in out["egress"]} == {
        ("10.10.0.0/16", 5432), ("10.31.0.0/20", 5432), ("0.0.0.0/0", 443),
    }  # fmt: skip
    rule = found.one("aws-gcp-dms-from-dms", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    assert (rule["fromPort"], rule["toPort"]) == (5432, 5432)
    (group,) = found.one("aws-gcp-dms-instance", INSTANCE).inputs["vpcSecurityGroupIds"]
    assert rule["referencedSecurityGroupId"] == group != rule["securityGroupId"]
    own = found.one("aws-gcp-dms-source", ENDPOINT).inputs["postgresSettings"]
    assert own["heartbeatSchema"] == "twinsite", "where the job lets the login make it"
    ends = {one.name: one.inputs["sslMode"] for one in found.resources if one.type == ENDPOINT}
    assert ends == {"aws-gcp-dms-source": "verify-full", "aws-gcp-dms-target": "verify-ca"}


def test_the_topic_of_the_alarms_takes_words_of_dms(found: Run) -> None:
    policy = json.loads(found.one("aws-gcp-watch-aws-alarms", TOPIC).inputs["policy"])
    by = {one["Principal"]["Service"]: one.get("Condition") for one in policy["Statement"]}
    assert set(by) == {"cloudwatch.amazonaws.com", "dms.amazonaws.com"}
    account = by["cloudwatch.amazonaws.com"]["StringEquals"]["aws:SourceAccount"]
    assert by["dms.amazonaws.com"] == {"ArnLike": {"aws:SourceArn": f"arn:aws:dms:*:{account}:es:*"}}, "of nobody else"
    assert "policy" not in build().one("aws-gcp-watch-aws-alarms", TOPIC).inputs, "AWS's own says who may"


def test_the_flow_in_the_inventory_is_the_tasks_and_goes_through_the_job(found: Run) -> None:
    known = inventory.from_dict(plain(found.result["inventory"]))
    (flow,), (host,) = known.flows, known.hosts
    assert (flow.kind, flow.name, flow.region) == ("dms", "twinsite", "ap-northeast-2")
    assert (flow.source, flow.target, flow.through) == ("crm", "twinsite", host.name)
    assert [one.name for one in known.databases] == [flow.target]
    assert (flow.target_address, flow.heartbeat_table, flow.look_seconds) == ("10.31.0.3", "twinsite.heartbeat", 120.0)
    assert flow.schemas == ("public", "twinsite")


@pytest.mark.parametrize("change", [{"dr_mode": "cold", "cold_without_data": "accept"}, {"replication": "taken-away"}])
def test_without_rows_to_come_there_is_no_task(change: dict[str, Any]) -> None:
    assert [one.name for one in build(**BY_DMS, **change).resources if one.type in (TASK, INSTANCE)] == []


def test_no_policy_has_anything_against_it(found: Run) -> None:
    published = {one.urn: plain(found.outputs.get(one.urn, {})) for one in found.resources}
    graph = [
        Given(one.type, one.name, {"id": one.id, **one.inputs, **published[one.urn]}, one.request.protect)
        for one in found.resources
    ]
    assert said(graph) == {}
    # And they see it: without its alarms, and with the settings of the document.
    unwatched = [one for one in graph if "latency" not in one.name]
    assert set(said(unwatched)) == {"migration-task-unwatched"}
    theirs = {"replicationTaskSettings": json.dumps({"FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE"}})}
    unsafe = [Given(one.type, one.name, {**one.props, **theirs}) if one.type == TASK else one for one in graph]
    assert "migration-task-unsafe" in said(unsafe)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"replication": "by-hand"}, "flow is dms and replication by-hand"),
        ({"tolerated_outage_hours": 4}, "tolerated_outage_hours is 4, and a task of DMS"),
        (
            {"replication_back_user": "b", "replication_back_password": "p", "replication_back_authority": "system"},
            "replication_back_user is b, and a task of DMS has no way back",
        ),
        ({"dms_largest_lob_kib": ""}, "dms_largest_lob_kib is not set"),
        ({"flow": "fast"}, "flow is 'fast'"),
    ],
    ids=["by-hand", "hours", "back", "lob", "unknown"],
)
def test_what_does_not_go_together_is_refused_by_the_settings(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        read(**BY_DMS | change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dms_subnet_ids": {"ap-northeast-2a": "subnet-a"}}, "wants two zones"),
        ({"dms_instance_class": "db.t3.medium"}, "is none of DMS's"),
        ({"primary_database_ca": ""}, "rds"),
    ],
    ids=["subnets", "class", "authority"],
)
def test_what_the_component_would_refuse_is_refused_in_cold_too(change: dict[str, Any], words: str) -> None:
    cold = {"dr_mode": "cold", "cold_without_data": "accept"}
    with pytest.raises(Refused, match=words):
        found = refusals(read(**BY_DMS | cold | change))
        raise Refused("t", found)


def test_the_estimate_has_the_tasks_rows_and_its_loss() -> None:
    modes = estimate(read(**BY_DMS)).modes
    rows = {mode: [one.name for one in modes[mode].costs if one.name.startswith("task twinsite")] for mode in modes}
    assert rows["cold"] == []
    assert len(rows["pilot-light"]) == len(rows["warm"]) == 4
    plain_rows = {one.name for one in estimate(read()).modes["pilot-light"].costs}
    assert not [one for one in plain_rows if one.startswith("task")]
    (lost,) = modes["pilot-light"].lost
    assert lost.name == "task twinsite: changes on their way"


def test_a_task_of_a_region_without_a_price_is_a_row_that_says_so() -> None:
    (instance,) = [one for one in estimate(read(**BY_DMS)).modes["warm"].costs if one.name.endswith("-multi-az")]
    assert instance.value is None
    assert "no price of dms/t3.medium-multi-az in ap-northeast-2" in instance.source
    assert instance.name in estimate(read(**BY_DMS)).modes["warm"].shown()["unknown_prices"]


def test_a_failover_by_dms_takes_the_steps_of_the_others_and_the_estimate_says_what_dms_never_promises() -> None:
    by_dms, native = estimate(read(**BY_DMS)), estimate(read())
    for mode in ("pilot-light", "warm"):
        assert critical(by_dms.modes[mode].path) == critical(native.modes[mode].path)
    promised = [one for one in by_dms.notes if one.startswith("not promised by flow dms: ")]
    assert len(promised) == len(NOT_PROMISED)
    assert not any("flow dms" in one for one in native.notes)
