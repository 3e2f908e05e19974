"""Which my.cnf settings a user may have: what twinsite needs itself is refused, with why; the rest reaches the file."""

import re
from pathlib import Path

import pytest

from twinsite.guest.database.settings import parsed
from twinsite.rules.my_cnf import GUARDED, TUNABLE, own, settings_problems

FOLDER = Path(__file__).parents[2] / "components" / "guest" / "database"
TEMPLATES = ("source.cnf", "replica.cnf")


def problems(**settings: str) -> list[str]:
    return list(settings_problems("source_settings", settings))


@pytest.mark.parametrize("name", sorted(GUARDED))
def test_what_twinsite_needs_is_refused_with_its_reason(name: str) -> None:
    (problem,) = problems(**{name: "1"})
    assert (
        problem == f"source_settings sets {name}, which twinsite owns ({GUARDED[name]}): remove it from source_settings"
    )
    assert len(GUARDED[name]) > 10


def test_every_line_of_twinsites_own_files_is_guarded_or_meant_to_be_tuned() -> None:
    lines = {name for file in TEMPLATES for name in parsed((FOLDER / file).read_text())}
    assert len(lines) > 20
    assert sorted(name for name in lines if own(name) not in GUARDED) == sorted(TUNABLE)


# Each was taken by mysqld 9.7 --validate-config for the option behind it.
SPELLINGS = [
    *("gtid-mode", "loose_gtid_mode", "skip-gtid-mode", "enable_gtid_mode", "disable_gtid_mode", "maximum_sync_binlog"),
    *("slave_net_timeout", "log_slave_updates", "slave-skip-errors", "skip_slave_start", "skip_replica_start"),
    *("rpl_semi_sync_master_enabled", "skip_log_bin", "disable_log_bin", "skip-networking", "skip_grant_tables"),
    *("replicate_do_db", "replicate-wild-ignore-table", "binlog_do_db", "loose-skip-name-resolve"),
]


@pytest.mark.parametrize("name", SPELLINGS)
def test_no_other_spelling_gets_past_it(name: str) -> None:
    (problem,) = problems(**{name: "1"})
    assert f"source_settings sets {name}, which twinsite owns (" in problem


@pytest.mark.parametrize(
    "name",
    [
        "max_connections",
        "innodb_buffer_pool_size",
        "sync_relay_log",
        "sql_mode",
        "long-query-time",
        "skip_external_locking",
    ],
)
def test_the_rest_is_the_users(name: str) -> None:
    assert problems(**{name: "1"}) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Max_Connections", "5", "which mysqld does not know"),
        ("mysqld.max_connections", "5", "which mysqld does not know"),
        ("max_connections = 5\ngtid_mode", "OFF", "which mysqld does not know"),
        ("max_connections", "5\ngtid_mode = OFF", "one line"),
        ("init_connect", "SET @a = 1 # why", "reads only what stands before #"),
    ],
)
def test_what_would_not_reach_mysqld_as_it_is_meant_is_refused(name: str, value: str, words: str) -> None:
    (problem,) = problems(**{name: value})
    assert words in problem
    assert re.match("use|write", problem.rpartition(": ")[2])


def test_a_comment_sign_within_quotes_is_a_value() -> None:
    assert problems(init_connect="'SET @a = \"#\"'") == []
