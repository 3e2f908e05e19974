"""MySQL's settings: what the files say, and what a change of them does to a running server."""

from typing import Any

import pytest

from twinsite.guest.database import config as config_module
from twinsite.guest.database import replica, settings
from twinsite.guest.database.config import Config, Secrets, parse, parse_secrets
from twinsite.guest.errors import Refused

PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
SOURCE: dict[str, Any] = {
    "role": "source",
    "server_id": 1,
    "source_address": "10.20.2.20",
    "replica_address": "192.168.64.20",
    "tls_ca": PEM,
    "tls_cert": PEM,
}
REPLICA: dict[str, Any] = {**SOURCE, "role": "replica", "server_id": 2, "bind_address": "127.0.0.1"}
SECRETS = Secrets("replication-word", "clone-word", "")


def rendered(data: dict[str, Any]) -> dict[str, str]:
    return settings.parsed(settings.render(parse(data), "twinsite-relay"))


def test_both_ends_survive_a_crash_by_their_files() -> None:
    for data in (SOURCE, REPLICA):
        found = rendered(data)
        assert found["sync_binlog"] == found["innodb_flush_log_at_trx_commit"] == "1"
        assert found["gtid_mode"] == found["enforce_gtid_consistency"] == "ON"
        assert found["require_secure_transport"] == "ON"
    assert rendered(REPLICA)["relay_log_recovery"] == "ON"
    assert rendered(REPLICA)["sync_relay_log"] == "1000"


def test_only_the_source_runs_events_and_only_the_replica_is_fenced() -> None:
    assert (rendered(SOURCE)["event_scheduler"], rendered(REPLICA)["event_scheduler"]) == ("ON", "OFF")
    assert (rendered(REPLICA)["super_read_only"], rendered(REPLICA)["read_only"]) == ("ON", "ON")
    assert "super_read_only" not in rendered(SOURCE)


def test_retention_reaches_both_files_in_seconds() -> None:
    for data in (SOURCE, REPLICA):
        assert rendered({**data, "binlog_retention_hours": 100})["binlog_expire_logs_seconds"] == "360000"


def test_an_override_wins_over_the_template() -> None:
    assert rendered({**SOURCE, "settings": {"max-connections": 500}})["max_connections"] == "500"
    assert rendered({**REPLICA, "settings": {"sync_relay_log": 1}})["sync_relay_log"] == "1"


def test_the_channel_is_set_explicitly_where_upstream_gives_up_or_is_open() -> None:
    options = {name: literal for name, (_, literal) in replica.channel(parse(REPLICA), SECRETS).items()}
    assert options["SOURCE_RETRY_COUNT"] == "0"
    assert options["SOURCE_CONNECT_RETRY"] == "1"
    assert options["SOURCE_HEARTBEAT_PERIOD"] == "1"
    assert options["SOURCE_SSL"] == options["SOURCE_SSL_VERIFY_SERVER_CERT"] == options["SOURCE_AUTO_POSITION"] == "1"
    assert options["SOURCE_SSL_CA"] == "'/etc/mysql/twinsite-ca.pem'"


def row_of(wanted: dict[str, tuple[str, str]]) -> dict[str, str | None]:
    return {column: literal.strip("'") for column, literal in wanted.values()}


def test_a_channel_as_wanted_has_no_difference() -> None:
    wanted = replica.channel(parse(REPLICA), SECRETS)
    assert replica.channel_differences(wanted, row_of(wanted)) == []
    assert replica.channel_differences(wanted, {**row_of(wanted), "Heartbeat": "1.000"}) == []


@pytest.mark.parametrize("option", list(replica.channel(parse(REPLICA), SECRETS)))
def test_every_option_of_the_channel_is_compared(option: str) -> None:
    wanted = replica.channel(parse(REPLICA), SECRETS)
    column = wanted[option][0]
    for other in ("something else", "77", "", None):
        assert replica.channel_differences(wanted, {**row_of(wanted), column: other}) == [option]


def test_no_channel_means_everything_is_to_be_set() -> None:
    wanted = replica.channel(parse(REPLICA), SECRETS)
    assert replica.channel_differences(wanted, None) == list(wanted)


@pytest.mark.parametrize(
    ("wanted", "live", "same"),
    [
        ("ON", "1", True),
        ("on", "ON", True),
        ("OFF", "0", True),
        ("128M", "134217728", True),
        ("1G", "1073741824", True),
        ("1.50", "1.500000", True),
        ("'ROW'", "ROW", True),
        ("ON", "OFF", False),
        ("128M", "128", False),
        ("5", "7", False),
    ],
)
def test_a_file_value_and_a_live_value_are_compared_by_meaning(wanted: str, live: str, same: bool) -> None:
    assert settings.same(wanted, live) is same


def change_names(*arguments: Any) -> list[tuple[str, bool]]:
    return [(change.name, change.needs_restart) for change in settings.changes(*arguments)]


def test_nothing_changes_when_file_and_server_agree() -> None:
    wanted = {"sync_binlog": "1", "mysqlx": "OFF", "gtid_mode": "ON"}
    assert settings.changes(wanted, wanted, {"sync_binlog": "1", "gtid_mode": "ON"}, frozenset()) == []


def test_a_live_change_needs_no_restart_and_drift_counts_as_one() -> None:
    wanted = {"super_read_only": "ON"}
    assert change_names(wanted, wanted, {"super_read_only": "OFF"}, frozenset()) == [("super_read_only", False)]


def test_identity_and_gtid_mode_change_by_restart_only() -> None:
    wanted = {"server_id": "2", "gtid_mode": "ON"}
    found = change_names(wanted, {}, {"server_id": "1", "gtid_mode": "OFF"}, frozenset())
    assert found == [("server_id", True), ("gtid_mode", True)]


def test_an_option_without_a_variable_needs_a_restart_only_when_its_line_changes() -> None:
    wanted = {"mysqlx": "OFF"}
    assert change_names(wanted, {}, {}, frozenset()) == [("mysqlx", True)]
    assert change_names(wanted, wanted, {}, frozenset()) == []


def test_an_override_that_the_server_rounds_is_quiet_until_the_file_changes() -> None:
    wanted, live = {"innodb_buffer_pool_size": "200M"}, {"innodb_buffer_pool_size": "268435456"}
    overrides = frozenset(wanted)
    assert settings.changes(wanted, wanted, live, overrides) == []
    assert change_names(wanted, {"innodb_buffer_pool_size": "128M"}, live, overrides) == [
        ("innodb_buffer_pool_size", False)
    ]


def test_a_setting_that_left_the_file_goes_back_to_its_default() -> None:
    (change,) = settings.changes({}, {"max_connections": "500"}, {"max_connections": "500"}, frozenset())
    assert (change.wanted, change.needs_restart) == ("", False)


def test_a_comment_is_no_setting() -> None:
    assert settings.parsed("# server_id = 9\n[mysqld]\nserver-id = 3\nserver_id=4\n") == {"server_id": "4"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": "primary"}, "role is 'primary'"),
        ({"server_id": 0}, "server_id is 0"),
        ({"server_id": "x"}, "server_id is 'x'"),
        ({"source_address": "db"}, "source_address is 'db'"),
        ({"replica_address": "10.20.2.20"}, "cannot be its own source"),
        ({"tls_ca": ""}, "tls_ca is no PEM"),
        ({"tls_cert": ""}, "tls_cert is no PEM"),
        ({"net_timeout_seconds": 2}, "is not under half"),
        ({"data_device": "sdf"}, "data_device is 'sdf'"),
        ({"peer_route": {"range": "10.20.0.0/16"}}, "needs both range and via"),
        ({"operator_user": "x; rm"}, "is no user name"),
        ({"settings": {"max_connections": "1\nsuper_read_only=OFF"}}, "holds a line break"),
        ({"settings": {"a b": "1"}}, "is no MySQL variable name"),
    ],
)
def test_a_bad_configuration_is_refused_on_the_host_too(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refused:
        parse({**SOURCE, **change})
    assert any(words in problem for problem in refused.value.problems)


def test_all_problems_of_a_configuration_are_said_at_once() -> None:
    with pytest.raises(Refused) as refused:
        parse({**SOURCE, "server_id": 0, "tls_ca": "", "source_address": "x"})
    assert len(refused.value.problems) == 3


def test_whole_floats_of_json_are_numbers() -> None:
    assert parse({**SOURCE, "server_id": 7.0, "settings": {"max_connections": 200.0}}).settings == {
        "max_connections": "200"
    }


def test_secrets_are_refused_without_being_quoted() -> None:
    long = "s" * 33
    with pytest.raises(Refused) as refused:
        parse_secrets({"replication_password": long, "clone_password": ""}, config_module.SOURCE)
    assert len(refused.value.problems) == 3
    assert long not in str(refused.value)


def test_secrets_do_not_show_in_a_traceback() -> None:
    assert "word" not in repr(SECRETS)


def test_the_digest_follows_the_configuration_and_nothing_else() -> None:
    first = parse(SOURCE)
    assert isinstance(first, Config)
    assert first.digest == parse(dict(reversed(list(SOURCE.items())))).digest
    assert first.digest != parse({**SOURCE, "server_id": 3}).digest


STANDALONE: dict[str, Any] = {
    "role": "standalone",
    "server_id": 3,
    "user": "dbadmin",
    "data_device": "azure-lun-0",
    "tls_ca": PEM,
    "tls_cert": PEM,
}


def test_a_standbys_own_server_takes_a_restore_over_tls_only() -> None:
    found = rendered(STANDALONE)
    assert found["local_infile"] == found["log_bin_trust_function_creators"] == "ON"
    assert found["require_secure_transport"] == "ON"
    assert found["sync_binlog"] == found["innodb_flush_log_at_trx_commit"] == "1"


def test_a_standbys_own_server_needs_its_login_its_password_and_its_certificate() -> None:
    with pytest.raises(Refused, match="give the login"):
        parse({**STANDALONE, "user": ""})
    with pytest.raises(Refused, match="a server needs one"):
        parse({**STANDALONE, "tls_cert": ""})
    with pytest.raises(Refused, match="secret password is missing"):
        parse_secrets({"tls_key": "-----BEGIN EC PRIVATE KEY-----"}, "standalone")
    read = parse_secrets({"password": "w" * 32, "tls_key": "-----BEGIN EC PRIVATE KEY-----"}, "standalone")
    assert read.password == "w" * 32 and "w" * 32 not in repr(read)
