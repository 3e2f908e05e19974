"""How a replica gets its data: facts in, one decision out, and nothing is wiped that somebody may miss."""

import dataclasses
from typing import Any

import pytest

from twinsite.guest.database.gtid import GtidSet, parse
from twinsite.guest.database.seeding import (
    Decision,
    ReplicaFacts,
    SourceFacts,
    Step,
    cloning_problems,
    decide,
    replicating_problems,
)

SOURCE = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
REPLICA = "aaaaaaaa-71ca-11e1-9e33-c80aa9429562"
ADDRESS = "10.20.2.20"


def sets(text: str) -> GtidSet:
    return parse(text)


EMPTY_REPLICA = ReplicaFacts("9.7.4-2", REPLICA, 2, GtidSet(), (), writable=False)
FULL_SOURCE = SourceFacts("9.7.4-2", SOURCE, 1, sets(f"{SOURCE}:1-100"), GtidSet())
PURGED_SOURCE = dataclasses.replace(FULL_SOURCE, purged=sets(f"{SOURCE}:1-50"))


def decided(source: SourceFacts | None = FULL_SOURCE, **changed: Any) -> Decision:
    return decide(dataclasses.replace(EMPTY_REPLICA, **changed), source, ADDRESS)


def test_an_empty_replica_follows_while_the_logs_are_complete() -> None:
    assert decided().step is Step.FOLLOW
    assert "100 missing transactions" in decided().reason


def test_an_empty_replica_clones_when_logs_are_gone() -> None:
    decision = decided(PURGED_SOURCE)
    assert decision.step is Step.CLONE
    assert "50 transactions" in decision.reason


RUNNING = {"channel_source": ADDRESS, "receiver": "ON", "applier": "ON"}


def test_what_replicates_is_left_alone_whether_the_source_answers_us_or_not() -> None:
    behind = sets(f"{SOURCE}:1-80")
    assert decided(None, **RUNNING, executed=behind).step is Step.KEEP
    assert decided(PURGED_SOURCE, **RUNNING, executed=behind).step is Step.KEEP


def test_own_transactions_are_refused_also_while_it_replicates() -> None:
    decision = decided(**RUNNING, executed=sets(f"{SOURCE}:1-80,{REPLICA}:1"))
    assert decision.step is Step.REFUSE
    assert f"{REPLICA}:1" in decision.problems[0]


def test_a_new_source_at_the_old_address_is_noticed() -> None:
    """MySQL follows it without a word and mixes two histories."""
    stranger = "bbbbbbbb-71ca-11e1-9e33-c80aa9429562"
    new = SourceFacts("9.7.4-2", stranger, 1, sets(f"{stranger}:1-5"), GtidSet())
    decision = decided(new, **RUNNING, executed=sets(f"{SOURCE}:1-80,{stranger}:1-5"))
    assert decision.step is Step.REFUSE
    assert f"{SOURCE}:1-80" in decision.problems[0]


def test_a_receiver_that_reconnects_by_itself_is_left_alone_while_the_source_is_silent() -> None:
    assert decided(None, channel_source=ADDRESS, receiver="CONNECTING", applier="ON").step is Step.KEEP


def test_stopped_threads_are_started() -> None:
    assert decided(channel_source=ADDRESS, executed=sets(f"{SOURCE}:1-80")).step is Step.START


def test_a_changed_source_address_reconfigures_the_channel() -> None:
    moved = decided(channel_source="10.20.2.99", receiver="ON", applier="ON", executed=sets(f"{SOURCE}:1-80"))
    assert moved.step is Step.FOLLOW


def test_transactions_of_its_own_are_refused_with_their_list() -> None:
    decision = decided(executed=sets(f"{SOURCE}:1-80,{REPLICA}:1-3"), schemas=("mine",))
    assert decision.step is Step.REFUSE
    (problem,) = decision.problems
    assert f"{REPLICA}:1-3" in problem
    assert "3 transactions" in problem
    assert "mine" in problem
    assert f"reseed --discard '{REPLICA}:1-3'" in problem


def test_own_transactions_under_the_sources_uuid_are_found_too() -> None:
    decision = decided(executed=sets(f"{SOURCE}:1-120"))
    assert decision.step is Step.REFUSE
    assert f"{SOURCE}:101-120" in decision.problems[0]


def test_data_from_elsewhere_are_refused_with_their_schemas() -> None:
    decision = decided(PURGED_SOURCE, schemas=("shop", "wiki"))
    assert decision.step is Step.REFUSE
    assert "shop, wiki" in decision.problems[0]


def test_the_only_copy_is_not_thrown_away_when_it_fell_behind_the_logs() -> None:
    decision = decided(PURGED_SOURCE, executed=sets(f"{SOURCE}:1-20"), schemas=("app",))
    assert decision.step is Step.REFUSE
    assert f"{SOURCE}:21-50" in decision.problems[0]
    assert "reseed" in decision.problems[0]


def test_a_replica_behind_within_the_logs_follows() -> None:
    assert decided(PURGED_SOURCE, executed=sets(f"{SOURCE}:1-50"), schemas=("app",)).step is Step.FOLLOW


def test_a_new_copy_on_request_needs_every_own_transaction_by_name() -> None:
    mine = sets(f"{SOURCE}:1-20,{REPLICA}:1-3")
    assert decided(executed=mine, consent=GtidSet()).step is Step.REFUSE
    assert decided(executed=mine, consent=sets(f"{REPLICA}:1-2")).step is Step.REFUSE
    assert decided(executed=mine, consent=sets(f"{REPLICA}:1-3")).step is Step.CLONE
    assert decided(executed=sets(f"{SOURCE}:1-20"), schemas=("app",), consent=GtidSet()).step is Step.CLONE


def test_a_clone_that_did_not_end_is_repeated_whatever_the_directory_holds() -> None:
    rubbish: dict[str, Any] = {"executed": sets(f"{REPLICA}:1-9"), "schemas": ("half",), "clone_unfinished": True}
    assert decided(**rubbish).step is Step.CLONE


def test_a_promoted_replica_is_never_turned_back_by_an_up() -> None:
    for source in (None, FULL_SOURCE, PURGED_SOURCE):
        decision = decided(source, was_ours=True, writable=True, executed=sets(f"{SOURCE}:1-20,{REPLICA}:1"))
        assert decision.step is Step.REFUSE
        assert "promoted" in decision.problems[0]


def test_one_identity_twice_is_refused() -> None:
    same = decided(server_uuid=SOURCE, server_id=1)
    assert same.step is Step.REFUSE
    assert len(same.problems) == 2
    assert "auto.cnf" in same.problems[0]


def test_a_silent_source_decides_nothing() -> None:
    assert decided(None).step is Step.REFUSE
    assert decided(None, channel_source=ADDRESS, executed=sets(f"{SOURCE}:1-20")).step is Step.REFUSE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"logs": False}, "no binary log"),
        ({"gtid_mode": "OFF"}, "gtid_mode OFF"),
        ({"log_format": "STATEMENT"}, "binlog_format STATEMENT"),
        ({"retention_seconds": 3600}, "SET PERSIST binlog_expire_logs_seconds = 259200"),
    ],
)
def test_an_existing_source_that_nobody_can_follow_is_refused(change: dict[str, object], words: str) -> None:
    source = dataclasses.replace(FULL_SOURCE, **change)  # type: ignore[arg-type]
    decision = decide(EMPTY_REPLICA, source, ADDRESS, retention_seconds=259200)
    assert decision.step is Step.REFUSE
    assert words in decision.problems[0]


def test_versions_that_cannot_clone_are_refused_with_the_reason() -> None:
    older = dataclasses.replace(PURGED_SOURCE, version="8.4.6-0ubuntu1")
    decision = decided(older)
    assert decision.step is Step.REFUSE
    assert "one series" in decision.problems[0]
    assert decided(dataclasses.replace(FULL_SOURCE, version="8.4.6")).step is Step.FOLLOW


@pytest.mark.parametrize(
    ("source", "replica", "fits"),
    [
        ("8.4.0", "8.4.9", True),
        ("8.4.9", "8.4.0", True),
        ("8.4.6", "9.7.4-2", True),
        ("9.1.0", "9.7.4", True),
        ("9.7.0", "10.7.0", True),
        ("9.7.4", "8.4.6", False),
        ("9.7.4", "9.1.0", False),
        ("8.4.6", "10.0.0", False),
        ("9.1.0", "10.7.0", False),
        ("8.0.40", "8.4.6", False),
        ("11.4.2-MariaDB-1", "9.7.4", False),
        ("9.7.4", "10.11.6-MariaDB", False),
    ],
)
def test_replication_between_versions(source: str, replica: str, fits: bool) -> None:
    assert (replicating_problems(source, replica) == []) is fits


@pytest.mark.parametrize(
    ("source", "replica", "fits"),
    [
        ("9.7.4", "9.7.4", True),
        ("8.4.1", "8.4.6", True),
        ("8.0.37", "8.0.40", True),
        ("8.0.36", "8.0.36", True),
        ("8.0.36", "8.0.40", False),
        ("8.4.6", "9.7.4", False),
        ("9.6.0", "9.7.4", False),
        ("10.11-MariaDB", "9.7.4", False),
    ],
)
def test_cloning_between_versions(source: str, replica: str, fits: bool) -> None:
    assert (cloning_problems(source, replica) == []) is fits
