"""Errors of predictions: what counts, what is left out, and that an unknown or endless one is never a good one."""

from typing import Any

from benchmarks.predicted import Seen, judged, phases


def phase(name: str, predicted: float | None, measured: float | None, rates_of: str = "2026-11-22") -> dict[str, Any]:
    return {"name": name, "predicted_seconds": predicted, "measured_seconds": measured, "rates_of": rates_of}


def drill(*each: dict[str, Any], ground: str = "here", started: str = "2026-11-29T22:50:00.000Z") -> Any:
    said = {"ground": ground, "phases": list(each)}
    return "e.json", {"command": "failover", "started": started, "predicted": said}


def test_phases_of_five_seconds_by_either_figure_count() -> None:
    found, old = phases(
        [drill(phase("a", 4.9, 4.9), phase("b", 2.0, 5.0), phase("c", 5.0, 1.0), phase("d", 9.0, None))]
    )
    assert ([one.phase for one in found], old) == (["b", "c"], 0)


def test_a_drill_that_is_not_younger_than_its_rates_is_left_out_and_told() -> None:
    same_day, moment = phase("a", 9.0, 9.0, "2026-11-29"), phase("a", 9.0, 9.0, "2026-11-29T22:49:00+00:00")
    assert phases([drill(same_day)]) == ([], 1)
    assert len(phases([drill(moment)])[0]) == 1
    assert phases([drill(moment, started="2026-11-29T22:49:00.000Z")]) == ([], 1)
    assert len(phases([drill(phase("a", 9.0, 9.0, ""))])[0]) == 1, "computed from timers alone"


def test_a_stack_without_a_ground_and_evidence_from_before_count_for_nothing() -> None:
    before = ("e.json", {"command": "failover", "started": "2026-11-20T00:00:00Z"})
    assert phases([drill(phase("a", 480.0, 20.0), ground=""), before]) == ([], 0)


def figures(*each: Seen) -> dict[str, Any]:
    return {one.name: one for one in judged(list(each), 0)}


def seen(predicted: float | None, measured: float) -> Seen:
    return Seen("failover", "raise", predicted, measured, "e.json")


def test_the_median_and_the_worst_are_of_what_was_measured() -> None:
    found = figures(seen(35.1, 39.0), seen(11.0, 10.0), seen(4.0, 8.0))
    median, worst = found["predicted and measured, median apart"], found["predicted and measured, worst"]
    assert (round(median.value, 1), median.met) == (10.0, True)
    assert (worst.value, worst.met) == (2.0, True)
    assert not figures(seen(4.0, 8.1))["predicted and measured, worst"].met
    assert not figures(seen(11.6, 10.0))["predicted and measured, median apart"].met
    assert found["failover: raise, 3 times"].compared_value == 11.0


def test_no_time_predicted_for_what_took_some_is_not_met() -> None:
    worst = figures(seen(0.0, 8.0), seen(8.0, 8.0))["predicted and measured, worst"]
    assert (worst.value, worst.met) == (None, False) and worst.note.startswith("1 phases")


def test_a_phase_without_a_prediction_is_counted_and_named() -> None:
    lacking = figures(seen(None, 30.0), seen(8.0, 8.0))["phases that nobody predicted"]
    assert (lacking.value, lacking.met, lacking.note) == (1.0, False, "failover: raise")
    assert not figures(seen(None, 30.0))["predicted and measured, median apart"].met
