"""The repair of a DMS task: it goes on from its place; tables in error are loaded again on a person's word.

Not here: a slot that a task has left at its source (slots.py).
"""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from twinsite.inventory import DMS, Flow

from .. import chain
from ..console import Console
from ..dms import source_slots
from ..dms.actions import RUNS, Hands, OnTask
from ..dms.answers import Unasked, by_sql
from ..dms.command import LOCK_SECONDS, World, circle
from ..dms.plan import Decision, Request, decide
from ..dms.service import Described, Service, with_fix
from ..dms.words import Verb
from ..journal.document import Journal, begin
from ..journal.keepers import OnDesk
from ..journal.lock import Hold, Locked
from ..journal.process import me
from ..journal.step import TakeLock
from ..stack import Stack
from ..steps import StepFailed, Steps, stoppable, unstoppable
from ..store import Unavailable
from . import slots

COMMAND = "repair"
RELOAD = "reload-tables"
"""What a person may confirm."""


@dataclass(frozen=True)
class Repair:
    """What was found, what will be done, what is refused, and what is a person's."""

    found: tuple[str, ...] = ()
    steps: tuple[OnTask, ...] = ()
    refused: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()


def plan(
    flow: Flow, task: Described, away_serves: bool, loads: Decision | None, circle: tuple[str, ...] = ()
) -> Repair:
    """`loads`: whether its tables in error may be loaded again, as asked; None where nobody confirmed. Pure."""
    wrong = tuple(one.name for one in task.tables if "error" in one.state.lower())
    persons = tuple(_persons(flow, task))
    if task.state in ("stopped", "failed"):
        why = f" ({task.why})" if task.why else ""
        found = (f"{flow.name}: the task is {task.state}{why}",)
        # Tables are loaded again while it runs: that is the next repair's.
        resumed = decide(Request(Verb.RESUME, flow, away_serves=away_serves, circle=circle), task, None)
        return Repair(found, resumed.steps, resumed.problems, persons)
    if task.state != RUNS or not wrong:
        return Repair(persons=persons)
    found = (f"{flow.name}: {', '.join(wrong)} in error, no longer followed",)
    if loads is None:
        harm = (
            f"{', '.join(wrong)} would be loaded again from the source, and what the target alone has there is lost: "
            f"let the tables be emptied at the target, then `twinsite repair --confirm {RELOAD}`"
        )
        return Repair(found, refused=(harm,), persons=persons)
    return Repair(found, loads.steps, loads.problems, persons)


def _persons(flow: Flow, task: Described) -> Iterator[str]:
    if task.state == "ready":
        yield f"{flow.name} was never started: `twinsite dms start` asks both databases first"
    elif task.state == "failed" and task.why:
        yield f"{flow.name} had failed: {with_fix(task.why)}"
    for one in task.tables:
        if one.failed:
            yield (
                f"{one.failed} rows of {one.name} differ between the ends: compare them by "
                "awsdms_validation_failures_v1 at the target"
            )


def gone(flow: Flow) -> str:
    """Of a task that is no more."""
    return f"AWS has no DMS task {flow.name} in {flow.region}: `pulumi up` makes it, for a load into empty tables"


def _looked(stack: Stack, flow: Flow, world: World, confirmed: frozenset[str]) -> tuple[Service, Repair]:
    service, said = Service(world.amazon(flow.region), flow, world.look_seconds), slots.Words.of(confirmed)
    try:
        task = service.describe()
    except StepFailed as problem:
        if "AWS has no DMS task" not in str(problem):
            return service, Repair(refused=(str(problem),))
        return service, Repair(persons=(gone(flow),)) if said.slots else Repair(refused=(gone(flow),))
    if flow.name in said.given_up:
        return service, Repair((f"{flow.name}: the task is {task.state}, and given up",))
    wrong = tuple(one.name for one in task.tables if "error" in one.state.lower())
    loads = None
    if RELOAD in confirmed and wrong and task.state == RUNS:
        answers = (
            by_sql(world.opened(service, task), task.schemas, True)
            if flow.engine == "mysql"
            else Unasked("PostgreSQL is asked with `twinsite dms reload --table`")
        )
        loads = decide(Request(Verb.RELOAD, flow, wrong, frozenset[str]()), task, answers)
    away = stack.inventory.active_site == stack.inventory.away
    try:
        other = circle(stack.inventory.flows_of(DMS), flow, world)
    except StepFailed as problem:
        return service, Repair(refused=(str(problem),))
    return service, plan(flow, task, away, loads, other)


def run(
    stack: Stack,
    world: World,
    console: Console,
    only_plan: bool,
    confirmed: frozenset[str],
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
    sees: slots.Sees | None = None,
) -> dict[str, Any]:
    """In the shape of the hosts' repair (command.py). `sees`: how slots at a source are reached; by default by the
    stack's job."""
    result: dict[str, Any] = {
        "command": COMMAND, "topology": stack.inventory.topology, "dr_mode": stack.inventory.dr_mode,
        "verdict": "refused", "found": [], "planned": [], "refused": [], "steps": [], "clocks": {}, "problems": [],
    }  # fmt: skip
    flows = stack.inventory.flows_of(DMS)
    looked = [_looked(stack, flow, world, confirmed) for flow in flows]
    at_sources = slots.looked(
        flows,
        lambda flow: Service(world.amazon(flow.region), flow, world.look_seconds),
        sees or (lambda flow: source_slots.of(stack.inventory, flow)),
        slots.Words.of(confirmed),
        console.say,
    )
    looked += [(service, Repair(left.found, left.steps, left.refused)) for service, left in at_sources]
    for _, repair in looked:
        result["found"] += repair.found
        result["planned"] += [step.title for step in repair.steps]
        result["refused"] += repair.refused
        result["problems"] += repair.persons
    if result["refused"]:
        return result
    try:
        tell([step.told() for _, repair in looked for step in repair.steps], {})
    except chain.NotApproved as problem:
        return result | {"refused": [str(problem)]}
    if only_plan or not result["planned"]:
        return result | {"verdict": "passed" if only_plan or not result["problems"] else "failed"}
    document = begin(COMMAND, me(COMMAND), to="", **{"from": stack.inventory.dr_mode})
    log = Journal(document, OnDesk(stack.folder, world.store))
    hold = Hold(world.store, "r" + secrets.token_hex(4), COMMAND, LOCK_SECONDS)
    steps = Steps(console, log, hold.keep)
    try:
        with stoppable():
            steps.run(TakeLock(break_lock), hold)
            for service, repair in looked:
                for step in repair.steps:
                    steps.run(step, Hands(service, world.program))
            # What a person had to know of a task that has failed is past when it runs.
            left = {service.flow.name: service for service, _ in looked}.values()
            result["problems"] = [words for service in left for words in _left(service)]
            result["verdict"] = "failed" if result["problems"] else "passed"
    except (Locked, Unavailable) as problem:
        result |= {"verdict": "failed", "problems": [str(problem)]} if hold.until else {"refused": [str(problem)]}
    except (StepFailed, TimeoutError) as problem:
        result |= {"verdict": "failed", "problems": [str(problem)]}
    except KeyboardInterrupt:
        result |= {"verdict": "failed", "problems": ["interrupted; run the same command again to go on"]}
    finally:
        with unstoppable(console.say):
            result["problems"] += steps.undo_all()
    result["steps"] = [asdict(step) for step in steps.done]
    log.note(found=result["found"], refused=result["refused"])
    log.close(result["verdict"])
    return result


def _left(service: Service) -> Iterator[str]:
    if service.known_state():
        yield from _persons(service.flow, service.describe())
    else:
        yield gone(service.flow)


def together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Of a stack with hosts and tasks: the worse verdict, and all that was found and done."""
    order = ("passed", "failed", "refused")
    worst = max(one["verdict"], other["verdict"], key=order.index)
    lists = ("found", "planned", "refused", "steps", "problems")
    return one | {name: [*one[name], *other[name]] for name in lists} | {"verdict": worst}
