"""What is in the way of a move of the writer, and how far one is: the pure parts of the guest role `logical`."""

from dataclasses import replace
from typing import Any

import pytest

from twinsite.guest.errors import Failed, Refused
from twinsite.guest.logical import movable, switch
from twinsite.guest.logical.config import Config
from twinsite.guest.logical.facts import Facts, Table
from twinsite.guest.logical.gate import Gate, end_sessions
from twinsite.guest.logical.look import gate_problems
from twinsite.guest.logical.movable import End, Ends
from twinsite.guest.logical.psql import PgError, Server
from twinsite.guest.logical.switch import HANDED, OPEN, SHUT, stage

from .test_logical_guest import CONFIG, facts

WAY: Config = replace(
    CONFIG, back_user="repl", back_password="x", authority_at_source="/ca", owner_at_target="crm", report="gs://a/b"
)
ORDERS = Table("public", "orders", False, False, False, True, True, True)
HEARTBEAT = ("twinsite", "heartbeat")
SLOT = {"wal_status": "reserved", "active": True, "plugin": "pgoutput", "database": "crm", "active_pid": 7}
SUBSCRIPTION = {"id": 1, "enabled": True, "slot": "crm", "about": ""}
ABOUT = {"sees": True, "signals": True, "tracks": True, "prepared": 0, "subscriptions": [], "gated": None}
SEQUENCE = {"schema": "public", "name": "orders_id_seq", "readable": True, "settable": True}
SESSION = {"pid": 9, "role": "crm_owner", "writing": True, "seconds": 3, "owns": False, "ends": True}


def with_tables(found: Facts, **more: Any) -> Facts:
    return replace(found, tables=(ORDERS,), **more)


def ends(**changes: Any) -> Ends:
    """A flow without a problem, but for what is given: of `source`, `target`, their `..._about`, or the whole."""
    published = frozenset({ORDERS.key, HEARTBEAT})
    states = {ORDERS.key: "r", HEARTBEAT: "r"}
    here = with_tables(facts(), slot=SLOT | changes.get("slot", {}), published=changes.get("published", published))
    there = with_tables(
        facts(),
        subscription=changes.get("subscription", SUBSCRIPTION),
        subscribed=states | changes.get("states", {}),
    )
    if changes.get("no_slot"):
        here = replace(here, slot=None)
    rights = [{"role": "crm_app", "schema": "public", "name": "orders", "may": "iud"}]
    return Ends(
        End(here, with_tables(facts()), ABOUT | changes.get("source_about", {}), *_more(changes, "source", rights)),
        End(there, with_tables(facts()), ABOUT | changes.get("target_about", {}), *_more(changes, "target", rights)),
        changes.get("sessions", []),
        changes.get("different", []),
    )


def _more(changes: dict[str, Any], which: str, rights: list[dict[str, Any]]) -> tuple[Any, Any, None]:
    return changes.get(f"{which}_sequences", [SEQUENCE]), changes.get(f"{which}_rights", rights), None


def test_a_flow_that_runs_is_not_in_the_way() -> None:
    assert movable.problems(WAY, ends()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"subscription": None}, "the target has no subscription crm"),
        ({"subscription": SUBSCRIPTION | {"enabled": False}}, "is disabled: `set-up` enables it"),
        ({"no_slot": True}, "the source has no slot crm"),
        ({"slot": {"wal_status": "lost"}}, "slot crm is lost"),
        ({"slot": {"active": False}}, "nobody reads slot crm of the source"),
        ({"states": {ORDERS.key: "d"}}, "the first copy is not there, public.orders copying"),
        ({"published": frozenset({HEARTBEAT})}, "public.orders of the source are not published"),
        ({"different": ["public.orders has …: add it"]}, "public.orders has"),
        ({"target_about": {"subscriptions": ["crm", "other"]}}, "in another subscription, other,"),
        (
            {"source_about": {"subscriptions": ["crm"]}},
            "the source has tables of this flow in another subscription, crm",
        ),
        ({"target_about": {"gated": {"public.orders": "shop"}}}, "behind the gate of another flow, shop"),
        ({"source_about": {"tracks": False}}, "track_activities of the source is off"),
        ({"source_about": {"sees": False}}, "GRANT pg_read_all_stats TO crm_owner"),
        ({"source_about": {"signals": False}}, "GRANT pg_signal_backend TO crm_owner"),
        ({"target_about": {"signals": False}}, "on the way back, where the target is the source, "),
        ({"target_about": {"sees": False}}, "does not see what others do at the target: GRANT pg_read_all_stats TO"),
        ({"source_about": {"prepared": 2}}, "the source has 2 prepared transactions"),
        ({"sessions": [SESSION | {"owns": True}]}, "session 9 of crm_owner, who owns tables, has been writing"),
        ({"sessions": [SESSION | {"ends": False}]}, "that crm_owner may not end"),
        ({"source_sequences": [SEQUENCE | {"readable": False}]}, "may not read the sequences public.orders_id_seq"),
        ({"target_sequences": [SEQUENCE | {"settable": False}]}, "may not set the sequences public.orders_id_seq"),
        ({"target_sequences": []}, "the target lacks the sequences public.orders_id_seq"),
        ({"target_rights": []}, "(INSERT, UPDATE, DELETE on public.orders)"),
    ],
)
def test_what_is_in_the_way_is_named_with_its_fix(changes: dict[str, Any], words: str) -> None:
    (found,) = movable.problems(WAY, ends(**changes))
    assert words in found and ":" in found


def test_sessions_that_read_or_are_the_applications_are_not_in_the_way() -> None:
    sessions = [SESSION, SESSION | {"owns": True, "writing": False}]
    assert movable.problems(WAY, ends(sessions=sessions)) == []


def test_the_other_way_round_the_ends_are_called_what_they_are() -> None:
    (found,) = movable.problems(WAY.reversed, ends(subscription=None))
    assert found.startswith("the source has no subscription crm, so that it has not what the target wrote")


def test_a_way_back_that_is_not_there_is_in_the_way() -> None:
    (found,) = movable.problems(CONFIG, ends())
    assert found.startswith("back_user is missing")
    bad = ends()
    bad = replace(bad, target=replace(bad.target, other=with_tables(facts(settings={"wal_level": "replica"}))))
    (found,) = movable.problems(WAY, bad)
    assert found.startswith("on the way back, where the target is the source, wal_level of the source is replica")


def test_a_flow_that_is_turned_twice_is_what_it_was() -> None:
    assert WAY.reversed.reversed == WAY
    assert WAY.reversed.called == ("target", "source")


@pytest.mark.parametrize(
    ("here", "there", "epoch", "is_at"),
    [
        (None, None, 1, ""),
        (Gate(0, True), Gate(0, False), 1, ""),
        (Gate(1, False), Gate(0, False), 1, SHUT),
        (Gate(1, False), Gate(0, False), 2, SHUT),
        (Gate(1, True), Gate(0, False), 1, ""),  # opened again, by an undoing
        (Gate(1, False, handed=1), Gate(0, False), 1, HANDED),
        (Gate(1, False, handed=1), Gate(1, True), 1, OPEN),
        (Gate(1, False, handed=1), Gate(0, False), 2, HANDED),
        (Gate(3, False, handed=1), Gate(1, False), 3, SHUT),
    ],
)
def test_how_far_a_switch_is_say_the_gates(here: Gate | None, there: Gate | None, epoch: int, is_at: str) -> None:
    assert stage(WAY, here, there, epoch) == is_at


@pytest.mark.parametrize(
    ("here", "there", "epoch", "words"),
    [
        (None, None, 0, "epoch 0 is none"),
        (Gate(5, True), Gate(4, False), 4, "epoch 4 is late"),
        (Gate(4, False, handed=4), Gate(5, False), 4, "epoch 4 is late"),
        (Gate(4, False, handed=4), Gate(4, True), 5, "the target writes already (epoch 4)"),
        (Gate(5, True), Gate(5, False, handed=5), 5, "epoch 5 is late"),
        (Gate(5, True), Gate(6, True), 7, "the target writes already (epoch 6)"),
    ],
)
def test_a_switch_that_is_late_or_another_one_is_refused(
    here: Gate | None, there: Gate | None, epoch: int, words: str
) -> None:
    with pytest.raises(Refused, match=words.replace("(", r"\(").replace(")", r"\)")):
        stage(WAY, here, there, epoch)


def gate(epoch: int, writes: bool, *without: str) -> dict[str, Any]:
    return {"epoch": epoch, "writes": writes, "without": list(without)}


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (gate(1, False), gate(0, False), "neither end takes writes: a move in epoch 1 was ended in the middle: run it"),
        (gate(0, True), gate(4, True), "`rejoin --to target --epoch 4` now, which shuts the source"),
        (gate(5, True), gate(4, True), "`rejoin --to source --epoch 5` now, which shuts the target"),
        (gate(1, True), gate(1, False, "public.late"), "public.late of the target ask no gate: `prepare`"),
        (gate(1, True, "public.late"), None, "public.late of the source ask no gate: `prepare`"),
    ],
)
def test_gates_that_say_no_one_writer_are_named(source: Any, target: Any, words: str) -> None:
    (found,) = gate_problems({"source": source, "target": target})
    assert words in found


def test_one_open_gate_or_none_at_all_is_well() -> None:
    assert gate_problems({"source": gate(1, False), "target": gate(1, True)}) == []
    assert gate_problems({"source": None, "target": None}) == []
    assert gate_problems({"target": gate(0, False)}) == [], "the source did not answer"


@pytest.mark.parametrize("prepared", [0, 1])
def test_what_was_prepared_while_the_gate_was_shut_is_not_left_behind(prepared: int) -> None:
    class Source:
        which = "source"

        def row(self, sql: str) -> dict[str, Any]:
            return {"count": prepared} if "pg_prepared_xacts" in sql else {"since": "now", "found": []}

    if prepared:
        with pytest.raises(Failed, match="the source has 1 prepared transactions"):
            end_sessions(Source(), CONFIG)  # type: ignore[arg-type]
    else:
        assert end_sessions(Source(), CONFIG) == 0  # type: ignore[arg-type]


def test_a_table_that_takes_too_long_to_compare_is_named_and_the_switch_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    large = replace(ORDERS, name="events")
    said: list[str] = []
    patience: list[int] = []

    def summed(server: Server, table: Table, seconds: float) -> tuple[int, str]:
        patience.append(server.patience.statement)
        if table == large:
            raise PgError(server.which, "57014", "canceling statement due to statement timeout")
        return 3, "sum"

    monkeypatch.setattr(switch.facts, "tables", lambda *_: [large, ORDERS])
    monkeypatch.setattr(switch, "sizes", lambda _: {large.key: 9, ORDERS.key: 1})
    monkeypatch.setattr(switch, "row_sum", summed)
    switch._same(WAY, Server("source", WAY.source), Server("target", WAY.target), said.append)
    assert said == ["rows of 1 tables are the same; no time for public.events"]
    # The server ends it: of a client that gave up nobody could tell whether a server is gone.
    assert set(patience) == {2} and switch.BRIEF.call > 2 * switch.SAME_SECONDS
