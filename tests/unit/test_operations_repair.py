"""Repair: says what it found, does only what is needed, and refuses what would cost data."""

import io
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from operations import host_facts
from operations.console import Plain
from operations.guest import Reports
from operations.repair import actions, command
from operations.repair.actions import (
    KINDS,
    Action,
    Apply,
    Empty,
    Fence,
    Initiate,
    Reseed,
    Restart,
    Start,
    StartAgent,
    Terminate,
    UndoFault,
)
from operations.repair.plan import GatewaySas, Own, Repair, Sa, plan
from operations.stack import Stack
from tests.operations_hosts import UUID, FakeTransport, HostWorld
from tests.operations_world import GATEWAYS, INVENTORY, reports

ONE = GatewaySas((Sa(1, "ESTABLISHED"),), (Sa(1, "INSTALLED", 1),))
WELL = dict.fromkeys(GATEWAYS, ONE)
CLEAN = {"onprem-database": ""}


def planned(
    change: Callable[[Any], object] = lambda world: None,
    sas: dict[str, GatewaySas] = WELL,
    errant: dict[str, str | None] = CLEAN,
    confirmed: frozenset[str] = frozenset(),
    own: dict[str, Own] | None = None,
) -> Repair:
    world = reports()
    change(world)
    return plan(host_facts.read(INVENTORY, Reports(world)), sas, errant, confirmed, own)


def doings(repair: Repair) -> list[tuple[type[Action], str]]:
    return [(type(action), action.host) for action in repair.actions]


def test_a_healthy_stack_needs_nothing() -> None:
    assert planned() == Repair()


def test_a_lost_tunnel_is_initiated_at_the_initiator_only() -> None:
    def down(world: Any) -> None:
        for host in GATEWAYS:
            world[host, "gateway"].update(ike=[], children=[], crossing={"ok": False, "rtt_ms": None})

    repair = planned(down, {})
    assert doings(repair) == [(Initiate, "onprem-gateway")]
    assert repair.actions[0].command == ("swanctl", "--initiate", "--child", "onprem-aws", "--timeout", "20")


def test_an_sa_whose_peer_has_forgotten_it_is_ended_first() -> None:
    repair = planned(lambda world: world["aws-gateway", "gateway"].update(ike=[], children=[]))
    assert doings(repair) == [(Terminate, "onprem-gateway"), (Initiate, "onprem-gateway")]


def test_a_dead_charon_gets_its_role_applied_again() -> None:
    repair = planned(lambda world: world["aws-gateway", "gateway"].update(problem="refused", ike=[], children=[]))
    assert doings(repair)[0] == (Apply, "aws-gateway")
    assert doings(repair)[-1] == (Initiate, "onprem-gateway")


def test_missing_clear_text_rules_are_applied_and_nothing_is_bounced() -> None:
    repair = planned(lambda world: world["aws-gateway", "gateway"].update(guard={"rules": False, "blackholes": []}))
    assert doings(repair) == [(Apply, "aws-gateway")]


def test_an_agent_that_stands_still_is_started_and_a_role_applied_once_for_all_that_it_mends() -> None:
    found = [
        {"what": "unit x", "problem": "the agent does not run", "fix": "f", "mends": "agent"},
        {"what": "rules", "problem": "chain a is missing", "fix": "f", "mends": "apply"},
        {"what": "sysctl", "problem": "ip_forward is 0", "fix": "f", "mends": "apply"},
        {"what": "disk /", "problem": "the disk is full", "fix": "make room", "mends": ""},
    ]
    repair = planned(lambda world: world["aws-gateway", "gateway"].update(problems=found))
    assert doings(repair) == [(StartAgent, "aws-gateway"), (Apply, "aws-gateway")]
    assert repair.actions[0].command == ("systemctl", "enable", "--now", "twinsite-agent.service")
    assert repair.actions[1].why == "chain a is missing; ip_forward is 0"
    assert repair.persons == ("aws-gateway: the disk is full: make room",)


def test_sas_that_carry_nothing_are_bounced_at_both_ends() -> None:
    def dead(world: Any) -> None:
        for host in GATEWAYS:
            world[host, "gateway"].update(crossing={"ok": False, "rtt_ms": None})

    assert doings(planned(dead)) == [
        (Terminate, "onprem-gateway"),
        (Terminate, "aws-gateway"),
        (Initiate, "onprem-gateway"),
    ]


def test_of_several_sas_the_newest_stays() -> None:
    look = GatewaySas(
        (Sa(3, "ESTABLISHED"), Sa(7, "ESTABLISHED"), Sa(8, "CONNECTING")),
        (Sa(11, "INSTALLED", 3), Sa(12, "INSTALLED", 7), Sa(14, "INSTALLED", 7), Sa(13, "REKEYED", 7)),
    )
    repair = planned(sas={**WELL, "onprem-gateway": look})
    assert [action.command[2:4] for action in repair.actions] == [("--ike-id", "3"), ("--child-id", "12")]


def test_duplicates_are_ended_at_one_end_only() -> None:
    two = GatewaySas((Sa(1, "ESTABLISHED"), Sa(2, "ESTABLISHED")), (Sa(1, "INSTALLED", 1), Sa(2, "INSTALLED", 2)))
    assert doings(planned(sas=dict.fromkeys(GATEWAYS, two))) == [(Terminate, "onprem-gateway")]


def test_a_drills_fault_is_ended_and_the_rest_is_left_to_heal() -> None:
    def dead(world: Any) -> None:
        stopped(state="CONNECTING")(world)
        for host in GATEWAYS:
            world[host, "gateway"].update(crossing={"ok": False, "rtt_ms": None})

    repair = planned(dead, {**WELL, "onprem-gateway": GatewaySas(ONE.ike, ONE.children, "link-down, ends by itself")})
    assert doings(repair) == [(UndoFault, "onprem-gateway")]


def test_an_end_that_cannot_be_asked_is_not_guessed_at() -> None:
    world = reports()
    del world["aws-gateway", "gateway"]
    repair = plan(host_facts.read(INVENTORY, Reports(world, {"aws-gateway": "timed out"})), {}, CLEAN)
    assert repair.actions == ()
    assert "a repair without it would guess" in repair.refused[0]


def stopped(**receiver: Any) -> Callable[[Any], object]:
    def change(world: Any) -> None:
        world["onprem-database", "database"]["receiver"].update(receiver)

    return change


def test_replication_that_was_stopped_by_hand_is_started() -> None:
    repair = planned(stopped(state="OFF"))
    assert doings(repair) == [(Start, "onprem-database")]
    assert repair.actions[0].stdin == "START REPLICA;\n"


STUCK = stopped(state="CONNECTING", error="error connecting", error_number=2003)


def test_a_receiver_that_is_stuck_though_the_tunnel_is_up_is_restarted() -> None:
    repair = planned(STUCK)
    assert doings(repair) == [(Restart, "onprem-database")]
    assert repair.actions[0].stdin == "STOP REPLICA IO_THREAD; START REPLICA IO_THREAD;\n"


def test_a_receiver_that_waits_for_the_tunnel_is_left_alone() -> None:
    def change(world: Any) -> None:
        STUCK(world)
        for host in GATEWAYS:
            world[host, "gateway"].update(ike=[], children=[])

    repair = planned(change)
    assert [doing for doing, _ in doings(repair)] == [Initiate]
    assert "onprem-database: the receiver is connecting (error connecting)" in repair.found


def test_purged_logs_need_a_confirmed_copy() -> None:
    change = stopped(state="OFF", error_number=1236, error="purged binary logs")
    repair = planned(change)
    assert repair.actions == ()
    assert "twinsite repair --confirm reseed" in repair.refused[0]
    assert doings(planned(change, confirmed=frozenset({"reseed"}))) == [(Reseed, "onprem-database")]


def test_an_applier_error_is_never_skipped() -> None:
    def change(world: Any) -> None:
        world["onprem-database", "database"]["applier"] = {"state": "OFF", "error": "Duplicate entry '7'"}

    repair = planned(change)
    assert repair.actions == ()
    assert "Duplicate entry '7'" in repair.refused[0]


def test_transactions_of_the_replicas_own_are_given_up_by_name_only() -> None:
    errant = {"onprem-database": "3e11:5-6"}
    repair = planned(errant=errant)
    assert repair.actions == ()
    assert "3e11:5-6" in repair.refused[0]
    (action,) = planned(errant=errant, confirmed=frozenset({"reseed"})).actions
    assert action.command[-2:] == ("--discard", "3e11:5-6")


def test_a_writable_replica_that_replicates_is_closed() -> None:
    repair = planned(lambda world: world["onprem-database", "database"].update(super_read_only=False))
    assert doings(repair) == [(Fence, "onprem-database")]
    assert "SET PERSIST super_read_only = ON" in repair.actions[0].stdin


def complaining(host: str, **of: str) -> Callable[[Any], None]:
    one = {"what": "sync_binlog", "problem": "sync_binlog is 0", "fix": "say so", "mends": "apply"} | of
    role = "gateway" if "gateway" in host else "database"

    def change(world: Any) -> None:
        world[host, role]["problems"] = [one]

    return change


@pytest.mark.parametrize("host", ["aws-source", "onprem-database", "aws-gateway"])
def test_what_a_role_says_is_mended_by_it_is_applied_again(host: str) -> None:
    repair = planned(complaining(host))
    assert doings(repair) == [(Apply, host)]
    assert repair.found == (f"{host}: sync_binlog is 0",)
    assert repair.persons == ()


def test_what_a_person_must_do_is_told_and_nothing_is_done() -> None:
    repair = planned(complaining("aws-source", mends="", fix="grow the volume"))
    assert repair.actions == ()
    assert repair.persons == ("aws-source: sync_binlog is 0: grow the volume",)


def test_a_fenced_sources_role_is_not_applied() -> None:
    def change(world: Any) -> None:
        complaining("aws-source")(world)
        world["aws-source", "database"]["super_read_only"] = True

    assert planned(change).actions == ()


@pytest.mark.parametrize(("replica", "started"), [(True, True), (False, False)])
def test_a_source_that_stands_still_is_started_beside_a_closed_replica_only(replica: bool, started: bool) -> None:
    def change(world: Any) -> None:
        complaining("aws-source")(world)
        world["aws-source", "database"].update(problem="Can't connect to local server", super_read_only=None)
        world["onprem-database", "database"]["super_read_only"] = replica

    assert ((Apply, "aws-source") in doings(planned(change))) is started


def test_nothing_is_applied_to_the_old_source_of_a_promoted_replica() -> None:
    def change(world: Any) -> None:
        complaining("aws-source")(world)
        stopped(state="OFF")(world)
        world["onprem-database", "database"]["super_read_only"] = False

    assert planned(change).actions == ()


def test_a_repair_that_leaves_something_to_a_person_has_not_passed(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    stopped(state="OFF")(world.reports)
    complaining("aws-source", mends="", fix="grow the volume")(world.reports)
    result = run(world, tmp_path)
    assert result["problems"] == ["aws-source: sync_binlog is 0: grow the volume"]
    assert result["verdict"] == "failed"
    assert world.reports["onprem-database", "database"]["receiver"]["state"] == "ON"


def test_a_path_that_came_back_during_the_look_is_nobodys_work(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = HostWorld()
    stopped(state="OFF")(world.reports)
    known, looks = FakeTransport._twinsite_guest, []

    def late(self: FakeTransport, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        code, report = known(self, host, words, stdin)
        if host == "onprem-database":
            looks.append(host)
            path = {"what": "path", "problem": "its source cannot be reached", "fix": "look at the tunnel", "mends": ""}
            return code, {**report, "problems": [path] if len(looks) <= 3 else []}
        return code, report

    monkeypatch.setattr(FakeTransport, "_twinsite_guest", late)
    assert run(world, tmp_path)["verdict"] == "passed"


def test_a_promoted_replica_is_left_alone() -> None:
    def change(world: Any) -> None:
        stopped(state="OFF")(world)
        world["onprem-database", "database"]["super_read_only"] = False

    repair = planned(change)
    assert repair.actions == ()
    assert "a repair never undoes a failover" in repair.refused[0]


def test_a_fenced_source_is_not_opened() -> None:
    repair = planned(lambda world: world["aws-source", "database"].update(super_read_only=True))
    assert repair.actions == ()
    assert "fenced" in repair.refused[0]


ERRANT: dict[str, str | None] = {"onprem-database": f"{UUID}:5-6"}
IDLE = {"onprem-database": Own((f"{UUID}:5", f"{UUID}:6"), "FLUSH TABLES")}
HOLDING = {"onprem-database": Own((f"{UUID}:5", f"{UUID}:6"), "", f"{UUID}:6 holds rows (Write_rows)")}
EMPTY = frozenset({"empty-transactions"})


def test_transactions_that_hold_nothing_are_offered_a_remedy_and_nothing_is_done_unasked() -> None:
    repair = planned(errant=ERRANT, own=IDLE)
    assert repair.actions == ()
    assert "neither rows nor DDL (FLUSH TABLES)" in repair.refused[0]
    assert "`twinsite repair --confirm empty-transactions`" in repair.refused[0]


def test_on_a_persons_word_the_source_gets_empty_transactions_of_their_numbers() -> None:
    repair = planned(errant=ERRANT, own=IDLE, confirmed=EMPTY)
    assert repair.refused == ()
    assert doings(repair) == [(Empty, "aws-source")]
    assert repair.actions[0].stdin == (
        f"SET GTID_NEXT = '{UUID}:5'; BEGIN; COMMIT;\nSET GTID_NEXT = '{UUID}:6'; BEGIN; COMMIT;\n"
        "SET GTID_NEXT = 'AUTOMATIC';\n"
    )


@pytest.mark.parametrize("own", [HOLDING, {}], ids=["rows", "not decoded"])
def test_no_word_makes_rows_or_ddl_or_what_nobody_could_read_an_empty_transaction(own: dict[str, Own]) -> None:
    repair = planned(errant=ERRANT, own=own, confirmed=EMPTY)
    assert repair.actions == ()
    assert "are no remedy" in repair.refused[0]
    assert "`twinsite repair --confirm reseed`" in repair.refused[0]
    both = planned(errant=ERRANT, own=own, confirmed=EMPTY | {"reseed"})
    assert doings(both) == [(Reseed, "onprem-database")]


def test_the_smaller_of_two_confirmed_remedies_is_taken_and_stopped_threads_are_started() -> None:
    repair = planned(stopped(state="OFF"), errant=ERRANT, own=IDLE, confirmed=EMPTY | {"reseed"})
    assert doings(repair) == [(Empty, "aws-source"), (Start, "onprem-database")]


def test_a_source_that_takes_no_writes_gets_no_empty_transaction() -> None:
    def closed(world: Any) -> None:
        world["aws-source", "database"]["super_read_only"] = True

    assert planned(closed, errant=ERRANT, own=IDLE, confirmed=EMPTY).actions == ()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"transactions": [], "problem": "they are 200"}, "they are 200"),
        ({"transactions": [], "problem": ""}, "nothing was decoded"),
        ({"transactions": [{"gtid": "x'; DROP", "says": "", "holds": ""}], "problem": ""}, "is no GTID"),
        ({"transactions": [{"gtid": f"{UUID}:5", "says": "", "holds": "rows"}], "problem": ""}, f"{UUID}:5 holds rows"),
        ({"transactions": [{"gtid": f"{UUID}:tag:5", "says": "", "holds": ""}], "problem": ""}, ""),
    ],
)
def test_an_answer_that_does_not_clear_every_transaction_clears_none(answer: dict[str, Any], words: str) -> None:
    assert words in Own.of(answer).holds
    assert bool(Own.of(answer).holds) is bool(words)


def run(
    world: HostWorld, folder: pathlib.Path, only_plan: bool = False, confirmed: frozenset[str] = frozenset()
) -> dict[str, Any]:
    stack = Stack("dev", INVENTORY, folder)
    return command.run(stack, FakeTransport(world), Plain(io.StringIO()), only_plan, confirmed)


def test_the_command_decodes_what_only_the_replica_has_and_sees_that_it_is_gone(tmp_path: pathlib.Path) -> None:
    world = HostWorld(own={f"{UUID}:5": "", f"{UUID}:6": ""})
    assert run(world, tmp_path)["verdict"] == "refused"
    assert len(world.own) == 2
    result = run(world, tmp_path, confirmed=EMPTY)
    assert result["verdict"] == "passed"
    assert world.own == {}
    assert [step["name"] for step in result["steps"]][2:] == [
        "give the source empty transactions on aws-source",
        "see that it helped",
        "give the lock back",
    ]


def test_empty_transactions_that_did_not_help_are_no_success(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "EFFECT_SECONDS", 0.0)
    monkeypatch.setattr(FakeTransport, "_mysql", lambda *_: (0, ""))
    result = run(HostWorld(own={f"{UUID}:5": ""}), tmp_path, confirmed=EMPTY)
    assert result["verdict"] == "failed"
    assert f"onprem-database still has {UUID}:5 of its own" in result["problems"][0]


def test_a_guest_that_cannot_decode_leaves_the_copy_as_the_only_remedy(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = FakeTransport._twinsite_guest

    def older(self: FakeTransport, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        return (2, "usage: twinsite-guest database [-h]") if "decode" in words else known(self, host, words, stdin)

    monkeypatch.setattr(FakeTransport, "_twinsite_guest", older)
    result = run(HostWorld(own={f"{UUID}:5": ""}), tmp_path, confirmed=EMPTY)
    assert result["verdict"] == "refused"
    assert "they were not decoded: the guest on onprem-database is of another version" in result["refused"][0]


def test_the_command_does_what_was_planned_and_looks_again(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    stopped(state="OFF")(world.reports)
    result = run(world, tmp_path)
    assert result["verdict"] == "passed"
    assert result["found"] == ["onprem-database: receiver OFF, applier ON (stopped by hand)"]
    assert [step["name"] for step in result["steps"]] == [
        "take the operation lock",
        "look at both sites",
        "start replication on onprem-database",
        "see that it helped",
        "give the lock back",
    ]
    assert world.lock is None


def test_an_sa_that_the_other_end_has_ended_is_no_failure(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = HostWorld()
    for host in GATEWAYS:
        world.reports[host, "gateway"]["crossing"] = {"ok": False, "rtt_ms": None}
    swanctl = FakeTransport._swanctl

    def terminated(self: FakeTransport, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        if "--terminate" in words and host == "aws-gateway":
            return 1, "terminate failed: no matching SAs to terminate found"
        return swanctl(self, host, words, stdin)

    monkeypatch.setattr(FakeTransport, "_swanctl", terminated)
    monkeypatch.setattr(actions, "SELF_SECONDS", 0.0)
    monkeypatch.setattr(command, "EFFECT_SECONDS", 0.0)
    result = run(world, tmp_path)
    assert [step["detail"] for step in result["steps"] if step["name"].startswith("end a superfluous SA")] == [
        "its SA carries nothing",
        "it was gone already",
    ]


def test_a_plan_touches_nothing(tmp_path: pathlib.Path) -> None:
    world = HostWorld()
    stopped(state="OFF")(world.reports)
    result = run(world, tmp_path, only_plan=True)
    assert result["planned"] == ["start replication on onprem-database: stopped by hand"]
    assert not [call for call in world.calls if "mysql" in call or "store" in call]


def test_nothing_is_repaired_while_an_operation_runs(tmp_path: pathlib.Path) -> None:
    world = HostWorld(lock={"id": "d1", "owner": "`drill tunnel-cut` by ann", "since": 0.0, "expires": 9e9})
    stopped(state="OFF")(world.reports)
    result = run(world, tmp_path)
    assert result["verdict"] == "refused"
    assert "`drill tunnel-cut` by ann" in result["refused"][0]
    assert not [call for call in world.calls if "mysql" in call]


def test_nobody_there_is_refused(tmp_path: pathlib.Path) -> None:
    world = HostWorld(unreachable={host.name: "No route to host" for host in INVENTORY.hosts})
    for only_plan in (True, False):
        result = run(world, tmp_path, only_plan)
        assert result["verdict"] == "refused"
        assert "do not run or do not exist" in result["refused"][0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_step_reads_as_a_sentence_and_says_what_it_needs(kind: type[Action]) -> None:
    step = kind(INVENTORY.host("aws-gateway"), "why", ("true",))
    assert str(step) == f"{kind.kind} on aws-gateway: why"
    assert [(plane.kind, plane.site) for plane in step.planes] == [("data plane", "aws")]


def test_a_repair_says_how_far_each_hosts_clock_is_off_and_leaves_out_who_cannot_be_asked(
    tmp_path: pathlib.Path,
) -> None:
    clocks = run(HostWorld(own={f"{UUID}:5": ""}), tmp_path, confirmed=EMPTY)["clocks"]
    assert set(clocks) == {host.name for host in INVENTORY.hosts}
    assert all(abs(one["offset"]) <= one["uncertainty"] + 0.05 for one in clocks.values())
    away = run(HostWorld(own={f"{UUID}:5": ""}, unreachable={"aws-gateway": "no route"}), tmp_path, confirmed=EMPTY)
    assert set(clocks) - set(away["clocks"]) == {"aws-gateway"}
