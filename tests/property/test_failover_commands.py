"""failover and failback over all ways in which they can be killed, fail and be mixed, on a model of both sites."""

import io
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations.console import Plain
from operations.journal import lock
from operations.moves import command
from operations.moves.words import Command, Intent
from operations.stack import Stack
from tests.failover_world import INVENTORY, Killed, Model, ModelWorld

STACK = Stack("dr", INVENTORY, pathlib.Path("unused"))
OVER = Intent(Command.FAILOVER, "azure")
BACK = Intent(Command.FAILBACK, "aws")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No report is drawn, no calm is waited for; a killed command's process is known to be gone."""
    monkeypatch.setattr(command, "_keep", lambda *_: None)
    monkeypatch.setattr(command, "CALM_SECONDS", 0.0)
    monkeypatch.setattr(lock, "gone", lambda _: True)
    yield


def run(model: Model, intent: Intent, kill_at: int | None = None) -> dict[str, Any] | None:
    """The command's answer; None when it was killed."""
    model.revive()
    model.kill_at = kill_at
    try:
        return command.run(STACK, intent, Plain(io.StringIO()), False, lambda: ModelWorld(model))
    except Killed:
        return None


def passed(model: Model, intent: Intent) -> dict[str, Any]:
    found = run(model, intent)
    assert found is not None and found["verdict"] == "passed", found and found["problems"]
    return found


def dead(model: Model) -> Model:
    """Users wrote since the backup, then the primary died."""
    model.user_writes()
    model.alive = False
    return model


def moved() -> Model:
    """Users are at the standby and have written there; the primary is back with a row that the backup lacked."""
    model = dead(Model())
    passed(model, OVER)
    model.user_writes()
    model.user_writes()
    model.alive = True
    return model


def state(model: Model) -> tuple[Any, ...]:
    """What must be the same however often it was killed."""
    return (model.latch, model.home.rows, model.away.rows, model.closed, model.exists, model.away.serves, model.scratch)


def count(model: Model, intent: Intent) -> int:
    passed(model, intent)
    return model.ticks


@pytest.mark.parametrize(
    ("intent", "prepare"),
    [
        (OVER, lambda: dead(Model())),
        (BACK, moved),
        (Intent(Command.DRILL_FAILOVER), Model),
        (Intent(Command.DRILL_RESTORE), Model),
        (Intent(Command.DRILL_FAILOVER, planned=True), Model),
    ],
    ids=["failover", "failback", "drill failover", "drill restore", "drill failover --planned"],
)
def test_a_command_killed_at_any_moment_and_run_again_ends_in_the_same_state(intent: Intent, prepare: Any) -> None:
    whole = prepare()
    ticks = count(whole, intent)
    wanted = state(whole)
    assert ticks > 20, "every write of journal and lock and every step's effect is such a moment"
    for moment in range(1, ticks + 1):
        model = prepare()
        first = run(model, intent, kill_at=moment)
        assert first is None, f"not killed at {moment}"
        again = run(model, intent)
        assert again is not None
        if again["verdict"] == "refused":
            # It had ended; only its last words were missing.
            assert "nothing to bring home" in again["problems"][0] and moment > ticks - 5
        else:
            assert again["verdict"] == "passed", (moment, again["problems"])
        assert state(model) == wanted, moment


@pytest.mark.parametrize("intent", [OVER, BACK], ids=["failover", "failback"])
def test_killed_twice_it_still_ends_the_same(intent: Intent) -> None:
    prepare = moved if intent is BACK else lambda: dead(Model())
    whole = prepare()
    ticks = count(whole, intent)
    for moment in range(1, ticks, 7):
        for second in range(1, ticks, 11):
            model = prepare()
            run(model, intent, kill_at=moment)
            run(model, intent, kill_at=second)
            run(model, intent)
            assert state(model) == state(whole), (moment, second)


def test_what_a_killed_failback_had_found_is_told_by_the_one_that_goes_on() -> None:
    whole = moved()
    wanted = passed(whole, BACK)
    assert wanted["figures"]["extra_rows"] == 1
    for moment in range(1, whole.ticks - 5, 3):
        model = moved()
        run(model, BACK, kill_at=moment)
        again = passed(model, BACK)
        assert again["figures"]["extra_rows"] == 1, moment
        assert again["findings"] == wanted["findings"], moment


STEPS_BACK = (
    "keep-old-primary",
    "list-extra-rows",
    "close-standby",
    "dump-standby",
    "move-old-tables-aside",
    "restore-into-primary",
    "compare-tables",
    "verify-primary-application",
    "make-writer",
    "remove-latch-1",
    "remove-latch-2",
    "start-events",
    "verify-answers",
)


def test_the_steps_of_a_failback_are_these() -> None:
    model = moved()
    model.deeds.clear()
    passed(model, BACK)
    assert tuple(model.deeds) == STEPS_BACK


@pytest.mark.parametrize("step", STEPS_BACK)
def test_a_failback_that_fails_anywhere_loses_nothing_and_can_be_run_again(step: str) -> None:
    model = moved()
    model.fails = step
    found = run(model, BACK)
    assert found is not None and found["verdict"] == "failed"
    before_latch = not step.startswith(("remove-latch", "start-events", "verify-answers"))
    if before_latch:
        assert model.latch == [True, True]
        assert not model.closed, "users can write again"
        model.user_writes()
    passed(model, BACK)
    assert model.latch == [False, False]
    assert model.written_away <= (model.home.rows or frozenset())


def test_a_writer_at_the_primary_keeps_a_failback_from_sending_users_there() -> None:
    model = moved()
    model.rogue = True
    found = run(model, BACK)
    assert found is not None and found["verdict"] == "failed"
    assert "tables differ" in found["problems"][0]
    assert model.latch == [True, True] and not model.closed


def test_a_failover_breaks_a_failback_off_without_losing_what_was_written_at_the_standby() -> None:
    whole = count(moved(), BACK)
    for moment in range(1, whole + 1):
        model = moved()
        run(model, BACK, kill_at=moment)
        model.alive = False
        passed(model, OVER)
        assert model.latch == [True, True] and not model.closed, moment
        assert model.written_away <= (model.away.rows or frozenset()), moment


WHAT = ["failover", "failback", "drill failover", "drill restore", "die", "return", "write", "stray", "store", "backup"]
STEPS = ["", "", "close-standby", "verify-data", "make-writer", "set-latch-2", "compare-tables", "remove-latch-1"]
EVENTS = st.lists(
    st.tuples(st.sampled_from(WHAT), st.integers(1, 60), st.sampled_from(STEPS), st.booleans()), max_size=14
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), EVENTS)
def test_whatever_happens_in_whatever_order_nothing_is_lost_silently(
    away: bool, events: list[tuple[str, int, str, bool]]
) -> None:
    model = moved() if away else Model()
    kept = set(model.kept_rows())
    for what, moment, fails, killed in events:
        if what == "die":
            model.alive = False
        elif what == "return":
            model.alive = True
        elif what == "write":
            model.user_writes()
        elif what == "store":
            model.latch_gone = {0} if moment % 2 else set()
        elif what == "stray":
            model.stray_write()
        elif what == "backup":
            model.scheduled_backups()
        else:
            model.fails = fails
            intent = Intent(Command(what), {"failover": "azure", "failback": "aws"}.get(what, ""), source_is_dead=True)
            run(model, intent, kill_at=moment if killed else None)
            model.fails = ""
        model.revive()
        newest = model.newest()
        assert newest is None or model.held_by[newest.id] <= model.line, "a stale branch is the newest"
        # The model's own asserts have judged every deed; this one, that no row is nowhere.
        assert kept <= model.kept_rows()
        kept |= model.kept_rows()
        if not model.latched():
            assert model.written_away <= (model.home.rows or frozenset())


def test_after_turning_back_a_dump_is_made_anew_even_if_somebody_closed_the_standby_meanwhile() -> None:
    model = moved()
    model.fails = "compare-tables"
    run(model, BACK)
    model.user_writes()
    model.closed, model.away.serves = True, False
    passed(model, BACK)
    assert model.written_away <= (model.home.rows or frozenset())


def test_tables_that_were_equal_before_a_kill_are_compared_again_after_it() -> None:
    for moment in range(1, count(moved(), BACK)):
        model = moved()
        run(model, BACK, kill_at=moment)
        if not model.latched() or "compare-tables" not in model.deeds:
            continue
        model.rogue = True
        found = run(model, BACK)
        assert found is not None and "tables differ" in found["problems"][0]
        assert model.latched()


def limbo() -> list[Model]:
    """A failover killed after it had made azure the writer and before it touched the latch; AWS was alive all along."""
    found = []
    for moment in range(1, count(dead(Model()), OVER)):
        model = dead(Model())
        run(model, OVER, kill_at=moment)
        model.revive()
        if model.writer().unserved:
            model.alive = True
            model.user_writes()
            model.scheduled_backups()
            found.append(model)
    assert found
    return found


def test_an_epoch_in_which_nobody_was_moved_is_of_the_site_that_served_on() -> None:
    for model in limbo():
        stored = sorted(model.backups.values(), key=lambda one: one.began)
        assert [(one.site, one.writer) for one in stored[-2:]] == [("azure", "azure"), ("aws", "azure")]
        newest = model.newest()
        assert newest is not None and newest.site == "aws" and model.held_by[newest.id] == model.line


def test_a_failover_that_goes_on_keeps_its_epoch_and_takes_what_was_backed_up_meanwhile() -> None:
    over = Intent(Command.FAILOVER, "azure", source_is_dead=True)
    for model in limbo():
        passed(model, over)
        assert (model.writer().site, model.writer().epoch) == ("azure", 1)
        assert model.away.rows == model.line and max(model.line) == model.row, "what users wrote at AWS until then"


def test_a_failover_that_is_given_up_leaves_users_and_their_backups_at_home() -> None:
    for model in limbo():
        assert passed(model, BACK)["verdict"] == "passed"
        assert (model.writer().site, model.writer().epoch, model.deeds[-2:]) == (
            "aws", 2, ["make-writer", "verify-answers"],
        )  # fmt: skip
        newest = model.newest()
        assert newest is not None and newest.site == "aws" and model.held_by[newest.id] == model.line


def test_every_move_has_an_epoch_of_its_own_and_run_again_it_keeps_it() -> None:
    model = moved()
    assert (model.writer().site, model.writer().epoch) == ("azure", 1)
    passed(model, OVER)
    assert model.writer().epoch == 1, "users are there already"
    passed(model, BACK)
    assert [(one.epoch, one.site) for one in model.writer().held] == [(0, "aws"), (1, "azure"), (2, "aws")]


def test_a_failback_that_turns_back_makes_the_standby_the_writer_before_it_opens() -> None:
    for step in ("make-writer", "remove-latch-1"):
        model = moved()
        model.fails = step
        run(model, BACK)
        closed = step == "remove-latch-1"
        assert model.closed is closed, "begun, so nobody knows whether it was touched"
        if closed:
            passed(model, OVER)
        model.user_writes()
        model.scheduled_backups()
        assert model.writer().site == "azure"
        newest = model.newest()
        assert newest is not None and newest.site == "azure" and model.held_by[newest.id] == model.line
        passed(model, BACK)
        assert model.written_away <= (model.home.rows or frozenset())


def test_a_failover_that_breaks_a_failback_off_makes_what_azure_backs_up_count_again() -> None:
    for moment in range(1, count(moved(), BACK)):
        model = moved()
        run(model, BACK, kill_at=moment)
        model.revive()
        if not model.latched():
            continue
        passed(model, OVER)
        model.user_writes()
        model.scheduled_backups()
        newest = model.newest()
        assert newest is not None and newest.site == "azure" and model.held_by[newest.id] == model.line, moment


def test_a_document_that_was_lost_is_raised_above_every_backup() -> None:
    model = moved()
    model.scheduled_backups()
    model.store.objects.pop("writer.json")
    passed(model, OVER)
    assert (model.writer().site, model.writer().epoch) == ("azure", 2)
    model = moved()
    passed(model, BACK)
    model.take_backup()
    model.store.objects["writer.json"] = b"{}"
    assert "is no document of ours" in str(passed(model, BACK)["says"])
    assert (model.writer().site, model.writer().epoch, model.home.serves) == ("aws", 3, True)
