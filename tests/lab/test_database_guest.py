"""The database role on real machines: a pair from nothing, what must not hurt it, what hurts and how it comes back."""

import json
import time
from collections.abc import Iterator

import pytest

from twinsite.payload import guest_file

from .database_pair import LEDGER, REPLICA, SOURCE, Pair, eventually, running_pair
from .whole_box import needs_a_box

pytestmark = [needs_a_box, pytest.mark.beside]

WRITABLE = "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF"
ERRANT = f"{WRITABLE}; CREATE DATABASE mine; CREATE TABLE mine.x (a INT PRIMARY KEY); INSERT INTO mine.x VALUES (1)"


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with running_pair(tmp_path_factory.mktemp("pair"), "td") as pair:
        yield pair


@pytest.fixture
def pair(machines: Pair) -> Pair:
    """A healthy pair, whatever the test before left behind."""
    machines.path(works=True)
    machines.reset()
    machines.apply(SOURCE)
    machines.tell(REPLICA)
    done = machines.role(REPLICA, "apply")
    if done.returncode == 2:  # an earlier test's own transactions: a new copy is what they are for
        machines.must(REPLICA, f"/usr/local/sbin/twinsite-guest database reseed --discard '{machines.own()}'")
    machines.gate()
    return machines


def receiver(pair: Pair) -> str:
    """Asked by SQL: a report also looks for the source, and that takes seconds while it is away."""
    return pair.sql(REPLICA, "SELECT service_state FROM performance_schema.replication_connection_status")


def test_a_pair_comes_up_from_nothing_and_a_written_row_arrives(pair: Pair) -> None:
    pair.sql(
        SOURCE,
        "CREATE DATABASE IF NOT EXISTS app; CREATE TABLE IF NOT EXISTS app.t (id INT PRIMARY KEY); "
        "REPLACE INTO app.t VALUES (7)",
    )
    eventually(lambda: pair.on(REPLICA, "mysql -Ne 'SELECT id FROM app.t'").stdout.strip() == "7", 5, "the row")
    report = pair.report(REPLICA)
    assert report["show_replica_status"]["Replica_IO_Running"] == "Yes"
    assert report["show_replica_status"]["Replica_SQL_Running"] == "Yes"
    assert report["super_read_only"] is True
    assert report["heartbeat_age_seconds"] < 3
    assert pair.report(SOURCE)["server_uuid"] != report["server_uuid"]


def test_applying_again_changes_nothing_and_restarts_nothing(pair: Pair) -> None:
    before = [pair.started(host) for host in (SOURCE, REPLICA)]
    connected = pair.sql(SOURCE, "SELECT id FROM performance_schema.processlist WHERE user = 'twinsite_repl'")
    for host in (SOURCE, REPLICA):
        assert pair.apply(host) == {"changed": [], "disruption": "none"}
    assert [pair.started(host) for host in (SOURCE, REPLICA)] == before
    assert pair.sql(SOURCE, "SELECT id FROM performance_schema.processlist WHERE user = 'twinsite_repl'") == connected


def test_a_live_setting_changes_without_a_restart(pair: Pair) -> None:
    before = pair.started(SOURCE)
    pair.config[SOURCE] |= {"binlog_retention_hours": 100, "settings": {"max_connections": "222"}}
    outcome = pair.apply(SOURCE)
    assert outcome["disruption"] == "none"
    assert pair.sql(SOURCE, "SELECT @@binlog_expire_logs_seconds, @@max_connections") == "360000\t222"
    assert pair.started(SOURCE) == before


def test_a_fixed_setting_restarts_the_server_and_says_so(pair: Pair) -> None:
    before = pair.started(SOURCE)
    pair.config[SOURCE]["settings"] = {"table_open_cache_instances": "8"}
    outcome = pair.apply(SOURCE)
    assert outcome["disruption"] == "mysqld restarted"
    assert any("table_open_cache_instances" in words for words in outcome["changed"])
    assert pair.started(SOURCE) != before
    pair.gate()


def test_a_setting_that_mysql_does_not_take_leaves_the_server_running(pair: Pair) -> None:
    before = pair.started(SOURCE)
    for settings, words in [
        ({"no_such_thing": "1"}, "unknown variable"),
        ({"max_connections": "many"}, "MySQL refused"),
    ]:
        pair.config[SOURCE]["settings"] = settings
        pair.tell(SOURCE)
        done = pair.role(SOURCE, "apply")
        assert done.returncode == 1
        assert words in done.stderr
    assert pair.started(SOURCE) == before
    assert "no_such_thing" not in pair.must(SOURCE, "cat /etc/mysql/mysql.conf.d/twinsite.cnf")


def test_a_channel_setting_pauses_the_receiver_only(pair: Pair) -> None:
    before = pair.started(REPLICA)
    pair.config[REPLICA] |= {"net_timeout_seconds": 8, "heartbeat_period_seconds": 2, "connect_retry_seconds": 3}
    assert "receiver was stopped and started" in pair.apply(REPLICA)["disruption"]
    pair.gate()
    assert pair.started(REPLICA) == before


def test_transactions_of_the_replicas_own_are_refused_by_name_and_nothing_is_wiped(pair: Pair) -> None:
    pair.sql(REPLICA, ERRANT)
    done = pair.role(REPLICA, "apply")
    uuid = pair.report(REPLICA)["server_uuid"]
    assert done.returncode == 2
    assert "3 transactions of its own" in done.stderr
    assert f"{uuid}:1-3" in done.stderr
    holds = [
        "`CREATE DATABASE mine`",
        "`CREATE TABLE mine.x (a INT PRIMARY KEY)`",
        "an event Table_map, rows (Write_rows)",
    ]
    assert [one["holds"] for one in pair.decoded(f"{uuid}:1-3")] == holds
    assert pair.sql(REPLICA, "SELECT COUNT(*) FROM mine.x") == "1"
    refused = pair.role(REPLICA, f"reseed --discard {uuid}:1-2")
    assert refused.returncode == 2
    assert pair.sql(REPLICA, "SELECT COUNT(*) FROM mine.x") == "1"
    pair.must(REPLICA, f"/usr/local/sbin/twinsite-guest database reseed --discard {uuid}:1-3")
    assert "mine" not in pair.sql(REPLICA, "SHOW DATABASES").split()
    assert pair.report(REPLICA)["super_read_only"] is True
    pair.gate()


def test_a_flush_on_a_closed_replica_ends_as_empty_transactions_on_the_source_without_a_copy(pair: Pair) -> None:
    assert pair.sql(REPLICA, "SELECT @@global.super_read_only") == "1"
    pair.sql(REPLICA, "FLUSH TABLES; FLUSH BINARY LOGS; FLUSH PRIVILEGES")
    own = pair.own()
    refused = pair.role(REPLICA, "apply")
    assert refused.returncode == 2
    assert "`twinsite repair --confirm empty-transactions`" in refused.stderr
    each = pair.decoded(own)
    assert [(one["says"], one["holds"]) for one in each] == [("FLUSH TABLES", ""), ("FLUSH PRIVILEGES", "")]
    for _ in range(2):  # killed in between, the same again
        # What operations/repair does.
        numbers = "".join(f"SET GTID_NEXT = '{one['gtid']}'; BEGIN; COMMIT; " for one in each)
        pair.sql(SOURCE, f"{numbers}SET GTID_NEXT = 'AUTOMATIC'")
    assert pair.own() == ""
    assert pair.apply(REPLICA) == {"changed": [], "disruption": "none"}
    pair.gate()


def test_a_data_set_whose_logs_are_gone_is_copied_also_after_kills_in_the_middle(pair: Pair) -> None:
    pair.sql(
        SOURCE,
        "DROP DATABASE IF EXISTS big; CREATE DATABASE big; "
        "CREATE TABLE big.b (id INT PRIMARY KEY AUTO_INCREMENT, v LONGTEXT)",
    )
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)"
    rows = f"{count} SELECT REPEAT(UUID(), 1500) FROM n"
    pair.sql(SOURCE, f"INSERT INTO big.b (v) {rows}")
    pair.drop(REPLICA)
    # A log that a replica is still being served from is not purged; the source notices after a moment that it is gone.
    purge = "FLUSH BINARY LOGS; PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 SECOND; SELECT @@global.gtid_purged"
    eventually(lambda: pair.sql(SOURCE, purge) != "", 20, "the logs to be purged")
    slow = {"clone_max_data_bandwidth": "25", "clone_autotune_concurrency": "OFF", "clone_max_concurrency": "1"}
    pair.config[REPLICA]["settings"] = slow
    pair.tell(REPLICA)
    in_progress = (
        "SELECT COUNT(*) FROM performance_schema.clone_progress WHERE stage = 'FILE COPY' AND state = 'In Progress'"
    )

    def copying() -> bool:
        return pair.on(REPLICA, f'mysql -Ne "{in_progress}"').stdout.strip() == "1"

    for victim in ("systemctl kill --signal=KILL mysql", "kill -9 $(pgrep -f [a]pply.py)"):
        running = pair.start(REPLICA, "/usr/local/sbin/twinsite-guest database apply")
        eventually(
            copying, 40, lambda: pair.on(REPLICA, "mysql -e 'SELECT * FROM performance_schema.clone_status'").stdout
        )
        pair.must(REPLICA, victim)
        assert running.wait(timeout=60) != 0
        eventually(lambda: pair.on(REPLICA, "mysql -e 'SELECT 1'").returncode == 0, 30, "mysqld after the kill")
    outcome = pair.apply(REPLICA)
    assert any("by clone" in words for words in outcome["changed"])
    assert pair.sql(REPLICA, "SELECT COUNT(*), @@global.super_read_only FROM big.b") == "800\t1"
    pair.gate()


def test_acknowledged_rows_survive_kill_9_of_both_servers_under_load(pair: Pair) -> None:
    pair.must(SOURCE, f"{LEDGER} prepare")
    running = pair.start(SOURCE, f"{LEDGER} run --seconds 60 --rate 120")

    def written(count: int) -> bool:
        return int(json.loads(pair.must(SOURCE, f"{LEDGER} status"))["acked"]) > count

    eventually(lambda: written(200), 20, "200 acknowledged transactions")
    pair.kill_mysqld(SOURCE)
    eventually(lambda: written(600), 30, "600 acknowledged transactions")
    pair.kill_mysqld(REPLICA)
    eventually(lambda: written(800), 30, "800 acknowledged transactions")
    stopped = json.loads(pair.must(SOURCE, f"{LEDGER} stop"))
    assert running.wait(timeout=20) == 0
    assert stopped["running"] is False
    pair.gate()
    code, found = pair.verified()
    assert (found["missing"], found["duplicated"], found["reordered"]) == ([], [], [])
    assert found["in_doubt"] >= 4
    assert found["controls_found"] is True
    assert code == 0


def test_the_ledger_finds_a_row_that_was_taken_away(pair: Pair) -> None:
    """Positive control on the wire: without it, the zeros above would prove nothing."""
    pair.must(SOURCE, f"{LEDGER} prepare")
    pair.must(SOURCE, f"{LEDGER} run --seconds 2 --rate 60")
    pair.sql(SOURCE, "SET FOREIGN_KEY_CHECKS = 0; DELETE FROM twinsite_drill.entries WHERE session = 2 AND seq = 5")
    pair.gate()
    code, found = pair.verified()
    assert found["missing"] == [[2, 5]]
    assert code == 1


def test_a_cut_shows_the_documents_states_and_heals_by_itself(pair: Pair) -> None:
    pair.must(SOURCE, f"{LEDGER} ping --msg replication_test_1")
    pair.path(works=False)
    cut = time.monotonic()
    eventually(lambda: receiver(pair) == "CONNECTING", 8, "the receiver")
    pair.must(SOURCE, f"{LEDGER} ping --msg replication_test_while_vpn_down")
    seen = []
    while time.monotonic() - cut < 14:
        seen.append(pair.report(REPLICA))
    expected = {"Replica_IO_Running": "Connecting", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": None}
    assert [report["show_replica_status"] for report in seen] == [expected] * len(seen)
    # True also while the link is cut, where Seconds_Behind_Source says nothing.
    ages = [report["heartbeat_age_seconds"] for report in seen]
    assert ages == sorted(ages)
    assert ages[-1] > 12
    pair.path(works=True)
    expected_pings = ["replication_test_1", "replication_test_while_vpn_down"]
    back = eventually(lambda: pings(pair)[-2:] == expected_pings, 20, lambda: pair.report(REPLICA))
    assert back < 10
    pair.must(SOURCE, f"{LEDGER} ping --msg replication_test_after")
    eventually(lambda: pings(pair)[-3:] == [*expected_pings, "replication_test_after"], 5, lambda: pings(pair))


def pings(pair: Pair) -> list[str]:
    found: list[str] = json.loads(pair.must(REPLICA, f"{LEDGER} pings"))["pings"]
    return found


@pytest.mark.parametrize(("count", "comes_back"), [(3, False), (0, True)], ids=["upstream, scaled", "ours"])
def test_upstreams_retry_budget_gives_up_for_good_and_ours_does_not(pair: Pair, count: int, comes_back: bool) -> None:
    """Scaled down: 3 tries, 1 s apart, stand for upstream's 10 tries, 60 s apart; the same cut for both."""
    pair.config[REPLICA]["retry_count"] = count
    pair.apply(REPLICA)
    pair.gate()
    pair.path(works=False)
    cut = time.monotonic()
    if not comes_back:
        eventually(lambda: receiver(pair) == "OFF", 40, "the receiver")
    eventually(lambda: time.monotonic() - cut > 30, 40, "half a minute of cut")
    pair.path(works=True)
    if comes_back:
        eventually(lambda: receiver(pair) == "ON", 10, "the receiver")
        pair.gate(10)
    else:
        done = pair.role(REPLICA, "gate --timeout 12")
        assert done.returncode == 1
        assert "receiver is OFF" in done.stderr


def test_the_gate_waits_until_the_source_has_applied_what_it_was_told(pair: Pair) -> None:
    """A cloud machine applies in its own time; without this an `up` ends before a changed setting is there."""
    done = pair.role(REPLICA, "gate --timeout 6 --source-told 0123456789abcdef")
    assert done.returncode == 1
    assert "the source has not applied 0123456789abcdef yet" in done.stderr
    pair.must(SOURCE, "printf 0123456789abcdef > /etc/twinsite/database.told")
    pair.apply(SOURCE)
    pair.must(REPLICA, "/usr/local/sbin/twinsite-guest database gate --timeout 20 --source-told 0123456789abcdef")


def test_the_gate_says_in_mysqls_words_why_it_does_not_pass(pair: Pair) -> None:
    certificate, key = pair.signer.certificate("192.0.2.99")
    pair.config[SOURCE]["tls_cert"] = certificate
    pair.secrets[SOURCE]["tls_key"] = key
    assert pair.apply(SOURCE)["disruption"] == "none"
    pair.sql(REPLICA, "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")
    done = pair.role(REPLICA, "gate --timeout 6")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr
    pair.must(SOURCE, "systemctl stop mysql")
    done = pair.role(REPLICA, "gate --timeout 6")
    assert done.returncode == 1
    assert f"cannot reach source {SOURCE}:3306" in done.stderr


def test_the_replication_account_needs_tls_and_the_replicas_address(pair: Pair) -> None:
    word = pair.secrets[SOURCE]["replication_password"]
    client = f"mysql --no-defaults --protocol=tcp --host={SOURCE} --user=twinsite_repl --password={word} -Ne 'SELECT 1'"
    assert pair.must(REPLICA, client).strip() == "1"
    clear = pair.on(REPLICA, f"{client} --ssl-mode=DISABLED")
    assert "ERROR 3159" in clear.stderr or "ERROR 1045" in clear.stderr, clear.stderr
    assert "ERROR 1130" in pair.on(SOURCE, client).stderr  # no account at all for that address
    shown = f"SHOW GRANTS FOR 'twinsite_repl'@'{REPLICA}'; SHOW GRANTS FOR 'twinsite_clone'@'{REPLICA}'"
    assert pair.sql(SOURCE, shown).splitlines() == [
        f"GRANT REPLICATION SLAVE ON *.* TO `twinsite_repl`@`{REPLICA}`",
        f"GRANT USAGE ON *.* TO `twinsite_clone`@`{REPLICA}`",
        f"GRANT BACKUP_ADMIN ON *.* TO `twinsite_clone`@`{REPLICA}`",
    ]


def test_mysqls_own_root_is_refused_as_an_operator_and_keeps_its_rights(pair: Pair) -> None:
    before = pair.accounts()
    pair.config[SOURCE]["operator_users"] = ["ubuntu", "root"]
    pair.tell(SOURCE)
    assert "operator user is 'root'" in pair.role(SOURCE, "apply").stderr
    assert pair.accounts() == before


def test_an_account_that_somebody_made_is_neither_narrowed_nor_given_another_password(pair: Pair) -> None:
    pair.sql(
        SOURCE,
        "CREATE USER admin@localhost IDENTIFIED WITH auth_socket; GRANT SELECT, INSERT ON *.* TO admin@localhost; "
        f"CREATE USER own_repl@'{REPLICA}' IDENTIFIED BY 'somebody''s'; "
        f"GRANT REPLICATION SLAVE ON *.* TO own_repl@'{REPLICA}'",
    )
    before = pair.accounts()
    for change in ({"operator_users": ["ubuntu", "admin"]}, {"replication_user": "own_repl"}):
        pair.reset()
        pair.config[SOURCE] |= change
        pair.tell(SOURCE)
        assert "twinsite did not make it" in pair.role(SOURCE, "apply").stderr
        assert pair.accounts() == before
    # On a person's word, as the refusal has it.
    pair.sql(SOURCE, """ALTER USER 'admin'@'localhost' ATTRIBUTE '{"twinsite": "given"}'""")
    pair.reset()
    pair.config[SOURCE]["operator_users"] = ["ubuntu", "admin"]
    assert "grants of admin@localhost" in pair.apply(SOURCE)["changed"]
    pair.sql(SOURCE, f"DROP USER admin@localhost, own_repl@'{REPLICA}'")


def test_an_operators_account_of_a_version_before_the_mark_is_known_by_its_grants(pair: Pair) -> None:
    pair.sql(SOURCE, """ALTER USER ubuntu@localhost ATTRIBUTE '{"twinsite": null, "theirs": "stays"}'""")
    assert pair.apply(SOURCE)["changed"] == ["account ubuntu@localhost of an earlier twinsite bears its mark now"]
    attribute = "SELECT attribute FROM information_schema.user_attributes WHERE user = 'ubuntu'"
    assert json.loads(pair.sql(SOURCE, attribute)) == {"theirs": "stays", "twinsite": "operator"}
    assert pair.apply(SOURCE)["changed"] == []


def test_taking_the_source_away_drops_twinsites_accounts_and_nobody_elses(pair: Pair) -> None:
    """Also with the configuration of a version that took root for an operator and had narrowed it."""
    pair.sql(
        SOURCE,
        "CREATE USER twinsite_repl@'%' IDENTIFIED BY 'mine'; CREATE USER ubuntu@'192.0.2.%' IDENTIFIED BY 'mine'; "
        "CREATE USER admin@localhost IDENTIFIED WITH auth_socket; GRANT ALL ON *.* TO admin@localhost",
    )
    before = pair.accounts()
    pair.config[SOURCE]["operator_users"] = ["ubuntu", "root", "admin"]
    pair.tell(SOURCE)
    pair.must(SOURCE, "/usr/local/sbin/twinsite-guest database undo")
    ours = {f"'twinsite_repl'@'{REPLICA}'", f"'twinsite_clone'@'{REPLICA}'", "'ubuntu'@'localhost'"}
    assert pair.accounts() == {name: words for name, words in before.items() if name not in ours}
    pair.sql(SOURCE, "DROP USER twinsite_repl@'%', ubuntu@'192.0.2.%', admin@localhost")


def test_a_root_that_an_earlier_version_narrowed_gets_its_rights_back(pair: Pair) -> None:
    whole = pair.sql(SOURCE, "SHOW GRANTS FOR root@localhost")
    pair.sql(SOURCE, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM root@localhost")
    assert "1142" in pair.on(SOURCE, "mysql --no-defaults --user=root -Ne 'SELECT user FROM mysql.user'").stderr
    # By the account that the distributions keep, as CHANGELOG has it.
    pair.must(
        SOURCE, "mysql --no-defaults --user=debian-sys-maint", b"GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION"
    )
    assert pair.sql(SOURCE, "SHOW GRANTS FOR root@localhost").splitlines()[0] == whole.splitlines()[0]


def test_a_rotated_password_works_in_whichever_order_the_ends_learn_it(pair: Pair) -> None:
    for host in (SOURCE, REPLICA):
        pair.secrets[host]["replication_password"] = "n" * 31 + "2"
    assert "new password" in " ".join(pair.apply(SOURCE)["changed"])
    pair.sql(REPLICA, "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD")
    pair.gate()  # the former one is still good
    assert "SOURCE_PASSWORD" in " ".join(pair.apply(REPLICA)["changed"])
    pair.gate()
    for host in (SOURCE, REPLICA):
        pair.secrets[host]["replication_password"] = "n" * 31 + "3"
    pair.tell(REPLICA)
    assert "goes on replicating" in pair.role(REPLICA, "apply").stderr  # the replica first
    pair.apply(SOURCE)
    pair.apply(REPLICA)
    pair.gate()


def test_the_heartbeat_stops_where_the_server_is_read_only(pair: Pair) -> None:
    pair.sql(SOURCE, "SET GLOBAL super_read_only = ON")
    beat = "SELECT ts FROM twinsite.heartbeat"
    first = pair.sql(SOURCE, beat)
    eventually(lambda: float(pair.report(SOURCE)["heartbeat_age_seconds"]) > 2.5, 10, "an old heartbeat")
    assert pair.sql(SOURCE, beat) == first
    done = pair.role(SOURCE, "apply")
    assert done.returncode == 2
    assert "read-only" in done.stderr
    pair.sql(SOURCE, "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF")
    eventually(lambda: pair.sql(SOURCE, beat) > first, 5, "the heartbeat")


def test_machines_made_from_one_image_are_told_apart(pair: Pair) -> None:
    identity = pair.must(SOURCE, "cat /var/lib/mysql/auto.cnf")
    pair.must(
        REPLICA,
        "systemctl stop mysql; install -o mysql -g mysql -m 640 /dev/stdin /var/lib/mysql/auto.cnf",
        identity.encode(),
    )
    done = pair.role(REPLICA, "apply")
    assert done.returncode == 2
    assert "server_uuid" in done.stderr
    pair.must(REPLICA, "rm /var/lib/twinsite/database.json")  # what an image does not carry
    assert any("removed auto.cnf" in words for words in pair.apply(REPLICA)["changed"])
    pair.gate()
    assert pair.report(REPLICA)["server_uuid"] != pair.report(SOURCE)["server_uuid"]


def test_a_promoted_replica_is_not_turned_back(pair: Pair) -> None:
    promote = "STOP REPLICA; RESET REPLICA ALL; SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF"
    pair.sql(REPLICA, promote)
    done = pair.role(REPLICA, "apply")
    assert done.returncode == 2
    assert "promoted" in done.stderr
    assert pair.sql(REPLICA, "SELECT @@global.super_read_only") == "0"
    pair.sql(REPLICA, "SET GLOBAL super_read_only = ON")


def test_data_from_before_gtids_make_a_new_replica_start_with_a_copy(pair: Pair) -> None:
    pair.drop(SOURCE)
    old = b"[mysqld]\ngtid_mode = OFF\nenforce_gtid_consistency = OFF\n"
    pair.must(SOURCE, "rm /etc/mysql/mysql.conf.d/twinsite.cnf; cat > /etc/mysql/mysql.conf.d/old.cnf", old)
    pair.must(SOURCE, "mysqld --initialize-insecure --user=mysql && systemctl start mysql")
    statements = (
        "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'; ALTER USER root@localhost IDENTIFIED WITH auth_socket; "
        "CREATE DATABASE old; CREATE TABLE old.t (a INT PRIMARY KEY); INSERT INTO old.t VALUES (1)"
    )
    pair.must(SOURCE, "mysql", statements.encode())
    pair.must(SOURCE, "rm /etc/mysql/mysql.conf.d/old.cnf")
    changed = pair.apply(SOURCE)["changed"]
    assert any("from before GTIDs" in words for words in changed), changed
    pair.drop(REPLICA)
    assert any("by clone" in words for words in pair.apply(REPLICA)["changed"])
    assert pair.sql(REPLICA, "SELECT a FROM old.t") == "1"
    pair.gate()


def test_an_existing_source_is_verified_then_followed_and_never_changed(pair: Pair) -> None:
    pair.drop(SOURCE)
    pair.drop(REPLICA)
    cnf = (
        b"[mysqld]\nserver_id = 77\nbind_address = *\ngtid_mode = ON\nenforce_gtid_consistency = ON\n"
        b"ssl_ca = /etc/mysql/twinsite-ca.pem\nssl_cert = /etc/mysql/twinsite-cert.pem\n"
        b"ssl_key = /etc/mysql/twinsite-key.pem\n"
    )
    pair.must(SOURCE, "cat > /etc/mysql/mysql.conf.d/twinsite.cnf", cnf)
    pair.must(SOURCE, "mysqld --initialize-insecure --user=mysql && systemctl start mysql")
    statements = (guest_file("database/existing-source.sql") + guest_file("database/heartbeat.sql")).replace(
        "$version", "x"
    )
    for name, value in {
        "binlog_expire_logs_seconds": "3600",
        "replica_address": REPLICA,
        "replication_user": "twinsite_repl",
        "clone_user": "twinsite_clone",
        **pair.secrets[REPLICA],
    }.items():
        statements = statements.replace("${" + name + "}", value)
    pair.must(SOURCE, "mysql --user=root", statements.encode())
    pair.config[REPLICA]["existing_source"] = True
    pair.tell(REPLICA)
    short = pair.role(REPLICA, "apply")
    assert short.returncode == 2
    assert "SET PERSIST binlog_expire_logs_seconds = 259200" in short.stderr
    pair.must(SOURCE, "mysql --user=root", b"SET PERSIST binlog_expire_logs_seconds = 259200")
    pair.apply(REPLICA)
    pair.gate()
    pair.must(SOURCE, "systemctl stop mysql; rm -rf /var/lib/mysql/*")


def test_undo_takes_away_what_twinsite_put_there_and_no_data(pair: Pair) -> None:
    pair.config[REPLICA]["peer_route"] = {"range": "10.20.0.0/16", "via": "192.0.2.1"}
    pair.apply(REPLICA)
    assert "10.20.0.0/16 via 192.0.2.1" in pair.must(REPLICA, "ip route")
    pair.must(REPLICA, "ip route del 10.20.0.0/16")
    eventually(lambda: "10.20.0.0/16" in pair.must(REPLICA, "ip route"), 5, "the route to be put back")
    pair.must(REPLICA, "/usr/local/sbin/twinsite-guest database undo")
    left = pair.must(
        REPLICA, "find /etc -name '*twinsite*' -not -path '/etc/twinsite*'; ls /var/lib/twinsite; ip route"
    )
    assert "twinsite" not in left
    assert "10.20.0.0/16" not in left
    assert "twinsite" in pair.sql(REPLICA, "SHOW DATABASES")
    assert pair.sql(REPLICA, "SELECT @@global.super_read_only") == "1"
    pair.apply(REPLICA)
    pair.gate()
