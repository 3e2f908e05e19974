"""The standby's planner: from any kill at any step it ends in the same state, and restores once."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinsite.guest.standby import plan

KEYS = {step: f"key of {step}" for step in plan.STEPS}


def run(marks: dict[str, str], wanted: Mapping[str, str], killed_after: int | None = None) -> list[str]:
    """One run, one step at a time in the order in which they may begin; ends early when it is killed."""
    to_do = plan.left(marks, wanted)
    did: list[str] = []
    while len(did) < len(to_do):
        if killed_after is not None and len(did) == killed_after:
            break
        step = plan.ready(to_do, [], did)[0]
        did.append(step)
        if step not in plan.ALWAYS:
            marks[step] = wanted[step]
    return did


def test_everything_is_done_on_an_empty_machine_in_an_order_that_works() -> None:
    done = run({}, KEYS)
    assert sorted(done) == sorted(plan.STEPS)
    for step in plan.STEPS:
        assert all(done.index(need) < done.index(step) for need in plan.NEEDS[step])


@pytest.mark.parametrize("killed_after", range(len(plan.STEPS) + 1))
def test_killed_at_every_step_and_run_again_it_ends_the_same_and_restores_once(killed_after: int) -> None:
    marks: dict[str, str] = {}
    first = run(marks, KEYS, killed_after)
    second = run(marks, KEYS)
    undisturbed: dict[str, str] = {}
    run(undisturbed, KEYS)
    assert marks == undisturbed
    assert [*first, *second].count("restore") == 1
    assert second[-1] == "answer"


def test_a_reboot_of_a_ready_machine_only_asks_for_the_page() -> None:
    marks: dict[str, str] = {}
    run(marks, KEYS)
    assert plan.left(marks, KEYS) == ["answer"]


@given(st.sets(st.sampled_from([step for step in plan.STEPS if step not in ("restore", "prove")])))
def test_no_changed_setting_restores_or_proves_again(changed: set[str]) -> None:
    marks: dict[str, str] = {}
    run(marks, KEYS)
    wanted = {**KEYS, **dict.fromkeys(changed, "another key")}
    assert not {"restore", "prove"} & set(plan.left(marks, wanted))


@given(st.sets(st.sampled_from(plan.STEPS)), st.integers(0, len(plan.STEPS)))
def test_from_any_marks_a_run_that_is_not_killed_leaves_nothing_but_the_answer(have: set[str], kill: int) -> None:
    marks = {step: KEYS[step] for step in have if step not in plan.ALWAYS}
    run(marks, KEYS, kill)
    run(marks, KEYS)
    assert plan.left(marks, KEYS) == ["answer"]


def test_what_is_served_starts_only_after_the_proof() -> None:
    everything = list(plan.STEPS)
    done = [step for step in plan.STEPS if step not in ("prove", "start", "answer")]
    assert plan.ready(everything, [], done) == ["prove"]
    assert plan.ready(everything, ["prove"], done) == []
    assert plan.ready(everything, [], [*done, "prove"]) == ["start"]


def test_the_artefact_arrives_while_the_data_are_restored() -> None:
    assert plan.ready(plan.STEPS, ["restore"], ["client"]) == ["packages", "artefact", "certificate", "schedule"]


def test_a_changed_artefact_is_deployed_and_started_and_nothing_else() -> None:
    marks: dict[str, str] = {}
    run(marks, KEYS)
    changed = {**KEYS, "artefact": "other", "deploy": "other", "start": "other"}
    assert plan.left(marks, changed) == ["artefact", "deploy", "start", "answer"]


def test_a_rotated_certificate_is_deployed_without_touching_data() -> None:
    marks: dict[str, str] = {}
    run(marks, KEYS)
    assert plan.left(marks, {**KEYS, "certificate": "other"}) == ["certificate", "deploy", "start", "answer"]
