"""From facts and what a person wants to steps in order, or to a refusal with every reason. Pure.

What holds in every plan, and is tested: data from a backup are restored and proved before the latch, and never once it
is set; the site that users go to is made the writer, and then the latch comes last; a failback compares every table at
both sites while nobody writes, and only then removes it; nothing here needs the failed site, us-east-1 or a DNS record
edit.
"""

from ... import offers
from ...stack import age_words
from ...subjects.away import Backup
from ..vantage import evidence
from ..words import Command, Intent, Plan, Refusal, TurnBack
from .draft import Draft
from .facts import Facts
from .home_steps import (
    CloseStandby,
    CompareTables,
    DumpStandby,
    KeepOldPrimary,
    ListExtraRows,
    MoveOldTablesAside,
    RestoreIntoPrimary,
    VerifyPrimaryApplication,
)
from .scratch_steps import DropScratch, RestoreIntoScratch, VerifyScratch
from .standby_steps import FreshBackup, LowerMode, Reopen
from .user_steps import RemoveLatch, SetLatch

CLOSED = "close-standby"
STALE = frozenset({CLOSED, "dump-standby", "move-old-tables-aside", "restore-into-primary", "compare-tables"})
"""What counts no more once the standby takes writes again."""


def plan(facts: Facts, intent: Intent) -> Plan | Refusal:
    """The plan for `intent`, or why there is none."""
    missing = offers.refusal(intent.command.value, facts.inventory)
    if missing:
        return Refusal((missing,))
    draft = Draft(facts, intent)
    draft.common()
    {
        Command.FAILOVER: _failover,
        Command.FAILBACK: _failback,
        Command.DRILL_FAILOVER: _drill_failover,
        Command.DRILL_RESTORE: _drill_restore,
    }[intent.command](draft)
    steps = tuple(step for step in draft.steps if step.again or step.name not in draft.done)
    if draft.problems:
        return Refusal(tuple(draft.problems))
    back = TurnBack(
        Reopen(draft.ground),
        CLOSED,
        STALE,
        "the standby takes writes again",
        f"`{offers.typed(Command.FAILOVER.value, draft.facts.inventory)}`",
    )
    return Plan(
        intent.command,
        intent.to or draft.away,
        steps,
        tuple(draft.says),
        draft.choices,
        resumes=draft.resumed.id if draft.resumed else "",
        abandons=draft.abandoned,
        from_mode=draft.from_mode,
        turn_back=back if intent.command is Command.FAILBACK else None,
        backup_gib=draft.backup_gib,
    )


def _failover(draft: Draft) -> None:
    facts = draft.facts
    draft.latch_known(may_lack_one=True)
    draft.standby_known()
    if not facts.latched:
        _nobody_there(draft)
        _evidence(draft)
        backup = draft.backup()
        if backup is not None:
            draft.say_loss(backup)
            draft.say_way_home(backup)
            draft.raise_mode()
            draft.await_standby()
            draft.restored(backup)
    elif not facts.standby.exists:
        draft.refuse(
            f"the latch is set, and there is no standby machine: users have been sent to {draft.away}, and its "
            "data may be gone with the machine: look at the standby's database first; `pulumi config set dr_mode "
            f"{draft.serving_mode}` and `pulumi up` make the machine again"
        )
    else:
        draft.says.append(f"users are at {draft.away} already (the latch is set): its data are not touched")
        draft.await_standby()
        # A failback may have been broken off: before it is opened again, what is written there must count.
        draft.make_writer(draft.away)
    draft.serving()
    if not facts.latched:
        draft.make_writer(draft.away)
    for number, one in enumerate(facts.latch, 1):
        if one.set is None:
            continue
        draft.add(SetLatch(draft.ground, one.store, number))
    draft.events(draft.away)
    draft.answers(draft.away)


def _nobody_there(draft: Draft) -> None:
    """With a latch store that says nothing, a name that leads to the standby says that users may write there."""
    facts, away = draft.facts, draft.away
    if facts.unlatched:
        return
    stateful = {name.fqdn for name in facts.inventory.names if name.stateful}
    there = [name.fqdn for name in facts.names if name.fqdn in stateful and name.site() == away]
    if there:
        draft.refuse(
            f"{there[0]} leads to {away}, and a latch store does not answer: users may be writing at {away}, and a "
            "restore would replace what they wrote: bring the store back first; see runbook latch-store-gone"
        )


def _evidence(draft: Draft) -> None:
    says, problems = evidence(
        draft.home,
        draft.facts.vantages,
        draft.intent.source_is_dead,
        "stop its application, so that nobody writes there; what is written there is listed by the failback and not "
        "merged",
        "a failover would leave behind what was written there since the backup",
    )
    draft.says += says
    draft.problems += problems


def _failback(draft: Draft) -> None:
    facts = draft.facts
    draft.latch_known(may_lack_one=False)
    if facts.unlatched:
        came_home = "compare-tables" in draft.done
        if facts.writer.site == draft.away or facts.writer_problem:
            if not came_home:
                draft.says.append(
                    f"users are at {draft.home} (no latch object is set), and only who the writer is has to be put "
                    f"right: no data are moved; take a backup at {draft.home} afterwards"
                )
            draft.make_writer(draft.home)
        elif not came_home:
            draft.refuse(f"users are at {draft.home} (no latch object is set): there is nothing to bring home")
        if came_home:
            # Users write at home again: comparing, let alone restoring, would be wrong now.
            draft.events(draft.home)
        draft.answers(draft.home)
        return
    draft.standby_known()
    if not facts.standby.exists:
        draft.refuse(
            f"there is no standby machine, and so no way to {draft.away}'s data: `pulumi config set dr_mode "
            f"{draft.serving_mode}` and `pulumi up` make it again"
        )
    if not facts.home.worker:
        draft.refuse(
            f"nothing can be run at {draft.home} ({facts.home.words}): a failback restores into its database from "
            "there; bring the cluster back first, users stay where they are"
        )
    for problem in facts.home.problems:
        draft.refuse(f"{draft.home}'s database cannot take the data back: {problem}")
    backups = facts.inventory.backups
    if backups is not None and not backups.failback:
        draft.refuse("the inventory names no place for the data on their way home (backups.failback): run `pulumi up`")
    if CLOSED in draft.done and facts.standby.known and not facts.standby.closed:
        # Somebody opened it since: what was dumped is not all any more.
        draft.done -= {CLOSED, "dump-standby", "move-old-tables-aside", "restore-into-primary"}
        draft.choices.pop("dump", None)
        draft.says.append(f"{draft.away} has taken writes since it was dumped: dump and restore are done anew")
    if CLOSED not in draft.done:
        # Nothing was stopped for it yet, so it may be as old as it is: done anew.
        draft.done -= {"keep-old-primary", "list-extra-rows"}
    _failback_steps(draft)


def _failback_steps(draft: Draft) -> None:
    facts = draft.facts
    _old_data(draft)
    for kind in (CloseStandby, DumpStandby, MoveOldTablesAside, RestoreIntoPrimary, CompareTables):
        draft.add(kind(draft.ground))
    draft.add(VerifyPrimaryApplication(draft.ground))
    draft.make_writer(draft.home)
    for number, one in enumerate(facts.latch, 1):
        draft.add(RemoveLatch(draft.ground, one.store, number, bool(one.set)))
    draft.events(draft.home)
    draft.answers(draft.home)


def _old_data(draft: Draft) -> None:
    """What home holds since before the disaster: dumped and listed, unless a failback has moved it aside already."""
    facts = draft.facts
    if not facts.home.holds_data or "aside" in draft.choices:
        place = draft.choices.get("aside", "…_aside_…")
        draft.says.append(
            f"{draft.home}'s old tables were moved aside already, into schema {place}, by a failback that did not end, "
            "which has dumped and listed them: they stay there"
        )
        return
    base = facts.backups.find(facts.standby.backup_id)
    draft.add(KeepOldPrimary(draft.ground))
    if base is not None:
        draft.add(ListExtraRows(draft.ground, base.id))
    else:
        draft.says.append(
            f"backup {facts.standby.backup_id or '(unknown)'}, from which {draft.away} started, is not in the "
            f"store any more: {draft.home}'s extra rows cannot be listed one by one; all of its rows are kept"
        )


def _drill_failover(draft: Draft) -> None:
    """A failover up to the latch, and everything back."""
    facts = draft.facts
    draft.latch_known(may_lack_one=True)
    if facts.latched:
        draft.refuse(f"users are at {draft.away}: a drill would replace their data; run it after the failback")
    draft.standby_known()
    if "verify-application" in draft.done:
        # Killed while it put back: that is all that is left.
        _lower(draft)
        return
    _fresh(draft)
    backup = _drilled(draft)
    _lift(draft)
    draft.await_standby()
    draft.restored(backup)
    draft.serving()
    _lower(draft)


def _drill_restore(draft: Draft) -> None:
    """The newest backup into a scratch schema of the standby's database server."""
    facts = draft.facts
    if facts.latched:
        draft.refuse(f"users are at {draft.away}: a restore there would slow them down; run it after the failback")
    draft.standby_known()
    if "verify-scratch" not in draft.done:
        _scratch(draft)
    if facts.standby.exists or "verify-scratch" not in draft.done:
        draft.add(DropScratch(draft.ground))
    _lower(draft)


def _scratch(draft: Draft) -> None:
    _fresh(draft)
    backup = _drilled(draft)
    _lift(draft)
    draft.await_standby()
    identity = backup.id if backup else ""
    draft.add(RestoreIntoScratch(draft.ground, identity))
    draft.add(VerifyScratch(draft.ground, identity))


def _fresh(draft: Draft) -> None:
    if not draft.intent.planned:
        return
    if not draft.facts.home.worker:
        draft.refuse(
            f"--planned takes a fresh backup at {draft.home}, and nothing can be run there "
            f"({draft.facts.home.words}): leave it out; the newest scheduled backup is what a disaster would find"
        )
    draft.says.append("--planned: a fresh backup is taken first, so rpo_seconds is not what a disaster would cost")
    draft.add(FreshBackup(draft.ground))


def _drilled(draft: Draft) -> Backup | None:
    """A drill takes the newest scheduled backup: that is what a disaster would find."""
    if draft.intent.planned and "fresh" not in draft.choices:
        return None
    backup = draft.backup(scheduled=not draft.intent.planned)
    if backup is not None:
        age = age_words(max(0.0, draft.facts.now - backup.began))
        draft.says.append(f"data: backup {backup.id}, {age} old")
        draft.say_way_home(backup)
    return backup


def _lift(draft: Draft) -> None:
    if not draft.facts.standby.exists:
        draft.choices["raised"] = "yes"
    draft.raise_mode()


def _lower(draft: Draft) -> None:
    if draft.choices.get("raised") == "yes":
        draft.add(LowerMode(draft.ground, draft.from_mode))
