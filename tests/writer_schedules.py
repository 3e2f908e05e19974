"""A seeded schedule of cuts, pauses, kills and failovers over the pure rule, on a simulated clock.

Two sites with clocks of their own (1 % fast or slow), three registers, links that are cut for a while, answers that
take up to nine seconds, orders to the gate that arrive late and outlive who gave them, agents that stand still or are
killed and come again, a gate that needs up to ten seconds until nothing writes, and one failover or two, each of which
may be stopped after any of its calls.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from twinsite.guest.writer import rule as rules
from twinsite.guest.writer.rule import Memory, Open, Proposal, Rule, Said, Silent, Swap

SITES = ("A", "B")
END = 240.0
TURN = 5.0
TIMEOUT = 10.0


@dataclass
class Gate:
    """Of a site's database. Shuts by itself, and never opens below its floor."""

    floor: int = -1
    fenced: bool = True
    timed: bool = True
    """Knows when to shut."""
    shut_at: float = 0.0
    """True time; it writes before."""

    def writes(self, now: float) -> bool:
        return now < self.shut_at


@dataclass
class Site:
    name: str
    rate: float
    gate: Gate
    memory: Memory
    asked: dict[int, int] = field(default_factory=dict)
    """Register → number of the question that is on its way."""
    life: int = 0
    still_until: float = 0.0
    opened: int = -1

    def clock(self, now: float) -> float:
        return 1000.0 + now * self.rate


@dataclass
class Seen:
    """What became of a schedule."""

    two_writers: str = ""
    opened: dict[str, list[float]] = field(default_factory=lambda: {"A": [], "B": []})
    """When a site began to write in an epoch that was new to it."""
    decided: list[float] = field(default_factory=list)
    """When a failover had swapped two registers."""


class Schedule:
    """One run. A test gives another rule, or replaces one of the functions, to see what it is for."""

    def __init__(self, seed: int, rule: Rule | None = None, fenced: bool = True, timed: bool = True) -> None:
        self.random = random.Random(seed)
        self.rule = rule or Rule()
        self.hear: Callable[..., Memory] = rules.hear
        self.duties: Callable[..., list[rules.Swap]] = rules.duties
        self.registers: list[Said | None] = [Said(0, "A", clear=True)] * 3
        draw = self.random
        self.sites = [
            Site(name, draw.choice((0.99, 1.0, 1.01)), Gate(fenced=fenced, timed=timed), Memory(name)) for name in SITES
        ]
        self.cuts = {
            (who, at): [(begin, begin + draw.expovariate(1 / 40)) for begin in self._moments(draw.choice((0, 0, 1, 2)))]
            for who in (*SITES, "desk")
            for at in range(3)
        }
        self.slow = draw.choice((0.05, 0.5, 4.0))
        self.closing = draw.choice((1.0, draw.random()))
        self.seen = Seen()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0

    def _moments(self, count: int) -> list[float]:
        return [self.random.uniform(10, END * 0.7) for _ in range(count)]

    def at(self, moment: float, act: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (moment, self._count, act))

    def cut(self, who: str, register: int, now: float) -> bool:
        return any(begin <= now < end for begin, end in self.cuts[who, register])

    def delay(self) -> float:
        return min(self.random.expovariate(1 / self.slow), TIMEOUT * 0.9)

    def run(self) -> Seen:
        draw = self.random
        for site in self.sites:
            self.at(draw.uniform(0, TURN), lambda now, site=site, life=0: self.turn(site, life, now))  # type: ignore[misc]
            for moment in self._moments(draw.choice((0, 0, 1, 2))):
                self.at(moment, lambda now, site=site: self.kill(site, now))  # type: ignore[misc]
            for moment in self._moments(draw.choice((0, 1, 2))):
                self.at(moment, lambda now, site=site: self.stand_still(site, now))  # type: ignore[misc]
        first = draw.uniform(50, 80)
        self.at(first, lambda now: self.failover("B", now))
        if draw.random() < 0.5:
            to, after = draw.choice(SITES), draw.choice((0.0, draw.uniform(0, 3), draw.uniform(0, 90)))
            self.at(first + after, lambda now: self.failover(to, now))
        while self._events and not self.seen.two_writers:
            now, _, act = heapq.heappop(self._events)
            if now > END:
                break
            act(now)
        return self.seen

    # A site's agent.

    def awake(self, site: Site, life: int, now: float, again: Callable[[float], None]) -> bool:
        """Whether this life of the agent can act now; one that stands still does so later."""
        if site.life == life and now < site.still_until:
            self.at(site.still_until, again)
            return False
        return site.life == life

    def turn(self, site: Site, life: int, now: float) -> None:
        if not self.awake(site, life, now, lambda then: self.turn(site, life, then)):
            return
        for register in range(3):
            if register not in site.asked:
                self.ask(site, life, register, now)
        self.act(site, life, now)
        self.at(now + TURN, lambda then: self.turn(site, life, then))

    def ask(self, site: Site, life: int, register: int, now: float) -> None:
        site.asked[register] = 1
        began = site.clock(now)
        if self.cut(site.name, register, now):
            self.at(now + TIMEOUT, lambda _: self.forget(site, life, register))
            return

        def sampled(then: float) -> None:
            found = self.registers[register]
            self.at(then + self.delay(), lambda moment: arrived(moment, found))

        def arrived(then: float, found: Said | None) -> None:
            if not self.awake(site, life, then, lambda moment: arrived(moment, found)):
                return
            self.forget(site, life, register)
            if self.cut(site.name, register, then):
                return
            site.memory = self.hear(site.memory, register, found, began, site.clock(then), self.rule)
            self.act(site, life, then)

        self.at(now + self.delay() / 3, sampled)

    def forget(self, site: Site, life: int, register: int) -> None:
        if site.life == life:
            site.asked.pop(register, None)

    def act(self, site: Site, life: int, now: float) -> None:
        clock = site.clock(now)
        allowed = rules.permission(site.memory, clock, self.rule)
        top, gate = site.memory.top, site.gate
        if isinstance(allowed, Open):
            until = (allowed.until - 1000.0) / site.rate
            # Decided now, done later: the agent may be killed or stand still in between.
            later = 0.0 if self.random.random() < 0.8 else self.random.uniform(0, 25)
            self.at(now + later, lambda then: self.open(site, allowed.epoch, until, then))
            closed = False
        else:
            gate.floor = max(gate.floor, top)
            gate.shut_at = min(gate.shut_at, now + self.closing * self.rule.closing_seconds / site.rate)
            closed = not gate.writes(now)
        for swap in self.duties(site.memory, clock, closed, self.rule):
            one = site.memory.heard[swap.register]
            read = Said(one.epoch, one.site, one.clear) if one.epoch >= 0 else None
            if not self.cut(site.name, swap.register, now):
                self.at(now + self.delay(), lambda _, swap=swap, read=read: self.swap(swap.register, read, swap.said))  # type: ignore[misc,arg-type]

    def open(self, site: Site, epoch: int, until: float, now: float) -> None:
        gate = site.gate
        if (gate.fenced and epoch < gate.floor) or now >= until:
            return
        other = next(one for one in self.sites if one is not site)
        if other.gate.writes(now):
            self.seen.two_writers = (
                f"{now:.2f}: {site.name} opens epoch {epoch}, {other.name} writes until {other.gate.shut_at:.2f}"
            )
        if epoch > site.opened:
            site.opened = epoch
            self.seen.opened[site.name].append(now)
        until = until if gate.timed else END
        gate.shut_at = max(gate.shut_at, until + self.closing * self.rule.closing_seconds / site.rate)

    def swap(self, register: int, read: Said | None, said: Said) -> bool:
        if self.registers[register] != read:
            return False
        self.registers[register] = said
        return True

    def kill(self, site: Site, now: float) -> None:
        site.life += 1
        site.memory, site.asked = Memory(site.name), {}
        life = site.life
        self.at(now + self.random.choice((0.1, 5.0, 60.0)), lambda then: self.turn(site, life, then))

    def stand_still(self, site: Site, now: float) -> None:
        site.still_until = now + self.random.choice((2.0, 12.0, 35.0, 60.0))

    # A failover at somebody's desk.

    def failover(self, to: str, now: float) -> None:
        read = [Silent("cut") if self.cut("desk", at, now) else one for at, one in enumerate(self.registers)]
        found = rules.propose(list(read), to, -1, self.rule)
        if not isinstance(found, Proposal):
            self.at(now + 20, lambda then: self.failover(to, then))
            return
        stops_after = self.random.choice((1, 2, 3, 3, 3))
        moment = now
        for at in found.swaps[:stops_after]:
            moment += self.random.choice((0.05, self.delay()))
            one = read[at]
            assert not isinstance(one, Silent)
            self.at(moment, lambda then, at=at, one=one: self.raised(at, one, found.said, then))  # type: ignore[misc]
        if stops_after < len(found.swaps):
            self.at(moment + self.random.choice((5.0, 50.0)), lambda then: self.failover(to, then))

    def raised(self, register: int, read: Said | None, said: Said, now: float) -> None:
        if not self.cut("desk", register, now) and self.swap(register, read, said):
            holders = sum(
                one is not None and (one.epoch, one.site) == (said.epoch, said.site) for one in self.registers
            )
            if holders == 2:
                self.seen.decided.append(now)


# What each rule is for: a schedule in which it is not there.


class NoClosing(Rule):
    """The new side does not wait until the old one has closed."""

    @property
    def wait_seconds(self) -> float:
        return self.lease_seconds + self.clock_seconds


def _from_the_answer(seed: int) -> Schedule:
    def hear(memory: Memory, register: int, said: Said | None, began: float, now: float, rule: Rule) -> Memory:
        return rules.hear(memory, register, said, now, now, rule)

    schedule = Schedule(seed)
    schedule.hear = hear
    return schedule


def _stopped_too_soon(seed: int, closed_in_any_case: bool = False, majority: int = 0) -> Schedule:
    def duties(memory: Memory, now: float, closed: bool, rule: Rule) -> list[Swap]:
        told = replace(rule, majority=majority) if majority else rule
        return rules.duties(memory, now, closed or closed_in_any_case, told)

    schedule = Schedule(seed)
    schedule.duties = duties
    return schedule


WITHOUT: dict[str, Callable[[int], Schedule]] = {
    "a wait for the old side's closing": lambda seed: Schedule(seed, NoClosing()),
    "two registers of three": lambda seed: Schedule(seed, Rule(majority=1)),
    "a lease from the question on": _from_the_answer,
    "a gate that has shut before it is said": lambda seed: _stopped_too_soon(seed, closed_in_any_case=True),
    "a second register before it is said": lambda seed: _stopped_too_soon(seed, majority=1),
    "a gate that refuses late orders": lambda seed: Schedule(seed, fenced=False),
    "a gate that shuts by itself": lambda seed: Schedule(seed, timed=False),
}
"""Rule → schedules in which it is taken away."""
ENOUGH = 3000
"""Schedules within which each of these lets two write."""


def first_with_two(make: Callable[[int], Schedule]) -> int | None:
    """The seed of the first of ENOUGH in which two write."""
    return next((seed for seed in range(ENOUGH) if make(seed).run().two_writers), None)
