"""What a DMS task is told, compared as the provider compares it, and what a source must be."""

import json
from typing import Any

import pytest

from tests.mocks.test_dms_cdc_task import MYSQL
from twinsite.rules import dms_source
from twinsite.rules.dms import DmsCdcTaskIntent
from twinsite.rules.dms_task import (
    COMMIT_ROWS,
    DECISIONS,
    LIMITED_UP_TO_KIB,
    SETTINGS,
    SelectionPart,
    TransformationPart,
    carried,
    lob,
    mappings_problems,
    mappings_text,
    schemas,
    settings_problems,
    settings_text,
)

SHOP = (SelectionPart(schema="shop"),)


def at(document: dict[str, Any], path: str) -> Any:
    section, _, key = path.partition(".")
    return document[section][key]


# Settings


def answered(sent: dict[str, Any]) -> dict[str, Any]:
    """A document as DMS gives it back: complete, with its own log group and empty sections."""
    samples = {"text": "", "whether": False, "number": 0}
    found: dict[str, Any] = {
        section: {key: samples[kind] for key, kind in keys.items()} for section, keys in SETTINGS.items()
    }
    for section, said in sent.items():
        found[section] |= said
    found["Logging"] |= {"CloudWatchLogGroup": "dms-tasks-shop", "LogComponents": [{"Id": "IO", "Severity": "x"}]}
    return {**found, "LoopbackPreventionSettings": None, "ControlTablesSettings": {"historyTimeslotInMinutes": 5}}


def equal(state: Any, proposed: Any) -> bool:
    """As terraform-provider-aws's task_settings_json.go compares: what the program does not say is equal, another type
    breaks the provider off, a list or null of DMS's is equal to nothing that is said."""
    if proposed is None:
        return True
    if isinstance(state, dict):
        assert isinstance(proposed, dict), "the provider breaks off"
        return set(proposed) <= set(state) and all(equal(value, proposed.get(key)) for key, value in state.items())
    if isinstance(state, bool | int | float | str):
        assert isinstance(proposed, bool) == isinstance(state, bool), "the provider breaks off"
        assert isinstance(proposed, str) == isinstance(state, str), "the provider breaks off"
        return bool(state == proposed)
    return False


@pytest.mark.parametrize("largest", [0, 32, 900, 6000])
def test_what_is_sent_is_what_comes_back(largest: int) -> None:
    sent = json.loads(settings_text(largest, '{"ChangeProcessingTuning": {"MemoryKeepTime": 90}}'))
    assert equal(answered(sent), sent)


@pytest.mark.parametrize("drifting", [{"BeforeImageSettings": {}}, {"ErrorBehavior": {"Unheard": 1}}])
def test_what_drifts_is_seen_by_that_comparison_and_refused(drifting: dict[str, Any]) -> None:
    back = {**answered(json.loads(settings_text(0))), "BeforeImageSettings": None}
    assert not equal(back, {**json.loads(settings_text(0)), **drifting})
    assert len(list(settings_problems(0, json.dumps(drifting)))) == 1


def test_a_value_of_another_type_would_break_the_provider_off_and_is_refused() -> None:
    wrong = {"ChangeProcessingTuning": {"MemoryKeepTime": "90"}}
    with pytest.raises(AssertionError, match="breaks off"):
        equal(answered({}), wrong)
    (problem,) = settings_problems(0, json.dumps(wrong))
    assert 'MemoryKeepTime "90", which is no number' in problem


@pytest.mark.parametrize("one", DECISIONS, ids=lambda one: one.path)
def test_each_value_of_ours_is_sent_and_upstreams_is_refused(one: Any) -> None:
    assert one.value != one.upstream
    assert at(json.loads(settings_text(0)), one.path) == one.value
    section, _, key = one.path.partition(".")
    (problem,) = settings_problems(0, json.dumps({section: {key: one.upstream}}))
    assert one.why in problem
    assert list(settings_problems(0, json.dumps({section: {key: one.value}}))) == []


def test_the_same_meaning_is_the_same_text() -> None:
    one = '{"ErrorBehavior": {"RecoverableErrorInterval": 5, "RecoverableErrorCount": -1}}'
    other = '{"ErrorBehavior":{"RecoverableErrorCount":-1,"RecoverableErrorInterval":5}}'
    assert settings_text(10, one) == settings_text(10, other)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("{", "settings is no JSON"),
        ("[]", "settings is no JSON object"),
        ('{"Logging": {"CloudWatchLogGroup": "x"}}', "settings has Logging.CloudWatchLogGroup"),
        ('{"ValidationSettings": {"SkipLobColumns": true}}', "settings has ValidationSettings.SkipLobColumns true"),
        ('{"TargetMetadata": {"FullLobMode": true}}', "settings has TargetMetadata.FullLobMode true instead of false"),
    ],
)
def test_settings_that_cannot_be_are_refused(more: str, words: str) -> None:
    (problem,) = settings_problems(0, more)
    assert problem.startswith(words)


# LOBs


def test_a_lob_may_double_before_it_is_cut_off_and_the_largest_ones_go_in_chunks() -> None:
    assert lob(0).max_kib == 64 > 32  # DMS's own
    assert (lob(900).max_kib, lob(900).full) == (1800, False)
    assert lob(LIMITED_UP_TO_KIB // 2).full is False
    assert lob(LIMITED_UP_TO_KIB // 2 + 1).full is True
    document = json.loads(settings_text(LIMITED_UP_TO_KIB))
    assert document["TargetMetadata"] == {
        "FullLobMode": True, "LimitedSizeLobMode": False, "LobChunkSize": 64, "SupportLobs": True,
    }  # fmt: skip


def test_what_a_load_reserves_for_lobs_stays_within_a_gibibyte() -> None:
    assert lob(0).commit_rows == COMMIT_ROWS
    assert all(lob(kib).max_kib * lob(kib).commit_rows <= 1024 * 1024 for kib in range(5120) if not lob(kib).full)


def test_a_value_above_the_limit_and_one_on_its_way_there_are_told_apart() -> None:
    measured = {"shop.pages": 1024 * 1024 + 1, "shop.notes": 10}
    (soon,) = dms_source.lob_problems(measured, 900)
    assert soon.startswith("shop.pages holds a value of 1025 KiB, more than largest_lob_kib 900")
    (cut,) = dms_source.lob_problems(measured, 500)
    assert "cuts off what is longer than 1000 KiB" in cut
    assert list(dms_source.lob_problems(measured, dms_source.largest_kib(measured))) == []
    assert list(dms_source.lob_problems({"shop.films": 2**40}, 6000)) == []  # in chunks


# Mappings


def test_typed_rules_become_dmss_own() -> None:
    rename = TransformationPart(target="table", action="rename", schema="shop", table="a", value="b")
    rules = json.loads(mappings_text((*SHOP, SelectionPart(schema="shop", table="x", action="exclude")), (rename,)))[
        "rules"
    ]
    assert [one["rule-id"] for one in rules] == ["1", "2", "3"]
    assert rules[1] == {
        "rule-type": "selection", "rule-id": "2", "rule-name": "selection-2", "rule-action": "exclude",
        "object-locator": {"schema-name": "shop", "table-name": "x"},
    }  # fmt: skip
    assert rules[2] == {
        "rule-type": "transformation", "rule-id": "3", "rule-name": "transformation-3", "rule-action": "rename",
        "rule-target": "table", "object-locator": {"schema-name": "shop", "table-name": "a"}, "value": "b",
    }  # fmt: skip


def test_dmss_own_text_is_taken_when_it_passes_the_same_rules() -> None:
    text = mappings_text(SHOP, ())
    assert list(mappings_problems((), (), text)) == []
    assert mappings_text((), (), json.dumps(json.loads(text), indent=2)) == text
    assert schemas(SHOP) == schemas((), text) == ("shop",)


BY_TABLE = {"rule-type": "table-settings", "rule-id": "2", "rule-name": "2"}


def own(**change: Any) -> str:
    rule = json.loads(mappings_text(SHOP, ()))["rules"][0]
    return json.dumps({"rules": [{**rule, **change}]})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "table_mappings is no JSON"),
        ('{"rules": [1]}', "table_mappings is no JSON"),
        (own(**{"rule-action": "exclude"}), "table_mappings' selection rules includes nothing"),
        (own(**{"rule-id": ""}), "table_mappings has rules without a rule-id"),
        (own(filters=[{"column-name": "at"}]), "table_mappings has filters"),
        (own(**{"object-locator": {"schema-name": "%", "table-name": "%"}}),
         "table_mappings' selection rules[0] includes every schema"),
        (json.dumps({"rules": [*json.loads(own())["rules"], BY_TABLE]}),
         "table_mappings has rules of type table-settings"),
    ],
)  # fmt: skip
def test_dmss_own_text_that_does_harm_is_refused(given: str, words: str) -> None:
    (problem,) = mappings_problems((), (), given)
    assert problem.startswith(words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": "row"}, "transformations[0] has target 'row'"),
        ({"action": "hash"}, "transformations[0] has action 'hash'"),
        ({"table": ""}, "transformations[0] is on a table and has no table"),
        ({"value": ""}, "transformations[0] is rename without a value"),
        ({"action": "replace-prefix"}, "transformations[0] is replace-prefix and needs"),
        ({"target": "column", "column": "c", "action": "remove-column"}, "transformations[0] removes column shop.a.c"),
    ],
)
def test_a_transformation_that_cannot_be_is_refused(change: dict[str, str], words: str) -> None:
    good = {"target": "table", "action": "rename", "schema": "shop", "table": "a", "value": "b"}
    assert list(mappings_problems(SHOP, [TransformationPart.of(good)])) == []
    (problem,) = mappings_problems(SHOP, [TransformationPart.of({**good, **change})])
    assert problem.startswith(words)


# The source


GOOD_VARIABLES = {
    "log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_checksum": "NONE",
    "binlog_row_value_options": "", "binlog_transaction_compression": "OFF", "binlog_expire_logs_seconds": "2592000",
    "log_replica_updates": "ON", "server_id": "1",
}  # fmt: skip
GRANTS = ("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `dms`@`%`",)


def mysql(grants: tuple[str, ...] = GRANTS, rds: Any = (), follows: Any = (), **change: str) -> list[str]:
    rows = [{"Variable_name": name, "Value": value} for name, value in {**GOOD_VARIABLES, **change}.items()]
    return list(dms_source.mysql_source_problems(rows, grants, 72, rds, follows))


def test_a_mysql_that_dms_can_follow_has_no_problem() -> None:
    assert mysql() == []
    assert mysql(grants=("GRANT ALL PRIVILEGES ON *.* TO `root`@`%`",)) == []
    assert mysql(rds=[{"name": "binlog retention hours", "value": "72"}], binlog_expire_logs_seconds="1") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"log_bin": "OFF"}, "log_bin is 'OFF'"),
        ({"binlog_format": "STATEMENT"}, "binlog_format is 'STATEMENT'"),
        ({"binlog_row_image": "MINIMAL"}, "binlog_row_image is 'MINIMAL'"),
        ({"binlog_checksum": "CRC32"}, "binlog_checksum is 'CRC32'"),
        ({"binlog_row_value_options": "PARTIAL_JSON"}, "binlog_row_value_options is 'PARTIAL_JSON'"),
        ({"binlog_transaction_compression": "ON"}, "binlog_transaction_compression is 'ON'"),
        ({"binlog_expire_logs_seconds": "3600"}, "binlog_expire_logs_seconds is 3600"),
        ({"log_replica_updates": "OFF", "follows": [{"name": ""}]}, "the source is a replica itself"),
        ({"rds": [{"name": "binlog retention hours", "value": None}]}, "binlog retention hours is not set"),
        ({"rds": [{"name": "binlog retention hours", "value": "24"}]}, "binlog retention hours is 24"),
        ({"grants": ("GRANT SELECT ON *.* TO `dms`@`%`",)}, "DMS's account at the source lacks REPLICATION CLIENT"),
    ],
)
def test_a_mysql_that_dms_cannot_follow_is_told_what_to_set(change: dict[str, Any], words: str) -> None:
    (problem,) = mysql(**change)
    assert problem.startswith(words)


def postgres(slots: Any = (), replica: bool = False, own: str = "", waiting: str = "", **change: str) -> list[str]:
    good = {
        "wal_level": "logical", "rds.logical_replication": "on", "max_replication_slots": "10", "max_wal_senders": "10",
        "wal_sender_timeout": "30000",
    }  # fmt: skip
    rows = [
        {"name": name, "setting": value, "pending_restart": name == waiting}
        for name, value in {**good, **{key.replace("__", "."): value for key, value in change.items()}}.items()
    ]
    return list(dms_source.postgres_source_problems(rows, slots, replica, own))


def test_a_postgres_that_dms_can_follow_has_no_problem() -> None:
    assert postgres() == []
    assert postgres(wal_sender_timeout="0") == []  # DMS's own guide; not so for native replication (K42)
    assert postgres(slots=[{"name": "seed", "active": False}], own="seed", max_replication_slots="1") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rds__logical_replication": "off"}, "rds.logical_replication is off"),
        ({"wal_level": "replica"}, "wal_level is replica"),
        ({"waiting": "rds.logical_replication"}, "rds.logical_replication wait for a reboot"),
        ({"replica": True}, "the source is a read replica"),
        ({"max_replication_slots": "0"}, "max_replication_slots is 0"),
        ({"max_wal_senders": "0"}, "max_wal_senders is 0"),
        ({"wal_sender_timeout": "5000"}, "wal_sender_timeout is 5000 ms"),
        ({"wal_sender_timeout": "600000"}, "wal_sender_timeout is 600000 ms"),
        ({"slots": [{"name": "old", "active": False}]}, "slot old is inactive"),
    ],
)
def test_a_postgres_that_dms_cannot_follow_is_told_what_to_set(change: dict[str, Any], words: str) -> None:
    (problem,) = postgres(**change)
    assert problem.startswith(words)


# What is left behind, and starts


def test_what_dms_leaves_behind_is_named_with_when_it_is_made() -> None:
    when = {one.what: one.when for one in dms_source.LEFT}
    assert {what for what, at_ in when.items() if at_ == "cut-over"} == {"trigger", "event"}
    index = next(one for one in dms_source.LEFT if one.what == "secondary index")
    rows = [{"name": "orders.by_customer"}, {"name": "orders.by_day"}]
    (problem,) = dms_source.left_problems(index, rows, rows[:1])
    assert problem == (
        "the target lacks secondary index orders.by_day, which DMS does not carry: let it be made before "
        "the task starts"
    )
    assert list(dms_source.left_problems(index, rows, rows)) == []


def test_whoever_else_may_write_to_the_target_is_named() -> None:
    rows = [{"name": "'dms'@'%'"}, {"name": "'app'@'%'"}]
    (problem,) = dms_source.writer_problems(rows, "'dms'@'%'")
    assert problem.startswith("'app'@'%' may write to the target while the task runs (K44)")
    assert list(dms_source.writer_problems(rows[:1], "'dms'@'%'")) == []
    assert len(list(dms_source.early_trigger_problems(rows))) == 1
    assert list(dms_source.early_trigger_problems([])) == []


@pytest.mark.parametrize(
    ("how", "status", "only", "rows", "words"),
    [
        ("reload-target", "stopped", {"shop.a": 3}, {}, "reload-target would lose rows that the target alone has"),
        ("start-replication", "ready", {"shop.a": 3}, {}, "start-replication would lose rows"),
        ("start-replication", "stopped", {}, {}, "the task is stopped, and start-replication would load"),
        ("start-replication", "ready", {}, {"shop.a": 3}, "the target's shop.a hold rows already"),
        ("resume-processing", "ready", {}, {}, "the task was never started"),
        ("restart", "stopped", {}, {}, "'restart' is no way to start a task"),
    ],
)
def test_a_start_that_loses_rows_is_refused(
    how: str, status: str, only: dict[str, int], rows: dict[str, int], words: str
) -> None:
    (problem,) = dms_source.start_problems(how, status, only, rows)
    assert problem.startswith(words)


def test_a_resume_and_a_first_start_into_empty_tables_are_let_go() -> None:
    assert list(dms_source.start_problems("resume-processing", "stopped", {"shop.a": 3}, {"shop.a": 3})) == []
    assert list(dms_source.start_problems("start-replication", "ready", {"shop.a": 0}, {"shop.a": 0})) == []
    assert list(dms_source.start_problems("reload-target", "stopped", {}, {"shop.a": 3})) == []


def test_what_may_be_lost_when_the_alarm_comes_up_is_said_in_seconds() -> None:
    assert DmsCdcTaskIntent.of(MYSQL).seen_after_seconds == 60 + 3 * 60


MAPPED = mappings_text(
    (
        SelectionPart(schema="public"),
        SelectionPart(schema="twinsite", table="heartbeat"),
        SelectionPart(schema="public", table="log%", action="exclude"),
    ),
    (),
)


@pytest.mark.parametrize(
    ("table", "goes"),
    [
        ("public.orders", True),
        ("public.order_lines", True),
        ("public.logins", False),
        ("twinsite.heartbeat", True),
        ("twinsite.gate", False),
        ("other.orders", False),
    ],
)
def test_a_table_goes_where_a_rule_includes_it_and_none_excludes_it(table: str, goes: bool) -> None:
    schema, _, name = table.partition(".")
    assert carried(MAPPED, schema, name) is goes


def test_a_trigger_that_does_not_fire_in_dms_sessions_does_no_work_twice() -> None:
    rows = [{"name": "orders.noted", "fires": False}, {"name": "orders.always", "fires": True}, {"name": "of.mysql"}]
    (problem,) = dms_source.early_trigger_problems(rows)
    assert problem.startswith("the target has trigger orders.always, of.mysql while the task runs")
