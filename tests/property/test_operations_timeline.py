"""Properties of the drill's arithmetic: figures follow the tape, whatever the clocks of the hosts say."""

from hypothesis import given
from hypothesis import strategies as st

from operations.drill import expectations, timeline
from operations.drill.kinds import How, catch_up_limit
from operations.drill.timeline import Fault, Ping, SaLook, Tape
from tests.operations_world import drill

seconds = st.floats(0, 60, allow_nan=False)


@given(st.lists(st.tuples(seconds, st.none() | st.floats(0, 3)), max_size=30), seconds)
def test_a_recovery_is_never_before_the_path_and_always_a_packet_that_was_answered(
    sent: list[tuple[float, float | None]], back: float
) -> None:
    pings = [Ping(at, None if rtt is None else at + rtt) for at, rtt in sent]
    found = timeline.tunnel_back(Tape(pings={"g": pings}), Fault(How.LINK_DOWN, 0.0, link_back=back))
    candidates = [ping.answered - back for ping in pings if ping.sent >= back and ping.answered is not None]
    assert found == min(candidates, default=None)
    assert found is None or found >= 0


@given(st.lists(st.tuples(seconds, st.booleans(), st.integers(0, 9)), max_size=40), seconds, seconds)
def test_an_end_gives_up_after_it_last_heard_its_peer(
    looks: list[tuple[float, bool, int]], began: float, length: float
) -> None:
    up = {"ike": ((1, "ESTABLISHED"),), "children": ((1, "INSTALLED"),)}
    tape = [SaLook(t, **(up if good else {}), heard=heard) for t, good, heard in sorted(looks)]
    found = timeline.silence(tape, began, began + length)
    assert found.since >= began
    assert found.given_up is None or found.since <= found.given_up <= began + length


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_offsets_of_clocks_cancel_out(replica_offset: float, source_offset: float) -> None:
    tape = Tape()
    line = {"t": 1000.0 + replica_offset, "k": "replica", "heartbeat": 990.0 + source_offset, "gtid": ""}
    timeline.record(tape, "r", line, replica_offset, source_offset)
    age = tape.replica[0].age
    assert age is not None
    assert abs(age - 10) < 1e-3


@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 1000)), max_size=8))
def test_transactions_are_counted_as_written(intervals: list[tuple[int, int]]) -> None:
    text = "".join(f":{first}-{first + more}" if more else f":{first}" for first, more in intervals)
    uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
    assert timeline.transactions(uuid + text) == sum(more + 1 for _, more in intervals)


@given(st.sampled_from(list(How)), st.floats(17, 60), st.floats(0.2, 30), st.floats(0.5, 40))
def test_a_drill_passes_exactly_when_both_came_back_in_time(
    how: How, length: float, back: float, caught_up: float
) -> None:
    caught_up = max(caught_up, back)
    found = drill(how, seconds=length, back=back, caught_up=caught_up, after=60)
    limits = expectations.LIMITS[how]
    slack = 0.3  # looks are 0.2 s apart, and an answer takes its way
    verdict = expectations.passed(expectations.checks(found))
    # A terminate does not stop the replica of these worlds.
    replication = 0.0 if how is How.TERMINATE else caught_up
    if back + slack < limits.tunnel_back and replication + slack < limits.replication_back:
        assert verdict
    if back - slack > limits.tunnel_back or replication - slack > catch_up_limit(how, length):
        assert not verdict
