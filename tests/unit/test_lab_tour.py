"""`./scripts/try`: what of two operations is one result, and when it is a failure whatever the commands said."""

import json
import sys
from typing import Any

import pytest

from lab import story as steps
from lab.scenes.aws_azure import story
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


NAMES = [{"fqdn": "www.x.example", "failover_seconds": 96.0}, {"fqdn": "dr.x.example", "failover_seconds": 76.0}]


def test_users_are_watched_by_the_slowest_names_arithmetic_and_not_by_a_number_of_seconds() -> None:
    assert story.watched_seconds(NAMES) == 96.0


@pytest.mark.parametrize(
    ("checks", "seen"),
    [
        ([("www.x.example primary-page", True), ("dr.x.example secondary-page", False)], True),
        ([("www.x.example primary-page", False), ("dr.x.example secondary-page", True)], False),
        ([("www.x.example primary-page", True), ("dr.x.example primary-page", False)], False),
        ([], False),
    ],
)
def test_the_watch_begins_when_every_check_of_the_primary_sees_it(checks: list[tuple[str, bool]], seen: bool) -> None:
    status = {"traffic": {"health_checks": [{"name": name, "healthy": healthy} for name, healthy in checks]}}
    assert story.sees_primary(status, NAMES) is seen


class Clock:
    """Seconds that pass only when somebody sleeps, and a tour at which everything is as told."""

    def __init__(self, healthy_at: float, moved_at: float = 1e9) -> None:
        self.now, self.healthy_at, self.moved_at, self.pages = 0.0, healthy_at, moved_at, 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def quietly(self, name: str, command: list[str]) -> str:
        if name == "inventory":
            return json.dumps({"names": NAMES})
        if name == "lab status":
            checks = [{"name": "www.x.example primary-page", "healthy": self.now >= self.healthy_at}]
            return json.dumps({"traffic": {"health_checks": checks}})
        self.pages += 1
        return f"HTTP/2 200\r\nx-site: {'aws' if self.now >= self.moved_at else 'azure'}\r\n"


@pytest.mark.parametrize("healthy_at", [0.0, 120.0])
def test_the_watch_lasts_a_whole_failover_from_when_the_checks_see_the_primary(
    monkeypatch: pytest.MonkeyPatch, healthy_at: float
) -> None:
    clock = Clock(healthy_at)
    monkeypatch.setattr(story, "time", clock)
    story._nobody_moves(clock)  # type: ignore[arg-type]
    assert healthy_at + 96.0 <= clock.now <= healthy_at + 99.0
    late = Clock(healthy_at, moved_at=healthy_at + 90.0)
    monkeypatch.setattr(story, "time", late)
    with pytest.raises(steps.StepFailed, match="a user was moved to aws"):
        story._nobody_moves(late)  # type: ignore[arg-type]


def test_a_primary_that_no_check_sees_again_is_a_failure_and_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(healthy_at=1e9)
    monkeypatch.setattr(story, "time", clock)
    with pytest.raises(steps.StepFailed, match="have not seen the primary again"):
        story._nobody_moves(clock)  # type: ignore[arg-type]


def test_both_operations_are_one_result() -> None:
    found = story.result(OVER, BACK, acked=2, missing=[], late_is_aside=True)
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
    assert story.result(**(given | change))["verdict"] == "failed"


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
