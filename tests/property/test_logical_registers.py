"""A planned move in which the registers are swapped when the job is ready (ADR 72), on the model of both sites: what is
stopped when, and what becomes of it where the swap, the agents, the job or the desk end amid it."""

from typing import Any

import pytest

from operations.moves.logical.hands import READY
from operations.moves.words import Intent
from tests.logical_world import Model, decided
from tests.property.test_logical_commands import FAILOVER, MEND, OVER, WHOLE, Desk
from tests.property.test_logical_commands import desk as desk
from twinsite.guest.writer.rule import Said


def test_writes_go_on_until_the_job_is_ready_and_then_the_registers_are_swapped(desk: Desk) -> None:
    model = Model(WHOLE)
    slow, said, named = model.switch, model.say, []

    def switch(*words: Any) -> Any:
        told = model.say

        def say(words: str) -> None:
            named.append((words.startswith(READY), decided(model), model.leased("aws"), model.ends["aws"].writes))
            told(words)
            named.append((False, decided(model), model.leased("aws"), model.ends["aws"].writes))

        model.clock += 12.0
        model.say = say
        return slow(*words)

    model.switch = switch  # type: ignore[method-assign]
    found = desk.passed(model, OVER)
    assert model.say is not said and named == [(True, "aws", True, True), (False, "gcp", False, True)]
    assert found["figures"]["write_outage_seconds"] == 0.5, "the twelve seconds before cost nobody anything"
    assert [one.said and one.said.epoch for one in model.registers] == [1, 1, 1]


def test_where_the_job_does_not_see_the_lease_the_outage_is_from_the_claim_on(desk: Desk) -> None:
    model = Model(WHOLE)
    quick = model.switch

    def switch(*words: Any) -> Any:
        code, found = quick(*words)
        model.clock += 12.0
        return code, found | {"open": False}

    model.switch = switch  # type: ignore[method-assign]
    assert desk.passed(model, OVER)["figures"]["write_outage_seconds"] == pytest.approx(12, abs=1)


def test_agents_that_do_not_hear_stop_a_switchover_before_anything_is_stopped(desk: Desk) -> None:
    model = Model(WHOLE, agents=False)
    found = desk.run(model, OVER)
    assert found is not None and found["verdict"] == "failed"
    assert "no agent has heard: nothing was stopped" in found["problems"][0]
    assert (model.ends["aws"].writes, model.ends["gcp"].writes, decided(model)) == (True, False, "aws")


def test_registers_that_cannot_be_swapped_are_told_of_and_nothing_is_stopped(desk: Desk) -> None:
    model = Model(WHOLE)
    whole_switch = model.switch

    def switch(*words: Any) -> Any:
        for one in model.registers[:2]:
            one.cut = True
        return whole_switch(*words)

    model.switch = switch  # type: ignore[method-assign]
    found = desk.run(model, OVER)
    assert found is not None and found["verdict"] == "failed"
    assert "1 of 3 registers answered and 2 decide" in found["problems"][0]
    assert "nothing was stopped" in found["problems"][0]
    assert model.ends["aws"].writes and decided(model) == "aws"
    model.switch = whole_switch  # type: ignore[method-assign]
    for one in model.registers:
        one.cut = False
    desk.passed(model, OVER)
    assert model.writer() == "gcp"


def test_a_switchover_that_stopped_nothing_leaves_the_registers_as_they_were(desk: Desk) -> None:
    model = Model(WHOLE)
    steps = []

    def prepare(*words: Any) -> Any:
        steps.append(words)
        # The verb `prepare` itself passes, the switch's own look does not.
        return real(*words) if len(steps) == 1 else model.refused("the gcp has no subscription")

    real = model.prepare
    model.prepare = prepare  # type: ignore[method-assign]
    found = desk.run(model, OVER)
    assert found is not None and found["verdict"] == "failed"
    assert [one.said for one in model.registers] == [Said(0, "aws", True)] * 3, "a swap would have shut aws for a while"


@pytest.mark.parametrize("command", [OVER, MEND, FAILOVER], ids=["switchover", "repair", "failover"])
def test_a_desk_killed_between_two_swaps_leaves_a_job_that_ends_and_any_command_has_the_rest_swapped(
    desk: Desk, command: Intent
) -> None:
    found: set[str] = set()
    for moment in range(1, 200):
        model = Model(WHOLE, job_lives=True)
        if desk.run(model, OVER, kill_at=moment) is not None:
            break
        model.revive()
        home, gcp = model.ends["aws"], model.ends["gcp"]
        if not (gcp.writes and gcp.gated) or decided(model) == "gcp":
            continue
        assert not home.writes and not model.leased("aws"), "nobody writes until somebody comes"
        if command is FAILOVER:
            model.alive = False
        desk.passed(model, command)
        assert (decided(model), model.writer()) == ("gcp", "gcp"), moment
        found.add(str(moment))
    assert found
