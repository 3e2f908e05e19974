"""From what the job says of backup and target to one step, or to a refusal with every reason. Pure.

What holds, and is tested: nothing is ever restored over rows; whoever goes on with a restore that was killed restores
the same backup.
"""

from ... import offers
from ...stack import age_words
from ..words import Intent, Plan, Refusal
from .facts import Facts, Fit
from .step import BACKUP, Ground, RestoreBackup

GIB = 1024**3


def plan(facts: Facts, intent: Intent) -> Plan | Refusal:
    """The plan for `intent`, or why there is none."""
    missing = offers.refusal(intent.command.value, facts.inventory)
    if missing:
        return Refusal((missing,))
    problems, there = [], facts.inventory
    if facts.held and not intent.ignore_lock:
        problems.append(facts.held)
    fit, before = facts.fit, facts.unfinished
    if fit is None:
        return Refusal((*problems, facts.problem))
    same = before is not None and (before.command, before.choices.get(BACKUP)) == (intent.command, fit.backup)
    resumed = before if same else None
    if fit.problems and resumed is None:
        # A restore that was killed after its end is looked at by its step: what is there may be just this backup.
        problems += fit.problems
    if problems:
        return Refusal(tuple(problems))
    says = list(_says(facts, fit))
    if resumed is not None:
        says.append(f"goes on with {resumed.command} {resumed.id}, begun {resumed.began}")
    elif before is not None:
        says.append(f"{before.command} {before.id}, begun {before.began} and never ended, is given up for this")
    return Plan(
        intent.command,
        there.away,
        (RestoreBackup(Ground.of(there), fit.backup),),
        tuple(says),
        {BACKUP: fit.backup},
        resumes=resumed.id if resumed else "",
        abandons=before.id if before and resumed is None else "",
        from_mode=there.dr_mode,
        backup_gib=fit.size_bytes / GIB,
    )


def _says(facts: Facts, fit: Fit) -> list[str]:
    home, away = facts.inventory.home, facts.inventory.away
    age = age_words(max(0.0, facts.now - fit.began))
    said = [
        f"data: backup {fit.backup}, {age} old, {fit.branch}: {fit.rows} rows in {fit.tables} tables; what {home} took "
        "since is not in it",
        f"into {fit.target}, at {away}; who may write, and where users are, stays as it is",
    ]
    if fit.unfinished:
        said.append(f"a restore of backup {fit.unfinished} ended amid it: what it made there goes first")
    return said
