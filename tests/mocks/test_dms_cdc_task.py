"""DmsCdcTask under mocks: private, by secrets, verified, never started, and told when it falls silent."""

import json
import re
from typing import Any

import pulumi
import pytest

from tests.mocks import harness
from tests.policy.pack import Given, said
from twinsite import DmsCdcTask, DrMode, rules
from twinsite.database.dms_still import while_stopped

KIND = "twinsite:index:DmsCdcTask"
TASK = "aws:dms/replicationTask:ReplicationTask"
INSTANCE = "aws:dms/replicationInstance:ReplicationInstance"
GROUP = "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup"
ENDPOINT = "aws:dms/endpoint:Endpoint"
CERTIFICATE = "aws:dms/certificate:Certificate"
EVENTS = "aws:dms/eventSubscription:EventSubscription"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
ALL = tuple(DrMode)

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
SECRETS = {end: f"arn:aws:secretsmanager:ap-northeast-2:1:secret:{end}" for end in ("source", "target")}
TOPIC = "arn:aws:sns:ap-northeast-2:1:told"

MYSQL: dict[str, Any] = {
    "dr_mode": DrMode.PILOT_LIGHT,
    "region": "ap-northeast-2",
    "task_id": "shop",
    "source": {
        "engine": "mysql",
        "address": "shop.abc.ap-northeast-2.rds.amazonaws.com",
        "secret_arn": SECRETS["source"],
        "tls_ca": PEM,
    },
    "target": {
        "engine": "mysql",
        "address": "10.31.0.3",
        "secret_arn": SECRETS["target"],
        "tls": "verify-ca",
        "tls_ca": PEM,
    },
    "tables": [{"schema": "shop"}],
    "largest_lob_kib": 900,
    "instance_class": "dms.t3.medium",
    "subnet_ids": {"ap-northeast-2a": "subnet-a", "ap-northeast-2c": "subnet-b"},
    "security_group_ids": ["sg-dms"],
    "topic_arn": TOPIC,
    "log_retention_hours": 72,
    "tags": {"team": "dr"},
}
POSTGRES: dict[str, Any] = {
    **MYSQL,
    "source": {**MYSQL["source"], "engine": "postgres", "database": "shop"},
    "target": {**MYSQL["target"], "engine": "postgres", "database": "shop"},
}


def task(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"replicationTaskArn": f"arn:aws:dms:ap-northeast-2:1:task:{inputs['resourceIdentifier']}"}


FILL = {
    TASK: task,
    INSTANCE: lambda name, inputs: {"replicationInstanceArn": "arn:aws:dms:ap-northeast-2:1:rep:R"},
    ENDPOINT: lambda name, inputs: {"endpointArn": f"arn:aws:dms:ap-northeast-2:1:endpoint:{name}"},
    CERTIFICATE: lambda name, inputs: {"certificateArn": f"arn:aws:dms:ap-northeast-2:1:cert:{name}"},
}


def build(good: dict[str, Any] = MYSQL, **change: Any) -> harness.Run:
    """A task called `t`, its good arguments changed by `change`."""

    def program() -> Any:
        return DmsCdcTask("t", {**good, **change}).ready  # type: ignore[typeddict-item]

    return harness.run(program, FILL)


@pytest.mark.parametrize("good", [MYSQL, POSTGRES])
def test_the_instance_is_private_survives_a_zone_and_is_changed_when_it_is_said(good: dict[str, Any]) -> None:
    found = build(good).one("t-instance", INSTANCE).inputs
    assert (found["publiclyAccessible"], found["multiAz"], found["applyImmediately"]) == (False, True, True)
    assert found["autoMinorVersionUpgrade"] is False
    assert (found["replicationInstanceId"], found["allocatedStorage"]) == ("shop-instance", 100)
    assert "engineVersion" not in found
    assert build(good, multi_az=False, engine_version="3.5.4").one("t-instance", INSTANCE).inputs["multiAz"] is False


@pytest.mark.parametrize("good", [MYSQL, POSTGRES])
def test_an_endpoint_has_a_secret_a_role_that_reads_it_and_no_password(good: dict[str, Any]) -> None:
    run = build(good)
    role, reads = run.one("t-secrets", ROLE), run.one("t-secrets", ROLE_POLICY)
    for side in SECRETS:
        found = run.one(f"t-{side}", ENDPOINT)
        assert found.inputs["secretsManagerArn"] == SECRETS[side]
        assert found.inputs["secretsManagerAccessRoleArn"] == "arn:aws:test:::t-secrets"
        assert not {"password", "username", "serverName", "port"} & set(found.inputs)
        assert {role.urn, reads.urn} <= found.depends_on
    assert json.loads(reads.inputs["policy"])["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": [SECRETS["source"], SECRETS["target"]],
        }
    ]
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "dms.ap-northeast-2.amazonaws.com"}


def test_a_key_of_the_secrets_own_may_be_used() -> None:
    run = build(source={**MYSQL["source"], "secret_key_arn": "arn:aws:kms:ap-northeast-2:1:key/k"})
    _, second = json.loads(run.one("t-secrets", ROLE_POLICY).inputs["policy"])["Statement"]
    assert second == {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": ["arn:aws:kms:ap-northeast-2:1:key/k"]}


def test_each_end_is_verified_by_its_own_authority() -> None:
    run = build()
    modes = {side: run.one(f"t-{side}", ENDPOINT).inputs["sslMode"] for side in SECRETS}
    assert modes == {"source": "verify-full", "target": "verify-ca"}
    for side in SECRETS:
        assert run.one(f"t-{side}", CERTIFICATE).inputs["certificatePem"] == PEM
        wanted = f"arn:aws:dms:ap-northeast-2:1:cert:t-{side}"
        assert run.one(f"t-{side}", ENDPOINT).inputs["certificateArn"] == wanted


def test_another_authority_is_a_certificate_of_another_name_and_the_same_one_is_not() -> None:
    other = {**MYSQL["target"], "tls_ca": PEM.replace("MIIB", "MIIC")}
    runs = [build(), build(), build(target=other), build(task_id="s" * 31)]
    names = [[run.one(f"t-{side}", CERTIFICATE).inputs["certificateId"] for side in SECRETS] for run in runs]
    assert names[0] == names[1]
    assert (names[0][0] == names[2][0], names[0][1] == names[2][1]) == (True, False)
    for one in (name for pair in names for name in pair):
        # [terraform-provider-aws, internal/service/dms/certificate.go]
        assert re.fullmatch(r"[A-Za-z][0-9A-Za-z-]{0,253}[0-9A-Za-z]", one) and "--" not in one, one


def test_foreign_keys_and_triggers_are_off_for_dmss_own_sessions_at_the_target() -> None:
    run = build(MYSQL)
    assert run.one("t-target", ENDPOINT).inputs["extraConnectionAttributes"] == "Initstmt=SET FOREIGN_KEY_CHECKS=0"
    assert "extraConnectionAttributes" not in run.one("t-source", ENDPOINT).inputs
    run = build(POSTGRES)
    told = {"executeTimeout": 60, "maxFileSize": 32768}  # the provider sends 0 for what is left out
    assert run.one("t-target", ENDPOINT).inputs["postgresSettings"] == {
        "afterConnectScript": "SET session_replication_role='replica'", **told,
    }  # fmt: skip
    assert run.one("t-source", ENDPOINT).inputs["postgresSettings"] == {
        "heartbeatEnable": True, "heartbeatFrequency": 5, "failTasksOnLobTruncation": True, "captureDdls": False,
        **told,
    }  # fmt: skip


def test_the_task_is_made_and_never_started() -> None:
    found = build().one("t-task", TASK).inputs
    assert found["startReplicationTask"] is False
    assert (found["migrationType"], found["replicationTaskId"]) == ("full-load-and-cdc", "shop")
    assert not {"cdcStartTime", "cdcStartPosition"} & set(found)
    found = build(migration_type="cdc", start_position="binlog.000024:373").one("t-task", TASK).inputs
    assert (found["migrationType"], found["cdcStartPosition"]) == ("cdc", "binlog.000024:373")


def test_mappings_and_settings_are_made_of_what_is_typed() -> None:
    found = build().one("t-task", TASK).inputs
    (rule,) = json.loads(found["tableMappings"])["rules"]
    assert rule["object-locator"] == {"schema-name": "shop", "table-name": "%"}
    settings = json.loads(found["replicationTaskSettings"])
    assert settings["TargetMetadata"]["LobMaxSize"] == 1800
    assert settings["FullLoadSettings"]["TargetTablePrepMode"] == "DO_NOTHING"
    assert settings["ValidationSettings"]["EnableValidation"] is True


def test_a_latency_that_falls_silent_pages_and_so_does_the_instance() -> None:
    run = build(latency_alarm_seconds=30)
    found = {one.inputs["metricName"]: one.inputs for one in run.of(ALARM)}
    assert sorted(found) == ["CDCLatencySource", "CDCLatencyTarget", "FreeStorageSpace", "FreeableMemory"]
    assert {one["treatMissingData"] for one in found.values()} == {"breaching"}
    assert {tuple(one["alarmActions"]) for one in found.values()} == {(TOPIC,)}
    of = {"ReplicationInstanceIdentifier": "shop-instance", "ReplicationTaskIdentifier": "shop"}
    for metric in ("CDCLatencySource", "CDCLatencyTarget"):
        assert found[metric]["dimensions"] == of
        assert (found[metric]["threshold"], found[metric]["comparisonOperator"]) == (30, "GreaterThanThreshold")
    assert found["FreeStorageSpace"]["threshold"] == 20 * 1024**3
    assert found["FreeableMemory"]["threshold"] == 512 * 1024**2


def test_a_failed_or_stopped_task_and_a_failing_instance_are_told() -> None:
    run = build()
    of = {one.inputs["sourceType"]: one.inputs for one in run.of(EVENTS)}
    assert sorted(of) == ["replication-instance", "replication-task"]
    assert of["replication-task"]["sourceIds"] == ["shop"]
    assert {"failure", "state change"} <= set(of["replication-task"]["eventCategories"])
    assert {"failure", "low storage"} <= set(of["replication-instance"]["eventCategories"])
    assert {one["snsTopicArn"] for one in of.values()} == {TOPIC}


def test_ready_waits_for_whoever_watches() -> None:
    assert build().result == "arn:aws:dms:ap-northeast-2:1:task:shop"


def test_the_accounts_two_roles_have_exactly_their_names_and_come_before_the_subnets() -> None:
    assert [one.name for one in build().of(ROLE)] == ["t-secrets"]
    run = build(account_roles=True)
    assert sorted(one.inputs["name"] for one in run.of(ROLE) if one.name != "t-secrets") == [
        "dms-cloudwatch-logs-role", "dms-vpc-role",
    ]  # fmt: skip
    assert {one.urn for one in run.of(ATTACHMENT)} <= run.one("t-subnets", GROUP).depends_on


def registered(run: harness.Run) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one.type, one.name): one.inputs for one in run.resources if one.type != KIND}


@pytest.mark.parametrize("good", [MYSQL, POSTGRES])
def test_a_mode_only_adds(good: dict[str, Any]) -> None:
    cold, pilot, warm = (registered(build(good, dr_mode=mode)) for mode in ALL)
    assert sorted(name for _, name in cold) == [
        "t-secrets", "t-secrets", "t-source", "t-source", "t-subnets", "t-target", "t-target",
    ]  # fmt: skip
    assert cold.items() <= pilot.items()
    assert sorted(name for _, name in pilot.keys() - cold.keys()) == [
        "t-instance", "t-instance-events", "t-latency-source", "t-latency-target", "t-memory", "t-storage", "t-task",
        "t-task-events",
    ]  # fmt: skip
    assert pilot == warm


def test_every_part_is_a_child_in_the_region_with_the_tags() -> None:
    run = build()
    parts = [one for one in run.resources if one.type != KIND]
    assert {one.parent for one in parts} == {run.one("t", KIND).urn}
    assert {one.inputs["region"] for one in parts if not one.type.startswith("aws:iam/")} == {"ap-northeast-2"}
    assert {tuple(one.inputs["tags"].items()) for one in parts if one.type != ROLE_POLICY} == {(("team", "dr"),)}


def test_what_would_stop_the_task_has_a_hook() -> None:
    run = build()
    hooked = {one.name for one in run.resources if list(one.request.hooks.before_update)}
    assert hooked == {"t-source", "t-target", "t-task"}


@pytest.mark.parametrize("good", [MYSQL, POSTGRES])
def test_the_policy_pack_finds_nothing_in_it_and_would_find_each_harm(good: dict[str, Any]) -> None:
    given = [Given(one.type, one.name, {**one.inputs, "id": one.id}) for one in build(good).resources]
    assert said(given) == {}
    intent = next(one.props["intent"] for one in given if one.type == KIND)
    for type_, change, policy in (
        (INSTANCE, {"publiclyAccessible": True}, "database-public"),
        (ENDPOINT, {"sslMode": "none"}, "migration-task-unsafe"),
        (TASK, {"replicationTaskSettings": "{}"}, "migration-task-unsafe"),
        (ALARM, {"treatMissingData": "notBreaching"}, "alarm-blind-when-dead"),
        (EVENTS, {"sourceType": "replication-instance"}, "migration-task-unwatched"),
        (KIND, {"intent": {**intent, "migration_type": "cdc"}}, "component-intent"),
        (KIND, {"intent": {**intent, "largest_lob_kib": None}}, "component-intent"),
    ):
        spoilt = [Given(one.type, one.name, {**one.props, **(change if one.type == type_ else {})}) for one in given]
        assert list(said(spoilt)) == [policy], type_


@pytest.mark.parametrize(
    ("good", "change", "words"),
    [
        (MYSQL, {"migration_type": "cdc"}, "migration_type is cdc with neither start_time nor start_position"),
        (MYSQL, {"migration_type": "full-load"}, "migration_type 'full-load' does not keep"),
        (MYSQL, {"start_time": "2026-11-29T03:00:00Z"}, "start_time is set and migration_type is full-load-and-cdc"),
        (MYSQL, {"tables": []}, "tables includes nothing"),
        (MYSQL, {"tables": [{"schema": "%"}]}, "tables[0] includes every schema"),
        (MYSQL, {"settings": '{"FullLoadSettings": {"TargetTablePrepMode": "DROP_AND_CREATE"}}'},
         'settings has FullLoadSettings.TargetTablePrepMode "DROP_AND_CREATE" instead of "DO_NOTHING"'),
        (MYSQL, {"settings": '{"TargetMetadata": {"LobMaxSize": 32}}'}, "settings has TargetMetadata.LobMaxSize 32"),
        (MYSQL, {"largest_lob_kib": None}, "largest_lob_kib is not given"),
        (MYSQL, {"instance_class": "db.t3.medium"}, "instance_class 'db.t3.medium' is none of DMS's"),
        (MYSQL, {"subnet_ids": {"ap-northeast-2a": "subnet-a"}}, "subnet_ids has 1"),
        (MYSQL, {"log_retention_hours": 12}, "log_retention_hours is 12"),
        (MYSQL, {"serverless": True}, "serverless is true"),
        (MYSQL, {"task_id": "Shop"}, "task_id 'Shop' cannot name a task"),
        (MYSQL, {"target": {**MYSQL["target"], "tls": "none"}}, "target.tls is 'none'"),
        (MYSQL, {"target": {**MYSQL["target"], "tls_ca": ""}}, "target.tls_ca is ''"),
        (MYSQL, {"target": POSTGRES["target"]}, "source is mysql and target postgres"),
        (POSTGRES, {"migration_type": "cdc", "start_time": "2026-11-29T03:00:00Z"}, "start_time is set, and"),
        (POSTGRES, {"migration_type": "cdc", "start_position": "4AF/B00000D0"}, "start_position is set without"),
    ],
)  # fmt: skip
def test_a_bad_design_is_refused_before_anything_is_registered(
    good: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    seen = harness.Run()
    with pytest.raises(rules.Refused) as refused:
        harness.run(lambda: DmsCdcTask("t", {**good, **change}).ready, FILL, seen=seen)  # type: ignore[typeddict-item]
    (problem,) = refused.value.problems
    assert problem.startswith(words)
    assert seen.resources == []


def test_an_rds_host_without_its_authority_is_told_where_the_bundle_is() -> None:
    with pytest.raises(rules.Refused, match=r"truststore\.pki\.rds\.amazonaws\.com/ap-northeast-2"):
        build(source={**MYSQL["source"], "tls_ca": ""})


def test_the_flow_is_in_the_inventory_from_source_to_target() -> None:
    def program() -> Any:
        return DmsCdcTask("t", MYSQL).inventory  # type: ignore[arg-type]

    (flow,) = harness.run(program, FILL).result.flows
    assert (flow.kind, flow.engine, flow.name) == ("dms", "mysql", "shop")
    assert (flow.source, flow.target) == (MYSQL["source"]["address"], "10.31.0.3")
    assert (flow.source_port, flow.tolerated_outage_hours) == (3306, 72.0)
    assert (flow.target_address, flow.target_port, flow.schemas, flow.through) == ("10.31.0.3", 3306, ("shop",), "")


def test_an_end_may_be_made_by_the_same_up_and_have_a_name_of_its_own() -> None:
    late = {**POSTGRES["target"], "address": pulumi.Output.from_input("10.31.0.9"), "name": "twinsite"}
    args = {**POSTGRES, "target": late, "through": "gcp-logical-crm"}

    def program() -> Any:
        return DmsCdcTask("t", args).inventory  # type: ignore[arg-type]

    (flow,) = harness.run(program, FILL).result.flows
    assert (flow.target, flow.target_address, flow.target_port) == ("twinsite", "10.31.0.9", 5432)
    assert flow.through == "gcp-logical-crm", "whose job sees both ends"


def test_outputs_are_those_of_a_task_or_none() -> None:
    always = {"intent", "task_id", "region"}
    assert set(build(dr_mode=DrMode.COLD).published("t", KIND)) == always  # None does not travel
    assert set(build().published("t", KIND)) == always | {"task_arn", "ready"}


def refused(old: dict[str, Any], new: dict[str, Any], mode: DrMode = DrMode.WARM, *stopped_for: str) -> str:
    """What the hook says of an update; "" when it lets it go."""

    async def asked() -> str:
        hook = while_stopped("t", mode != DrMode.COLD, stopped_for).before_update[0]  # type: ignore[index]
        try:
            await hook(pulumi.ResourceHookArgs("urn", "id", "t-task", TASK, new_inputs=new, old_inputs=old))  # type: ignore[misc]
        except ValueError as found:
            return str(found)
        return ""

    found: str = harness.run(asked).result
    return found


def digest(said: str) -> str:
    return said.partition("set stopped_for to ")[2][:12]


def test_a_permission_is_for_one_change_and_spent_by_it() -> None:
    old = {"replicationTaskId": "shop", "tableMappings": "a", "tags": {}}
    new = {**old, "tableMappings": "b"}
    said = refused(old, new)
    assert said.startswith("t-task would change tableMappings while its task may be running")
    assert refused(old, new, DrMode.WARM, digest(said)) == ""
    assert refused(new, old, DrMode.WARM, digest(said)) != "", "the way back is another change"
    assert refused(old, {**old, "tableMappings": "c"}, DrMode.WARM, digest(said)) != ""


def test_tags_change_at_any_time_and_so_does_what_has_no_task() -> None:
    old = {"endpointId": "shop-source", "certificateArn": "a", "tags": {}}
    assert refused(old, {**old, "tags": {"team": "dr"}}) == ""
    assert "would change certificateArn" in refused(old, {**old, "certificateArn": "b"})
    assert refused(old, {**old, "certificateArn": "b"}, DrMode.COLD) == ""


def test_an_arn_that_a_preview_does_not_know_has_the_same_digest_in_up() -> None:
    old = {"endpointId": "shop-source", "certificateArn": "a"}
    later, known = refused(old, {**old, "certificateArn": object()}), refused(old, {**old, "certificateArn": "b"})
    assert digest(later) == digest(known) != ""
