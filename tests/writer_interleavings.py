"""Every interleaving of two sites' agents, three registers and failovers, in a small clock: lease 1, closing 1.

A link that is down, a pause and a slow network are actions that do not happen yet; a kill is one that may. States hold
ages instead of moments, and registers are alike, so that there are finitely many and all of them are looked at. What
is not the worst case is left out, and some things are wider than the real ones, which can only find more: an answer's
request begins at the moment at which the register is read; a site opens as soon as it may and needs all of
`closing_seconds`, unless it says that it is closed; a failover is a value that may come to any register that holds an
earlier epoch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from twinsite.guest.writer import rule as rules
from twinsite.guest.writer.rule import NEVER, Heard, Memory, Open, Rule, Said

T = TypeVar("T")
SITES = ("A", "B")
SMALL = Rule(lease_seconds=1, closing_seconds=1, clock_seconds=0)
SHUT = 0
"""Of a gate: nothing writes. Else in how many ticks that is so at the latest."""
Before = tuple[tuple[Said, int], ...]
"""What a register held, and for how long it has not: an answer of then may still come."""
World = tuple[tuple[int, int, int], int, int, int, int]
"""What three registers hold, A's agent and gate, B's agent and gate: numbers of what `Numbers` keeps."""


@dataclass(frozen=True)
class Agent:
    """What it knows, and which answers of each register may be on their way to it."""

    memory: Memory
    before: tuple[Before, Before, Before] = ((), (), ())


class Numbers:
    """A small number for each value."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._known: dict[object, int] = {}

    def of(self, value: object) -> int:
        if value not in self._known:
            self._known[value] = len(self.values)
            self.values.append(value)
        return self._known[value]


class Model:
    """What may happen. A test replaces `hear`, `permission` or `duties` to see what a rule is for."""

    def __init__(self, rule: Rule = SMALL, failovers: tuple[Said, ...] = (), kills: bool = True) -> None:
        self.rule, self.failovers, self.kills = rule, failovers, kills
        self.hear: Callable[..., Memory] = rules.hear
        self.permission: Callable[..., rules.Open | rules.Shut] = rules.permission
        self.duties: Callable[..., list[rules.Swap]] = rules.duties
        self.numbers, self.parts_of = Numbers(), Numbers()
        self.tables: dict[tuple[object, ...], object] = {}

    def table(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What `make` gave when this was first asked: the same states come again and again."""
        if key not in self.tables:
            self.tables[key] = make()
        return self.tables[key]  # type: ignore[return-value]

    def said(self, number: int) -> Said:
        found = self.numbers.values[number]
        assert isinstance(found, Said)
        return found

    def agent(self, number: int) -> Agent:
        found = self.numbers.values[number]
        assert isinstance(found, Agent)
        return found

    def first(self) -> World:
        """A is the writer, and nobody has begun."""
        one = self.numbers.of(Said(0, "A", clear=True))
        return (one, one, one), self.new("A"), SHUT, self.new("B"), SHUT

    def new(self, site: str) -> int:
        """An agent that has just begun. That it knows the first epoch, read too long ago, is as if it knew nothing."""
        old = Heard(0, "A", clear=True, began=-self.rule.lease_seconds)
        return self.kept(Agent(Memory(site, heard=(old, old, old), decided=0 if site == "A" else -1)))

    def kept(self, agent: Agent) -> int:
        """Its number, without the ages that no rule looks at."""
        memory = agent.memory
        mine = memory.mine()
        oldest = -self.rule.lease_seconds
        heard = tuple(
            one if one.began == NEVER else replace(one, began=max(one.began, oldest) if one in mine else 0.0)
            for one in memory.heard
        )
        since = max(memory.since, -self.rule.wait_seconds)
        if memory.decided != memory.top:
            memory, since = replace(memory, decided=-1), 0.0
        elif any(one.clear for one in mine):
            since = 0.0
        memory = replace(memory, heard=heard, since=since)
        b0, b1, b2 = (
            tuple((said, age) for said, age in before if age <= -oldest and self.tells(memory, at, said, age))
            for at, before in enumerate(agent.before)
        )
        return self.numbers.of(Agent(memory, (b0, b1, b2)))

    def tells(self, memory: Memory, at: int, said: Said, age: int) -> bool:
        """Whether an answer of then would change anything."""
        heard = self.hear(memory, at, said, -float(age), 0.0, self.rule)
        same = heard.heard[at].began <= max(memory.heard[at].began, -self.rule.lease_seconds)
        mine = said.site == memory.site and said.epoch >= memory.top
        return (
            replace(heard, heard=memory.heard) != memory
            or heard.heard[at].epoch != memory.heard[at].epoch
            or (heard.heard[at].clear != memory.heard[at].clear or (mine and not same))
        )

    def later(self, number: int) -> int:
        def make() -> int:
            old = self.agent(number)
            memory = old.memory
            heard = tuple(one if one.began == NEVER else replace(one, began=one.began - 1) for one in memory.heard)
            b0, b1, b2 = (tuple((said, age + 1) for said, age in before) for before in old.before)
            return self.kept(Agent(replace(memory, heard=heard, since=memory.since - 1), (b0, b1, b2)))

        return self.table(("later", number), make)

    def answered(self, number: int, at: int, register: int) -> list[int]:
        """What an agent may become by an answer of a register."""

        def make() -> list[int]:
            old = self.agent(number)
            answers = [(self.said(register), 0), *old.before[at]]
            heard = {
                self.kept(Agent(self.hear(old.memory, at, one, -float(age), 0.0, self.rule), old.before))
                for one, age in answers
            }
            return sorted(heard - {number})

        return self.table(("answered", number, at, register), make)

    def passed(self, number: int, at: int, register: int) -> int:
        """An agent, when a register no longer holds what it held."""

        def make() -> int:
            old = self.agent(number)
            b0, b1, b2 = (
                ((self.said(register), 0), *before) if index == at else before
                for index, before in enumerate(old.before)
            )
            return self.kept(Agent(old.memory, (b0, b1, b2)))

        return self.table(("passed", number, at, register), make)

    def allowed(self, number: int) -> int:
        """How long a site writes by what its agent knows; SHUT: not at all."""

        def make() -> int:
            found = self.permission(self.agent(number).memory, 0.0, self.rule)
            return int(found.until + self.rule.closing_seconds) if isinstance(found, Open) else SHUT

        return self.table(("allowed", number), make)

    def swaps(self, number: int, shut: bool) -> list[tuple[int, Said, Said]]:
        def make() -> list[tuple[int, Said, Said]]:
            memory = self.agent(number).memory
            found = self.duties(memory, 0.0, shut, self.rule)
            heard = [memory.heard[swap.register] for swap in found]
            return [
                (swap.register, Said(one.epoch, one.site, one.clear), swap.said)
                for swap, one in zip(found, heard, strict=True)
            ]

        return self.table(("swaps", number, shut), make)

    def next(self, world: World) -> Iterator[World]:
        registers, a, gate_a, b, gate_b = world
        yield registers, self.later(a), max(gate_a - 1, 0), self.later(b), max(gate_b - 1, 0)
        for at in range(3):
            for heard in self.answered(a, at, registers[at]):
                yield registers, heard, gate_a, b, gate_b
            for heard in self.answered(b, at, registers[at]):
                yield registers, a, gate_a, heard, gate_b
            for said in self.failovers:
                if self.said(registers[at]).epoch < said.epoch:
                    yield self.swapped(world, at, said)
        for number, gate in ((a, gate_a), (b, gate_b)):
            for at, old, said in self.swaps(number, gate == SHUT):
                if self.said(registers[at]) == old:
                    yield self.swapped(world, at, said)
        if gate_a and not self.allowed(a):
            yield registers, a, SHUT, b, gate_b
        if gate_b and not self.allowed(b):
            yield registers, a, gate_a, b, SHUT
        if self.kills:
            yield registers, self.new("A"), gate_a, b, gate_b
            yield registers, a, gate_a, self.new("B"), gate_b

    def swapped(self, world: World, at: int, said: Said) -> World:
        registers, a, gate_a, b, gate_b = world
        r0, r1, r2 = (self.numbers.of(said) if index == at else one for index, one in enumerate(registers))
        old = registers[at]
        return (r0, r1, r2), self.passed(a, at, old), gate_a, self.passed(b, at, old), gate_b

    def settled(self, world: World) -> World:
        """With what a site may do done, and the same for worlds that differ in the registers' order only."""
        registers, a, gate_a, b, gate_b = world
        gate_a, gate_b = max(gate_a, self.allowed(a)), max(gate_b, self.allowed(b))
        keys = list(zip(registers, self.parts(a), self.parts(b), strict=True))
        order = tuple(sorted(range(3), key=keys.__getitem__))
        r0, r1, r2 = (registers[at] for at in order)
        return (r0, r1, r2), self.ordered(a, order), gate_a, self.ordered(b, order), gate_b

    def parts(self, number: int) -> list[int]:
        def make() -> list[int]:
            agent = self.agent(number)
            return [self.parts_of.of(one) for one in zip(agent.memory.heard, agent.before, strict=True)]

        return self.table(("parts", number), make)

    def ordered(self, number: int, order: tuple[int, ...]) -> int:
        def make() -> int:
            old = self.agent(number)
            b0, b1, b2 = (old.before[at] for at in order)
            memory = replace(old.memory, heard=tuple(old.memory.heard[at] for at in order))
            return self.numbers.of(Agent(memory, (b0, b1, b2)))

        return self.table(("ordered", number, order), make)

    def explore(self, most: int = 1_000_000) -> tuple[int, list[World]]:
        """(worlds looked at; the way to one in which two sites write: empty when in all there are there is none)."""
        start = self.settled(self.first())
        came: dict[World, World | None] = {start: None}
        todo = [start]
        while todo:
            world = todo.pop()
            for following in self.next(world):
                found = self.settled(following)
                if found in came:
                    continue
                came[found] = world
                if found[2] and found[4]:
                    return len(came), self.way(came, found)
                assert len(came) < most, "more worlds than expected: make the model smaller"
                todo.append(found)
        return len(came), []

    @staticmethod
    def way(came: dict[World, World | None], to: World) -> list[World]:
        found = [to]
        while (before := came[found[-1]]) is not None:
            found.append(before)
        return found[::-1]
