"""Whether an alarm on latency would have come up and cleared, minute by minute."""

import pytest

from benchmarks.dms import _alarm, _minutes, alarmed

OURS = {"comparisonOperator": "GreaterThanThreshold", "treatMissingData": "breaching", "threshold": 10.0}


@pytest.mark.parametrize(
    ("periods", "minutes", "states"),
    [
        (1, [0.0, 20.0, 0.0], ["OK", "ALARM", "OK"]),
        (1, [0.0, None, 10.0], ["OK", "ALARM", "OK"]),
        (3, [0.0, 20.0, 20.0, 0.0], ["OK", "OK", "OK", "OK"]),
        (3, [0.0, 20.0, 30.0, None, 0.0], ["OK", "OK", "OK", "ALARM", "OK"]),
    ],
)
def test_an_alarm_comes_up_after_its_periods_and_clears(
    periods: int, minutes: list[float | None], states: list[str]
) -> None:
    assert alarmed({**OURS, "evaluationPeriods": periods}, minutes) == states


def test_what_is_evaluated_is_what_the_component_publishes() -> None:
    for side in ("source", "target"):
        assert alarmed(_alarm(side), [0.0, 11.0, 0.0]) == ["OK", "ALARM", "OK"]


def test_a_minute_is_its_maximum_and_nothing_told_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.dms.time.time", lambda: 300.0)
    told = [(61.0, 1.0, 2.0), (70.0, 5.0, 1.0), (190.0, 3.0, 4.0)]
    assert _minutes(told, 1, 65.0) == [5.0, None, 3.0, None]
