"""A site's agent and a failover with registers in memory: what is asked, opened, shut and told (ADR 44)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from tests.writer_registers import MemoryRegister
from twinsite.guest.errors import Failed
from twinsite.guest.writer import agent as agents
from twinsite.guest.writer import rule as rules
from twinsite.guest.writer.holder import Holder
from twinsite.guest.writer.raising import Overtaken, make_writer
from twinsite.guest.writer.registers import packed
from twinsite.guest.writer.rule import Memory, Open, Rule, Said, Shut


@dataclass
class Gate:
    """Remembers what it was told; nothing writes once `empty`."""

    told: list[tuple[str, float]] = field(default_factory=list)
    empty: bool = True
    shut: threading.Event = field(default_factory=threading.Event)

    def open(self, epoch: int, until: float) -> None:
        self.told.append(("open", until))

    def close(self, below: int) -> bool:
        self.told.append(("close", below))
        if below > 0:
            self.shut.set()
        return self.empty


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """Sites and a clock over three registers."""

    def __init__(self, first: Said | None) -> None:
        self.registers = [MemoryRegister(first) for _ in range(3)]
        self.clock, self.gate, self.mutex = Clock(), Gate(), threading.Lock()

    def holder(self, site: str) -> Holder:
        return Holder(site, list(self.registers), self.gate, now=self.clock)

    def said(self) -> list[Said | None]:
        return [one.said for one in self.registers]


A0, B1 = Said(0, "A", clear=True), Said(1, "B")


def test_a_site_opens_for_a_lease_from_the_moment_it_asked() -> None:
    bench = Bench(A0)
    assert bench.holder("A").turn() == Open(0, 130.0)
    assert bench.gate.told == [("open", 130.0)]
    assert isinstance(bench.holder("B").turn(), Shut)


def test_two_registers_are_enough_and_one_is_not() -> None:
    bench = Bench(A0)
    bench.registers[0].cut = True
    holder = bench.holder("A")
    assert isinstance(holder.turn(), Open)
    bench.registers[1].cut = True
    bench.clock.now += 29.9
    assert isinstance(holder.turn(), Open), "within the lease of the turn before"
    bench.clock.now += 0.1
    assert holder.turn() == Shut("epoch 0 was last read on 2 of 3 registers 30 s ago")
    assert holder.silent == {0: "no answer", 1: "no answer"}


def test_a_higher_epoch_anywhere_shuts_at_once() -> None:
    bench = Bench(A0)
    holder = bench.holder("A")
    holder.turn()
    bench.registers[2].swap(packed(B1), "1")
    assert holder.turn() == Shut("B is named for epoch 1: 2 of 3 have to name A")
    assert bench.gate.told[-1] == ("close", 1)


def test_a_register_that_hangs_does_not_delay_the_shutting() -> None:
    bench = Bench(A0)
    holder = bench.holder("A")
    holder.turn()
    bench.registers[2].swap(packed(B1), "1")
    bench.registers[0].held.clear()
    turn = threading.Thread(target=holder.turn, args=(60,))
    turn.start()
    assert bench.gate.shut.wait(20), "it waits for the register that hangs"
    assert turn.is_alive()
    bench.registers[0].held.set()
    turn.join(20)
    assert not turn.is_alive()


def test_an_agent_that_has_just_begun_does_not_shut_what_its_predecessor_opened() -> None:
    bench = Bench(A0)
    bench.registers[0].held.clear()
    holder = bench.holder("A")
    turn = threading.Thread(target=holder.turn, args=(60,))
    turn.start()
    turn.join(1)
    assert bench.gate.told == []
    bench.registers[0].held.set()
    turn.join(20)
    assert bench.gate.told == [("open", 130.0)]


def test_a_slow_register_delays_no_other_and_is_not_asked_twice() -> None:
    bench = Bench(A0)
    bench.registers[0].held.clear()
    holder = bench.holder("A")
    assert isinstance(holder.turn(0.2), Open)
    bench.clock.now += 29
    assert holder.turn(0.2) == Open(0, 159.0)
    bench.registers[0].held.set()
    holder.turn()
    assert holder.memory.heard[0].began == 100.0, "the answer counts from when it was asked for"


def test_the_side_that_lost_says_so_once_nothing_writes_and_two_registers_agree() -> None:
    bench = Bench(A0)
    bench.gate.empty = False
    holder = bench.holder("A")
    bench.registers[0].swap(packed(B1), "1")
    bench.gate.empty = True
    for _ in range(3):
        holder.turn()
    assert bench.said() == [B1, A0, A0], "one register alone may be a failover that never comes to its end"
    bench.registers[1].swap(packed(B1), "1")
    bench.gate.empty = False
    for _ in range(3):
        holder.turn()
    assert bench.said() == [B1, B1, A0]
    bench.gate.empty = True
    for _ in range(3):
        holder.turn()
    assert bench.said() == [Said(1, "B", clear=True), Said(1, "B", clear=True), A0]


def test_the_new_side_opens_at_the_old_ones_word_and_raises_the_third_register() -> None:
    bench = Bench(A0)
    for register in bench.registers[:2]:
        register.swap(packed(B1), "1")
    holder = bench.holder("B")
    assert holder.turn() == Shut("who wrote before epoch 1 has not said that it stopped; it must have in 41 s")
    bench.registers[1].swap(packed(Said(1, "B", clear=True)), "2")
    assert isinstance(holder.turn(), Open)
    holder.turn()
    assert bench.said() == [Said(1, "B", clear=True)] * 3


def test_without_a_word_the_new_side_waits_and_says_that_it_has() -> None:
    bench = Bench(A0)
    for register in bench.registers:
        register.swap(packed(B1), "1")
    holder = bench.holder("B")
    holder.turn()
    bench.clock.now += 40.9
    assert isinstance(holder.turn(), Shut)
    bench.clock.now += 0.1
    assert isinstance(holder.turn(), Open)
    holder.turn()
    assert isinstance(bench.holder("B").turn(), Open), "its next agent need not wait again"


def test_a_document_of_somebody_elses_is_no_answer() -> None:
    bench = Bench(A0)
    bench.registers[0].content = b'{"site": ""}'
    holder = bench.holder("A")
    assert isinstance(holder.turn(), Open)
    assert "writer.json names no site and epoch" in holder.silent[0]


def test_a_register_that_was_set_back_renews_no_lease() -> None:
    memory, rule = Memory("B"), Rule()
    for register in (0, 1):
        memory = rules.hear(memory, register, Said(4, "B", clear=True), 0, 0, rule)
        memory = rules.hear(memory, register, None, 20, 20, rule)
    assert rules.permission(memory, 20, rule) == Open(4, 30)
    assert isinstance(rules.permission(memory, 31, rule), Shut)


def test_the_wait_covers_clocks_that_differ_by_more_than_one_percent() -> None:
    """The old side's clock is slow, the new one's fast; without `clock_seconds` the same two would overlap."""

    def gap(rule: Rule, off: float) -> float:
        return rule.wait_seconds / (1 + off) - (rule.lease_seconds + rule.closing_seconds) / (1 - off)

    assert gap(Rule(), 0.012) > 0
    assert gap(Rule(clock_seconds=0), 0.0001) < 0


# A failover at a desk.


def test_the_first_writer_is_named_in_epoch_0() -> None:
    bench = Bench(None)
    assert make_writer(list(bench.registers), "A") == Said(0, "A")
    assert bench.said() == [Said(0, "A")] * 3


def test_a_failover_raises_the_epoch_and_changes_nothing_when_run_again() -> None:
    bench = Bench(A0)
    assert make_writer(list(bench.registers), "B") == B1
    versions = [one.version for one in bench.registers]
    assert make_writer(list(bench.registers), "B") == B1
    assert [one.version for one in bench.registers] == versions
    assert make_writer(list(bench.registers), "A", above=7) == Said(8, "A")


def test_one_that_was_stopped_goes_on_in_its_epoch() -> None:
    bench = Bench(A0)
    bench.registers[1].swap(packed(B1), "1")
    assert make_writer(list(bench.registers), "B") == B1


def test_two_registers_decide_and_one_does_not() -> None:
    bench = Bench(A0)
    bench.registers[0].cut = True
    assert make_writer(list(bench.registers), "B") == B1
    bench.registers[1].cut = True
    with pytest.raises(Failed, match=r"1 of 3 registers answered and 2 decide.*reach one more and try again"):
        make_writer(list(bench.registers), "A")


def test_an_answer_that_was_lost_is_looked_up() -> None:
    bench = Bench(A0)
    for register in bench.registers:
        register.deaf = True
    assert make_writer(list(bench.registers), "B") == B1


def test_a_failover_does_not_fight_with_another() -> None:
    bench = Bench(A0)
    reads = 0
    for register in bench.registers:

        def read(read_of: Callable[[], tuple[bytes, str] | None] = register.read) -> tuple[bytes, str] | None:
            nonlocal reads
            found = read_of()
            with bench.mutex:
                reads += 1
                if reads == 3:
                    # The other one's swaps, between our reading and our own.
                    for other in bench.registers[1:]:
                        assert other.swap(packed(Said(1, "A")), "1")
            return found

        register.read = read  # type: ignore[method-assign]
    with pytest.raises(Overtaken, match="another failover came first: the registers say epoch 1"):
        make_writer(list(bench.registers), "B")
    assert bench.said() == [B1, Said(1, "A"), Said(1, "A")]


@pytest.mark.parametrize(("hurried", "seconds"), [(False, 5.0), (True, 1.0)])
def test_an_agent_looks_each_second_while_a_move_is_about_to_come(
    monkeypatch: pytest.MonkeyPatch, hurried: bool, seconds: float
) -> None:
    gate: Any = mock.Mock(hurried=hurried)
    one = agents.Agent("A", "A", [MemoryRegister() for _ in range(3)], gate)
    given: list[float] = []
    monkeypatch.setattr(one, "turn", given.append)
    monkeypatch.setattr(agents.time, "monotonic", lambda: 7.0)
    over: Any = mock.Mock()
    over.is_set.side_effect = [False, True]
    one.run(over)
    assert given == [seconds]
    over.wait.assert_called_once_with(seconds)
