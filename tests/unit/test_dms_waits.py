"""What `twinsite dms` waits for while AWS is not heard: borne for a while, and not for ever."""

import math
import re
from pathlib import Path
from typing import Any

import pytest

from operations.amazon import Refused
from operations.dms.words import Verb
from operations.unanswered import NoAnswer
from tests.unit.test_dms_command import Dms, asked, run


def unheard(dms: Dms, operation: str, error: Exception, times: float) -> list[Exception]:
    """In a wait the operation answers its first ask, then so often not, then again; what it said instead."""
    ask = dms.ask
    heard: list[str] = []
    missed: list[Exception] = []

    def some(service: str, called: str, region: str = "", **given: Any) -> Any:
        if called == operation and ("StopReplicationTask" in dms.acted or "TestConnection" in dms.acted):
            if heard and len(missed) < times:
                missed.append(error)
                raise error
            heard.append(called)
        return ask(service, called, region, **given)

    dms.ask = some  # type: ignore[method-assign]
    return missed


NO_ANSWERS = (
    NoAnswer("AWS does not answer: Read timeout on endpoint URL", "look at your own network"),
    Refused("ThrottlingException", "dms:X: ThrottlingException: Rate exceeded"),
)


@pytest.mark.parametrize("operation", ["DescribeReplicationTasks", "DescribeTableStatistics"])
@pytest.mark.parametrize("error", NO_ANSWERS)
def test_a_wait_for_the_task_bears_that_aws_is_not_heard_for_a_while(
    tmp_path: Path, operation: str, error: Exception
) -> None:
    dms = Dms("running")
    missed = unheard(dms, operation, error, 3)
    assert run(tmp_path, dms, asked(Verb.STOP))["problems"] == []
    assert len(missed) == 3 and dms.acted == ["StopReplicationTask"]


@pytest.mark.parametrize("error", NO_ANSWERS)
def test_a_wait_for_a_connection_bears_it_too(tmp_path: Path, error: Exception) -> None:
    dms = Dms("stopped")
    dms.connection = ("testing", "")
    missed = unheard(dms, "DescribeConnections", error, 3)
    ask = dms.ask

    def ends(service: str, called: str, region: str = "", **given: Any) -> Any:
        found = ask(service, called, region, **given)
        dms.connection = ("successful", "") if missed else dms.connection
        return found

    dms.ask = ends  # type: ignore[method-assign]
    assert run(tmp_path, dms, asked(Verb.RESUME))["problems"] == []
    assert len(missed) == 3 and dms.acted[-1] == "StartReplicationTask resume-processing"


@pytest.mark.parametrize("error", NO_ANSWERS)
def test_an_aws_that_is_not_heard_any_more_ends_a_wait_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("operations.dms.service.SILENT_SECONDS", 0.2)
    dms = Dms("running")
    unheard(dms, "DescribeReplicationTasks", error, math.inf)
    (problem,) = run(tmp_path, dms, asked(Verb.STOP))["problems"]
    assert re.match(r"AWS has not been heard for \d+ s, and what it was asked for may go on \(", problem)
    assert error.args[0] in problem and problem.endswith("when it answers, run the same command again")


def test_what_aws_says_of_the_question_ends_a_wait_at_once(tmp_path: Path) -> None:
    dms = Dms("running")
    missed = unheard(dms, "DescribeReplicationTasks", Refused("InvalidParameterValueException", "dms:X: no"), math.inf)
    (problem,) = run(tmp_path, dms, asked(Verb.STOP))["problems"]
    assert problem == "dms:X: no: look at the log of the task in CloudWatch" and len(missed) == 1
