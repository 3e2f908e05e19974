"""Refusals of the pair over all arguments, and decisions over all facts."""

import dataclasses
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_database_gtid import MEMBERS, build
from tests.unit.test_database_rules import GOOD, names_a_fix
from twinsite.guest.database.gtid import GtidSet
from twinsite.guest.database.seeding import ReplicaFacts, SourceFacts, Step, decide
from twinsite.rules.database import MySqlReplicaPairIntent, retry_seconds

TEXT = st.text(max_size=20)
RANGES = st.builds(
    lambda a, b, prefix: f"{a}.{b}.0.0/{prefix}", st.integers(0, 255), st.integers(0, 255), st.integers(0, 32)
)
ADDRESSES = st.ip_addresses(v=4).map(str)
NUMBERS = st.integers(-2, 2**33) | st.integers(-2, 100)
VERSIONS = st.builds(lambda a, b, c: f"{a}.{b}.{c}", st.integers(5, 11), st.integers(0, 9), st.integers(0, 40)) | TEXT
NAMES = st.sampled_from(["super_read_only", "gtid-mode", "max_connections", "server_id", "sort_buffer_size"])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "vpc_range": RANGES | TEXT,
        "subnet_range": RANGES | TEXT,
        "onprem_range": RANGES | TEXT,
        "source_address": ADDRESSES | TEXT,
        "replica_address": ADDRESSES | TEXT,
        "gateway_address": ADDRESSES | TEXT,
        "source_gateway_address": ADDRESSES,
        "client_ranges": st.lists(RANGES | TEXT, max_size=2),
        "source_server_id": NUMBERS,
        "replica_server_id": NUMBERS,
        "retry_count": NUMBERS,
        "connect_retry_seconds": NUMBERS,
        "net_timeout_seconds": NUMBERS,
        "heartbeat_period_seconds": st.floats(-1, 100),
        "tolerated_outage_hours": st.integers(-1, 1000),
        "binlog_retention_hours": st.integers(0, 3000),
        "binlog_gib_per_day": st.floats(0, 50),
        "data_volume_gib": st.integers(0, 100),
        "replication_password": st.text(max_size=40),
        "source_version": VERSIONS,
        "replica_version": VERSIONS,
        "existing_source": st.none() | st.just({"tls_ca": "x"}),
        "source_settings": st.dictionaries(NAMES, TEXT, max_size=2),
        "replica_settings": st.dictionaries(NAMES, TEXT, max_size=2),
        "ami": TEXT,
        "delivery": st.sampled_from(["ssh", "bundle"]),
        "gate": st.sampled_from(["wait", "handover"]),
        "onprem_connection": st.none() | st.just({"host": "x"}),
    },
)


@given(CHANGES)
def test_every_refusal_is_one_sentence_with_a_fix(change: dict[str, Any]) -> None:
    for problem in MySqlReplicaPairIntent.of({**GOOD, **change}).problems():
        assert names_a_fix(problem), problem
        assert "\n" not in problem
        assert problem[0].islower() or problem[0].isdigit(), problem


@given(CHANGES)
def test_what_is_accepted_outlives_its_outage_and_keeps_its_heartbeat(change: dict[str, Any]) -> None:
    args = {**GOOD, **change}
    if MySqlReplicaPairIntent.of(args).problems():
        return
    outage = args.get("tolerated_outage_hours", 36)
    assert retry_seconds(args.get("retry_count", 0), args.get("connect_retry_seconds", 1)) >= outage * 3600
    assert args.get("heartbeat_period_seconds", 1) < args.get("net_timeout_seconds", 5) / 2
    assert args.get("source_server_id", 1) != args.get("replica_server_id", 2)
    assert "super_read_only" not in args.get("replica_settings", {})


UUID_SOURCE, UUID_REPLICA = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "aaaaaaaa-71ca-11e1-9e33-c80aa9429562"
STATES = st.sampled_from(["ON", "OFF", "CONNECTING"])
REPLICAS = st.builds(
    ReplicaFacts,
    version=st.sampled_from(["9.7.4", "8.4.6"]),
    server_uuid=st.just(UUID_REPLICA),
    server_id=st.just(2),
    executed=MEMBERS.map(build),
    schemas=st.sampled_from([(), ("app",)]),
    writable=st.booleans(),
    channel_source=st.sampled_from(["", "10.20.2.20", "10.9.9.9"]),
    receiver=STATES,
    applier=st.sampled_from(["ON", "OFF"]),
    was_ours=st.booleans(),
    clone_unfinished=st.booleans(),
    consent=st.none() | MEMBERS.map(build),
)
SOURCES = st.none() | st.builds(
    SourceFacts,
    version=st.just("9.7.4"),
    server_uuid=st.just(UUID_SOURCE),
    server_id=st.just(1),
    executed=MEMBERS.map(build),
    purged=MEMBERS.map(build),
)


@given(REPLICAS, SOURCES)
def test_a_copy_replaces_data_only_when_empty_unfinished_or_named(
    replica: ReplicaFacts, source: SourceFacts | None
) -> None:
    decision = decide(replica, source, "10.20.2.20")
    if decision.step is not Step.CLONE:
        return
    assert source is not None
    if replica.clone_unfinished:
        return
    own = replica.executed - source.executed
    if replica.consent is not None:
        assert not own - replica.consent
    else:
        assert not replica.executed
        assert not replica.schemas


@given(REPLICAS, SOURCES)
def test_following_never_skips_a_transaction_nor_keeps_an_own_one(
    replica: ReplicaFacts, source: SourceFacts | None
) -> None:
    decision = decide(replica, source, "10.20.2.20")
    if decision.step in (Step.FOLLOW, Step.START):
        assert source is not None
        assert not source.purged - replica.executed
        assert not replica.executed - source.executed


@given(REPLICAS, SOURCES)
def test_nothing_with_transactions_of_its_own_is_ever_called_healthy(
    replica: ReplicaFacts, source: SourceFacts | None
) -> None:
    if source is not None and replica.executed - source.executed:
        assert decide(replica, source, "10.20.2.20").step in (Step.REFUSE, Step.CLONE)


@given(REPLICAS, SOURCES)
def test_only_a_refusal_has_problems_and_each_names_a_command_or_a_setting(
    replica: ReplicaFacts, source: SourceFacts | None
) -> None:
    decision = decide(replica, source, "10.20.2.20")
    assert (decision.step is Step.REFUSE) is bool(decision.problems)
    for problem in decision.problems:
        assert re.search(r"`[^`]+`|check the tunnel|install|upgrade|restart", problem), problem


@given(REPLICAS, SOURCES)
def test_deciding_again_after_a_kill_in_a_clone_clones_again(replica: ReplicaFacts, source: SourceFacts | None) -> None:
    if decide(replica, source, "10.20.2.20").step is not Step.CLONE:
        return
    wrecked = dataclasses.replace(
        replica, executed=GtidSet(), schemas=("half",), channel_source="", receiver="OFF", applier="OFF",
        clone_unfinished=True, consent=None,
    )  # fmt: skip
    assert decide(wrecked, source, "10.20.2.20").step is Step.CLONE
