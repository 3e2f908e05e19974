"""The arithmetic of a drill's figures, on tapes small enough to check by hand."""

import pytest

from operations.drill import timeline
from operations.drill.kinds import How
from operations.drill.timeline import Clock, Fault, Ping, ReplicaLook, SaLook, Tape

UP = {"ike": ((1, "ESTABLISHED"),), "children": ((1, "INSTALLED"),)}


def pings(*entries: tuple[float, float | None]) -> Tape:
    return Tape(pings={"onprem-gateway": [Ping(sent, answered) for sent, answered in entries]})


def test_the_tunnel_is_back_when_a_packet_that_left_after_the_path_was_back_has_returned() -> None:
    fault = Fault(How.LINK_DOWN, began=10, link_back=20)
    tape = pings((9.9, 9.91), (19.95, 20.1), (20.0, None), (20.4, 20.5), (20.5, 20.6))
    assert timeline.tunnel_back(tape, fault) == pytest.approx(0.5)


def test_an_answer_that_overtook_an_earlier_one_counts_first() -> None:
    fault = Fault(How.LINK_DOWN, began=10, link_back=20)
    assert timeline.tunnel_back(pings((20.1, 22.0), (20.2, 20.3)), fault) == pytest.approx(0.3)


def test_a_packet_that_left_before_charon_had_closed_the_sa_proves_nothing() -> None:
    fault = Fault(How.TERMINATE, began=10, finished=10.2)
    assert timeline.tunnel_back(pings((10.1, 10.15), (10.3, 10.4)), fault) == pytest.approx(0.4)


def test_recovery_from_a_restart_counts_from_the_gateway_answering_again() -> None:
    fault = Fault(How.CRASH, began=10, answers_again=25)
    assert timeline.tunnel_back(pings((24.0, 24.1), (26.0, 26.5)), fault) == pytest.approx(1.5)


def test_there_is_no_recovery_time_before_the_path_is_back() -> None:
    assert timeline.tunnel_back(pings((10.5, 10.6)), Fault(How.LINK_DOWN, began=10)) is None
    assert timeline.replication_back([], Fault(How.CRASH, began=10)) is None


def test_the_outage_is_the_time_between_two_packets_that_crossed() -> None:
    fault = Fault(How.LINK_DOWN, began=10, link_back=20)
    tape = pings((9.8, 9.9), (9.9, 10.05), (10.2, None), (20.5, 21.0))
    assert timeline.tunnel_outage(tape, fault) == pytest.approx(10.95)


def replica(t: float, heartbeat: float, io: str = "Yes", receiver: str = "ON") -> ReplicaLook:
    return ReplicaLook(t, io, "Yes", 0, receiver, "", heartbeat)


def test_replication_is_back_when_the_receiver_runs_and_the_heartbeat_is_young() -> None:
    fault = Fault(How.LINK_DOWN, began=10, link_back=20)
    looks = [
        replica(21, 10, "Connecting", "CONNECTING"),
        replica(22, 10),
        replica(23, 20.9),
        replica(24, 22.5),
        replica(25, 24.9),
    ]
    assert timeline.replication_back(looks, fault) == pytest.approx(4)


def test_replication_runs_again_when_a_change_arrives_that_was_not_there_before() -> None:
    fault = Fault(How.LINK_DOWN, began=10, link_back=20)
    looks = [
        replica(19, 10, "Connecting", "CONNECTING"),
        replica(21, 10, "Connecting", "CONNECTING"),
        replica(22, 10),  # runs, and nothing has come yet
        replica(23, 10.5),
    ]
    assert timeline.replication_resumed(looks, fault) == pytest.approx(3)
    assert timeline.replication_resumed(looks[:3], fault) is None


def test_a_young_heartbeat_from_before_the_path_was_back_is_no_recovery() -> None:
    fault = Fault(How.CRASH, began=10, answers_again=11)
    looks = [replica(11.1, 10.5), replica(12, 10.5), replica(23.5, 23)]
    assert timeline.replication_back(looks, fault) == pytest.approx(12.5)


def test_a_young_heartbeat_with_a_dead_receiver_is_not_replication() -> None:
    fault = Fault(How.LINK_DOWN, began=10, link_back=20)
    assert timeline.replication_back([replica(21, 20.5, "Connecting", "CONNECTING")], fault) is None


def test_the_rpo_is_the_largest_age_of_the_newest_heartbeat() -> None:
    assert timeline.rpo([replica(1, 0), replica(30, 10), replica(40, 39)], since=0) == pytest.approx(20)
    assert timeline.rpo([replica(1, 0)], since=5) is None


def test_detection_counts_from_the_last_packet_heard() -> None:
    looks = [
        SaLook(9, **UP, heard=100),
        SaLook(10.5, **UP, heard=120),
        SaLook(13, **UP, heard=150),
        SaLook(20, **UP, heard=150),
        SaLook(26, ((2, "CONNECTING"),)),
    ]
    assert timeline.silence(looks, 10, 40).seconds == pytest.approx(13)


def test_detection_counts_from_the_cut_when_nothing_was_heard_afterwards() -> None:
    looks = [SaLook(9, **UP, heard=1), SaLook(10, **UP, heard=9), SaLook(11, **UP, heard=9), SaLook(23.5)]
    assert timeline.silence(looks, 10, 40).seconds == pytest.approx(13.5)


def test_an_sa_that_was_replaced_between_two_looks_was_given_up() -> None:
    renewed = {"ike": ((2, "ESTABLISHED"),), "children": ((2, "INSTALLED"),)}
    looks = [SaLook(9, **UP), SaLook(23, **UP), SaLook(23.5, **renewed)]
    assert timeline.silence(looks, 10, 40).seconds == pytest.approx(13.5)


def test_an_sa_that_lives_on_is_not_given_up_and_a_charon_that_does_not_answer_is_no_opinion() -> None:
    looks = [SaLook(9, **UP), SaLook(12, error="charon stopped answering"), SaLook(39, **UP), SaLook(41)]
    assert timeline.silence(looks, 10, 40).seconds is None


def test_transactions_of_a_gtid_set_are_counted_over_all_its_parts() -> None:
    uuid = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
    assert timeline.transactions("") == 0
    assert timeline.transactions(f"{uuid}:1-5:7:9-10") == 8
    assert timeline.transactions(f"{uuid}:1-5,\n{uuid.replace('3', '4')}:3") == 6


def test_the_shortest_exchange_decides_the_clock() -> None:
    found = timeline.clock([(0.0, 105.0, 8.0), (10.0, 110.1, 10.2), (20.0, 121.0, 21.0)])
    assert found == Clock(pytest.approx(100.0), pytest.approx(0.1))


def test_lines_of_hosts_with_different_clocks_meet_on_the_operators_clock() -> None:
    tape = Tape()
    line = {
        "t": 1100.0,
        "k": "replica",
        "io": "Yes",
        "sql": "Yes",
        "lag": 0,
        "receiver": "ON",
        "heartbeat": 1049.0,
        "gtid": "",
    }
    timeline.record(tape, "onprem-database", line, offset=100.0, source_offset=50.0)
    (look,) = tape.replica
    assert look.t == 1000.0
    assert look.age == pytest.approx(1.0)


def test_an_unanswered_echo_stays_unanswered() -> None:
    tape = Tape()
    timeline.record(tape, "g", {"t": 12.0, "k": "ping", "sent": 10.0, "rtt_ms": None}, 0, 0)
    timeline.record(tape, "g", {"t": 12.0, "k": "ping", "sent": 11.0, "rtt_ms": 2.5}, 1, 0)
    assert tape.pings["g"] == [Ping(10.0, None), Ping(10.0, pytest.approx(10.0025))]


def test_the_largest_gap_includes_both_edges() -> None:
    assert timeline.largest_gap([2, 3, 9], 0, 10) == 6
    assert timeline.largest_gap([], 0, 10) == 10
