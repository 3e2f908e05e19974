"""The agent beside a site's database: asks the registers, opens and closes the gate, says what it did."""

import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from typing import Protocol

from ..errors import Failed
from . import rule as rules
from .registers import Register, packed, said
from .rule import TURN_SECONDS, Memory, Open, Rule, Shut


def clock() -> float:
    """Seconds that go on while the machine sleeps, too, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Gate(Protocol):
    """What lets writes into a site's database: of the application, of its owner, of jobs in it."""

    def open(self, epoch: int, until: float) -> None:
        """Let writes in until then, by the agent's clock. It shuts by itself then, agent or not.

        Refused when `close` was told of a later epoch, by whichever agent: an order that was late opens nothing.
        """

    def close(self, below: int) -> bool:
        """Let no writes in, and none of an epoch before `below` ever again. True once nothing writes any more."""


@dataclass(frozen=True)
class Answer:
    """Of a register to one question."""

    began: float
    content: bytes = b""
    tag: str = ""
    why: str = ""
    """Why it did not answer."""


class Holder:
    """One a site. `turn` is called every TURN_SECONDS by whoever runs it."""

    def __init__(
        self,
        site: str,
        registers: list[Register],
        gate: Gate,
        rule: Rule | None = None,
        now: Callable[[], float] = clock,
    ) -> None:
        self.memory, self.rule = Memory(site), rule or Rule()
        self.allowed: Open | Shut = Shut("no register has been asked")
        """Whether the site may write, as of the last turn."""
        self.silent: dict[int, str] = {}
        """Why which register did not answer, in the last turn in which it was asked."""
        self._registers, self._gate, self._now = registers, gate, now
        self._answers: dict[int, Answer] = {}
        self._asked: dict[int, futures.Future[Answer]] = {}
        self._pool = futures.ThreadPoolExecutor(len(registers), thread_name_prefix="register")

    def turn(self, patience_seconds: float = TURN_SECONDS) -> Open | Shut:
        """Ask each register that is not being asked, take what comes, act. A slow one delays no other, and no shutting.

        An agent that has just begun waits for the others' answers: it would shut what its predecessor opened.
        """
        for index, register in enumerate(self._registers):
            if index not in self._asked:
                self._asked[index] = self._pool.submit(self._ask, register, self._now())
        waited, end = set(self._asked), time.monotonic() + patience_seconds
        while waited:
            left = max(0.0, end - time.monotonic())
            futures.wait([self._asked[index] for index in waited], left, futures.FIRST_COMPLETED)
            done = [index for index in waited if self._asked[index].done()]
            for index in done:
                self._take(index, self._asked.pop(index).result())
            waited.difference_update(done)
            if not done:
                break
            if isinstance(self.allowed, Open):
                self._act()
        self._act()
        return self.allowed

    def _act(self) -> None:
        """Open or shut, and tell the registers, by what is known now."""
        self.allowed = rules.permission(self.memory, self._now(), self.rule)
        if isinstance(self.allowed, Open):
            self._gate.open(self.allowed.epoch, self.allowed.until)
            closed = False
        else:
            closed = self._gate.close(self.memory.top)
        for swap in rules.duties(self.memory, self._now(), closed, self.rule):
            self._tell(swap)

    def _ask(self, register: Register, began: float) -> Answer:
        try:
            found = register.read()
        except Failed as problem:
            return Answer(began, why=str(problem))
        return Answer(began, *found) if found else Answer(began)

    def _take(self, index: int, answer: Answer) -> None:
        self.silent.pop(index, None)
        try:
            found = said(answer.content) if answer.content else None
        except ValueError as problem:
            answer = Answer(answer.began, why=f"{self._registers[index]}: {problem}")
        if answer.why:
            self.silent[index] = answer.why
            return
        self._answers[index] = answer
        self.memory = rules.hear(self.memory, index, found, answer.began, self._now(), self.rule)

    def _tell(self, swap: rules.Swap) -> None:
        """Not waited for, and not believed: the next turn reads what became of it."""
        if swap.register in self._asked:
            return
        known, register = self._answers[swap.register], self._registers[swap.register]

        def told() -> Answer:
            began = self._now()
            try:
                register.swap(packed(swap.said, known.content), known.tag)
            except Failed as problem:
                return Answer(began, why=str(problem))
            return self._ask(register, self._now())

        self._asked[swap.register] = self._pool.submit(told)

    def close(self) -> bool:
        """At the agent's end: nothing is let in until another agent opens. True once nothing writes any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self._gate.close(self.memory.top)
