"""Seeded schedules of cuts, pauses, kills and failovers: never two writers, and each rule is needed for it (ADR 44)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.writer_schedules import Schedule, Seen
from twinsite.guest.writer import rule as rules
from twinsite.guest.writer.rule import Memory, Rule, Said, Swap

SEEDS = range(400)


def test_in_no_schedule_two_sites_write_and_most_failovers_come_to_their_end() -> None:
    seen = [Schedule(seed).run() for seed in SEEDS]
    assert [f"seed {seed}: {one.two_writers}" for seed, one in zip(SEEDS, seen, strict=True) if one.two_writers] == []
    moved = [one for one in seen if one.opened["B"] and one.decided]
    waits = sorted(one.opened["B"][0] - one.decided[0] for one in moved if one.opened["B"][0] > one.decided[0])
    assert len(moved) > len(SEEDS) / 2
    assert waits[0] < 15, "where the old side says that it stopped, nobody waits for its lease"
    assert any(wait >= 40 for wait in waits), "where it does not, the new side waits"


def first_with_two(make: Callable[[int], Schedule]) -> Seen | None:
    return next((seen for seed in range(3000) if (seen := make(seed).run()).two_writers), None)


def test_a_wait_without_the_closing_lets_two_write() -> None:
    class Shorter(Rule):
        @property
        def wait_seconds(self) -> float:
            return self.lease_seconds + self.clock_seconds

    assert first_with_two(lambda seed: Schedule(seed, Shorter()))


def test_one_register_of_three_lets_two_write() -> None:
    assert first_with_two(lambda seed: Schedule(seed, Rule(majority=1)))


def test_a_lease_from_the_answer_on_lets_two_write() -> None:
    def from_the_answer(
        memory: Memory, register: int, said: Said | None, began: float, now: float, rule: Rule
    ) -> Memory:
        return rules.hear(memory, register, said, now, now, rule)

    def make(seed: int) -> Schedule:
        schedule = Schedule(seed)
        schedule.hear = from_the_answer
        return schedule

    assert first_with_two(make)


@pytest.mark.parametrize("leaves_out", ["the gate", "the second register"])
def test_a_word_of_having_stopped_that_comes_too_soon_lets_two_write(leaves_out: str) -> None:
    def duties(memory: Memory, now: float, closed: bool, rule: Rule) -> list[Swap]:
        if leaves_out == "the gate":
            return rules.duties(memory, now, True, rule)
        return rules.duties(memory, now, closed, replace(rule, majority=1))

    def make(seed: int) -> Schedule:
        schedule = Schedule(seed)
        schedule.duties = duties
        return schedule

    assert first_with_two(make)


def test_a_gate_that_takes_late_orders_of_an_earlier_epoch_lets_two_write() -> None:
    assert first_with_two(lambda seed: Schedule(seed, fenced=False))


def test_a_gate_that_waits_for_its_agents_word_to_shut_lets_two_write() -> None:
    assert first_with_two(lambda seed: Schedule(seed, timed=False))
