"""No failover that is planned needs the dead site or a forbidden control plane; one that does is refused, by name."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.moves.command import judged
from operations.moves.from_backup.ground import Ground
from operations.moves.from_backup.plan import plan
from operations.moves.from_backup.user_steps import SetLatch
from operations.moves.words import Plan, Refusal
from operations.steps import Outcome, Plane, Step, control_plane, data_plane
from operations.steps.runbook import FORBIDDEN_REGIONS, runbook_problems
from tests.failover_world import INVENTORY
from tests.unit.test_failover_plan import OVER, READY, facts, latch

sites = st.sampled_from(["", "aws", "azure", "gcp"])
regions = st.sampled_from(["", "us-east-1", "us-west-2", "koreacentral"])
planes = st.one_of(
    st.builds(data_plane, st.just("data"), sites, regions), st.builds(control_plane, st.just("control"), sites, regions)
)


@dataclass(frozen=True)
class Any_(Step[Any]):
    """A step that needs this."""

    needed: tuple[Plane, ...]
    name = title = "something"
    needs = "nothing"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return self.needed

    def do(self, hands: Any, choices: Any, say: Any) -> Outcome:
        raise AssertionError("a plan is judged before its first step")


runbooks = st.lists(st.builds(Any_, st.lists(planes, min_size=1, max_size=3).map(tuple)), max_size=5)


@given(runbooks, sites)
def test_a_runbook_is_refused_exactly_when_a_step_needs_what_a_disaster_takes_away(
    runbook: list[Any_], dead: str
) -> None:
    needed = [
        plane
        for step in runbook
        for plane in step.planes
        if plane.site == dead or (plane.kind == "control plane" and plane.region in FORBIDDEN_REGIONS)
    ]
    found = runbook_problems(runbook, dead)
    assert len(found) == (len(needed) if dead else 0)
    assert all("something" in words and "`pulumi up`" in words for words in found)


@given(st.booleans(), st.booleans(), st.booleans())
def test_no_failover_that_is_planned_needs_the_dead_site(set_one: bool, runs: bool, closed: bool) -> None:
    known = facts(
        latch=latch(set_one, False), standby=replace(READY, closed=closed) if runs or set_one else facts().standby
    )
    found = plan(known, OVER)
    assert isinstance(found, Plan)
    assert runbook_problems(found.steps, INVENTORY.home) == []
    assert runbook_problems(found.steps, INVENTORY.away) != [], "the control: at the standby nearly all of it happens"


def test_a_step_moved_to_the_dead_site_is_refused_before_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = property(lambda self: (Ground.of(INVENTORY).at_home,))
    monkeypatch.setattr(SetLatch, "planes", at_home, raising=False)
    found = judged(plan(facts(), OVER), INVENTORY.home)
    assert isinstance(found, Refusal)
    assert [words.split(" (")[0] for words in found.problems] == ["step set-latch-1", "step set-latch-2"]
    assert all(
        "the primary site's cluster and database, which is at aws, and aws is dead" in words for words in found.problems
    )
