"""switchover, failover and failback of a writer over all ways in which they can be killed and fail, on a model of both
sites (tests/logical_world.py): the commands, steps and hands are the real ones."""

import io
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import pytest

from operations.console import Plain
from operations.journal import lock
from operations.moves import command
from operations.moves.logical.hands import READY, SWITCH_LAG_SECONDS
from operations.moves.words import Command, Intent
from operations.stack import Stack
from operations.web import Page
from tests.failover_world import Killed
from tests.logical_world import AWAY, HALF, HOME, INVENTORY, PLACES, Model, decided, install
from twinsite.guest.logical import switch as verbs

OVER = Intent(Command.SWITCHOVER, "gcp")
HOMEWARD = Intent(Command.SWITCHOVER, "aws")
FAILOVER = Intent(Command.FAILOVER, "gcp")
BACK = Intent(Command.FAILBACK, "aws")
BACK_ANEW = replace(BACK, anew=True)
DRILL = Intent(Command.DRILL_SWITCHOVER)
LIVE = replace(DRILL, live=True)
REHEARSAL = Intent(Command.DRILL_FAILOVER)
MEND = Intent(Command.REPAIR)
RESEED = replace(MEND, confirmed=frozenset({"reseed"}))
WHOLE = replace(INVENTORY, registers=PLACES, workloads=(HOME, AWAY))
"""With registers, and with home's pods."""


M = TypeVar("M", bound=Model)


class Desk:
    """Runs commands against one model after the other."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.model = Model()
        install(patch, lambda: self.model)

    def run(self, model: Model, intent: Intent, kill_at: int | None = None) -> dict[str, Any] | None:
        """The command's answer; None when it was killed."""
        self.model = model
        model.revive()
        model.kill_at = kill_at
        stack = Stack("gcp", model.inventory, pathlib.Path("unused"))
        try:
            return command.run(stack, intent, Plain(io.StringIO()), False, model.world)
        except Killed:
            return None

    def passed(self, model: Model, intent: Intent) -> dict[str, Any]:
        found = self.run(model, intent)
        assert found is not None and found["verdict"] == "passed", found and found["problems"]
        return found

    def killed_anywhere(self, made: Callable[[], M], intent: Intent) -> M:
        """Killed at any moment and run again, it ends as one that nobody killed: that one's model."""
        one = made()
        self.passed(one, intent)
        ticks, wanted = one.ticks, one.state()
        assert ticks > 20, "every write of journal and lock and every effect is such a moment"
        for moment in range(1, ticks + 1):
            model = made()
            assert self.run(model, intent, kill_at=moment) is None, f"not killed at {moment}"
            again = self.run(model, intent)
            assert again is not None
            if again["verdict"] == "refused":
                # It had ended; only its last words were missing.
                assert "there is nothing to" in again["problems"][0], (moment, again["problems"])
                assert moment > ticks - 8
            else:
                assert again["verdict"] == "passed", (moment, again["problems"])
            assert model.state() == wanted, moment
        return one


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(lock, "gone", lambda _: True)
    yield Desk(monkeypatch)


Made = Callable[[Desk], Model]


def quiet(desk: Desk, inventory: Any = INVENTORY) -> Model:
    return Model(inventory)


def whole(desk: Desk) -> Model:
    return Model(WHOLE)


def away(desk: Desk, inventory: Any = INVENTORY) -> Model:
    """After a switchover."""
    model = Model(inventory)
    desk.passed(model, OVER)
    return model


def dead(desk: Desk, inventory: Any = INVENTORY) -> Model:
    model = Model(inventory)
    model.alive = False
    return model


def back(desk: Desk, inventory: Any = INVENTORY) -> Model:
    """Home is back after a failover, with a row that only it has."""
    model = dead(desk, inventory)
    model.ends["aws"].rows.add(999)
    desk.passed(model, FAILOVER)
    model.alive = True
    return model


def going_on(desk: Desk) -> Model:
    """A desk that is killed leaves its job, which goes on by itself."""
    return Model(WHOLE, job_lives=True)


NO_ROLE = "on the way back, where the target is the source, the source has no role crm_back that logs in"


def unready(desk: Desk) -> Model:
    """The standby lacks a role, with which rows come all the same."""
    model = whole(desk)
    model.in_the_way = NO_ROLE
    return model


def cut_off(desk: Desk) -> Model:
    """The writer has not kept what the follower lacks."""
    model = Model()
    model.slot = "lost"
    return model


CASES: dict[str, tuple[Intent, Made]] = {
    "switchover": (OVER, quiet),
    "switchover, registers": (OVER, whole),
    "switchover home": (HOMEWARD, away),
    "switchover home, registers": (HOMEWARD, lambda desk: away(desk, WHOLE)),
    "switchover, its job goes on": (OVER, going_on),
    "failover": (FAILOVER, dead),
    "failover, registers": (FAILOVER, lambda desk: dead(desk, WHOLE)),
    "failback": (BACK, away),
    "failback --anew": (BACK_ANEW, back),
    "failback --anew, registers": (BACK_ANEW, lambda desk: back(desk, WHOLE)),
    "drill switchover": (DRILL, quiet),
    "drill switchover --live": (LIVE, whole),
    "drill failover": (REHEARSAL, quiet),
    "repair --confirm reseed": (RESEED, cut_off),
}


@pytest.mark.parametrize("case", CASES)
def test_a_command_killed_at_any_moment_and_run_again_ends_in_the_same_state(desk: Desk, case: str) -> None:
    intent, made = CASES[case]
    desk.killed_anywhere(partial(made, desk), intent)


@pytest.mark.parametrize("case", ["switchover, registers", "failback --anew, registers"])
def test_killed_twice_it_still_ends_the_same(desk: Desk, case: str) -> None:
    intent, made = CASES[case]
    one = made(desk)
    desk.passed(one, intent)
    ticks, wanted = one.ticks, one.state()
    for moment in range(1, ticks, 9):
        for second in range(1, ticks, 13):
            model = made(desk)
            desk.run(model, intent, kill_at=moment)
            desk.run(model, intent, kill_at=second)
            desk.run(model, intent)
            assert model.state() == wanted, (moment, second)


@pytest.mark.parametrize(
    ("inventory", "at"),
    [*((INVENTORY, at) for at in ("prepare", "shut", "rows")), *((WHOLE, at) for at in HALF[:4])],
    ids=lambda given: given if isinstance(given, str) else "registers" if given.registers else "gates alone",
)
def test_what_fails_before_it_was_handed_over_lets_the_old_writer_write_again(
    desk: Desk, inventory: Any, at: str
) -> None:
    model = Model(inventory)
    model.fails = at
    found = desk.run(model, OVER)
    assert found is not None and found["verdict"] == "failed"
    assert (model.ends["aws"].writes, model.ends["gcp"].writes and model.ends["gcp"].gated) == (True, False)
    assert model.writer() == "aws"
    top = max((one.said for one in model.registers if one.said), key=lambda one: one.epoch, default=None)
    assert top is None or top.site == "aws", "registers name who does not write"
    # Nothing of it is in the way of the next one.
    assert desk.passed(model, OVER)["figures"]["write_outage_seconds"] == 0.5
    assert model.writer() == "gcp"


@pytest.mark.parametrize("inventory", [INVENTORY, WHOLE], ids=["gates alone", "registers"])
def test_what_fails_after_it_was_handed_over_is_gone_on_with(desk: Desk, inventory: Any) -> None:
    model = Model(inventory)
    model.fails = "handed"
    found = desk.run(model, OVER)
    assert found is not None and found["verdict"] == "failed"
    assert "aws was handed over" in found["problems"][1]
    assert not model.ends["aws"].writes, "nobody goes back from there"
    desk.passed(model, OVER)
    assert model.writer() == "gcp" and model.follows == "aws"


def test_a_switch_that_ended_amid_it_is_undone_by_a_switchover_to_where_the_writer_was(desk: Desk) -> None:
    undone = 0
    for moment in range(1, 80):
        model = Model(WHOLE)
        if desk.run(model, OVER, kill_at=moment) is not None:
            break
        home, gcp = model.ends["aws"], model.ends["gcp"]
        if home.writes or gcp.writes or not home.gated:
            continue
        found = desk.run(model, HOMEWARD)
        assert found is not None
        if home.handed == home.epoch:
            assert "`twinsite switchover --to gcp` goes on to the end" in found["problems"][0]
        else:
            assert found["verdict"] == "passed", found["problems"]
            assert model.writer() == "aws" and (model.replicas["gcp"], model.nodes) == (0, 0)
            undone += 1
    assert undone >= 2


STEPS = {
    "switchover": "prepare-gcp add-nodes-gcp add-readers-gcp claim-gcp switch-gcp start-writers-gcp await-pools-gcp "
    "verify-answers-gcp",
    "switchover, registers": "prepare-gcp add-nodes-gcp add-readers-gcp reserve-gcp switch-gcp await-old-writer-gcp "
    "stop-writers-aws start-writers-gcp await-pools-gcp verify-answers-gcp",
    "switchover home": "prepare-aws claim-aws switch-aws stop-writers-gcp await-pools-aws verify-answers-aws rest-gcp",
    "failover, registers": "claim-gcp add-nodes-gcp add-readers-gcp await-old-writer-gcp promote-gcp start-writers-gcp "
    "await-pools-gcp verify-answers-gcp",
    "failback --anew": "rejoin-aws catch-up-aws compare-aws prepare-aws claim-aws switch-aws stop-writers-gcp "
    "await-pools-aws verify-answers-aws rest-gcp",
    "drill switchover": "prepare-gcp add-nodes-gcp add-readers-gcp see-readers-gcp rest-gcp",
    "drill failover": "add-nodes-gcp add-readers-gcp see-readers-gcp rest-gcp",
}


@pytest.mark.parametrize("case", STEPS)
def test_the_steps_are_these(desk: Desk, case: str) -> None:
    intent, made = CASES[case]
    found = desk.passed(made(desk), intent)
    assert [step["name"] for step in found["plan"]] == STEPS[case].split()


def test_a_drill_of_a_failover_sees_who_could_tell_and_who_would_decide(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    says = " ".join(desk.passed(whole(desk), REHEARSAL)["says"])
    assert "3 places can tell whether aws lives" in says
    assert f"an epoch would be claimed at {PLACES[1]} and {PLACES[2]}" in says
    model = whole(desk)
    model.registers[1].cut = True
    found = desk.run(model, REHEARSAL)
    assert found is not None and found["verdict"] == "refused"
    assert (
        f"1 registers of who may write answer, and 2 decide: a failover would not begin; see {PLACES[1]}"
        in (found["problems"][0])
    )
    model = whole(desk)
    model.clouds.cloudflare.clear()
    monkeypatch.setattr(model, "page", lambda *_: Page(404, ""))
    found = desk.run(model, REHEARSAL)
    assert (
        found is not None and "1 of the two places that are needed can tell whether aws lives" in found["problems"][0]
    )


def test_a_failover_names_what_may_be_lost_and_asks_nothing_of_home(desk: Desk) -> None:
    model = dead(desk, WHOLE)
    found = desk.passed(model, FAILOVER)
    assert any("a row took 0.4 s, and its slot held 12.0 MiB" in words for words in found["says"])
    assert found["figures"]["rpo_seconds"] == pytest.approx(130, abs=5)
    assert not any(plane["site"] == "aws" for step in found["plan"] for plane in step["planes"])
    assert "await-old-writer-gcp" in [step["name"] for step in found["plan"]]
    assert any("41 s" in step["detail"] for step in found["steps"]), "L + closing + clocks"
    assert found["figures"]["answers_seconds"] >= 0


def test_where_readers_run_users_do_not_wait_for_more(desk: Desk) -> None:
    model = dead(desk, replace(INVENTORY, dr_mode="warm"))
    model.replicas["gcp"], model.nodes = 1, 1
    names = [step["name"] for step in desk.passed(model, FAILOVER)["plan"]]
    assert names.index("verify-answers-gcp") < names.index("add-nodes-gcp")


def test_home_that_says_that_it_stopped_is_not_waited_for(desk: Desk) -> None:
    model = dead(desk, WHOLE)
    told = model.world

    def world() -> Any:
        made = told()
        first = made.registers

        def registers(without: str) -> Any:
            known = model.registers[1].said
            if known and known.site == "gcp":
                model.registers[1] = type(model.registers[1])(replace(known, clear=True))
            return first(without)

        made.registers = registers
        return made

    model.world = world  # type: ignore[method-assign]
    found = desk.passed(model, FAILOVER)
    assert any(step["detail"] == "by its own word" for step in found["steps"])


def test_rows_that_home_alone_has_stop_a_failback_and_are_counted(desk: Desk) -> None:
    model = back(desk)
    found = desk.run(model, BACK)
    assert found is not None and found["verdict"] == "failed"
    assert " inserted in public.orders" in found["problems"][0]
    assert not model.ends["aws"].writes and model.writer() == "gcp", "shut, and users stay where they are"
    desk.passed(model, BACK_ANEW)
    assert model.writer() == "aws" and model.ends["aws"].rows >= model.acknowledged - model.lost


@pytest.mark.parametrize(
    ("intent", "made", "to"),
    [(OVER, whole, "gcp"), (FAILOVER, dead, "gcp"), (HOMEWARD, away, "aws"), (BACK, back, "aws")],
)
def test_after_a_move_the_setting_that_the_next_up_goes_by_is_told(
    desk: Desk, intent: Intent, made: Callable[[Desk], Model], to: str
) -> None:
    told = "gcp" if to == "aws" else "aws"
    model = made(desk)
    model.inventory = replace(model.inventory, active_site=told)
    first, *more = desk.passed(model, replace(intent, anew=intent is BACK))["next"]
    assert first.startswith(f"`pulumi config set active_site {to}`, before anything else is done by Pulumi")
    assert f"it goes by {told} until then" in first
    assert ["`twinsite failback --to aws --plan`" in one for one in more] == [True] * (intent is FAILOVER)


def test_rows_that_differ_stop_a_failback_before_anything_is_stopped(desk: Desk) -> None:
    model = away(desk)
    model.differs = True
    found = desk.run(model, BACK)
    assert found is not None and found["verdict"] == "failed"
    assert "of key 7. Nothing was stopped" in found["problems"][0]
    assert model.writer() == "gcp" and model.ends["gcp"].writes
    model.differs = False
    model.partly = {"moving": ["public.locks"], "unjudged": {"public.locks": 2}, "unread": ["public.archive"]}
    passed = desk.passed(model, BACK)
    assert passed["figures"]["divergent_tables"] == 0
    said = (
        "of 2 tables are equal; not compared, for they change all the while: rows 2 of public.locks; not compared, "
        "there was no time for them: public.archive"
    )
    assert [step["detail"] for step in passed["steps"] if step["detail"].endswith(said)]


REFUSED: dict[str, tuple[Intent, Callable[[Desk], Model], str]] = {
    "a failover while home lives": (FAILOVER, quiet, "`twinsite switchover --to gcp` loses nothing"),
    "a failover to home": (replace(FAILOVER, to="aws"), dead, "--to aws: failover of this stack goes to gcp"),
    "a switchover while home is dead": (OVER, dead, "aws's database does not answer the job"),
    "a switchover to nowhere": (replace(OVER, to="mars"), quiet, "--to mars: "),
    "a switchover to where all is": (HOMEWARD, quiet, "there is nothing to move"),
    "a failback of nothing": (BACK, quiet, "there is nothing to bring home"),
    "a switchover that nothing could follow": (OVER, unready, NO_ROLE),
    "a drill of it": (DRILL, unready, NO_ROLE),
    "a drill of it, there and back": (LIVE, unready, NO_ROLE),
    "a drill from away": (DRILL, away, "`twinsite switchover --to aws`"),
    "a drill of pods that serve": (REHEARSAL, away, "gcp takes writes"),
    "a failover for show": (replace(REHEARSAL, live=True), quiet, "`twinsite drill switchover --live` moves users"),
    "a switchover home after a failover": (HOMEWARD, back, "`twinsite failback --to aws`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_what_to_do(desk: Desk, case: str) -> None:
    intent, made, words = REFUSED[case]
    model = made(desk)
    before = model.state()
    found = desk.run(model, intent)
    assert found is not None and found["verdict"] == "refused"
    assert words in "; ".join(found["problems"])
    assert model.state() == before


@pytest.mark.parametrize("job_lives", [False, True], ids=["with its job", "and its job goes on"])
def test_a_repair_after_any_kill_leaves_one_writer_that_the_registers_name_and_that_is_followed(
    desk: Desk, job_lives: bool
) -> None:
    ended: set[str] = set()
    for moment in range(1, 200):
        model = Model(WHOLE, job_lives=job_lives)
        if desk.run(model, OVER, kill_at=moment) is not None:
            break
        found = desk.run(model, MEND)
        assert found is not None and found["verdict"] == "passed", (moment, found and found["problems"])
        (writer,) = [site for site, end in model.ends.items() if end.writes and (site == "aws" or end.gated)]
        assert model.follows == ("aws" if writer == "gcp" else "gcp"), moment
        assert decided(model) == writer, moment
        assert model.writer() == writer, (moment, "users get the notice")
        ended.add(writer)
    assert ended == {"aws", "gcp"}


def test_a_repair_of_what_is_well_does_nothing(desk: Desk) -> None:
    found = desk.passed(Model(WHOLE), MEND)
    assert found["plan"] == [] and "nothing to mend" in found["says"][-1]


def test_a_third_register_at_aws_in_another_region_is_asked_while_the_primarys_is_dead(desk: Desk) -> None:
    places = (*PLACES[:2], "s3://third/writer.json")
    model = dead(desk, replace(WHOLE, registers=places, register_regions=("", "", "us-west-2")))
    desk.passed(model, FAILOVER)
    assert [one.said and one.said.site for one in model.registers] == ["aws", "gcp", "gcp"]


def test_rows_that_stopped_are_started_and_a_register_that_lags_is_raised(desk: Desk) -> None:
    model = Model(WHOLE)
    model.disabled = True
    model.registers[2] = type(model.registers[2])()
    found = desk.passed(model, MEND)
    assert [step["name"] for step in found["plan"]] == ["set-up-gcp", "claim-aws"]
    assert not model.disabled and [one.said and one.said.epoch for one in model.registers] == [0, 0, 0]


def test_a_lost_slot_is_copied_anew_on_a_word_only_with_its_harm_said(desk: Desk) -> None:
    model = cut_off(desk)
    found = desk.run(model, MEND)
    assert found is not None and found["verdict"] == "refused"
    assert "there is no standby" in found["problems"][0] and "--confirm reseed" in found["problems"][0]
    assert model.slot == "lost"
    desk.passed(model, RESEED)
    assert (model.slot, model.follows) == ("reserved", "gcp") and model.ends["gcp"].rows >= {1, 2, 3}


def test_of_two_that_write_the_older_is_shut(desk: Desk) -> None:
    model = back(desk)
    found = desk.run(model, MEND)
    assert found is not None and "it is shut" in found["problems"][0], "its own rows are counted"
    assert (model.ends["aws"].writes, model.ends["gcp"].writes) == (False, True)


def test_home_on_ones_word_alone_is_given_up_though_it_answers(desk: Desk) -> None:
    model = Model()
    found = desk.passed(model, replace(FAILOVER, source_is_dead=True))
    assert any("but aws answers" in words for words in found["says"])
    assert model.deeds[-2:] == ["promote gcp", "rejoin gcp"]
    assert (model.ends["aws"].writes, model.ends["gcp"].writes, model.writer()) == (False, True, "gcp")
    assert any("aws, which answered" in words for words in found["findings"])


def test_a_cluster_that_does_not_run_the_job_moves_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model()
    monkeypatch.setattr(model, "verb", lambda words: (1, {"outcome": "failed", "problems": ["no image"]}))
    found = desk.run(model, OVER)
    assert found is not None and found["verdict"] == "refused"
    assert "nobody has seen the databases" in found["problems"][0]


def test_the_desk_and_the_job_mean_the_same_lag_and_say_the_same() -> None:
    assert (SWITCH_LAG_SECONDS, READY) == (verbs.LAG_SECONDS, verbs.READY)
