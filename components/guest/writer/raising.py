"""Makes a site the writer: two of three registers are swapped. Opening and closing is the sites' own (holder.py)."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..errors import Failed
from . import rule as rules
from .registers import Register, packed, said
from .rule import Proposal, Refusal, Rule, Said, Silent

TRIES = 3


class Overtaken(Failed):
    """Somebody else made another site the writer meanwhile."""


def make_writer(registers: list[Register], site: str, above: int = -1, rule: Rule | None = None) -> Said:
    """What two registers say afterwards: `site`, and the epoch. The same when they said so before.

    `above`: the highest epoch that a backup names. Run again it goes on where it was stopped. Failed when fewer than
    two answer; Overtaken when another failover came first, which is for a person to judge.
    """
    rule = rule or Rule()
    wanted: Said | None = None
    for _ in range(TRIES):
        read = _all(registers)
        found = rules.propose([one if isinstance(one, Silent) else one.said for one in read], site, above, rule)
        if isinstance(found, Refusal):
            raise Failed(found.why)
        if wanted is not None and found.said.epoch > wanted.epoch:
            raise Overtaken(
                f"another failover came first: the registers say epoch {found.said.epoch - 1}, and {site} was to have "
                f"{wanted.epoch}; look at `twinsite status`, and run this one again if it is the one that counts"
            )
        wanted = found.said
        if found.swaps:
            _swap(registers, read, found)
            read = _all(registers)
        if sum(isinstance(one, Read) and one.names(wanted) for one in read) >= rule.majority:
            return wanted
    raise Failed(f"{site} is not named by two registers after {TRIES} tries: run it again, it goes on in its epoch")


def proposed(registers: list[Register], site: str, above: int = -1, rule: Rule | None = None) -> Said:
    """What `make_writer` would have two registers say, as they are now. Failed when fewer than two answer."""
    read = _all(registers)
    found = rules.propose([one if isinstance(one, Silent) else one.said for one in read], site, above, rule or Rule())
    if isinstance(found, Refusal):
        raise Failed(found.why)
    return found.said


@dataclass(frozen=True)
class Read:
    """What a register said, as it was read."""

    said: Said | None = None
    content: bytes = b""
    tag: str = ""

    def names(self, wanted: Said) -> bool:
        return self.said is not None and (self.said.epoch, self.said.site) == (wanted.epoch, wanted.site)


def _all(registers: list[Register]) -> list[Read | Silent]:
    with ThreadPoolExecutor(len(registers)) as pool:
        return list(pool.map(_read, registers))


def _read(register: Register) -> Read | Silent:
    try:
        found = register.read()
        return Read(said(found[0]), *found) if found else Read()
    except (Failed, ValueError) as problem:
        return Silent(f"{register}: {problem}")


def _swap(registers: list[Register], read: list[Read | Silent], proposal: Proposal) -> None:
    """Whether a register was written is read afterwards: an answer may be lost."""

    def swap(at: int) -> None:
        known = read[at]
        assert isinstance(known, Read)
        with contextlib.suppress(Failed):
            registers[at].swap(packed(proposal.said, known.content), known.tag)

    with ThreadPoolExecutor(len(registers)) as pool:
        list(pool.map(swap, proposal.swaps))
