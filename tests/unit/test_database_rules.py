"""Refusals of MySqlReplicaPair: each bad design, made on purpose, is refused with a sentence that names the fix."""

import re
from typing import Any

import pytest

from twinsite import MySqlReplicaPair, rules
from twinsite.rules.database import (
    MySqlReplicaPairIntent,
    password_problems,
    resume_seconds,
    retention_hours,
    retry_seconds,
)

GOOD: dict[str, Any] = {
    "region": "ap-northeast-2",
    "availability_zone": "ap-northeast-2a",
    "vpc_id": "vpc-1",
    "vpc_range": "10.20.0.0/16",
    "subnet_id": "subnet-1",
    "subnet_range": "10.20.2.0/24",
    "source_address": "10.20.2.20",
    "ami": "ami-0123456789abcdef0",
    "instance_type": "t3.medium",
    "data_volume_gib": 20,
    "store": None,
    "onprem_range": "192.168.64.0/24",
    "replica_address": "192.168.64.20",
    "onprem_connection": {"host": "203.0.113.64", "private_key": "KEY"},
    "gateway_address": "192.168.64.10",
    "source_gateway_address": "10.20.1.10",
    "delivery": "ssh",
    "gate": "wait",
    "operator_keys": [],
}
EXISTING = {"existing_source": {"tls_ca": "-----BEGIN CERTIFICATE-----"}}

MUTATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("a source outside its VPC", {"source_address": "10.30.2.20"}, "is outside vpc_range"),
    ("a source outside its subnet", {"source_address": "10.20.3.20"}, "is not in its subnet"),
    ("a source at an address that AWS keeps", {"source_address": "10.20.2.2"}, "AWS reserves"),
    ("a source that is no address", {"source_address": "db.internal"}, "is not an IPv4 address"),
    (
        "a subnet outside the VPC",
        {"subnet_range": "10.21.2.0/24", "source_address": "10.20.9.9"},
        "not inside vpc_range",
    ),
    ("sites that overlap", {"onprem_range": "10.20.0.0/17"}, "overlap"),
    ("a replica outside the on-prem range", {"replica_address": "192.168.65.20"}, "is not in onprem_range"),
    ("a replica at the broadcast address", {"replica_address": "192.168.64.255"}, "broadcast"),
    ("a gateway outside the on-prem range", {"gateway_address": "192.168.1.1"}, "is not in onprem_range"),
    ("a replica at the gateway's address", {"gateway_address": "192.168.64.20"}, "set each machine's own address"),
    ("a replica that is its own source", {"replica_address": "10.20.2.20"}, "cannot be its own source"),
    ("MySQL open to the world", {"client_ranges": ["0.0.0.0/0"]}, "to the world"),
    ("K14: one server id twice", {"source_server_id": 7, "replica_server_id": 7}, "K14"),
    ("a server id of zero", {"source_server_id": 0}, "from 1 to 4294967295"),
    ("a server id too large", {"replica_server_id": 2**32}, "from 1 to 4294967295"),
    ("K10: upstream's retry budget", {"retry_count": 10, "connect_retry_seconds": 60}, "K10"),
    ("K10: a day of retries for 36 h of outage", {"retry_count": 86400}, "K10"),
    ("MySQL's own root as an operator", {"onprem_connection": {"host": "203.0.113.64", "user": "root"}}, "has sudo"),
    ("a negative retry count", {"retry_count": -1}, "set it to 0"),
    ("no pause between retries", {"connect_retry_seconds": 0}, "set it to 1 or more"),
    ("K12: the heartbeat at half of the timeout", {"heartbeat_period_seconds": 2.5}, "K12"),
    ("K12: a short timeout with an old heartbeat", {"net_timeout_seconds": 4, "heartbeat_period_seconds": 30}, "K12"),
    ("no heartbeat at all", {"heartbeat_period_seconds": 0}, "K12"),
    ("no net timeout", {"net_timeout_seconds": 0}, "set it to 1 or more"),
    ("logs kept for less than twice the outage", {"binlog_retention_hours": 71}, "less than twice"),
    ("an outage of no length", {"tolerated_outage_hours": 0}, "set it to 1 or more"),
    ("MariaDB as the source", {"source_version": "11.4.2-MariaDB", "replica_version": "9.7.4"}, "is no MySQL"),
    ("a source past its end of life", {"source_version": "8.0.40", "replica_version": "8.4.6"}, "support ended"),
    ("a source newer than its replica", {"source_version": "9.7.4", "replica_version": "8.4.6"}, "newer than"),
    ("series too far apart", {"source_version": "8.4.6", "replica_version": "10.2.0"}, "no supported upgrade path"),
    (
        "an existing source that cannot be cloned",
        {**EXISTING, "source_version": "8.4.6", "replica_version": "9.7.4"},
        "cannot be cloned",
    ),
    ("a volume too small", {"data_volume_gib": 9}, "is too small"),
    ("a volume that the logs fill", {"binlog_gib_per_day": 10}, "a full volume stops"),
    ("the placeholder image", {"ami": "ami-00000000000000000"}, "placeholder"),
    ("an image that is none", {"ami": "ubuntu"}, "is no image id"),
    ("a zone of another region", {"availability_zone": "us-east-1a"}, "is not in region"),
    ("K13: a writable replica", {"replica_settings": {"super_read_only": "OFF"}}, "K13"),
    ("K13 with dashes", {"replica_settings": {"super-read-only": "0"}}, "K13"),
    ("K11: no heartbeat event", {"source_settings": {"event_scheduler": "OFF"}}, "K11"),
    ("K12 through the file", {"replica_settings": {"replica_net_timeout": "60"}}, "K12"),
    ("K14 through the file", {"replica_settings": {"server_id": "1"}}, "twinsite owns"),
    ("K15: clear text inside the tunnel", {"source_settings": {"require_secure_transport": "OFF"}}, "K15"),
    ("K16: no GTIDs", {"source_settings": {"gtid_mode": "OFF"}}, "K16"),
    ("K19: semi-sync relied upon", {"source_settings": {"rpl_semi_sync_source_enabled": "ON"}}, "K19"),
    (
        "settings of a source that is somebody else's",
        {**EXISTING, "source_settings": {"max_connections": "9"}},
        "never changes",
    ),
    ("a replica that listens nowhere", {"replica_bind_address": "10.20.2.20"}, "replica_bind_address is"),
    ("a gate that waits for nothing", {"gate_timeout_seconds": 5}, "set it from 30 to 7200"),
    ("a generation that is none", {"password_generation": 0}, "raise it by 1"),
    ("a commit that is not on disk", {"source_settings": {"sync_binlog": "0"}}, "acknowledged rows"),
    ("a bundle that the gate waits for", {"delivery": "bundle"}, "set gate to handover"),
    ("SSH without a login", {"onprem_connection": None}, "onprem_connection is missing"),
]


def names_a_fix(problem: str) -> bool:
    """Whether what follows the last `: ` tells somebody what to do."""
    verbs = "write|choose|set|use|renumber|remove|list|look|let|install|upgrade"
    return re.match(verbs, problem.rpartition(": ")[2]) is not None


def test_the_documents_own_topology_is_accepted() -> None:
    assert MySqlReplicaPairIntent.of(GOOD).problems() == []


def test_an_existing_source_needs_neither_image_nor_volume() -> None:
    assert MySqlReplicaPairIntent.of({**GOOD, **EXISTING, "ami": "", "data_volume_gib": 0}).problems() == []


@pytest.mark.parametrize(("change", "words"), [m[1:] for m in MUTATIONS], ids=[m[0] for m in MUTATIONS])
def test_a_bad_design_is_refused_with_its_fix(change: dict[str, Any], words: str) -> None:
    problems = MySqlReplicaPairIntent.of({**GOOD, **change}).problems()
    assert any(words in problem for problem in problems), problems
    assert [problem for problem in problems if not names_a_fix(problem)] == []


def test_following_the_named_fix_of_a_number_satisfies_the_rule() -> None:
    """The figure in the sentence is one that works, not one that is refused next."""
    cases: list[tuple[str, dict[str, Any]]] = [
        ("replica_server_id", {"source_server_id": 2**32 - 1, "replica_server_id": 2**32 - 1}),
        ("heartbeat_period_seconds", {"heartbeat_period_seconds": 9.0}),
        ("retry_count", {"retry_count": 10}),
        ("binlog_retention_hours", {"binlog_retention_hours": 5}),
        ("data_volume_gib", {"binlog_gib_per_day": 10}),
    ]
    for name, bad in cases:
        (problem,) = MySqlReplicaPairIntent.of({**GOOD, **bad}).problems()
        named = re.search(rf"set {name} to ([\d.]+)", problem)
        assert named, problem
        fixed = float(named[1]) if "." in named[1] else int(named[1])
        assert MySqlReplicaPairIntent.of({**GOOD, **bad, name: fixed}).problems() == []


def test_everything_that_is_wrong_is_said_at_once() -> None:
    bad = {"source_server_id": 0, "retry_count": 10, "data_volume_gib": 1, "ami": "x", "replica_address": "1.2.3.4"}
    with pytest.raises(rules.Refused) as refused:
        MySqlReplicaPair("pair", {**GOOD, **bad})  # type: ignore[typeddict-item]
    said = str(refused.value)
    for words in ("source_server_id is 0", "retry_count 10", "data_volume_gib 1", "ami 'x'", "replica_address 1.2.3.4"):
        assert words in said


def test_a_password_that_mysql_does_not_take_is_refused_with_its_fix() -> None:
    problems = list(password_problems({"replication_password": "x" * 33, "clone_password": ""}))
    assert ["has 33 characters" in problems[0], "has 0 characters" in problems[1]] == [True, True]
    assert [problem for problem in problems if not names_a_fix(problem)] == []


def test_no_refusal_quotes_a_password() -> None:
    secret = "correct horse battery staple correct horse"
    problems = list(password_problems({"replication_password": secret, "clone_password": secret}))
    assert len(problems) == 2
    assert not any(secret in problem for problem in problems)


def test_a_fifteen_minute_outage_needs_nobody_and_with_upstreams_defaults_it_does() -> None:
    assert retry_seconds(0, 1) == float("inf")
    assert retry_seconds(10, 60) == 600 < 15 * 60


def test_retention_is_twice_the_outage_and_never_under_three_days() -> None:
    assert [retention_hours(hours) for hours in (1, 36, 37, 100)] == [72, 72, 74, 200]


def test_resume_is_the_net_timeout_and_one_retry() -> None:
    assert resume_seconds() == 6
    assert resume_seconds(60, 60) == 120
