"""What is asked before anything is written, on real servers: rights, the target, the application's settings, the way
home; each refusal ends when what it names was done."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from twinsite.guest.backup.privileges import RETURN, statements

from .two_servers import SOURCE, TARGET, Servers
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside, pytest.mark.nameless]

SCHEMA = """
CREATE TABLE parent (id INT PRIMARY KEY, code INT, KEY (code));
CREATE TABLE bare (x INT, at TIMESTAMP NULL);
CREATE TABLE Orders (id INT PRIMARY KEY);
INSERT INTO parent VALUES (1, 5); INSERT INTO bare VALUES (1, '2026-01-01'); INSERT INTO Orders VALUES (1);
CREATE TRIGGER on_parent BEFORE INSERT ON parent FOR EACH ROW SET NEW.code = NEW.code + 1;
"""
ZONED = "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 03:00:00' DISABLE DO DELETE FROM parent"
SEOUL = (
    "REPLACE INTO mysql.time_zone VALUES (1, 'N'); REPLACE INTO mysql.time_zone_name VALUES ('Asia/Seoul', 1); "
    "REPLACE INTO mysql.time_zone_transition_type VALUES (1, 0, 32400, 0, 'KST')"
)
NO_ZONES = "DELETE FROM mysql.time_zone_name; DELETE FROM mysql.time_zone; DELETE FROM mysql.time_zone_transition_type"


@pytest.fixture(autouse=True)
def seeded(servers: Servers) -> Iterator[None]:
    for server in (SOURCE, TARGET):
        servers.sql(server, "DROP DATABASE IF EXISTS app; DROP DATABASE IF EXISTS twinsite_restore")
    servers.must("rm -rf /srv/store")
    servers.sql(SOURCE, "CREATE DATABASE app")
    servers.sql(SOURCE, SCHEMA, "app")
    servers.grant_job("app", "")
    servers.tell("app", TARGET)
    yield


def refused(servers: Servers, words: str) -> list[str]:
    done = servers.role(words)
    assert done.code == 2, f"{words}: {done}"
    return [str(problem) for problem in done.found["problems"]]


def must(servers: Servers, words: str) -> dict[str, Any]:
    done = servers.role(words)
    assert done.code == 0, f"{words}: {done}"
    return done.found


def test_what_was_revoked_on_the_schema_alone_is_missed_and_the_statement_said_ends_it(servers: Servers) -> None:
    job = "job@localhost"
    servers.sql(
        SOURCE,
        f"SET GLOBAL partial_revokes = ON; REVOKE ALL ON app.* FROM {job}; "
        f"GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON *.* TO {job}; "
        f"REVOKE TRIGGER, EVENT ON app.* FROM {job}",
    )
    try:
        (problem,) = refused(servers, "run")
        assert "has no TRIGGER, EVENT on schema app, so triggers, events would be missing" in problem
        servers.sql(SOURCE, problem.rpartition("administrator ")[2])
        assert must(servers, "run")["tables"] == 3
    finally:
        servers.sql(SOURCE, f"DROP USER {job}; SET GLOBAL partial_revokes = OFF")


def test_a_server_without_gtids_needs_the_right_to_lock_and_says_so_before_it_reads(servers: Servers) -> None:
    servers.sql(SOURCE, "REVOKE LOCK TABLES ON app.* FROM job@localhost")
    # Down to RDS's default, step by step, as MySQL wants it.
    steps = ("ON_PERMISSIVE", "OFF_PERMISSIVE", "OFF")
    servers.sql(SOURCE, "; ".join(f"SET GLOBAL gtid_mode = {step}" for step in steps))
    try:
        (problem,) = refused(servers, "run")
        assert "has no LOCK TABLES on schema app" in problem
    finally:
        servers.sql(SOURCE, "; ".join(f"SET GLOBAL gtid_mode = {step}" for step in (*reversed(steps[:-1]), "ON")))
    assert must(servers, "run")["snapshot"] == "equal-gtid-sets"


def test_a_login_file_of_whoever_runs_it_changes_nothing(servers: Servers) -> None:
    servers.must(
        "HOME=/tmp/home; export HOME; mkdir -p $HOME; mysql_config_editor set --login-path=client --user=nobody "
        "--host=192.0.2.99 --skip-warn"
    )
    plain = servers.on("HOME=/tmp/home mysql --no-defaults --user=root -S /srv/source.sock -e 'SELECT 1'")
    assert b"192.0.2.99" in plain.stderr, "the client reads the file, whatever it is told by options"
    done = servers.role("run", environment="HOME=/tmp/home")
    assert done.code == 0, done


def test_everything_that_is_wrong_with_a_target_is_said_at_once_and_nothing_is_written(servers: Servers) -> None:
    servers.sql(SOURCE, SEOUL)
    servers.sql(SOURCE, f"SET SESSION time_zone = 'Asia/Seoul'; {ZONED}", "app")
    must(servers, "run")
    servers.sql(TARGET, f"SET GLOBAL local_infile = OFF, GLOBAL sql_require_primary_key = ON; {NO_ZONES}")
    servers.sql(TARGET, "SET GLOBAL log_bin_trust_function_creators = OFF")
    try:
        problems = refused(servers, "restore")
    finally:
        servers.sql(
            TARGET,
            "SET GLOBAL local_infile = ON, GLOBAL sql_require_primary_key = OFF, "
            "GLOBAL log_bin_trust_function_creators = ON",
        )
    for words in (
        "local_infile is OFF",
        "cannot make on_parent",
        "sql_require_primary_key is ON",
        "time zone Asia/Seoul",
    ):
        assert sum(words in problem for problem in problems) == 1, problems
    assert len(problems) == 4
    assert "app" not in servers.sql(TARGET, "SHOW DATABASES").split()
    # As on Azure: the tables are empty until a procedure of its own is called.
    servers.sql(
        TARGET,
        f"DELIMITER //\nCREATE PROCEDURE mysql.az_load_timezone() BEGIN {SEOUL}; END //\nDELIMITER ;\n"
        "GRANT EXECUTE ON PROCEDURE mysql.az_load_timezone TO administrator@localhost",
    )
    try:
        must(servers, "restore")
        assert must(servers, "prove latest")["proved"] is True
    finally:
        servers.sql(TARGET, f"DROP PROCEDURE mysql.az_load_timezone; {NO_ZONES}")


def test_a_setting_that_changes_what_the_application_means_is_refused_until_somebody_decides(servers: Servers) -> None:
    servers.sql(SOURCE, "SET GLOBAL group_concat_max_len = 1000000, GLOBAL time_zone = '+09:00'")
    try:
        made = must(servers, "run")
    finally:
        servers.sql(SOURCE, "SET GLOBAL group_concat_max_len = DEFAULT, GLOBAL time_zone = DEFAULT")
    said = json.loads(servers.must(f"cat /srv/store/backups/{made['id']}/manifest.json"))["source"]["settings"]
    assert (said["group_concat_max_len"], said["time_zone"]) == ("1000000", "+09:00")
    servers.change(may_differ=["sql_mode"])
    problems = refused(servers, "restore")
    assert len(problems) == 2
    assert any("'database_settings.time_zone' '+09:00'" in problem for problem in problems)
    servers.sql(TARGET, "SET GLOBAL group_concat_max_len = 1000000")
    servers.change(may_differ=["time_zone"])
    try:
        must(servers, "restore")
    finally:
        servers.sql(TARGET, "SET GLOBAL group_concat_max_len = DEFAULT")


def test_a_way_home_is_judged_by_what_would_come_before_anything_is_stopped(servers: Servers) -> None:
    must(servers, "run")
    must(servers, "restore")
    described = must(servers, "describe")
    assert described["needs"]["without_primary_key"] == ["bare"]
    servers.sql(TARGET, "; ".join(statements(RETURN, "app", "administrator@localhost")))
    assert must(servers, f"ready --coming '{json.dumps(described)}'")["problems"] == []
    described["source"]["version"] = "99.1.0"
    described["source"]["settings"]["lower_case_table_names"] = "1"
    servers.sql(TARGET, "SET GLOBAL sql_require_primary_key = ON")
    try:
        done = servers.role(f"ready --coming '{json.dumps(described)}'")
    finally:
        servers.sql(TARGET, "SET GLOBAL sql_require_primary_key = OFF")
    assert done.code == 1
    for words in ("of MySQL 99.1.0, newer than", "come home as 'orders'", "sql_require_primary_key is ON"):
        assert sum(words in problem for problem in done.found["problems"]) == 1, done.found["problems"]


def test_a_backup_of_an_earlier_twinsite_is_restored_and_said_to_say_less(servers: Servers) -> None:
    made = must(servers, "run")
    place = f"/srv/store/backups/{made['id']}/manifest.json"
    told = json.loads(servers.must(f"cat {place}"))
    del told["needs"], told["source"]["settings"]
    servers.must(f"cat > {place}", json.dumps(told).encode())
    done = servers.role("restore --progress")
    assert done.code == 0, done
    assert "is not known" in done.said
