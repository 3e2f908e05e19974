"""Drills of the two moves, from facts alone: users stay where they are, or are brought back. Pure."""

from ...subjects.registers import MAJORITY
from ..vantage import ENOUGH
from ..words import Command
from .capacity_steps import SeeReaders
from .draft import Draft
from .plan import both_answer, dead_registers, loss, moved, whole
from .writer_steps import Claim, Prepare, Reserve, Switch


def rehearse(draft: Draft) -> None:
    """What is in the way of the real one is in the way of its drill."""
    (_drill_switchover if draft.intent.command is Command.DRILL_SWITCHOVER else _drill_failover)(draft)


def _drill_switchover(draft: Draft) -> None:
    """Without --live what a switchover needs is there, and nobody is moved; with it, there and back."""
    draft.common(draft.away)
    if draft.problems:
        return
    if draft.facts.databases.writers != (draft.home,) and draft.resumed is None:
        who = " and ".join(draft.facts.databases.writers) or "nobody"
        draft.refuse(
            f"{who} takes writes, and a drill begins with {draft.home}: `twinsite switchover --to {draft.home}`"
        )
        return
    if not draft.intent.live:
        draft.says.append("without --live nobody is moved: what a switchover needs is seen, and taken away again")
        both_answer(draft)
        draft.unhindered(draft.away)
        draft.add(Prepare(draft.ground, draft.away))
        _rehearsed(draft)
        return
    draft.says.append(f"--live: users are moved to {draft.away} and home again, each a switchover of its own")
    begun = any(step(draft.ground, draft.home, 0).name in draft.done for step in (Claim, Reserve))
    if not begun:
        moved(draft, draft.away)
    if Switch(draft.ground, draft.home).name not in draft.done:
        if draft.facts.databases.writers == (draft.away,) or not begun:
            draft.add(Prepare(draft.ground, draft.home))
        draft.switched(draft.home)
    draft.users(draft.home, leave=True)
    draft.rest(draft.away)


def _drill_failover(draft: Draft) -> None:
    """A promotion has no way back without a copy of all rows, and takes the standby away for as long. So what it rests
    on is seen (who could say that home is dead, who would be asked for the epoch, how much would be lost), and what
    comes before and after it is rehearsed; a drill switchover opens the same gate by the same verbs."""
    draft.common(draft.away)
    if draft.intent.live:
        draft.refuse(
            "drill failover --live would give up rows while the primary works: `twinsite drill switchover --live` "
            "moves users without loss; leave --live out, and everything but the promotion is rehearsed"
        )
    if draft.problems:
        return
    if draft.away in draft.facts.databases.writers:
        draft.refuse(
            f"{draft.away} takes writes: a drill would take its pods away; run it when {draft.home} does again"
        )
        return
    _could_tell(draft)
    _could_claim(draft)
    whole(draft)
    loss(draft)
    draft.says.append(
        "the promotion itself is not done: it has no way back without a copy; `twinsite drill switchover --live` moves "
        "the writer and brings it back"
    )
    _rehearsed(draft)


def _could_tell(draft: Draft) -> None:
    """Places that know whether home lives, now that it does: on the day two of them have to see it dead."""
    seen = "; ".join(map(str, draft.facts.vantages)) or "nobody looked"
    able = [one for one in draft.facts.vantages if one.alive is not None]
    if len(able) < ENOUGH:
        draft.refuse(
            f"{len(able)} of the two places that are needed can tell whether {draft.home} lives ({seen}): a failover "
            "would wait for somebody's word; bring back what does not answer"
        )
    else:
        draft.says.append(f"{len(able)} places can tell whether {draft.home} lives: {seen}")


def _could_claim(draft: Draft) -> None:
    """As many registers as decide, without those that die with home."""
    found, dead = draft.facts.registers, dead_registers(draft)
    if found is None:
        return  # what holds then is said by the failover
    able = [place for place in found.known if place not in dead]
    if len(able) < MAJORITY:
        silent = ", ".join(place for place in found.said if place not in (*able, *dead))
        draft.refuse(
            f"with {draft.home} gone {len(able)} registers of who may write answer, and {MAJORITY} decide: a failover "
            f"would not begin; see {silent}"
        )
    else:
        draft.says.append(f"an epoch would be claimed at {' and '.join(able)}")


def _rehearsed(draft: Draft) -> None:
    draft.capacity(draft.away)
    draft.add(SeeReaders(draft.ground, draft.away))
    draft.rest(draft.away, always=True)
