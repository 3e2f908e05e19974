"""Rules of logical replication: WAL and outage are one arithmetic both ways, every refusal has a fix."""

import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mocks.test_logical_replica import GOOD, SOURCE, TARGET
from tests.unit.test_tunnel_rules import names_a_fix
from twinsite.rules.logical import LogicalReplicaIntent, detect_seconds, keep_mib, outage_hours, resume_seconds

TEXT = st.text(alphabet=st.characters(exclude_characters=":"), max_size=8)
VERSIONS = st.sampled_from(["", "9.6", "12.20", "13.14", "16", "16.4", "17.5", "18"])
NUMBERS = st.sampled_from(["-1", "0", "1", "100", "10000", "70000", "x"])
PARAMETERS = [
    "max_replication_slots",
    "max_slot_wal_keep_size",
    "rds.logical_replication",
    "wal_sender_timeout",
    "other",
]
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "dr_mode": st.sampled_from(["cold", "pilot-light", "hot"]),
        "replica": TEXT | st.sampled_from(["crm", "Crm", "c" * 42]),
        "source": VERSIONS.map(lambda version: {**SOURCE, "version": version}),
        "target": VERSIONS.map(lambda version: {**TARGET, "version": version}),
        "replication_user": st.sampled_from(["", "crm_owner", "other"]),
        "schemas": st.lists(st.sampled_from(["public", "twinsite"]), max_size=2, unique=True),
        "authority_at_target": TEXT,
        "back_user": st.sampled_from(["", "crm_back", "twinsite"]),
        "back_password": st.just("x"),
        "authority_at_source": TEXT | st.just("system"),
        "target_as_seen_by_source": st.sampled_from(["", "/run", "10.9.0.3"]),
        "wal_mib_per_hour": st.integers(-1, 10**6),
        "tolerated_outage_hours": st.integers(-1, 1000),
        "source_free_gib": st.integers(0, 1000),
        "source_settings": st.dictionaries(st.sampled_from(PARAMETERS), NUMBERS),
        "image": TEXT,
        "namespace": TEXT,
    },
)


@settings(deadline=None)
@given(CHANGES)
def test_every_refusal_is_one_sentence_with_a_fix(change: dict[str, Any]) -> None:
    for problem in LogicalReplicaIntent.of({**GOOD, **change}).problems():
        assert names_a_fix(problem), problem


@settings(deadline=None)
@given(CHANGES)
def test_what_is_accepted_sees_a_dead_peer_and_bounds_the_slot(change: dict[str, Any]) -> None:
    known = LogicalReplicaIntent.of({**GOOD, **change})
    if not known.problems():
        told = known.source_parameters
        assert int(told["wal_sender_timeout"]) == 10_000  # upstream's default is 60 s; 0 hides it
        assert int(told["max_slot_wal_keep_size"]) > 0  # upstream's default is -1, without end
        assert told["rds.logical_replication"] == "1"  # RDS's default is 0


@settings(deadline=None)
@given(st.floats(0.1, 1e5), st.floats(0.1, 1e3))
def test_what_is_kept_covers_the_outage_and_hardly_more(rate: float, hours: float) -> None:
    covered = outage_hours(keep_mib(rate, hours), rate)
    assert hours * 0.999 <= covered <= hours + 17 / rate + hours * 0.001


def test_without_writes_any_outage_is_covered() -> None:
    assert outage_hours(64, 0.0) == math.inf


def test_the_published_times_are_the_sum_of_their_parts() -> None:
    assert detect_seconds() == 11  # TCP's 5 + 2 x 3 s; PostgreSQL's own 10 s
    assert resume_seconds() == 20  # 10 s until the old sender lets go, 5 s between tries, 5 s to connect
