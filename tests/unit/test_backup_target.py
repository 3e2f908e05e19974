"""What a target must be for a backup: one pure look, every problem at once, each with what to set."""

from typing import Any

import pytest

from twinsite.guest.backup import target
from twinsite.guest.backup.target import Facts

NEEDS: dict[str, Any] = {
    "without_primary_key": [],
    "no_invisible_key": [],
    "loose_foreign_keys": [],
    "timestamps": [],
    "tablespaces": {},
    "time_zones": [],
}
SETTINGS = {
    "time_zone": "UTC",
    "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE",
    "group_concat_max_len": "1024",
    "max_allowed_packet": "1000",
    "event_scheduler": "ON",
    "collation_server": "utf8mb4_0900_ai_ci",
    "innodb_strict_mode": "ON",
    "lower_case_table_names": "0",
}
VARIABLES = SETTINGS | {
    "local_infile": "ON",
    "log_bin": "ON",
    "log_bin_trust_function_creators": "ON",
    "read_only": "OFF",
    "super_read_only": "OFF",
    "restrict_fk_on_non_standard_key": "ON",
    "sql_require_primary_key": "OFF",
    "sql_generate_invisible_primary_key": "OFF",
    "explicit_defaults_for_timestamp": "ON",
}


def manifest(needs: dict[str, Any] | None = None, settings: dict[str, str] | None = None, **changed: Any) -> Any:
    return {
        "source": {"version": "8.4.6", "settings": SETTINGS | (settings or {})},
        "needs": NEEDS | (needs or {}),
        "tables": [{"name": "t", "longest_row": 10}],
        "objects": [],
        "events": {},
    } | changed


def facts(settable: frozenset[str] = frozenset(), /, **variables: str) -> Facts:
    return Facts("8.4.6-azure", VARIABLES | variables, settable)


def test_an_equal_server_is_fit() -> None:
    assert target.judge(manifest(), facts()) == target.Judged([], {})
    assert target.other_meaning(manifest(), VARIABLES) == []


@pytest.mark.parametrize(
    ("needs", "variable", "value", "sets"),
    [
        ({"loose_foreign_keys": ["f"]}, "restrict_fk_on_non_standard_key", "ON", "OFF"),
        ({"without_primary_key": ["t"]}, "sql_require_primary_key", "ON", "OFF"),
        ({"no_invisible_key": ["t"]}, "sql_generate_invisible_primary_key", "ON", "OFF"),
        ({"timestamps": ["t"]}, "explicit_defaults_for_timestamp", "OFF", "ON"),
    ],
)
def test_a_session_sets_what_it_may_and_the_rest_is_said_with_the_parameter(
    needs: dict[str, Any], variable: str, value: str, sets: str
) -> None:
    found = target.judge(manifest(needs), facts(**{variable: value}))
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"{variable} is {value} on the target")
    assert found.problems[0].endswith(f"set the server parameter to {sets}")
    assert target.judge(manifest(needs), facts(frozenset({variable}), **{variable: value})) == target.Judged(
        [], {variable: sets}
    )
    # Nobody is asked for what no table needs, nor where the server has no such setting.
    assert target.judge(manifest(), facts(**{variable: value})).problems == []
    without = {name: said for name, said in VARIABLES.items() if name != variable}
    assert target.judge(manifest(needs), Facts("8.0.36", without)).problems[1:] == []


def test_tables_made_without_strict_mode_are_made_without_it() -> None:
    loose = manifest(settings={"innodb_strict_mode": "OFF"})
    assert "innodb_strict_mode is ON" in target.judge(loose, facts()).problems[0]
    assert target.judge(loose, facts(frozenset({"innodb_strict_mode"}))).session == {"innodb_strict_mode": "OFF"}


def test_where_the_server_makes_keys_by_itself_a_required_one_is_there() -> None:
    bare = manifest({"without_primary_key": ["t"]})
    making = {"sql_require_primary_key": "ON", "sql_generate_invisible_primary_key": "ON"}
    assert target.judge(bare, facts(**making)) == target.Judged([], {})


@pytest.mark.parametrize(
    ("changed", "variables", "words"),
    [
        ({}, {"local_infile": "OFF"}, "local_infile is OFF"),
        ({}, {"super_read_only": "ON"}, "read_only"),
        (
            {"objects": [{"kind": "trigger", "name": "tr"}]},
            {"log_bin_trust_function_creators": "OFF"},
            "cannot make tr",
        ),
        ({"tables": [{"name": "t", "longest_row": 2000}]}, {}, "set the server parameter to at least 2000"),
        ({"source": {"version": "9.0.1"}}, {}, "newer than the target's 8.4.6-azure"),
        ({"needs": NEEDS | {"tablespaces": {"t": "ts1"}}}, {}, "TABLESPACE innodb_file_per_table"),
        ({"needs": NEEDS | {"time_zones": ["Asia/Seoul"]}}, {}, "mysql.az_load_timezone"),
        (
            {"tables": [{"name": "Orders"}, {"name": "orders"}]},
            {"lower_case_table_names": "1"},
            "'Orders' and 'orders' are one name",
        ),
    ],
)
def test_what_only_the_server_can_be_is_said(changed: Any, variables: dict[str, str], words: str) -> None:
    (problem,) = target.judge(manifest(**changed), facts(**variables)).problems
    assert words in problem


def test_every_problem_is_said_at_once() -> None:
    needs = {"loose_foreign_keys": ["f"], "without_primary_key": ["a", "b", "c", "d"], "time_zones": ["Asia/Seoul"]}
    found = target.judge(manifest(needs), facts(local_infile="OFF", sql_require_primary_key="ON"))
    assert len(found.problems) == 4
    assert any("'a', 'b', 'c' and 1 more" in problem for problem in found.problems)


def test_a_backup_of_an_earlier_twinsite_stays_restorable_and_says_that_less_is_known() -> None:
    old = {"source": {"version": "8.4.6"}, "tables": [{"name": "t"}], "objects": []}
    assert target.judge(old, facts(sql_require_primary_key="ON")).problems == []
    assert target.other_meaning(old, VARIABLES) == []
    assert "is not known" in target.not_known(old)
    assert target.not_known(manifest()) == ""


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("time_zone", "Asia/Seoul", "UTC"),
        ("sql_mode", "", "STRICT_TRANS_TABLES"),
        ("group_concat_max_len", "1000000", "1024"),
        ("collation_server", "utf8mb4_general_ci", "utf8mb4_0900_ai_ci"),
    ],
)
def test_a_setting_that_changes_what_an_application_means_is_said_with_what_to_set(
    name: str, theirs: str, ours: str
) -> None:
    backup = manifest(settings={name: theirs})
    (problem,) = target.other_meaning(backup, VARIABLES | {name: ours})
    assert f"{name} is {ours!r} here and was {theirs!r} at the source" in problem
    assert f"pulumi config set --path 'database_settings.{name}' '{theirs}'" in problem
    assert target.other_meaning(backup, VARIABLES | {name: ours}, [name]) == []


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("time_zone", "UTC", "+00:00"),
        ("sql_mode", "STRICT_TRANS_TABLES,NO_ZERO_DATE", "NO_ZERO_DATE,STRICT_TRANS_TABLES"),
        ("group_concat_max_len", "1024", "1000000"),
        ("max_allowed_packet", "1000", "64000"),
    ],
)
def test_a_difference_that_changes_nothing_is_none(name: str, theirs: str, ours: str) -> None:
    assert target.other_meaning(manifest(settings={name: theirs}), VARIABLES | {name: ours}) == []


def test_the_event_scheduler_matters_to_who_has_events() -> None:
    off = VARIABLES | {"event_scheduler": "OFF"}
    assert target.other_meaning(manifest(), off) == []
    assert "scheduled events" in target.other_meaning(manifest(events={"e": "ENABLED"}), off)[0]


@pytest.mark.parametrize(
    ("home", "away", "words"),
    [
        ({"version": "8.0.43"}, {"version": "8.4.6"}, "may go there and never come home"),
        ({"version": "8.4.6"}, {"version": "8.4.2"}, ""),
        ({"version": "8.4.6"}, {"version": "8.0.36"}, ""),
        ({}, {"version": "8.4.6"}, ""),
        (
            {"lower_case_table_names": "0", "names": ["t", "Orders"]},
            {"lower_case_table_names": "1"},
            "it would come home as 'orders'",
        ),
        ({"lower_case_table_names": "0", "names": ["t"]}, {"lower_case_table_names": "1"}, ""),
        ({"lower_case_table_names": "1", "names": ["Orders"]}, {"lower_case_table_names": "1"}, ""),
        ({"lower_case_table_names": "0", "names": ["Orders"]}, {}, ""),
    ],
)
def test_a_way_there_that_is_no_way_home_is_said(home: Any, away: Any, words: str) -> None:
    found = target.way_home(home, away)
    assert len(found) == bool(words)
    assert not words or words in found[0]
