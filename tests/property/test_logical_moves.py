"""Any order of switches, kills, retries and backings-out: never two writers, and whoever opens has every row.

The role's own functions run between two ends that are values here; what SQL does to a gate is written down once more,
and the tests between real servers (tests/servers/test_logical_moves.py) show that SQL does it.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.unit.test_logical_moves import WAY
from twinsite.guest.errors import Failed, Refused
from twinsite.guest.logical import switch as moves
from twinsite.guest.logical.config import Config
from twinsite.guest.logical.gate import Gate, Lease


class Killed(BaseException):
    """Nothing that the program does after it happens."""


@dataclass
class Server:
    """One end."""

    which: str
    gate: Gate
    log: list[int] = field(default_factory=list)
    """Rows that were written here."""
    rows: set[int] = field(default_factory=set)
    slot: int | None = None
    """How much of the log the other end has; None without a slot."""
    follows: bool = False


class World:
    """Both ends, and the program that moves the writer between them."""

    def __init__(self) -> None:
        self.source = Server("source", Gate(0, True), slot=0)
        self.target = Server("target", Gate(0, False), follows=True)
        self.acknowledged: set[int] = set()
        self.left: int | None = None
        """How many more changes are made before the program is killed."""
        self.word = 0
        """The epoch in which the registers name the target, and the source's agent has shut it."""

    @property
    def ends(self) -> tuple[Server, Server]:
        return self.source, self.target

    def change(self, what: Callable[[], None]) -> None:
        """One change of a server, users writing all the while. The program may be killed before it, and then makes no
        other."""
        for end in self.ends:
            self.write(end)
        if self.left is not None:
            if self.left <= 0:
                raise Killed
            self.left -= 1
        what()

    def write(self, at: Server) -> None:
        if at.gate.writes:
            number = len(self.acknowledged)
            at.log.append(number)
            at.rows.add(number)
            self.acknowledged.add(number)

    def replicate(self) -> None:
        for here, there in (self.ends, self.ends[::-1]):
            if there.follows and here.slot is not None:
                there.rows.update(here.log[here.slot :])
                here.slot = len(here.log)

    def order(self, at: Server, epoch: int, writes: bool, keeps: bool) -> None:
        if epoch < at.gate.epoch:
            raise Failed("late")
        handed = epoch if keeps and at.gate.handed == epoch else None
        at.gate = replace(at.gate, epoch=epoch, writes=writes, handed=handed)

    def reopen(self, at: Server, epoch: int) -> None:
        if at.gate.handed == at.gate.epoch:
            raise Failed("handed over")
        self.order(at, epoch, True, False)

    def hand(self, at: Server, epoch: int) -> None:
        if at.gate.writes or at.gate.epoch != epoch:
            raise Failed("open")
        at.gate = replace(at.gate, handed=epoch)

    def hand_on(self, at: Server, epoch: int) -> None:
        if not at.gate.writes and at.gate.handed == at.gate.epoch <= epoch:
            at.gate = replace(at.gate, epoch=epoch, handed=epoch)

    def contained(self, here: Server, there: Server) -> str:
        self.replicate()
        if not there.follows or here.slot is None:
            raise Failed("not there in time")
        return "0/1"

    def prepared(self, config: Config, here: Server, there: Server) -> Any:
        if not there.follows or here.slot is None:
            raise Refused(["nothing follows: `set-up`"])
        return mock.Mock()

    def follow_back(self, here: Server, there: Server) -> list[str]:
        if there.slot is None:
            return ["no slot"]
        if not here.follows:
            self.change(lambda: setattr(here, "follows", True))
        if here.slot is not None:
            self.change(lambda: setattr(here, "slot", None))
        return []

    @contextlib.contextmanager
    def program(self) -> Iterator[None]:
        """switch.py works on this world."""

        def servers(config: Config, _: Any) -> tuple[Server, Server]:
            return self.ends[::-1] if config.turned else self.ends

        def cut_off(_: Config, at: Server, __: list[str]) -> list[int]:
            if not at.follows:
                return []
            self.change(lambda: setattr(at, "follows", False))
            return [1]

        def ordered(at: Server, _: Config, epoch: int, writes: bool) -> None:
            self.change(lambda: self.order(at, epoch, writes, True))

        fakes = {
            "servers": servers,
            "_prepared": lambda config, here, there, _: self.prepared(config, here, there),
            "_flows": lambda *_: self.replicate(),
            "_contained": lambda _, here, there, __: self.contained(here, there),
            "carry": lambda *_: {"moved": {}},
            "slot_anew": lambda _, __, ___, at, did: self.change(lambda: setattr(at, "slot", len(at.log))),
            "cut_off": cut_off,
            "drop_slots": lambda _, at, __, ___: self.change(lambda: setattr(at, "slot", None)),
            "follow_back": lambda _, here, there, __: self.follow_back(here, there),
        }
        gates = {
            "read": lambda at, _: at.gate,
            "order": ordered,
            "reopen": lambda at, _, epoch: self.change(lambda: self.reopen(at, epoch)),
            "hand": lambda at, _, epoch: self.change(lambda: self.hand(at, epoch)),
            "hand_on": lambda at, _, epoch: self.change(lambda: self.hand_on(at, epoch)),
            "end_sessions": lambda *_: 0,
            "expect": lambda *_: None,
            "lease": lambda *_: Lease(now_ms=2, until_ms=1 if self.word else 3, leased=True, floor=self.word),
        }
        fakes |= {"POLL_SECONDS": 0, "OPENS_SECONDS": 0}
        with mock.patch.multiple(moves, **fakes), mock.patch.multiple(moves.gate, **gates):
            yield

    def run(self, what: Callable[[], Any], killed_before: int | None) -> bool:
        """Whether it came to its end."""
        self.left = killed_before
        try:
            with self.program():
                what()
        except (Killed, Refused, Failed):
            return False
        finally:
            self.left = None
        return True

    def switch(self, to: str, epoch: int, killed_before: int | None = None, word_seconds: float = 0.0) -> bool:
        config = WAY if to == "target" else WAY.reversed
        return self.run(lambda: moves.switch(config, epoch, 20, lambda _: None, word_seconds), killed_before)

    def back_out(self, to: str, epoch: int, killed_before: int | None = None) -> bool:
        config = WAY if to == "target" else WAY.reversed
        return self.run(lambda: moves.back_out(config, epoch, lambda _: None), killed_before)


ENDS = st.sampled_from(["target", "source"])
KILLS = st.none() | st.integers(0, 9)


class Moves(RuleBasedStateMachine):
    """Epochs are the registers': each is one end's."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.epoch, self.to = 0, "source"

    @rule()
    def writes(self) -> None:
        for end in self.world.ends:
            self.world.write(end)

    @rule()
    def replicates(self) -> None:
        self.world.replicate()

    @rule(to=ENDS, kill=KILLS)
    def switches(self, to: str, kill: int | None) -> None:
        self.epoch, self.to = self.epoch + 1, to
        self.world.switch(to, self.epoch, kill)

    @rule(to=ENDS, kill=KILLS, given=st.booleans())
    def switches_by_the_registers_word(self, to: str, kill: int | None, given: bool) -> None:
        old = self.world.source if to == "target" else self.world.target
        wrote, self.epoch, self.to = old.gate.writes, self.epoch + 1, to
        self.world.word = self.epoch if given else 0
        self.world.switch(to, self.epoch, kill, word_seconds=1e-6)
        assert given or old.gate.writes or not wrote, "stopped without the word"

    @precondition(lambda self: self.epoch > 0)
    @rule(kill=KILLS)
    def switches_again(self, kill: int | None) -> None:
        self.world.switch(self.to, self.epoch, kill)

    @precondition(lambda self: self.epoch > 1)
    @rule(to=ENDS, back=st.integers(1, 3))
    def switches_late(self, to: str, back: int) -> None:
        self.world.switch(to, max(1, self.epoch - back))

    @rule(kill=KILLS)
    def backs_out(self, kill: int | None) -> None:
        self.epoch += 1
        self.world.back_out(self.to, self.epoch, kill)
        self.to = "source" if self.to == "target" else "target"

    @invariant()
    def never_two_writers(self) -> None:
        assert sum(end.gate.writes for end in self.world.ends) <= 1

    @invariant()
    def who_writes_has_every_row(self) -> None:
        for end in self.world.ends:
            assert not end.gate.writes or end.rows == self.world.acknowledged

    def teardown(self) -> None:
        """Whatever happened, one more switch either way comes to its end, or says why, and somebody writes."""
        for _ in range(2):
            for to in ("target", "source"):
                self.epoch += 1
                self.world.switch(to, self.epoch)
                self.never_two_writers()
                self.who_writes_has_every_row()
        assert any(end.gate.writes for end in self.world.ends)


SETTINGS = settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_any_order_of_moves_and_kills_has_one_writer_and_every_row() -> None:
    run_state_machine_as_test(Moves, settings=SETTINGS)


class Believes(World):
    """Takes the rows for contained without waiting."""

    def contained(self, here: Server, there: Server) -> str:
        return "0/1"


class LeavesOpen(World):
    """Opens the one and does not shut the other, and the mark of the hand-over believes that it did."""

    def order(self, at: Server, epoch: int, writes: bool, keeps: bool) -> None:
        super().order(at, epoch, writes or at.gate.writes, keeps)

    def hand(self, at: Server, epoch: int) -> None:
        # Else this one would notice.
        at.gate = replace(at.gate, handed=epoch)


class SlotsLate(World):
    """Makes the slot of the way back when the way back is made."""

    def follow_back(self, here: Server, there: Server) -> list[str]:
        there.slot = len(there.log)
        return super().follow_back(here, there)


@pytest.mark.parametrize("worse", [Believes, LeavesOpen, SlotsLate])
def test_a_worse_move_is_found(worse: type[World]) -> None:
    class Worse(Moves):
        def __init__(self) -> None:
            super().__init__()
            self.world = worse()

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Worse, settings=settings(SETTINGS, database=None, report_multiple_bugs=False))


def test_a_switch_is_killed_before_each_change_and_run_again() -> None:
    for kill in range(12):
        world = World()
        for _ in range(3):
            world.write(world.source)
        ended = world.switch("target", 1, kill)
        assert world.switch("target", 1) and world.target.gate.writes and not world.source.gate.writes
        assert world.target.rows == world.acknowledged
        world.write(world.target)
        world.replicate()
        assert world.source.rows == world.acknowledged, "the way back has all from the first row on"
    assert ended, "the last one was not killed any more"
