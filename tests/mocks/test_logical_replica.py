"""LogicalReplica under mocks: a Job that is waited for, a look on a schedule, nothing secret in the open, refusals."""

import base64
import io
import json
import tarfile
from functools import partial
from operator import attrgetter
from typing import Any

import pulumi
import pulumi_random as random
import pytest

from tests.mocks import harness
from tests.mocks.test_cloud_sql_standby import POSTGRES, SERVER, server
from tests.policy.pack import Given, said
from twinsite import CloudSqlStandby, DrMode, LogicalReplica, inventory, rules
from twinsite.database.logical_replica import keep_slot
from twinsite.guest.logical import command as guest

KIND = "twinsite:index:LogicalReplica"
JOB = "kubernetes:batch/v1:Job"
CRON_JOB = "kubernetes:batch/v1:CronJob"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
PEM = "-----BEGIN CERTIFICATE-----\n…"
SOURCE: dict[str, Any] = {
    "address": "crm.abc.ap-northeast-2.rds.amazonaws.com",
    "database": "crm",
    "user": "crm_owner",
    "password": "source-word",
    "version": "16.4",
    "tls_ca": PEM,
}
TARGET: dict[str, Any] = {
    "address": "10.31.0.3",
    "database": "crm",
    "user": "twinsite",
    "password": "target-word",
    "version": "17.5",
    "tls_ca": PEM,
    "certificate_name": "p:crm-1",
}
GOOD: dict[str, Any] = {
    "dr_mode": DrMode.PILOT_LIGHT,
    "replica": "crm",
    "source": SOURCE,
    "target": TARGET,
    "replication_user": "crm_replication",
    "replication_password": "replication-word",
    "schemas": ["public"],
    "authority_at_target": "/etc/ssl/rds.pem",
    "wal_mib_per_hour": 1000,
    "tolerated_outage_hours": 4,
    "namespace": "dr",
    "image": f"registry.example.com/postgres-client@sha256:{'a' * 64}",
    "site": "away",
    "source_host": "home-database",
    "target_host": "away-database",
    "tags": {"team:name": "dr"},
}
BACK = {"back_user": "crm_back", "back_password": "back-word", "authority_at_source": "/etc/ssl/google.pem"}
WORDS = ("back-word", "source-word", "target-word", "replication-word")


def build(**change: Any) -> harness.Run:
    """A replica called `r`, its good arguments changed by `change`."""

    def program() -> Any:
        return LogicalReplica("r", {**GOOD, **change}).ready  # type: ignore[typeddict-item]

    return harness.run(program)


def config(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run.one("r-told", CONFIG_MAP).inputs["data"]["logical.json"])
    return found


def test_the_job_is_told_both_ends_and_what_the_source_has_to_keep() -> None:
    told = config(build())
    assert told["slot_wal_keep_mib"] == 4016  # 1000 MiB/h x 4 h in whole segments, and one
    assert told["source"] | {"address": SOURCE["address"], "port": 5432, "tls_ca": PEM} == told["source"]
    assert told["target"]["certificate_name"] == "p:crm-1"
    assert (told["name"], told["replication_user"], told["margin"]) == ("crm", "crm_replication", 1000)


def test_the_job_is_told_the_way_back() -> None:
    told = config(build(**BACK, target_as_seen_by_source="10.9.0.3"))
    assert {name: told[name] for name in ("back_user", "authority_at_source", "target_as_seen_by_source")} == {
        "back_user": "crm_back",
        "authority_at_source": "/etc/ssl/google.pem",
        "target_as_seen_by_source": "10.9.0.3",
    }
    assert config(build())["back_user"] == ""


def test_no_password_is_in_the_open() -> None:
    run = build(**BACK)
    assert run.one("r-secret", SECRET).holds_secret("stringData", "logical.secrets.json")
    words = json.loads(run.one("r-secret", SECRET).inputs["stringData"]["logical.secrets.json"])
    assert words == {
        "source_password": "source-word",
        "target_password": "target-word",
        "replication_password": "replication-word",
        "back_password": "back-word",
    }
    seen = [str(one.inputs) for one in run.resources if one.type != SECRET] + [str(run.outputs)]
    assert not [word for word in WORDS for text in seen if word in text]


def test_the_job_runs_what_it_carries() -> None:
    run = build()
    packed = base64.b64decode(run.one("r-told", CONFIG_MAP).inputs["binaryData"]["payload.tar.gz"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert {"logical/__main__.py", "logical/tables.sql"} <= set(archive.getnames())
    job = run.one("r-set-up", JOB).inputs["spec"]["template"]["spec"]["containers"][0]
    look = run.one("r-look", CRON_JOB).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert job["args"] == ["python3", "-m", "logical", "set-up", "--wait", "3600"]
    assert look["args"] == ["python3", "-m", "logical", "look"]
    assert job["securityContext"]["readOnlyRootFilesystem"] and job["image"] == GOOD["image"]


def test_up_waits_for_the_first_copy_and_longer_than_the_job_may_take() -> None:
    run = build(copy_seconds=7200)
    job = run.one("r-set-up", JOB)
    assert job.inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}, "a failed one runs again"
    (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError", "`up` shows its own words"
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 7800
    assert job.request.customTimeouts.create == "8400s"
    assert job.urn in run.one("r-look", CRON_JOB).depends_on
    assert run.result == job.inputs["metadata"]["name"]


def told(run: harness.Run) -> tuple[list[str], bool]:
    """What the Job does, and whether the look rests."""
    job = run.one("r-set-up", JOB).inputs["spec"]["template"]["spec"]["containers"][0]["args"][3:]
    return job, run.one("r-look", CRON_JOB).inputs["spec"]["suspend"]


def test_a_flow_that_is_taken_away_is_so_by_the_job_that_up_waits_for_and_then_nobody_looks() -> None:
    assert told(build()) == (["set-up", "--wait", "3600"], False)
    assert told(build(replication="taken-away")) == (["take-away"], True)
    assert told(build(replication="abandoned")) == (["take-away", "--without-source"], True)
    serves = [build(replication=one, target_serves=True) for one in ("follows", "taken-away", "abandoned")]
    assert [told(run)[0][-1] for run in serves] == ["3600", "--target-writes", "--target-writes"]
    runs = [build(replication=one) for one in ("follows", "taken-away", "abandoned")]
    assert len({run.one("r-set-up", JOB).inputs["metadata"]["name"] for run in runs}) == 3
    for run in runs:
        assert run.one("r-set-up", JOB).urn in run.one("r-look", CRON_JOB).depends_on, "it rests when the Job is done"


@pytest.mark.parametrize(
    ("replication", "suspended", "kept"),
    [
        ("follows", False, True),
        ("follows", None, True),
        ("taken-away", False, True),
        ("taken-away", True, False),
        ("follows", True, False),
        ("abandoned", False, False),
    ],
)
def test_a_slot_that_somebody_is_to_read_keeps_its_look_whatever_the_setting_says_by_now(
    replication: str, suspended: bool | None, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a version that wrote no `suspend`; what was taken away in an `up` before is in the state."""
    made: list[Any] = []
    monkeypatch.setattr(pulumi, "ResourceHook", lambda name, callback, opts: made.append(callback))
    monkeypatch.setattr(pulumi, "ResourceHookBinding", lambda before_delete: before_delete)
    keep_slot("r", "crm", replication)
    (refuse,) = made
    old = {"spec": {} if suspended is None else {"suspend": suspended}}
    args = pulumi.ResourceHookArgs(urn="urn", id="id", name="r-look", type=CRON_JOB, old_inputs=old)
    asked = refuse(args)
    if kept:
        with pytest.raises(ValueError, match=r"keeps WAL there up to .*`pulumi config set replication taken"):
            asked.send(None)
    else:
        with pytest.raises(StopIteration):
            asked.send(None)


def test_its_job_comes_after_what_the_component_comes_after_and_so_it_is_the_first_to_go() -> None:
    def program() -> None:
        first = pulumi.ComponentResource("test:index:First", "first")
        random.RandomId("part", byte_length=4, opts=pulumi.ResourceOptions(parent=first))
        LogicalReplica("r", GOOD, pulumi.ResourceOptions(depends_on=[first]))  # type: ignore[arg-type]

    run = harness.run(program)
    first = run.one("part").urn
    for name in ("r-set-up", "r-look"):
        assert first in run.one(name).depends_on


def test_its_pods_are_known_to_google_as_the_account_that_may_write_metrics() -> None:
    run = build(metrics_project="crm-dr", account_annotations={"iam.gke.io/gcp-service-account": "look@crm-dr"})
    account = run.one("r-account", "kubernetes:core/v1:ServiceAccount").inputs["metadata"]
    assert account["annotations"] == {"iam.gke.io/gcp-service-account": "look@crm-dr"}
    assert config(run)["metrics_project"] == "crm-dr"


def test_another_password_or_schema_is_another_job_and_the_same_is_the_same() -> None:
    def name(**change: Any) -> str:
        return str(build(**change).one("r-set-up", JOB).inputs["metadata"]["name"])

    first = name()
    assert first == name() and first.startswith("logical-crm-")
    assert len({first, name(replication_password="next"), name(schemas=["public", "sales"])}) == 3


def test_cold_has_nothing_and_a_mode_only_adds() -> None:
    found = {mode: {one.urn for one in build(dr_mode=mode).resources} for mode in DrMode}
    assert len(found[DrMode.COLD]) == 1
    assert found[DrMode.COLD] < found[DrMode.PILOT_LIGHT] == found[DrMode.WARM]


def test_the_outputs_are_the_same_in_every_mode() -> None:
    cold, live = (build(dr_mode=mode).published("r", KIND) for mode in (DrMode.COLD, DrMode.PILOT_LIGHT))
    assert live.keys() - cold.keys() == {"ready"}  # None is left out on the wire
    assert {key: cold[key] for key in cold if key != "intent"} == {key: live[key] for key in cold if key != "intent"}
    assert cold["source_parameters"] == {
        "max_replication_slots": "10",
        "max_slot_wal_keep_size": "4016",
        "max_wal_senders": "10",
        "rds.logical_replication": "1",
        "wal_sender_timeout": "10000",
    }


def entry(**change: Any) -> inventory.Entry:
    seen: list[inventory.Entry] = []

    def program() -> Any:
        return LogicalReplica("r", {**GOOD, **change}).inventory.apply(seen.append)  # type: ignore[typeddict-item]

    harness.run(program)
    return seen[0]


def test_the_inventory_has_the_flow_and_who_looks_at_it_and_where_that_is_told() -> None:
    place = "gs://operations/replicas/crm.json"
    found = entry(report=pulumi.Output.from_input(place), lag_alarm_seconds=45, schedule="*/2 * * * *", context="gke")
    (flow,), (host,) = found.flows, found.hosts
    assert (flow.engine, flow.kind, flow.name) == ("postgres", "postgres-logical", "crm")
    assert (flow.source, flow.target, flow.tolerated_outage_hours) == ("home-database", "away-database", 4.0)
    assert flow.resume_seconds == 20.0 and flow.heartbeat_table == "twinsite.heartbeat"
    assert (flow.through, flow.look_seconds, flow.lag_alarm_seconds) == (host.name, 120.0, 45.0)
    assert (host.site, host.roles, host.way) == ("away", ("logical",), inventory.Pod("gke", "dr", "logical-crm"))
    assert host.status == place
    assert (entry().flows[0].lag_alarm_seconds, entry().hosts[0].status) == (30.0, "")


@pytest.mark.parametrize("change", [{"dr_mode": DrMode.COLD}, {"replication": "taken-away"}, {"source_host": ""}])
def test_of_a_flow_that_is_not_to_go_on_nobody_is_asked(change: dict[str, Any]) -> None:
    assert entry(**change) == inventory.Entry()


def test_the_job_is_told_where_it_leaves_what_it_finds() -> None:
    assert config(build(report=pulumi.Output.from_input("gs://o/replicas/crm.json")))["report"] == (
        "gs://o/replicas/crm.json"
    )
    assert config(build())["report"] == ""


def test_a_cloud_sql_is_given_as_it_is_or_by_its_handle() -> None:
    def program(give: Any) -> Any:
        standby = CloudSqlStandby("s", POSTGRES)  # type: ignore[arg-type]
        args = {**GOOD, "target": give(standby)}
        return LogicalReplica("r", args).ready  # type: ignore[arg-type]

    def itself(standby: CloudSqlStandby) -> Any:
        return standby

    gives = (itself, attrgetter("handle"))
    runs = [harness.run(partial(program, give), {SERVER: server}) for give in gives]
    one, other = ({found.urn: found.wire for found in run.resources} for run in runs)
    assert one == other
    target = config(runs[0])["target"]
    assert target["address"] == "10.31.0.3" and target["certificate_name"].startswith("p:crm-")
    assert target["tls_ca"] == "PEM"


def test_the_policy_pack_finds_nothing_in_it() -> None:
    given = [Given(one.type, one.name, one.inputs) for one in build().resources]
    assert {name: found for name, found in said(given).items() if found} == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"replica": "crm-eu"}, "cannot name a slot"),
        ({"replication": "gone"}, "is none of follows, taken-away, abandoned"),
        ({"image": "postgres:17"}, "is not pinned"),
        ({"schemas": []}, "list those that are replicated"),
        ({"schemas": ["twinsite"]}, "without twinsite"),
        ({"source": {**SOURCE, "version": "12.9"}}, "13 or later"),
        ({"target": {**TARGET, "version": "15.2"}}, "is older than the source's"),
        ({"source": {**SOURCE, "version": ""}}, "is no version: set"),
        ({"source": {**SOURCE, "tls_ca": ""}}, "certificate verify failed"),
        ({"target": {**TARGET, "address": "/run/postgresql"}}, "is a socket"),
        ({"source": {**SOURCE, "address": "10.31.0.3"}}, "set the address of another server"),
        ({"replication_user": "crm_owner"}, "set a role of its own"),
        ({"authority_at_target": ""}, "does not verify the source"),
        (
            {
                "authority_at_target": "system",
                "source": {**SOURCE, "version": "15.2"},
                "target": {**TARGET, "version": "15.2"},
            },
            "which PostgreSQL 15 does not know",
        ),
        ({"authority_at_source": "system"}, "is set without back_user"),
        ({**BACK, "authority_at_source": ""}, "does not verify the target"),
        ({**BACK, "back_user": TARGET["user"]}, "the target's administrator"),
        ({**BACK, "target_as_seen_by_source": "/run"}, "is a socket: set an address"),
        ({"back_user": "crm_back", "authority_at_source": "system"}, "without back_password: set that one"),
        (
            {**BACK, "authority_at_source": "system", "source": {**SOURCE, "version": "15.2"}},
            "which PostgreSQL 15 does not know",
        ),
        ({"wal_mib_per_hour": 0}, "set it above 0"),
        ({"source_free_gib": 2}, "set tolerated_outage_hours to 2.0"),
        ({"source_settings": {"wal_sender_timeout": "0"}}, "(K42)"),
        ({"source_settings": {"wal_sender_timeout": "300000"}}, "(K42)"),
        ({"source_settings": {"rds.logical_replication": "0"}}, "the parameter is static"),
        ({"source_settings": {"max_slot_wal_keep_size": "-1"}}, "fills the disk"),
        ({"source_settings": {"max_slot_wal_keep_size": "2016"}}, "an outage of 2.0 h: set it to 4016"),
        ({"source_settings": {"max_wal_senders": "1"}}, "the copy takes 3"),
        ({"source_settings": {"work_mem": "1"}}, "is not judged"),
        ({"schedule": "hourly"}, "schedule"),
        ({"namespace": "DR"}, "namespace 'DR' is no name at Kubernetes: use lower-case letters"),
    ],
)
def test_a_bad_design_is_refused_before_anything_is_registered(change: dict[str, Any], words: str) -> None:
    with pytest.raises(rules.Refused, match="LogicalReplica r is refused") as refused:
        build(**change)
    (problem,) = refused.value.problems
    assert words in problem


def test_an_address_that_is_known_later_is_no_reason_to_refuse() -> None:
    later = pulumi.Output.from_input("10.31.0.9")
    assert config(build(target={**TARGET, "address": later}))["target"]["address"] == "10.31.0.9"


CARRIED = {one: value for one, value in GOOD.items() if one not in ("replication_password", "authority_at_target")}


def carried(**change: Any) -> harness.Run:
    """Rows come by a task of DMS."""

    def program() -> Any:
        return LogicalReplica("r", {**CARRIED, "carrier": "dms", **change}).by_hand  # type: ignore[typeddict-item]

    return harness.run(program)


def test_where_a_task_of_dms_brings_the_rows_nothing_of_a_subscription_is_asked_for_or_told() -> None:
    run = carried()
    assert config(run)["carrier"] == "dms"
    assert set(run.result) == {*guest.VERBS, *guest.MOVES} - {"check", "reseed", "slots", "watch"}
    words = run.one("r-secret").inputs["stringData"]["logical.secrets.json"]
    assert set(json.loads(words)) == {"source_password", "target_password"}


def test_its_job_is_in_the_inventory_and_the_flow_is_the_tasks() -> None:
    def program() -> Any:
        return LogicalReplica("r", {**CARRIED, "carrier": "dms"}).inventory  # type: ignore[typeddict-item]

    found = harness.run(program).result
    assert ([one.name for one in found.hosts], found.flows) == (["away-logical-crm"], ())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"carrier": "pigeon"}, "carrier 'pigeon' is none of nothing, dms"),
        ({"carrier": ""}, "authority_at_target is empty"),
        ({"carrier": "", "authority_at_target": "system"}, "replication_password is not given"),
        (BACK, "back_user is crm_back, and a task of DMS has no way back"),
    ],
)
def test_what_a_carrier_cannot_have_and_a_subscription_must_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(rules.Refused, match=words):
        carried(**change)
