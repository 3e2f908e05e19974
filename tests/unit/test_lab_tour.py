"""`./scripts/try`: what of two operations is one result, and when it is a failure whatever the commands said."""

import sys
from typing import Any

import pytest

from lab.tour import aws_azure, steps
from lab.tour.__main__ import show

OVER = {
    "figures": {"rto_seconds": 50.0, "user_outage_seconds": 60.0, "restored_rows": 34, "rpo_seconds": 9.0},
    "steps": [{"name": "a"}],
    "evidence": "/e/over.json",
    "report": "/r/over.html",
}
BACK = {
    "figures": {"divergent_tables": 0, "extra_rows": 1, "write_outage_seconds": 70.0},
    "steps": [{"name": "b"}],
    "findings": ["1 rows of aws are not in backup b1"],
    "evidence": "/e/back.json",
    "report": "/r/back.html",
}


def test_both_operations_are_one_result() -> None:
    found = aws_azure.result(OVER, BACK, acked=2, missing=[], late_is_aside=True)
    assert found["verdict"] == "passed"
    assert found["figures"]["rto_seconds"] == 50.0
    assert found["figures"]["write_outage_seconds"] == 70.0
    assert (found["figures"]["acked"], found["figures"]["missing"], found["figures"]["extra_rows"]) == (2, 0, 1)
    assert [step["name"] for step in found["steps"]] == ["a", "b"]
    assert (found["report"], found["failback_report"]) == ("/r/over.html", "/r/back.html")


@pytest.mark.parametrize(
    "change",
    [
        {"missing": ["Azure Tour"]},
        {"late_is_aside": False},
        {"back": BACK | {"figures": BACK["figures"] | {"divergent_tables": 1}}},  # type: ignore[operator]
        {"back": BACK | {"figures": {}}},
    ],
)
def test_a_row_that_is_lost_or_merged_or_a_table_that_differs_is_a_failure(change: dict[str, Any]) -> None:
    given: dict[str, Any] = {"over": OVER, "back": BACK, "acked": 2, "missing": [], "late_is_aside": True}
    assert aws_azure.result(**(given | change))["verdict"] == "failed"


@pytest.fixture
def tour(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> steps.Tour:
    monkeypatch.setattr(steps, "LOGS", tmp_path)
    return steps.Tour()


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_step_gives_its_answer_and_shows_what_a_command_says_of_its_own_steps(
    tour: steps.Tour, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "import sys; print('✓ inner step', file=sys.stderr); print('noise', file=sys.stderr); print('answer')"
    assert tour.step("outer", python(told), shows=True).stdout == "answer\n"
    said = capsys.readouterr().err
    assert "    ✓ inner step\n" in said
    assert "noise" not in said
    assert "✓ outer" in said


def test_a_step_that_fails_ends_the_tour_with_its_last_words(tour: steps.Tour) -> None:
    with pytest.raises(steps.StepFailed, match=r"(?s)outer ended with exit code 3:.*the reason"):
        tour.step("outer", python("import sys; print('the reason', file=sys.stderr); sys.exit(3)"))
    assert tour.steps[0]["outcome"] == "failed"


def test_a_drill_that_failed_is_no_tick(tour: steps.Tour, capsys: pytest.CaptureFixture[str]) -> None:
    failed = tour.step("drill", python("print('{}'); raise SystemExit(1)"), allowed=(0, 1))
    assert (failed.returncode, failed.stdout) == (1, "{}\n"), "its answer is wanted all the same"
    assert tour.steps[0]["outcome"] == "failed"
    said = capsys.readouterr().err
    assert "✗ drill" in said
    assert "✓" not in said


def test_the_table_of_a_drill_that_failed_says_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    checks = [
        {"name": "tunnel back", "expected": "within 30 s", "seen": "never", "passed": False},
        {"name": "one child", "expected": "1", "seen": "1", "passed": True},
    ]
    given = {
        "verdict": "failed",
        "figures": {"replication_back_seconds": 4},
        "checks": checks,
        "problems": ["the replica stands still"],
    }
    show(given, kept=False)
    shown = capsys.readouterr().out
    assert "twinsite try: failed" in shown
    assert "✗ tunnel back: never (expected: within 30 s)\n✗ the replica stands still\n" in shown
    assert "one child" not in shown
    assert "✓" not in shown


def test_a_look_that_cannot_be_had_ends_the_tour(tour: steps.Tour) -> None:
    with pytest.raises(steps.StepFailed, match="look: exit code 1: gone"):
        tour.quietly("look", python("raise SystemExit('gone')"))
    assert tour.steps == []
