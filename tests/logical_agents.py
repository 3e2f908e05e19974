"""Registers of who may write, and agents that go by them, of the model of both sites (tests/logical_world.py), as far
as a lease goes; tests/property/test_writer_interleavings.py has all of it (ADR 44)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from operations.writer_registers import WAIT_SECONDS
from tests.writer_registers import MemoryRegister
from twinsite.guest.writer.registers import packed
from twinsite.guest.writer.rule import Said


class Register(MemoryRegister):
    """Whoever swaps it may be killed before and after."""

    def __init__(self, first: Said | None = None, tick: Callable[[], None] = lambda: None) -> None:
        super().__init__(first)
        self._tick = tick

    def swap(self, content: bytes, tag: str) -> bool:
        self._tick()
        done = super().swap(content, tag)
        self._tick()
        return done


class InTurn:
    """In the place of a pool of threads, so that a moment is the same one in each run."""

    def __init__(self, _: int) -> None:
        pass

    def __enter__(self) -> "InTurn":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, what: Callable[[Any], Any], over: Iterable[Any]) -> list[Any]:
        return [what(one) for one in over]


class Agents:
    """One at each site that lives."""

    registers: list[MemoryRegister]
    agents: bool
    alive: bool
    clock: float
    named: tuple[int, float]

    @property
    def top(self) -> list[Said]:
        """What registers say in the highest epoch."""
        said = [one.said for one in self.registers if one.said]
        return [one for one in said if one.epoch == max(other.epoch for other in said)]

    def hear(self) -> None:
        """A site that is not named has stopped, and says so; one that is named and has waited says that."""
        if len(top := self.top) < 2:
            return
        if top[0].epoch != self.named[0]:
            self.named = top[0].epoch, self.clock
        old = "gcp" if top[0].site == "aws" else "aws"
        if (self.agents and (old != "aws" or self.alive)) or self.clock - self.named[1] >= WAIT_SECONDS:
            for one in self.registers:
                if one.said and one.said.epoch == top[0].epoch and not one.said.clear:
                    one.content = packed(replace(one.said, clear=True))
                    one.version += 1

    def leased(self, site: str) -> bool:
        """Whether its agent lets writes in."""
        if not self.registers:
            return True
        top = self.top
        return len(top) > 1 and top[0].site == site and any(one.clear for one in top)

    def stopped(self, site: str, epoch: int) -> bool:
        """Whether its agent has heard of the epoch, from one register even, and has shut its database."""
        return self.agents and any(one.epoch == epoch for one in self.top) and not self.leased(site)


def decided(model: Agents) -> str:
    said = [one.said for one in model.registers if one.said]
    top = max(one.epoch for one in said)
    named = [one.site for one in said if one.epoch == top]
    return named[0] if len(named) > 1 else ""
