"""failover, failback and their drills as commands: lock, look, plan, do, evidence, report; one JSON object."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from twinsite.inventory import Inventory

from .. import azure, chain, evidence, offers, predicted
from ..console import Console
from ..journal import document, lock
from ..journal.document import Journal
from ..journal.process import me
from ..stack import Stack
from ..steps import Steps, iso, stoppable
from ..steps.runbook import runbook_problems
from ..store import Store, Unavailable
from . import users
from .execute import Result, execute
from .words import Command, Intent, Plan, Refusal
from .world import Clocked, World

LOCK_SECONDS = 3 * 3600.0
"""Moved on before every step; no step lasts longer."""
CALM_SECONDS = 3.0
"""Users are watched until they have had the right page for this long."""
SETTLE_SECONDS = 15.0
"""Beyond the TTL."""


def empty(inventory: Inventory, command: Command) -> dict[str, Any]:
    """The JSON of a command that did nothing."""
    return {
        "command": command.value,
        "topology": inventory.topology,
        "dr_mode": inventory.dr_mode,
        "verdict": "refused",
        "figures": {},
        "steps": [],
        "predicted": {"ground": "", "phases": []},
        "clocks": {},
        "plan": [],
        "says": [],
        "findings": [],
        "problems": [],
        "next": [],
        "evidence": None,
        "report": None,
    }


def run(
    stack: Stack,
    intent: Intent,
    console: Console,
    only_plan: bool,
    world: Callable[[], World],
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """The command from beginning to end. Its result is the JSON of DESIGN section 9 and the sentences for a person.
    `tell` is told the plan before its first step, and may refuse it."""
    result = empty(stack.inventory, intent.command)
    missing = offers.refusal(intent.command.value, stack.inventory)
    if missing:
        return result | {"problems": [missing]}
    try:
        there = world()
    except ValueError as problem:
        return result | {"problems": [str(problem)]}
    try:
        if only_plan:
            decided = _decide(there, intent, console, "")
            _told(tell, decided)
            return _planned(result, decided, _astray(there.store))
        owner = f"{intent.command.value}-{time.time():.6f}"
        hold = lock.Hold(there.store, owner, intent.command.value, LOCK_SECONDS)
        taken = hold.take(intent.ignore_lock)
        if taken:
            console.say(taken)
        try:
            # With the lock in hand: what is read now, nobody else changes.
            decided = _decide(there, intent, console, owner)
            result = _planned(result, decided, _astray(there.store))
            if isinstance(decided, Refusal):
                return result
            try:
                _told(tell, decided)
            except chain.NotApproved as problem:
                return result | {"verdict": "refused", "problems": [str(problem)]}
            for words in result["says"]:
                console.say(words)
            return _do(stack, intent, console, there, decided, result, hold)
        finally:
            _give_back(hold, console)
    except lock.Locked as problem:
        return result | {"problems": [str(problem)]}
    except (Unavailable, azure.AzureError) as problem:
        return result | {"problems": [f"nothing is done without journal and lock: {problem}"]}


def _decide(there: World, intent: Intent, console: Console, owner: str) -> Plan | Refusal:
    console.say("looking at both sites")
    return judged(there.plan(intent, owner), there.inventory.home)


def judged(decided: Plan | Refusal, home: str) -> Plan | Refusal:
    """A failover's plan is refused when a step needs what the disaster has taken: no kind of move has to ask. A drill
    rehearses a dead primary, and puts back what it did while that is alive. Pure."""
    if isinstance(decided, Refusal) or decided.command is not Command.FAILOVER:
        return decided
    problems = runbook_problems(decided.steps, home)
    return Refusal(tuple(problems)) if problems else decided


def _astray(store: Store) -> list[str]:
    """That the journal's pointer leads to no operation: it stops no move, and a person has to know."""
    return [words for words in document.pointed(store)[1:] if words]


def _told(tell: chain.Planned, decided: Plan | Refusal) -> None:
    if isinstance(decided, Plan):
        tell([step.told() for step in decided.steps], {"to": decided.to, **decided.choices})


def _planned(result: dict[str, Any], decided: Plan | Refusal, says: list[str]) -> dict[str, Any]:
    if isinstance(decided, Refusal):
        return result | {"problems": list(decided.problems), "says": says}
    shown = [step.told() for step in decided.steps]
    return result | {"verdict": "passed", "plan": shown, "says": [*says, *decided.says]}


def _give_back(hold: lock.Hold, console: Console) -> None:
    try:
        hold.give_back()
    except Unavailable as problem:
        console.say(f"the lock was not given back: {problem}; its time ends by itself")


def _journal(there: World, decided: Plan, intent: Intent) -> Journal:
    if decided.abandons:
        old = document.load(there.store, decided.abandons)
        if old is not None:
            old.close("abandoned")
    kept = document.load(there.store, decided.resumes) if decided.resumes else None
    command = intent.command.value
    return kept or document.start(there.store, command, decided.to, me(command), decided.from_mode)


def _do(
    stack: Stack,
    intent: Intent,
    console: Console,
    there: World,
    decided: Plan,
    result: dict[str, Any],
    hold: lock.Hold,
) -> dict[str, Any]:
    started, clock, before = time.time(), time.monotonic(), there.inventory
    came = Result()
    tape = users.UserTape()
    steps: Steps | None = None
    kept: Journal | None = None
    hands: Any = None
    try:
        kept = _journal(there, decided, intent)
        steps = Steps(console, kept, hold.keep)
        watch = there.watch(intent)
        with stoppable():
            hands = there.hands(kept.id, started)
            came = execute(decided, kept, steps, hands)
        failed = bool(came.problems)
        kept.close("failed" if failed else "passed", ended=not failed or intent.command.drill)
        if kept.unsent:
            came.problems.append(f"the journal of {kept.id} is not whole in the store: {kept.unsent}")
        if watch is not None:
            tape = _watched(there, watch, decided, came, console)
    except Unavailable as problem:
        came.problems.append(f"nothing was done: {problem}")
    came.figures["total_seconds"] = round(time.monotonic() - clock, 1)
    came.figures |= _measured(tape, started, decided, came)
    done = steps.done if steps else []
    phases = predicted.of_steps(before, decided.steps, decided.backup_gib, done, came.figures)
    result |= {
        "dr_mode": there.inventory.dr_mode,
        "verdict": "failed" if came.problems else "passed",
        "figures": came.figures,
        "steps": [asdict(step) for step in done],
        "predicted": predicted.shown(before, phases),
        "clocks": {host: asdict(seen) for host, seen in hands.clocks.items()} if isinstance(hands, Clocked) else {},
        "findings": came.findings,
        "problems": came.problems,
        "next": _next(there, intent, decided.to, bool(came.problems)),
    }
    if steps and steps.done:
        _keep(stack, there, intent, kept, tape, result, started)
    return result


def _watched(there: World, watch: users.Watch, decided: Plan, came: Result, console: Console) -> users.UserTape:
    """The tape, when users that believe an old answer have come as well. Ctrl-C ends only the watching."""
    if not came.problems:
        console.say("watching until users that believe an old answer have come")
        longest = max(name.ttl_seconds for name in there.inventory.names)
        with contextlib.suppress(KeyboardInterrupt):
            watch.settle(decided.to, longest + SETTLE_SECONDS, CALM_SECONDS)
    return watch.stop()


def _measured(tape: users.UserTape, started: float, decided: Plan, came: Result) -> dict[str, Any]:
    """What users saw, from this command's beginning; an outage began before it."""
    if not tape.pages or came.problems:
        return {}
    outage = users.outage_seconds(tape.pages, started, decided.to)
    figures: dict[str, Any] = {
        "user_outage_seconds": None if outage is None else round(outage, 1),
        "rto_seconds": came.figures.get("answers_seconds"),
    }
    return figures


def _next(there: World, intent: Intent, to: str, failed: bool) -> list[str]:
    """What is left for a person."""
    if failed:
        return [] if intent.command.drill else ["run the same command again: it goes on where it ended"]
    return there.left(intent.command, to)


def _keep(
    stack: Stack,
    there: World,
    intent: Intent,
    kept: Journal | None,
    tape: users.UserTape,
    result: dict[str, Any],
    started: float,
) -> None:
    """Evidence and report, here and (the evidence) in the standby's store."""
    from ..report import move_page

    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(started))}-{intent.command.value.replace(' ', '-')}"
    content = {
        **result,
        "started": iso(started),
        "finished": iso(time.time()),
        "stack": stack.name,
        "digest": there.inventory.digest,
        "operation": kept.id if kept else "",
        "name": tape.fqdn,
        "answers": [asdict(look) for look in tape.answers],
        "pages": [asdict(look) for look in tape.pages],
    }
    folder = stack.folder / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    report = move_page.write(folder / f"{name}.html", content, started, there.lead(intent.command))
    result["report"] = content["report"] = str(report.resolve())
    path = stack.folder / "evidence" / f"{name}.json"
    result["evidence"] = content["evidence"] = str(path.resolve())
    evidence.write(stack.folder, name, content)
    try:
        there.store.write(f"evidence/{name}.json", path.read_bytes())
    except Unavailable:
        # It is on this desk; the result names it.
        return
