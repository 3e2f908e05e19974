"""From facts and what a person wants to steps in order, or to a refusal with every reason. Pure.

What holds in every plan, and is tested: a site's pods begin as writers after its database writes; capacity comes before
anything is stopped; how far the databases are is read from them, so that a move that was killed is gone on with, by
whichever desk; a failover needs nothing of the dead site, and is refused without two places that see it dead.
"""

import time

from twinsite.modes import DrMode, StandbyData, keeps

from ... import offers
from ...stack import age_words
from ..vantage import evidence
from ..words import HALF_LOADED, Command, Intent, Plan, Refusal
from .draft import Draft
from .facts import Facts
from .ground import dies_with
from .hands import claimed
from .writer_steps import AwaitOldWriter, BackOut, CatchUp, Claim, Compare, Promote, Switch

MOST_WORDS = 3
"""Of the job's own sentences, in a refusal."""


def plan(facts: Facts, intent: Intent) -> Plan | Refusal:
    """The plan for `intent`, or why there is none."""
    missing = offers.refusal(intent.command.value, facts.inventory)
    if missing:
        return Refusal((missing,))
    return decided(Draft(facts, intent))


def decided(draft: Draft) -> Plan | Refusal:
    """What the draft's kind of move makes of it."""
    {
        Command.SWITCHOVER: _switchover,
        Command.FAILOVER: _failover,
        Command.FAILBACK: _failback,
        Command.DRILL_SWITCHOVER: _drill,
        Command.DRILL_FAILOVER: _drill,
        Command.REPAIR: _repair,
    }[draft.intent.command](draft)
    return draft.decided()


def _switchover(draft: Draft) -> None:
    draft.common(draft.away, draft.home)
    if not draft.problems:
        moved(draft, draft.to)


def moved(draft: Draft, to: str) -> None:
    """By where the databases are: not begun, in the middle, or done but for what comes after."""
    databases, old = draft.facts.databases, draft.facts.databases.other(to)
    draft.seen()
    if len(databases.writers) > 1:
        _both(draft)
    elif databases.writers == (to,):
        if draft.resumed is None and draft.facts.serving == to and draft.settled(old):
            draft.refuse(f"{to} takes writes, {old} does not and users are at {to}: there is nothing to move")
        _finished(draft, to, leave=True)
    elif databases.writers == (old,):
        both_answer(draft)
        if not databases.follows(to):
            first = f"; `twinsite failback --to {to}` makes it follow first" if to == draft.home else ""
            draft.refuse(f"{to} does not follow {old}, so that it would lack rows: {_said(draft)}{first}")
        _steps(draft, to)
    elif begun_at(draft) == old:
        go_on(draft, to)
    else:
        undone(draft, to)


def go_on(draft: Draft, to: str) -> None:
    """With a switch that ended in the middle."""
    epoch = draft.facts.databases.epoch
    draft.says.append(f"neither database takes writes: a switch in epoch {epoch} ended amid it, and goes on")
    both_answer(draft)
    _steps(draft, to, begun=True)


def _steps(draft: Draft, to: str, begun: bool = False) -> None:
    gate = draft.facts.databases.gate(draft.facts.databases.other(to))
    handed = gate is not None and gate.handed and not gate.writes
    if not begun:
        # Of one that was begun the switch asks the same, and lets the old writer write again where something is amiss.
        draft.prepare(to)
        draft.capacity(to)
    draft.switched(to)
    if not handed:
        draft.may_turn_back(to)
    if begun:
        draft.capacity(to)
    draft.users(to, leave=True)
    draft.rest(draft.home if to == draft.away else draft.away)


def begun_at(draft: Draft) -> str:
    """Where the writer was, of a switch that ended in the middle: its gate alone has had that epoch."""
    databases = draft.facts.databases
    epochs = {site: databases.epoch_of(site) for site in (draft.home, draft.away)}
    if len(set(epochs.values())) > 1:
        return max(epochs, key=lambda site: epochs[site])
    return draft.away if databases.look is not None and databases.look.turned else draft.home


def undone(draft: Draft, to: str) -> None:
    """To where the writer was: nothing is moved."""
    databases, other = draft.facts.databases, draft.facts.databases.other(to)
    gate = databases.gate(to)
    if gate is not None and gate.handed:
        draft.refuse(
            f"{to} was handed over in epoch {gate.epoch}, and {other} has all of it: `twinsite switchover --to "
            f"{other}` goes on to the end; afterwards this brings it back"
        )
        return
    draft.says.append(
        f"neither database takes writes: a switch in epoch {databases.epoch} ended amid it, and is undone"
    )
    draft.choices[claimed(other)] = draft.choices[claimed(to)] = str(databases.epoch)
    draft.add(BackOut(draft.ground, to))
    draft.users(to)
    draft.rest(other)


def _finished(draft: Draft, to: str, leave: bool) -> None:
    """It writes: what comes after is done, as far as it was not. `leave`: the other site lives."""
    databases, old = draft.facts.databases, draft.facts.databases.other(to)
    gate, known = databases.gate(to), databases.gate(old)
    draft.says.append(f"{to} takes writes already{f' (epoch {gate.epoch})' if gate else ''}: what is left is done")
    if gate is not None and not gate.taken and not draft.settled(old) and known is not None and known.handed:
        draft.done.discard(Switch(draft.ground, to).name)
        draft.add(Switch(draft.ground, to))
    if draft.facts.inventory.registers:
        # Whoever began it may have been killed before all of them were swapped.
        without = () if leave else dead_registers(draft)
        draft.add(Claim(draft.ground, to, draft.above, without))
        draft.add(AwaitOldWriter(draft.ground, to, without, planned=leave))
    draft.finish(to)
    brought(draft, to, leave)


def brought(draft: Draft, to: str, leave: bool) -> None:
    """Pods and users, to the site whose database takes writes. `leave`: the other site lives."""
    gate = draft.facts.databases.gate(to)
    if gate is not None:
        draft.choices[claimed(to)] = str(gate.epoch)
    else:
        draft.choices.setdefault(claimed(to), str(draft.above))
    draft.capacity(to)
    draft.users(to, leave)
    draft.rest(draft.facts.databases.other(to))


def _both(draft: Draft) -> None:
    epochs = {site: gate.epoch for site in (draft.home, draft.away) if (gate := draft.facts.databases.gate(site))}
    newest = max(epochs, key=lambda site: epochs[site])
    fix = (
        f"`twinsite failback --to {draft.home}` shuts {draft.home} first, counts what it alone has, and brings the "
        "writer home"
        if newest == draft.away
        else f"stop the application at {draft.away}, and run the job's verb `rejoin --to source --epoch "
        f"{epochs[newest]}` (stack output replica_by_hand)"
    )
    draft.refuse(f"both databases take writes, {newest} since epoch {epochs[newest]}: {fix}")


def both_answer(draft: Draft) -> None:
    databases = draft.facts.databases
    for site in (draft.home, draft.away):
        if site not in databases.answered:
            draft.refuse(
                f"{site}'s database does not answer the job, and a switchover asks both; if {site} is gone: `twinsite "
                f"failover --to {databases.other(site)}`"
            )


def _said(draft: Draft) -> str:
    look = draft.facts.databases.look
    return "; ".join(look.problems[:MOST_WORDS] if look else ()) or "`twinsite status` says more"


def _failover(draft: Draft) -> None:
    facts, away, home = draft.facts, draft.away, draft.home
    draft.common(away)
    if draft.problems:
        return
    databases = facts.databases
    gate = databases.gate(away)
    if gate is not None and gate.writes:
        _finished(draft, away, leave=False)
        return
    promoted = gate is not None and gate.taken
    if not promoted:
        _evidence(draft)
        whole(draft)
        loss(draft)
    registers, without = facts.inventory.registers, dead_registers(draft)
    if gate is not None and promoted:
        draft.choices[claimed(away)] = str(gate.epoch)
    else:
        draft.add(Claim(draft.ground, away, draft.above, without))
    # Where readers run already users need not wait for more.
    reads = keeps(DrMode(facts.inventory.dr_mode), StandbyData.REPLICA).application
    if not reads:
        draft.capacity(away)
    if registers and not promoted:
        draft.add(AwaitOldWriter(draft.ground, away, without))
    elif not registers:
        draft.says.append(
            f"there are no registers of who may write (ADR 44): if {home}'s database comes back before `twinsite "
            "failback`, it takes writes: keep its application away from it"
        )
    although = draft.intent.source_is_dead and home in databases.answered
    draft.add(Promote(draft.ground, away, although, HALF_LOADED in draft.intent.confirmed))
    draft.users(away)
    if reads:
        draft.capacity(away)


def dead_registers(draft: Draft) -> tuple[str, ...]:
    """Those that die with home. Two of the others decide; with fewer, they are asked as well."""
    registers = draft.facts.inventory.registers
    dead = tuple(one for one in registers if dies_with(one, draft.facts.inventory) == draft.home)
    return dead if len(registers) - len(dead) > 1 else ()


def _evidence(draft: Draft) -> None:
    says, problems = evidence(
        draft.home,
        draft.facts.vantages,
        draft.intent.source_is_dead,
        "what is written there from now on is lost to users, and a switchover would lose nothing; stop its application",
        f"`twinsite switchover --to {draft.away}` loses nothing",
    )
    draft.says += says
    draft.problems += problems


def whole(draft: Draft) -> None:
    """A standby that holds a part of the rows serves nobody, unless somebody said so who knows what is lacking."""
    look = draft.facts.databases.look
    lacking = draft.unloaded()
    if look is not None and look.copied is False and (look.running is not None or look.loading_since):
        since = f" since {look.loading_since}" if look.loading_since else ""
        tables = ", ".join(look.lacking) or "which tables nobody counted"
        lacking = f"a load{since} was not seen to have ended, {tables}"
    if not lacking:
        return
    words = f"{draft.away} lacks rows of {draft.home}'s: {lacking}"
    if HALF_LOADED in draft.intent.confirmed:
        draft.says.append(
            f"{words}. Given up on your word: nobody brings them but a failback that {draft.home} outlives"
        )
        return
    draft.refuse(
        f"{words}: restore the newest backup instead; if what is lacking may be lost to users, `twinsite failover --to "
        f"{draft.away} --confirm {HALF_LOADED}`"
    )


def loss(draft: Draft) -> None:
    """As far as the last look that saw the source goes. What it was in the end, promote reads from the newest row."""
    last = draft.facts.reported
    if last is None or last.lag_seconds is None:
        draft.says.append(
            "what is lost is not known before: no look that saw the source is left; the newest heartbeat that came "
            "says it"
        )
        return
    slot = last.slot
    held = "" if slot is None or slot.held_bytes is None else f", and its slot held {slot.held_bytes / 2**20:.1f} MiB"
    when = time.strftime("%H:%M:%SZ", time.gmtime(last.at))
    draft.says.append(
        f"lost to users until a failback: what was written at {draft.home} and had not come. At the last look that saw "
        f"it, {when} ({age_words(max(0.0, draft.facts.now - last.at))} ago), a row took {last.lag_seconds:g} s{held}. "
        f"It stays in {draft.home}'s database, and the failback counts it by table"
    )


def _failback(draft: Draft) -> None:
    facts, home, away = draft.facts, draft.home, draft.away
    draft.common(home)
    if draft.problems:
        return
    databases = facts.databases
    ours, theirs = databases.gate(home), databases.gate(away)
    writes = theirs is not None and theirs.writes
    if not writes:
        if databases.writers == (home,) and draft.resumed is None:
            draft.refuse(f"{home} takes writes, and {away} does not: there is nothing to bring home")
            return
        moved(draft, home)
        draft.home_again()
        return
    assert theirs is not None
    if ours is not None and ours.writes and ours.epoch >= theirs.epoch:
        _both(draft)
        return
    both_answer(draft)
    draft.seen()
    if not databases.follows(home):
        anew = "are lost: --anew empties it and copies everything"
        draft.bring_back(home, theirs.epoch, anew if draft.intent.anew else "stop it, counted by table")
        draft.add(CatchUp(draft.ground, home))
    draft.add(Compare(draft.ground, home))
    _steps(draft, home)
    draft.home_again()


def _repair(draft: Draft) -> None:
    from .mend import mend  # it goes on with what is here

    mend(draft)


def _drill(draft: Draft) -> None:
    from .rehearsal import rehearse  # it goes by what is here

    rehearse(draft)
