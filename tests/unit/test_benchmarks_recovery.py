"""What becomes of drills' results: the worst counts, a drill that gave up is worse than any number."""

import pytest

from benchmarks import recovery
from benchmarks.context import NotMeasured
from benchmarks.live import Cut
from benchmarks.recovery import LEDGER_CONTROL, Drills


def result(back=1.0, waited=1.0, verdict="passed", control=True, **figures):
    return {
        "verdict": verdict,
        "figures": {"tunnel_back_seconds": back, **figures},
        "steps": [{"name": "wait for recovery; nobody does anything", "seconds": waited}],
        "checks": [
            {"name": LEDGER_CONTROL, "passed": control, "seen": "row 7 was found missing"},
            {"name": "one SA is left", "passed": verdict == "passed", "seen": "2 CHILD"},
        ],
        "problems": [],
        "evidence": "/e.json",
    }


def test_the_worst_of_all_drills_counts():
    assert Drills([result(1.0), result(4.5), result(0.2)]).worst("tunnel_back_seconds") == 4.5


def test_one_drill_that_gave_up_makes_the_worst_unknown():
    drills = Drills([result(1.0), result(None, waited=75.0)])
    assert drills.worst("tunnel_back_seconds") is None
    assert drills.at_least("tunnel_back_seconds") == 75.0
    assert drills.never("tunnel_back_seconds") == 1


def test_no_drill_at_all_is_not_zero():
    assert Drills().worst("tunnel_back_seconds") is None
    assert Drills().total("missing") is None


def test_rows_are_summed_and_a_drill_that_did_not_count_makes_the_sum_unknown():
    assert Drills([result(missing=0), result(missing=2)]).total("missing") == 2
    assert Drills([result(missing=0), result()]).total("missing") is None


def test_a_failed_drill_is_told_with_its_failed_checks():
    assert Drills([result(), result(verdict="failed")]).failed() == ["/e.json: one SA is left: 2 CHILD"]


def test_zeros_without_the_control_in_each_drill_are_not_measured():
    good = result(missing=0, duplicated=0, reordered=0, acked=100)
    blind = result(missing=0, duplicated=0, reordered=0, acked=100, control=False)
    figures = list(recovery._rows(recovery.LINK_DOWN, Drills([good])))
    assert [(figure.value, figure.met) for figure in figures] == [(0, True)] * 3
    with pytest.raises(NotMeasured, match="zeros mean nothing"):
        list(recovery._rows(recovery.LINK_DOWN, Drills([good, blind])))


def test_each_kind_of_link_cut_ends_at_five_points_of_the_ladder():
    for kind in (recovery.LINK_DOWN, recovery.ONE_WAY):
        steps = {round(cut.seconds % 1.5, 3) for cut in kind.ours}
        assert len(steps) >= 5, kind.words


def test_either_gateway_restarts_five_times():
    for kind in (recovery.CRASH, recovery.REBOOT):
        for site in ("onprem", "aws"):
            assert sum(site in cut.options for cut in kind.ours) == 5, kind.words


def test_a_cut_is_told_as_a_person_would_type_it():
    assert Cut("one-way", 28.8, ("--direction", "to-aws")).words == [
        "--how", "one-way", "--seconds", "28.8", "--direction", "to-aws",
    ]  # fmt: skip
    assert Cut("gateway-crash", options=("--at", "aws")).words == ["--how", "gateway-crash", "--at", "aws"]
