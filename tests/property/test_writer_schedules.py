"""Seeded schedules of cuts, pauses, kills and failovers: never two writers, and each rule is needed for it (ADR 44)."""

import pytest

from tests.writer_schedules import WITHOUT, Schedule, first_with_two

SEEDS = range(400)


def test_in_no_schedule_two_sites_write_and_most_failovers_come_to_their_end() -> None:
    seen = [Schedule(seed).run() for seed in SEEDS]
    assert [f"seed {seed}: {one.two_writers}" for seed, one in zip(SEEDS, seen, strict=True) if one.two_writers] == []
    moved = [one for one in seen if one.opened["B"] and one.decided]
    waits = sorted(one.opened["B"][0] - one.decided[0] for one in moved if one.opened["B"][0] > one.decided[0])
    assert len(moved) > len(SEEDS) / 2
    assert waits[0] < 15, "where the old side says that it stopped, nobody waits for its lease"
    assert any(wait >= 40 for wait in waits), "where it does not, the new side waits"


@pytest.mark.parametrize("rule", WITHOUT)
def test_without_this_rule_two_write(rule: str) -> None:
    assert first_with_two(WITHOUT[rule]) is not None
