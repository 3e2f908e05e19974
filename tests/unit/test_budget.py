"""Limits of a stack for RTO, RPO and cost: refused before the first resource, never in the way of a recovery."""

import json
from typing import Any

import pulumi
import pytest

from stacks import budget
from stacks.settings import Reader
from twinsite.estimate.answer import Estimate, Mode
from twinsite.estimate.figures import SECONDS, USD_MONTH, Basis, Item, Kind, step, unknown
from twinsite.estimate.path import parallel, serial
from twinsite.rules import Refused

NOTICE = step("notice", Kind.DETECTION, 30, Basis.COMPUTED, "3 x 10")
BUILD = step("build", Kind.CREATION, 600, Basis.ASSUMPTION, "a guess")
BESIDE = step("boot", Kind.CREATION, 60, Basis.ASSUMPTION, "a guess")
GAP = Item("gap", 3600, SECONDS, Basis.COMPUTED, "the schedule")


def cost(value: float | None) -> Item:
    if value is None:
        return unknown("machine", USD_MONTH, "no price")
    return Item("machine", value, USD_MONTH, Basis.REMEMBERED, "a table")


COLD = Mode([cost(50)], serial(NOTICE, parallel(BUILD, BESIDE)), [GAP])
WARM = Mode([cost(150)], NOTICE, [GAP])
FOUND = Estimate({"cold": COLD, "warm": WARM}, ())


def test_what_is_within_its_limits_is_said_nothing_of() -> None:
    assert budget.problems(COLD, "cold", budget.Budget()) == []
    assert budget.problems(COLD, "cold", budget.Budget(630, 3600, 50)) == []


def test_a_refusal_of_the_rto_names_the_critical_path_and_the_fix() -> None:
    (problem,) = budget.problems(COLD, "cold", budget.Budget(rto_seconds=629))
    assert problem == (
        "RTO of cold is 10 min (notice 30 s, build 10 min); budget_rto_seconds allows 629: make it less, or "
        "`pulumi config set budget_rto_seconds NUMBER`"
    )


def test_each_limit_is_judged_for_itself() -> None:
    found = budget.problems(COLD, "cold", budget.Budget(60, 60, 49))
    assert [words.split(";")[1].split()[0] for words in found] == list(budget.BUDGETS)
    assert "$50.00 (remembered prices)" in found[2]


def test_what_is_unknown_is_within_no_limit() -> None:
    (problem,) = budget.problems(Mode([cost(None)], NOTICE, []), "cold", budget.Budget(usd_month=1e6))
    assert "at least $0.00 (unknown: machine)" in problem


def test_the_lowest_mode_is_refused_and_a_raised_one_only_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    with pytest.raises(Refused, match="cold costs"):
        budget.judge("stack s", FOUND, "cold", budget.Budget(usd_month=1))
    budget.judge("stack s", FOUND, "warm", budget.Budget(usd_month=1))
    assert [words.split(" costs")[0] for words in warned] == ["warm"], "raised, it may be a recovery"
    with pytest.raises(Refused):
        budget.judge("stack s", Estimate({"pilot-light": COLD}, ()), "pilot-light", budget.Budget(usd_month=1))


@pytest.mark.parametrize("wrong", ["-1", "0", "soon", "nan", "inf"])
def test_a_limit_that_is_no_number_above_0_is_refused_with_its_fix(wrong: str) -> None:
    reader = Reader({"budget_rto_seconds": wrong}.get)
    assert budget.read(reader) == budget.Budget()
    (problem,) = reader.problems
    assert problem.startswith(f"budget_rto_seconds is '{wrong}': `pulumi config set budget_rto_seconds NUMBER` above 0")


def test_limits_are_read_and_an_empty_one_is_none() -> None:
    given: dict[str, Any] = {"budget_rto_seconds": "1800", "budget_usd_month": ""}
    assert budget.read(Reader(given.get)) == budget.Budget(rto_seconds=1800)
    assert json.dumps(FOUND.shown())
