"""A drill passes when everything was as it should be, and each thing that was not fails its own expectation."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from operations.drill import expectations
from operations.drill.expectations import Findings, Ledger, Rows, checks, figures, passed
from operations.drill.kinds import How
from operations.drill.timeline import ClearLook, Ping, ReplicaLook, SaLook
from tests.operations_world import BEGAN, ROWS, drill, with_tape

ALL = list(How)


def failed(found: Findings) -> list[str]:
    return [check.name for check in checks(found) if not check.passed]


@pytest.mark.parametrize("how", ALL)
def test_a_drill_in_which_all_goes_well_passes(how: How) -> None:
    assert failed(drill(how)) == []


@pytest.mark.parametrize("how", ALL)
def test_every_check_says_what_was_seen(how: How) -> None:
    assert all(check.seen and check.expected for check in checks(drill(how)))


def test_no_checks_are_no_success() -> None:
    assert passed([]) is False


def _ledger(**changed: int) -> Callable[[Findings], Findings]:
    return lambda found: replace(found, ledger=replace(found.ledger, **changed))  # type: ignore[type-var]


def _replica(change: Callable[[ReplicaLook], ReplicaLook]) -> Callable[[Findings], Findings]:
    return lambda found: with_tape(found, replica=[change(look) for look in found.tape.replica])


def _during(look: ReplicaLook, **changed: object) -> ReplicaLook:
    return replace(look, **changed) if BEGAN + 20 < look.t < BEGAN + 30.1 else look  # type: ignore[arg-type]


def _sas(change: Callable[[SaLook], SaLook]) -> Callable[[Findings], Findings]:
    return lambda found: with_tape(
        found, sas={host: [change(look) for look in looks] for host, looks in found.tape.sas.items()}
    )


def _second_child(look: SaLook) -> SaLook:
    return replace(look, children=((2, "INSTALLED"), (3, "INSTALLED"))) if look.t > BEGAN + 40 else look


def _answered(found: Findings) -> Findings:
    pings = [Ping(ping.sent, ping.sent + 0.001) for ping in found.tape.pings["onprem-gateway"]]
    return with_tape(found, pings={"onprem-gateway": pings})


def _leak(found: Findings) -> Findings:
    looks = [ClearLook(look.t, 3, look.controls, "a > b protocol 6") for look in found.tape.clear["aws-gateway"]]
    return with_tape(found, clear={**found.tape.clear, "aws-gateway": looks})


def _no_control(found: Findings) -> Findings:
    looks = [ClearLook(look.t, 0, 0) for look in found.tape.clear["aws-gateway"]]
    return with_tape(found, clear={**found.tape.clear, "aws-gateway": looks})


MUTATIONS: dict[str, tuple[Callable[[Findings], Findings], str]] = {
    "packets cross during the cut": (_answered, "the tunnel was really broken"),
    "no echo was sent": (lambda found: with_tape(found, pings={}), "the tunnel was really broken"),
    "the cut ends early": (
        lambda found: replace(found, fault=replace(found.fault, link_back=BEGAN + 20)),
        "the cut lasted as long as asked",
    ),
    "the operator has to end the cut": (
        lambda found: replace(found, undone_by="operator"),
        "the cut lasted as long as asked",
    ),
    "the SA is never given up": (
        _sas(lambda look: replace(look, ike=((1, "ESTABLISHED"),), children=((1, "INSTALLED"),))),
        "a dead peer is detected",
    ),
    "the receiver says Yes": (
        _replica(lambda look: _during(look, io="Yes", receiver="ON")),
        "the replica says that its source is gone",
    ),
    "the lag is a number": (_replica(lambda look: _during(look, lag=0)), "the replica says that its source is gone"),
    "the replica is not seen during the cut": (
        lambda found: with_tape(
            found, replica=[look for look in found.tape.replica if not BEGAN + 20 < look.t < BEGAN + 31]
        ),
        "the replica says that its source is gone",
    ),
    "the applier stops": (_replica(lambda look: _during(look, sql="No")), "no replication thread ever stopped"),
    "the receiver stops": (_replica(lambda look: _during(look, io="No")), "no replication thread ever stopped"),
    "two CHILD SAs are left": (_sas(_second_child), "one SA is left"),
    "the gateways are not seen at the end": (
        lambda found: with_tape(found, sas={host: looks[:50] for host, looks in found.tape.sas.items()}),
        "one SA is left",
    ),
    "packets leave in clear": (_leak, "nothing leaves aws-gateway in clear"),
    "the sniffer sees no control packet": (_no_control, "nothing leaves aws-gateway in clear"),
    "nobody sniffs": (lambda found: with_tape(found, clear={}), "nothing leaves aws-gateway in clear"),
    "a write is lost": (_ledger(missing=1), "no acknowledged write is lost, doubled or out of order"),
    "a write is doubled": (_ledger(duplicated=1), "no acknowledged write is lost, doubled or out of order"),
    "writes are out of order": (_ledger(reordered=1), "no acknowledged write is lost, doubled or out of order"),
    "nothing was acknowledged": (_ledger(acked=0), "no acknowledged write is lost, doubled or out of order"),
    "the ledger was not checked": (
        lambda found: replace(found, ledger=None),
        "no acknowledged write is lost, doubled or out of order",
    ),
    "the ledger's control finds nothing": (
        lambda found: replace(found, ledger=Ledger(800, 0, 0, 0, "", 400, 4)),
        "the ledger finds what is lost on purpose",
    ),
    "the source stalls": (_ledger(acked_during=0), "the source went on writing during the cut"),
    "only one session writes": (_ledger(sessions=1), "the source went on writing during the cut"),
    "the row during the cut is missing": (
        lambda found: replace(found, rows=Rows(ROWS, (ROWS[0], ROWS[2]))),
        "rows from before, during and after arrive",
    ),
    "the rows are in another order": (
        lambda found: replace(found, rows=Rows(ROWS, ROWS[::-1])),
        "rows from before, during and after arrive",
    ),
    "only two rows were inserted": (
        lambda found: replace(found, rows=Rows(ROWS[:2], ROWS[:2])),
        "rows from before, during and after arrive",
    ),
    "the replica has transactions of its own": (
        lambda found: replace(found, errant="uuid:1"),
        "the replica has no transactions of its own",
    ),
    "own transactions were not looked for": (
        lambda found: replace(found, errant=None),
        "the replica has no transactions of its own",
    ),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_one_thing_that_is_wrong_fails_its_own_expectation(mutation: str) -> None:
    change, expectation = MUTATIONS[mutation]
    assert expectation in failed(change(drill(How.LINK_DOWN)))


@pytest.mark.parametrize("how", ALL)
def test_a_tunnel_that_comes_back_too_late_fails(how: How) -> None:
    limit = expectations.LIMITS[how].tunnel_back
    assert (
        failed(drill(how, back=limit + 1, caught_up=limit + 2, after=60)).count("the tunnel comes back by itself") == 1
    )


@pytest.mark.parametrize("how", [how for how in ALL if how is not How.TERMINATE])
def test_replication_that_comes_back_too_late_fails(how: How) -> None:
    limit = expectations.LIMITS[how].replication_back
    late = drill(how, caught_up=limit + 1, after=60)
    assert failed(late) == ["replication runs again by itself", "replication catches up"]


def test_replication_that_runs_in_time_has_longer_to_apply_what_a_long_cut_left() -> None:
    def world(caught_up: float) -> Findings:
        found = drill(How.LINK_DOWN, seconds=260.0, caught_up=caught_up, after=60)
        back = found.fault.back or 0.0
        early = [
            replace(look, io="Yes", sql="Yes", receiver="ON", lag=9, heartbeat=BEGAN + look.t - back)
            if back + 2 < look.t < back + caught_up
            else look
            for look in found.tape.replica
        ]
        return with_tape(found, replica=early)

    assert failed(world(19.0)) == []  # 10 s + (260 s - 60 s) / 20
    assert failed(world(21.0)) == ["replication catches up"]


def test_a_tunnel_that_never_comes_back_fails() -> None:
    found = drill(How.LINK_DOWN, back=100, caught_up=100)
    assert "the tunnel comes back by itself" in failed(found)
    assert figures(found)["tunnel_back_seconds"] is None


@pytest.mark.parametrize("how", [How.CRASH, How.REBOOT])
@pytest.mark.parametrize("restarted", [False, None])
def test_a_gateway_that_did_not_restart_fails(how: How, restarted: bool | None) -> None:
    assert failed(replace(drill(how), restarted=restarted)) == ["the gateway really restarted"]


def test_a_terminate_that_left_the_old_sa_fails() -> None:
    found = drill(How.TERMINATE)
    kept = {
        host: [replace(look, ike=((1, "ESTABLISHED"),)) for look in looks] for host, looks in found.tape.sas.items()
    }
    assert failed(with_tape(found, sas=kept)) == ["the tunnel was really broken"]


def test_a_cut_shorter_than_the_timers_expects_neither_detection_nor_a_silent_replica() -> None:
    names = [check.name for check in checks(drill(How.LINK_DOWN, seconds=5.0))]
    assert "a dead peer is detected" not in names
    assert "the replica says that its source is gone" not in names


def test_an_end_that_hears_its_peer_is_not_expected_to_give_the_sa_up() -> None:
    found = drill(How.ONE_WAY)
    looks = [
        replace(look, ike=((1, "ESTABLISHED"),), children=((1, "INSTALLED"),), heard=number)
        for number, look in enumerate(found.tape.sas["onprem-gateway"])
    ]
    found = with_tape(found, sas={**found.tape.sas, "onprem-gateway": looks})
    assert "a dead peer is detected" not in [check.name for check in checks(found)]


def test_replication_that_falls_behind_again_fails() -> None:
    found = drill(How.LINK_DOWN)
    late = [replace(look, heartbeat=BEGAN) if look.t > BEGAN + 52 else look for look in found.tape.replica]
    assert failed(with_tape(found, replica=late)) == ["replication stays"]


def test_figures_are_what_was_seen() -> None:
    found = figures(drill(How.LINK_DOWN, seconds=30.0, back=1.0, caught_up=4.0))
    assert found["tunnel_back_seconds"] == pytest.approx(1.0, abs=0.11)
    assert found["replication_back_seconds"] == pytest.approx(4.0, abs=0.21)
    assert found["detect_seconds"] == pytest.approx(13.4, abs=0.21)
    assert found["rpo_seconds"] == pytest.approx(34.0, abs=0.21)
    assert found["tunnel_outage_seconds"] == pytest.approx(31.1, abs=0.21)
    assert (found["acked"], found["missing"], found["duplicated"], found["reordered"]) == (800, 0, 0, 0)
    assert (found["child_sas"], found["cleartext_packets"]) == (1, 0)


def test_clear_packets_of_a_probe_that_was_started_anew_are_added() -> None:
    found = drill(How.CRASH)
    looks = [ClearLook(BEGAN + t, count, 1) for t, count in ((0, 2), (1, 3), (8, 0), (9, 4))]
    found = with_tape(found, clear={**found.tape.clear, "onprem-gateway": looks})
    assert figures(found)["cleartext_packets"] == 7


def test_nothing_seen_gives_no_figure_and_no_success() -> None:
    found = replace(drill(How.LINK_DOWN), ledger=None, rows=None, errant=None)
    found = with_tape(found, sas={}, pings={}, clear={}, replica=[], source=[])
    assert not any(check.passed for check in checks(found) if check.name != "the cut lasted as long as asked")
    assert {figures(found)[name] for name in ("tunnel_back_seconds", "acked", "child_sas", "cleartext_packets")} == {
        None
    }
