"""A figure is met only by a number inside its bound."""

import pytest

from benchmarks.figure import Figure, ratio_at_least, ratio_at_most, value_at_least, value_at_most, value_is


def figure(must, value=None, compared=None):
    return Figure("f", value, "s", must, "what it is compared to", compared)


@pytest.mark.parametrize(
    ("must", "value", "compared", "met"),
    [
        (value_at_most(5), 5.0, None, True),
        (value_at_most(5), 5.001, None, False),
        (value_at_least(5), 5, None, True),
        (value_at_least(5), 4.999, None, False),
        (value_is(0), 0, None, True),
        (value_is(0), 1, None, False),
        (ratio_at_most(1.25), 12.5, 10.0, True),
        (ratio_at_most(1.25), 12.6, 10.0, False),
        (ratio_at_least(2), 20.0, 10.0, True),
        (ratio_at_least(2), 19.9, 10.0, False),
    ],
)
def test_a_bound_is_met_up_to_and_including_its_limit(must, value, compared, met):
    assert figure(must, value, compared).met is met


@pytest.mark.parametrize("must", [value_at_most(5), value_is(0), ratio_at_most(1.25)])
def test_what_never_happened_is_not_met(must):
    assert figure(must, None, 10.0).met is False


def test_what_is_not_a_number_is_not_met():
    assert figure(value_at_most(5), float("nan")).met is False


def test_a_ratio_to_nothing_or_zero_is_not_met():
    assert figure(ratio_at_most(1.25), 1.0, None).met is False
    assert figure(ratio_at_most(1.25), 1.0, 0.0).met is False


def test_the_json_has_every_promised_field():
    shown = figure(ratio_at_most(1.25), 1.0, 2.0).to_dict()
    assert shown == {
        "name": "f",
        "value": 1.0,
        "unit": "s",
        "compared_to": "what it is compared to",
        "compared_value": 2.0,
        "ratio": 0.5,
        "must": "ratio ≤ 1.25",
        "met": True,
    }
