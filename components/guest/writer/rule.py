"""Whether a site may write, from what three registers said to it and when. Pure; ADR 44 has the proof.

A register holds one document, {epoch, site, clear}, and only grows: the epoch rises, one epoch is one site's, and
`clear` comes after its absence. All times are seconds of the site's own clock, which goes on while a program stands
still.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

REGISTERS = 3
NEVER = float("-inf")
TURN_SECONDS = 5.0
"""From an agent's turn to its next: a switchover is noticed within it, and half a dozen fit into a lease."""
HURRIED_SECONDS = 1.0
"""The same while a move is about to come, which the move says to the gate."""
STATUS_SECONDS = 60.0
"""How often an agent tells operations what has not changed."""


@dataclass(frozen=True)
class Rule:
    """The numbers. They are the same at both sites."""

    lease_seconds: float = 30.0
    """A site writes no longer than this after it began to ask a register that still named it."""
    closing_seconds: float = 10.0
    """From the moment at which it must not write any more until nothing does: sessions ended, jobs stopped."""
    clock_seconds: float = 1.0
    """What two clocks may differ by while both run out: 1 s in 41 s is more than 2 %."""
    majority: int = 2

    @property
    def wait_seconds(self) -> float:
        """After a swap of two registers the site that lost them has stopped, heard of or not."""
        return self.lease_seconds + self.closing_seconds + self.clock_seconds


@dataclass(frozen=True)
class Said:
    """What a register holds."""

    epoch: int
    site: str
    clear: bool = False
    """Nobody writes in an epoch before this one any more, nor ever will."""


@dataclass(frozen=True)
class Heard:
    """The highest that one register said, and the start of the newest request that it answered so."""

    epoch: int = -1
    site: str = ""
    clear: bool = False
    began: float = NEVER


@dataclass(frozen=True)
class Memory:
    """What a site's agent knows. Lost with the agent, which costs time and nothing else."""

    site: str
    heard: tuple[Heard, ...] = (Heard(),) * REGISTERS
    decided: int = -1
    """The epoch that two registers have named this site for, the last one."""
    since: float = 0.0
    """When that was first known, later than the swap itself."""

    @property
    def top(self) -> int:
        """The highest epoch that anyone said."""
        return max(one.epoch for one in self.heard)

    def mine(self) -> list[Heard]:
        """What names this site in that epoch."""
        return [one for one in self.heard if one.epoch == self.top and one.site == self.site]


@dataclass(frozen=True)
class Open:
    """The site writes, in this epoch, until then and not a moment longer."""

    epoch: int
    until: float


@dataclass(frozen=True)
class Shut:
    """The site does not write."""

    why: str


@dataclass(frozen=True)
class Swap:
    """One register is to say something else, if it still says what was read."""

    register: int
    said: Said


def hear(memory: Memory, register: int, said: Said | None, began: float, now: float, rule: Rule) -> Memory:
    """An answer has come. `began`: when it was asked for. None: the register holds nothing."""
    old = memory.heard[register]
    found = Heard(said.epoch, said.site, said.clear, began) if said else Heard(began=began)
    if found.epoch < old.epoch:
        return memory  # an answer that was overtaken, or a register that was set back: neither renews a lease
    if (found.epoch, found.site) == (old.epoch, old.site):
        found = replace(found, clear=found.clear or old.clear, began=max(began, old.began))
    heard = tuple(found if index == register else one for index, one in enumerate(memory.heard))
    memory = replace(memory, heard=heard)
    if memory.top >= 0 and memory.decided != memory.top and len(memory.mine()) >= rule.majority:
        memory = replace(memory, decided=memory.top, since=now)
    return memory


def permission(memory: Memory, now: float, rule: Rule) -> Open | Shut:
    """Whether the site may write now."""
    top, mine = memory.top, memory.mine()
    if top < 0:
        return Shut("no register has named a writer")
    if len(mine) < rule.majority:
        others = sorted({one.site for one in memory.heard if one.epoch == top} - {memory.site})
        named = f"{', '.join(others)} is named for epoch {top}" if others else f"one register alone names it for {top}"
        return Shut(f"{named}: {rule.majority} of {REGISTERS} have to name {memory.site}")
    until = sorted(one.began for one in mine)[-rule.majority] + rule.lease_seconds
    if now >= until:
        asked = now - until + rule.lease_seconds
        return Shut(f"epoch {top} was last read on {rule.majority} of {REGISTERS} registers {asked:.0f} s ago")
    left = memory.since + rule.wait_seconds - now
    if left > 0 and not any(one.clear for one in mine):
        return Shut(f"who wrote before epoch {top} has not said that it stopped; it must have in {left:.0f} s")
    return Open(top, until)


def duties(memory: Memory, now: float, closed: bool, rule: Rule) -> list[Swap]:
    """What this site has to tell the registers. `closed`: nothing writes here, by the gate's own word.

    The site that may write raises registers that were out of reach, and says that it has waited, so that its next agent
    need not. The one that lost says that it stopped, but not before two registers hold that epoch or a later one: with
    fewer, an agent that forgets may be named by two for the old one again.
    """
    allowed = permission(memory, now, rule)
    if isinstance(allowed, Open):
        said = Said(allowed.epoch, memory.site, clear=True)
        return [
            Swap(index, said)
            for index, one in enumerate(memory.heard)
            if one.began > NEVER
            and (one.epoch < allowed.epoch or (one.epoch, one.site, one.clear) == (said.epoch, said.site, False))
        ]
    if not closed:
        return []
    return [
        Swap(index, Said(one.epoch, one.site, clear=True))
        for index, one in enumerate(memory.heard)
        if one.epoch >= 0
        and one.site != memory.site
        and not one.clear
        and sum(other.epoch >= one.epoch for other in memory.heard) >= rule.majority
    ]


@dataclass(frozen=True)
class Silent:
    """A register that did not answer."""

    why: str


@dataclass(frozen=True)
class Proposal:
    """What a failover wants the registers to say. Decided once `missing` is 0."""

    said: Said
    swaps: tuple[int, ...]
    """Registers that answered and say something else."""
    missing: int
    """How many of them have to be swapped for a decision."""


@dataclass(frozen=True)
class Refusal:
    """Why nobody can be made the writer now."""

    why: str


def propose(answers: list[Said | Silent | None], site: str, above: int, rule: Rule) -> Proposal | Refusal:
    """How `site` becomes the writer, from what the registers say.

    One that was begun for the same site is carried on in its epoch. `above`: the highest epoch that a backup names.
    """
    known = {index: one for index, one in enumerate(answers) if not isinstance(one, Silent)}
    if len(known) < rule.majority:
        why = "; ".join(one.why for one in answers if isinstance(one, Silent))
        return Refusal(
            f"{len(known)} of {REGISTERS} registers answered and {rule.majority} decide, so nobody can be made the "
            f"writer: reach one more and try again ({why})"
        )
    top = max((one.epoch for one in known.values() if one), default=-1)
    holders = {one.site for one in known.values() if one and one.epoch == top}
    epoch = top if holders == {site} and top >= above else max(top, above) + 1
    right = [index for index, one in known.items() if one and (one.epoch, one.site) == (epoch, site)]
    swaps = tuple(index for index in known if index not in right)
    return Proposal(Said(epoch, site), swaps, max(0, rule.majority - len(right)))
