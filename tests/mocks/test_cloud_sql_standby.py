"""CloudSqlStandby under mocks: private, kept, backed up, and told what the source says."""

import json
from typing import Any

import pytest

from tests.mocks import harness
from tests.policy.pack import Given, said
from twinsite import CloudSqlStandby, DrMode, rules
from twinsite.rules.cloud_sql import MEANING, REPLICATES

KIND = "twinsite:index:CloudSqlStandby"
SERVER = "gcp:sql/databaseInstance:DatabaseInstance"
DATABASE = "gcp:sql/database:Database"
USER = "gcp:sql/user:User"
SECRET = "gcp:secretmanager/secret:Secret"
SECRET_VERSION = "gcp:secretmanager/secretVersion:SecretVersion"
NAME = "random:index/randomId:RandomId"
ALL = tuple(DrMode)

POSTGRES: dict[str, Any] = {
    "dr_mode": DrMode.PILOT_LIGHT,
    "instance": "crm",
    "region": "asia-northeast3",
    "network_id": "projects/p/global/networks/dr",
    "service_connection": "dr:servicenetworking.googleapis.com",
    "service_range_name": "twinsite-services",
    "database_version": "POSTGRES_17",
    "source_version": "17.5",
    "source_settings": {
        "datestyle": "ISO, MDY",
        "default_transaction_isolation": "read committed",
        "intervalstyle": "postgres",
        "timezone": "Asia/Seoul",
    },
    "flags": {"max_connections": "200"},
    "tier": "db-custom-2-7680",
    "database": "crm",
    "charset": "UTF8",
    "collation": "en_US.UTF8",
    "site_is_active": False,
    "labels": {"team": "dr"},
}
MYSQL: dict[str, Any] = {
    **POSTGRES,
    "database_version": "MYSQL_8_4",
    "source_version": "8.4.6",
    "source_settings": {
        "character_set_server": "utf8mb4",
        "collation_server": "utf8mb4_0900_ai_ci",
        "default_time_zone": "+09:00",
        "explicit_defaults_for_timestamp": "on",
        "lower_case_table_names": "0",
        "sql_mode": "STRICT_TRANS_TABLES",
        "transaction_isolation": "REPEATABLE-READ",
    },
    "charset": "utf8mb4",
    "collation": "utf8mb4_0900_ai_ci",
}


def server(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "privateIpAddress": "10.31.0.3",
        "connectionName": f"p:asia-northeast3:{inputs['name']}",
        "serverCaCerts": [{"cert": "PEM"}],
    }


def build(good: dict[str, Any] = POSTGRES, **change: Any) -> harness.Run:
    """A server called `s`, its good arguments changed by `change`."""

    def program() -> Any:
        return CloudSqlStandby("s", {**good, **change}).ready  # type: ignore[typeddict-item]

    return harness.run(program, {SERVER: server})


def settings(run: harness.Run) -> dict[str, Any]:
    found: dict[str, Any] = run.one("s-server", SERVER).inputs["settings"]
    return found


def flags(run: harness.Run) -> dict[str, str]:
    return {one["name"]: one["value"] for one in settings(run)["databaseFlags"]}


@pytest.mark.parametrize("good", [POSTGRES, MYSQL])
def test_it_has_no_public_address_and_takes_no_clear_text(good: dict[str, Any]) -> None:
    assert settings(build(good))["ipConfiguration"] == {
        "ipv4Enabled": False,
        "privateNetwork": "projects/p/global/networks/dr",
        "allocatedIpRange": "twinsite-services",
        "sslMode": "ENCRYPTED_ONLY",
    }


def test_backups_go_with_logs_under_each_engines_own_name() -> None:
    both = {"enabled": True, "transactionLogRetentionDays": 7}
    kept = {"backupRetentionSettings": {"retainedBackups": 7, "retentionUnit": "COUNT"}}
    assert settings(build(POSTGRES))["backupConfiguration"] == {**both, **kept, "pointInTimeRecoveryEnabled": True}
    assert settings(build(MYSQL))["backupConfiguration"] == {**both, **kept, "binaryLogEnabled": True}


@pytest.mark.parametrize("good", [POSTGRES, MYSQL])
def test_every_setting_that_changes_meaning_is_the_sources(good: dict[str, Any]) -> None:
    engine = good["database_version"].partition("_")[0]
    told = flags(build(good))
    assert {name: told[name] for name in MEANING[engine]} == good["source_settings"]
    assert {name: told[name] for name in REPLICATES[engine]} == REPLICATES[engine]
    assert told["max_connections"] == "200"
    assert len(told) == len(MEANING[engine]) + len(REPLICATES[engine]) + 1


def test_data_can_come_and_go_back_and_a_dead_peer_is_seen() -> None:
    told = flags(build())
    assert told["cloudsql.logical_decoding"] == "on"
    assert (told["wal_sender_timeout"], told["wal_receiver_timeout"]) == ("10000", "10000")


def test_googles_own_protection_is_off_and_ours_is_on_in_every_mode() -> None:
    run = build()
    made = run.one("s-server", SERVER)
    assert made.inputs["deletionProtection"] is False
    assert list(made.request.hooks.before_delete) == ["s-server-keep-while-active"]


def test_a_disk_that_grew_is_no_reason_for_another_server() -> None:
    run = build()
    assert settings(run)["diskAutoresize"] is True
    assert list(run.one("s-server", SERVER).request.ignoreChanges) == ["settings.diskSize"]


def test_the_name_is_drawn_with_the_server_and_anew_by_a_generation() -> None:
    run = build(generation=3)
    drawn = run.one("s-server-name", NAME)
    assert drawn.inputs["prefix"] == "crm-"
    assert drawn.inputs["keepers"] == {
        "generation": "3", "region": "asia-northeast3", "lower_case_table_names": "",
    }  # fmt: skip
    assert run.one("s-server", SERVER).inputs["name"] == "crm-0123abcd"
    assert build(MYSQL).one("s-server-name", NAME).inputs["keepers"]["lower_case_table_names"] == "0"


def test_the_edition_takes_the_tier() -> None:
    assert settings(build())["edition"] == "ENTERPRISE"
    assert settings(build(tier="db-perf-optimized-N-2"))["edition"] == "ENTERPRISE_PLUS"


def test_it_waits_for_the_connection_for_services() -> None:
    run = build(service_connection="")
    assert settings(run)["ipConfiguration"]["privateNetwork"] == "projects/p/global/networks/dr"

    import pulumi_gcp as gcp

    def program() -> Any:
        connection = gcp.servicenetworking.Connection("c", network="n", service="s", reserved_peering_ranges=["r"])
        return CloudSqlStandby("s", {**POSTGRES, "service_connection": connection.id}).ready  # type: ignore[typeddict-item]

    run = harness.run(program, {SERVER: server})
    assert run.one("c").urn in run.one("s-server", SERVER).depends_on


@pytest.mark.parametrize("good", [POSTGRES, MYSQL])
def test_database_and_administrator_go_with_the_server(good: dict[str, Any]) -> None:
    run = build(good)
    own = run.one("s-server", SERVER)
    for kind in (DATABASE, USER):
        (one,) = run.of(kind)
        assert one.request.deletedWith == own.urn
        assert one.inputs["instance"] == "crm-0123abcd"
    user = run.one("s-user", USER)
    assert user.inputs.get("host") == ("%" if good is MYSQL else None)
    assert (run.one("s-database", DATABASE).inputs["charset"], user.inputs["name"]) == (good["charset"], "twinsite")
    assert run.result == "10.31.0.3"


def test_the_password_is_secret_and_lies_in_a_secret_of_its_own() -> None:
    run = build()
    stored = run.one("s-password", SECRET_VERSION)
    assert run.one("s-user", USER).holds_secret("password") and stored.holds_secret("secretData")
    assert stored.inputs["secretData"] == run.one("s-user", USER).inputs["password"]
    shown = json.dumps([run.one("s", KIND).inputs, run.published("s", KIND)])
    assert stored.inputs["secretData"] not in shown


def registered(run: harness.Run) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one.type, one.name): one.inputs for one in run.resources if one.type != KIND}


@pytest.mark.parametrize("good", [POSTGRES, MYSQL])
def test_a_mode_only_adds(good: dict[str, Any]) -> None:
    cold, pilot, warm = (registered(build(good, dr_mode=mode)) for mode in ALL)
    assert sorted(name for _, name in cold) == ["s-password", "s-password", "s-password"]
    assert cold.items() <= pilot.items()
    assert sorted(name for _, name in pilot.keys() - cold.keys()) == [
        "s-database", "s-server", "s-server-name", "s-user",
    ]  # fmt: skip
    assert pilot == warm


def test_every_part_is_a_child_of_the_component() -> None:
    run = build()
    assert {one.parent for one in run.resources if one.type != KIND} == {run.one("s", KIND).urn}


@pytest.mark.parametrize("good", [POSTGRES, MYSQL])
def test_the_policy_pack_finds_nothing_in_it_and_would_find_a_public_address(good: dict[str, Any]) -> None:
    run = build(good)
    given = [Given(one.type, one.name, {**one.inputs, "id": one.id}) for one in run.resources]
    assert said(given) == {}
    (server,) = (one for one in given if one.type == SERVER)
    told = server.props["settings"]
    public = {**told, "ipConfiguration": {**told["ipConfiguration"], "ipv4Enabled": True}}
    opened = [
        Given(one.type, one.name, {**one.props, "settings": public}) if one.type == SERVER else one for one in given
    ]
    assert list(said(opened)) == ["database-public"]


@pytest.mark.parametrize(
    ("good", "change", "words"),
    [
        (POSTGRES, {"source_version": "18.1"}, "database_version POSTGRES_17 is older than the source's 18.1"),
        (MYSQL, {"source_version": "9.1.0"}, "database_version MYSQL_8_4 is older than the source's 9.1.0"),
        (MYSQL, {"source_version": "8"}, "source_version '8' is no version"),
        (POSTGRES, {"database_version": "SQLSERVER_2019_STANDARD"}, "database_version 'SQLSERVER_2019_STANDARD' is"),
        (POSTGRES, {"source_settings": {}}, "source_settings lacks datestyle, default_transaction_isolation"),
        (POSTGRES, {"flags": {"wal_sender_timeout": "0"}}, "flags has wal_sender_timeout"),
        (POSTGRES, {"flags": {"max_slot_wal_keep_size": "4016"}}, "flags has max_slot_wal_keep_size, which"),
        (MYSQL, {"charset": "latin1"}, "charset latin1 is not source_settings character_set_server utf8mb4"),
        (MYSQL, {"user": "root"}, "user is root, which Google deletes"),
        (POSTGRES, {"charset": "LATIN1"}, "charset 'LATIN1' is none"),
        (POSTGRES, {"collation": ""}, "collation is empty"),
        (POSTGRES, {"tier": "db.t3.medium"}, "tier 'db.t3.medium' is none of Cloud SQL's"),
        (POSTGRES, {"availability_type": "MULTI"}, "availability_type 'MULTI' is neither"),
        (POSTGRES, {"disk_gib": 5}, "disk_gib 5 is less"),
        (POSTGRES, {"retained_backups": 1}, "retained_backups is 1"),
        (POSTGRES, {"instance": "Crm"}, "instance 'Crm' cannot begin"),
        (POSTGRES, {"generation": 0}, "generation 0 is no generation"),
    ],
)
def test_a_bad_design_is_refused_before_anything_is_registered(
    good: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    seen = harness.Run()
    with pytest.raises(rules.Refused) as refused:
        harness.run(lambda: CloudSqlStandby("s", {**good, **change}).ready, {SERVER: server}, seen=seen)  # type: ignore[typeddict-item]
    (problem,) = refused.value.problems
    assert problem.startswith(words)
    assert seen.resources == []


def test_a_time_zone_that_is_the_machines_is_refused() -> None:
    told = {**MYSQL["source_settings"], "default_time_zone": "SYSTEM"}
    with pytest.raises(rules.Refused, match="another zone on another machine"):
        build(MYSQL, source_settings=told)


def test_outputs_are_those_of_a_server_or_none() -> None:
    always = {"intent", "password_secret", "port", "user"}
    assert set(build(dr_mode=DrMode.COLD).published("s", KIND)) == always  # None does not travel
    found = build(MYSQL).published("s", KIND)
    assert set(found) == always | {"address", "connection_name", "ready", "server_name", "tls_ca"}
    assert (found["port"], found["tls_ca"], found["server_name"]) == (3306, "PEM", "crm-0123abcd")
