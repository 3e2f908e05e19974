"""failover, failback and their drills as commands: lock, look, plan, do, evidence, report; one JSON object."""

import contextlib
import json
import pathlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from components.inventory import Inventory, from_dict

from .. import azure, dns, evidence, journal, lock
from ..console import Console
from ..stack import Stack
from ..steps import Steps, iso, stoppable
from ..store import Store, Unavailable, open_store
from ..transport import Transport
from ..transport.azure import RunCommand
from . import record, users
from .deeds import Deeds, Say
from .execute import Actions, Result, execute
from .facts import Facts, Sites, offers_failover
from .look import Eyes
from .plan import plan
from .program import Program
from .read import Reader
from .record import Record
from .words import Command, Intent, Plan, Refusal
from .worker import Worker, home_worker

LOCK_SECONDS = 3 * 3600.0
"""Moved on before every step; no step lasts longer."""
CALM_SECONDS = 3.0
"""Users are watched until they have had the right page for this long."""
SETTLE_SECONDS = 15.0
"""Beyond the TTL."""


@dataclass
class World:
    """What a command works with; tests put their own in place of the network's."""

    store: Store
    reader: Reader
    worker: Worker | None
    to_mode: Callable[[str, Say], Inventory]

    def facts(self, command: Command, intent: Intent, owner: str) -> Facts:
        """Read once. `owner` holds the lock; it is not in its own way."""
        return self.reader.facts(command is Command.FAILBACK or intent.planned, owner)

    def actions(self, identity: str, began: float) -> Actions:
        """What does the steps."""
        return Deeds(self.reader, self.worker, self.to_mode, identity, began)


def connect(stack: Stack, hosts: Transport | None, endpoints: azure.Endpoints | None = None) -> World:
    """The world of a stack, with the operator's own identity. ValueError when the inventory names no usable store."""
    identity = azure.Identity(endpoints)
    store = open_store(stack.inventory.store, identity)
    inventory = newest(stack.inventory, store)
    sites = Sites.of(inventory)
    machines = RunCommand(identity, {machine.name: machine for machine in inventory.azure_machines})
    worker = home_worker(inventory, sites.home, hosts)
    resolvers = dns.resolvers()
    program = Program(stack.name, pathlib.Path.cwd(), sites.home)
    reader = Reader(
        inventory,
        azure.Blobs(identity),
        store,
        machines,
        worker,
        Eyes(sites, resolvers[0] if resolvers else ""),
        program.problems,
    )

    def to_mode(mode: str, say: Say) -> Inventory:
        found = program.to_mode(mode, say)
        machines.know({machine.name: machine for machine in found.azure_machines})
        return found

    return World(store, reader, worker, to_mode)


def newest(known: Inventory, store: Store) -> Inventory:
    """The store's own copy, which each `pulumi up` writes: what this desk remembers may be older."""
    try:
        found = store.read("inventory.json")
        return from_dict(json.loads(found[0])) if found else known
    except (Unavailable, ValueError):
        return known


def empty(inventory: Inventory, command: Command) -> dict[str, Any]:
    """The JSON of a command that did nothing."""
    return {
        "command": command.value,
        "topology": inventory.topology,
        "dr_mode": inventory.dr_mode,
        "verdict": "refused",
        "figures": {},
        "steps": [],
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
) -> dict[str, Any]:
    """The command from beginning to end. Its result is the JSON of DESIGN section 9 and the sentences for a person."""
    result = empty(stack.inventory, intent.command)
    missing = offers_failover(stack.inventory)
    if missing:
        return result | {"problems": [missing]}
    try:
        there = world()
    except ValueError as problem:
        return result | {"problems": [str(problem)]}
    try:
        if only_plan:
            facts, decided = _look(there, intent, console, "")
            return _planned(result, decided)
        owner = f"{intent.command.value}-{time.time():.6f}"
        taken = lock.take(there.store, owner, intent.command.value, LOCK_SECONDS, intent.ignore_lock)
        if taken:
            console.say(taken)
        try:
            # With the lock in hand: what is read now, nobody else changes.
            facts, decided = _look(there, intent, console, owner)
            result = _planned(result, decided)
            if isinstance(decided, Refusal):
                return result
            for words in decided.says:
                console.say(words)
            return _do(stack, intent, console, there, facts, decided, result, owner)
        finally:
            _give_back(there.store, owner, console)
    except journal.Locked as problem:
        return result | {"problems": [str(problem)]}
    except (Unavailable, azure.AzureError) as problem:
        return result | {"problems": [f"nothing is done without journal and lock: {problem}"]}


def _look(there: World, intent: Intent, console: Console, owner: str) -> tuple[Facts, Plan | Refusal]:
    console.say("looking at both sites")
    facts = there.facts(intent.command, intent, owner)
    return facts, plan(facts, intent)


def _planned(result: dict[str, Any], decided: Plan | Refusal) -> dict[str, Any]:
    if isinstance(decided, Refusal):
        return result | {"problems": list(decided.problems)}
    shown = [_shown(step) for step in decided.steps]
    return result | {"verdict": "passed", "plan": shown, "says": list(decided.says)}


def _give_back(store: Store, owner: str, console: Console) -> None:
    try:
        lock.give_back(store, owner)
    except Unavailable as problem:
        console.say(f"the lock was not given back: {problem}; its time ends by itself")


def _shown(step: Any) -> dict[str, Any]:
    return {
        "name": step.name,
        "title": step.title,
        "needs": step.needs,
        "plane": step.where.plane,
        "where": step.where.value,
        "undo": step.undo,
    }


def _record(there: World, decided: Plan, intent: Intent) -> Record:
    if decided.abandons:
        old = record.load(there.store, decided.abandons)
        if old is not None:
            old.close("abandoned", ended=True)
    kept = record.load(there.store, decided.resumes) if decided.resumes else None
    return kept or record.start(there.store, intent.command.value, decided.to, journal.me(intent.command.value))


def _do(
    stack: Stack,
    intent: Intent,
    console: Console,
    there: World,
    facts: Facts,
    decided: Plan,
    result: dict[str, Any],
    owner: str,
) -> dict[str, Any]:
    started, clock = time.time(), time.monotonic()
    came = Result()
    tape = users.Tape()
    steps = Steps(console, lambda entry: None)
    kept: Record | None = None
    try:
        kept = _record(there, decided, intent)
        watch = _watch(there, intent)
        with stoppable():
            came = execute(
                decided,
                kept,
                steps,
                there.actions(kept.id, started),
                lambda: lock.keep(there.store, owner, LOCK_SECONDS),
            )
        failed = bool(came.problems)
        kept.close("failed" if failed else "passed", ended=not failed or intent.command.drill)
        if kept.unsent:
            came.problems.append(f"the journal of {kept.id} is not whole in the store: {kept.unsent}")
        if watch is not None:
            tape = _watched(there, watch, decided, came, console)
    except Unavailable as problem:
        came.problems.append(f"nothing was done: {problem}")
    came.figures["total_seconds"] = round(time.monotonic() - clock, 1)
    came.figures |= _measured(tape, started, decided, facts, came)
    result |= {
        "dr_mode": there.reader.inventory.dr_mode,
        "verdict": "failed" if came.problems else "passed",
        "figures": came.figures,
        "steps": [asdict(step) for step in steps.done],
        "findings": came.findings,
        "problems": came.problems,
        "next": _next(intent, facts, bool(came.problems)),
    }
    if steps.done:
        _keep(stack, there, intent, kept, tape, result, started)
    return result


def _watch(there: World, intent: Intent) -> users.Watch | None:
    name = there.reader.stateful()
    if name is None or intent.command.drill or not there.reader.eyes.resolver:
        return None
    watch = users.Watch(there.reader.eyes, name)
    watch.start()
    return watch


def _watched(there: World, watch: users.Watch, decided: Plan, came: Result, console: Console) -> users.Tape:
    """The tape, when users that believe an old answer have come as well. Ctrl-C ends only the watching."""
    if not came.problems:
        console.say("watching until users that believe an old answer have come")
        longest = max(name.ttl_seconds for name in there.reader.inventory.names)
        with contextlib.suppress(KeyboardInterrupt):
            watch.settle(decided.to, longest + SETTLE_SECONDS, CALM_SECONDS)
    return watch.stop()


def _measured(tape: users.Tape, started: float, decided: Plan, facts: Facts, came: Result) -> dict[str, Any]:
    """What users saw, from this command's beginning; an outage began before it."""
    if not tape.pages or came.problems:
        return {}
    outage = users.outage_seconds(tape.pages, started, decided.to)
    figures: dict[str, Any] = {
        "user_outage_seconds": None if outage is None else round(outage, 1),
        "rto_seconds": came.figures.get("answers_seconds"),
    }
    return figures


def _next(intent: Intent, facts: Facts, failed: bool) -> list[str]:
    """What is left for a person."""
    sites = Sites.of(facts.inventory)
    if failed:
        return [] if intent.command.drill else ["run the same command again: it goes on where it ended"]
    if intent.command is Command.FAILOVER:
        return [
            f"`pulumi config set active_site {sites.away}`: the program then refuses whatever would end {sites.away}",
            f"when {sites.home} is back: stop its application before it takes writes, then `twinsite failback --to "
            f"{sites.home} --plan`",
        ]
    if intent.command is Command.FAILBACK:
        return [
            f"`pulumi config set active_site {sites.home}`; the standby stays closed until a failover or a drill",
            "`pulumi config set dr_mode cold` and `pulumi up`, if it shall cost nothing again",
            "look at the rows that were kept aside, then drop their schema by hand",
        ]
    return []


def _keep(
    stack: Stack,
    there: World,
    intent: Intent,
    kept: Record | None,
    tape: users.Tape,
    result: dict[str, Any],
    started: float,
) -> None:
    """Evidence and report, here and (the evidence) in the standby's store."""
    from ..report import timeline

    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(started))}-{intent.command.value.replace(' ', '-')}"
    content = {
        **result,
        "started": iso(started),
        "finished": iso(time.time()),
        "stack": stack.name,
        "digest": there.reader.inventory.digest,
        "operation": kept.id if kept else "",
        "name": tape.fqdn,
        "answers": [asdict(look) for look in tape.answers],
        "pages": [asdict(look) for look in tape.pages],
    }
    folder = stack.folder / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    report = timeline.write(folder / f"{name}.html", content, started)
    result["report"] = content["report"] = str(report.resolve())
    path = stack.folder / "evidence" / f"{name}.json"
    result["evidence"] = content["evidence"] = str(path.resolve())
    evidence.write(stack.folder, name, content)
    try:
        there.store.write(f"evidence/{name}.json", path.read_bytes())
    except Unavailable:
        # It is on this desk; the result names it.
        return
