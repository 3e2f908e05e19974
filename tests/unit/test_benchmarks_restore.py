"""The figures of benchmark restore, from what its program measures."""

from typing import Any

from benchmarks.restore import figures


def side(backup: float, restore: float, size: float, **more: float) -> dict[str, float]:
    return {
        "backup": backup,
        "restore": restore,
        "bytes": size,
        "backup_cpu": 1.0,
        "restore_cpu": 2.0,
        "check": 3.0,
        **more,
    }


def found(ours: float) -> dict[str, Any]:
    pairs = [
        {"peer": side(24, 80, 180e6), "ours": side(8, ours, 170e6, kill_and_resume=ours * 1.1, killed_after=3.0)},
        {"peer": side(48, 160, 180e6), "ours": side(15, ours * 2, 170e6, kill_and_resume=ours * 2.5, killed_after=3.0)},
        {"peer": side(24, 80, 180e6), "ours": side(8, ours, 170e6, kill_and_resume=ours * 1.1, killed_after=3.0)},
    ]
    return {"ibd_bytes": 2**30, "version": "9.7", "rows": {}, "pairs": pairs}


def test_a_ratio_is_the_median_of_pairs_so_that_a_busy_minute_moves_both_sides() -> None:
    backup, restore, resume, size = figures(found(20), "")
    assert backup.ratio == 3.0
    assert restore.ratio == 4.0
    assert resume.ratio == 1.1
    assert size.ratio is not None and round(size.ratio, 3) == 0.944
    assert [figure.met for figure in (backup, restore, resume, size)] == [True] * 4


def test_a_restore_that_is_too_slow_is_not_met() -> None:
    assert [figure.met for figure in figures(found(23), "")] == [True, False, True, True]


def test_a_smaller_run_says_so() -> None:
    assert all("a quarter of a GB" in figure.note for figure in figures(found(20), "a quarter of a GB"))
    assert "1024 MiB of .ibd" in next(figures(found(20), "")).note
