"""The command: look, ask, decide, lock, do, look again."""

import pathlib
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from twinsite.inventory import DMS, Flow

from .. import azure, chain
from ..amazon import Amazon
from ..console import Console
from ..guest import Guests
from ..host_store import HostStore
from ..journal.document import Journal, begin
from ..journal.keepers import OnDesk
from ..journal.lock import Hold, Locked
from ..journal.process import me
from ..journal.step import TakeLock
from ..moves.program import ProgramFailed
from ..stack import Stack
from ..steps import StepFailed, Steps, stoppable, unstoppable
from ..store import DirectoryStore, Store, Unavailable, open_store
from ..transport import Transport
from .actions import STOPPED, Hands
from .answers import Answers, Open, Unasked, by_sql, from_files, opener
from .plan import Decision, Request, decide
from .program import TaskProgram
from .service import LOOK_SECONDS, SETTLES_SECONDS, Described, Service
from .words import Verb

LOCK_SECONDS = 3 * SETTLES_SECONDS + 3600.0
"""An `up`, and a stop, a change and a start around it; moved on before every step."""


@dataclass
class World:
    """What the command works with; tests put their own in place of the clouds'."""

    amazon: Callable[[str], Amazon]
    program: TaskProgram
    store: Store
    opened: Callable[[Service, Described], Open] = opener
    look_seconds: float = LOOK_SECONDS


def connect(stack: Stack, transport: Transport) -> World:
    """Of this desk. ValueError when the inventory names no store that can be used."""
    from ..subjects.cloud_reader import world

    inventory = stack.inventory
    home = inventory.site(inventory.home)
    others = tuple(site for site in inventory.sites if site != home)
    store: Store = DirectoryStore(stack.folder)
    if inventory.store.startswith("ssh://"):
        store = HostStore(Guests(inventory, transport))
    elif inventory.store:
        store = open_store(inventory.store, azure.Identity())
    return World(world().amazon, TaskProgram(stack.name, pathlib.Path.cwd(), home, others), store)


def chosen(stack: Stack, name: str) -> Flow:
    """The task that is meant. ValueError names those that there are."""
    flows = stack.inventory.flows_of(DMS)
    found = [one for one in flows if name in ("", one.name)]
    if len(found) != 1:
        names = ", ".join(one.name for one in flows)
        why = f"there is no task {name}" if name else f"there are {len(flows)} tasks"
        raise ValueError(f"{why}: give --task with one of {names}")
    if not found[0].region:
        raise ValueError(f"the inventory does not say the region of {found[0].name}: `pulumi up` writes it")
    return found[0]


def circling(one: Flow, other: Flow) -> bool:
    """Whether they bring rows from one database to another and back."""
    return (one.source, one.target) == (other.target, other.source)


def circle(flows: tuple[Flow, ...], flow: Flow, world: World) -> tuple[str, ...]:
    """Tasks the other way that do not stand still, or of which that is not known. StepFailed when DMS does not say."""
    found = []
    for one in flows:
        if circling(one, flow):
            state = Service(world.amazon(one.region), one, world.look_seconds).known_state()
            found += [one.name] if state not in (*STOPPED, "") else []
    return tuple(found)


def run(
    stack: Stack,
    request: Request,
    world: World,
    console: Console,
    files: tuple[pathlib.Path, ...] = (),
    only_plan: bool = False,
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """The command's JSON. `tell` is told the plan before its first step, and may refuse it."""
    result: dict[str, Any] = {
        "command": f"dms {request.verb}", "task": request.flow.name, "topology": stack.inventory.topology,
        "dr_mode": stack.inventory.dr_mode, "verdict": "refused", "plan": [], "says": [], "steps": [], "problems": [],
        "figures": {}, "evidence": None, "report": None,
    }  # fmt: skip
    service = Service(world.amazon(request.flow.region), request.flow, world.look_seconds)
    try:
        decision = _decided(stack, request, world, service, files)
        result |= {"says": list(decision.says), "problems": list(decision.problems)}
        if decision.problems:
            return result
        result["plan"] = [step.told() for step in decision.steps]
        tell(result["plan"], {"says": list(decision.says)})
    except (StepFailed, ProgramFailed, chain.NotApproved) as problem:
        return result | {"problems": [str(problem)]}
    if only_plan or not decision.steps:
        return result | {"verdict": "passed"}
    return result | _act(stack, request, world, Hands(service, world.program), decision, console, break_lock)


def _decided(
    stack: Stack, request: Request, world: World, service: Service, files: tuple[pathlib.Path, ...]
) -> Decision:
    away = stack.inventory.active_site == stack.inventory.away
    request = replace(request, away_serves=away)
    request = replace(request, circle=circle(stack.inventory.flows_of(DMS), request.flow, world))
    task = service.describe()
    decision = decide(request, task, _answers(request, world, service, task, files))
    if request.verb == Verb.MODIFY and not decision.problems:
        wanted = world.program.wanted()
        if not wanted.digests:
            return Decision(says=(f"the program wants nothing of {request.flow.name} changed: nothing to do",))
        return replace(decision, says=(*decision.says, *wanted.changes))
    return decision


def _answers(
    request: Request, world: World, service: Service, task: Described, files: tuple[pathlib.Path, ...]
) -> Answers | Unasked | None:
    if not request.verb.loads:
        return None
    if request.flow.engine == "mysql":
        return by_sql(world.opened(service, task), task.schemas, request.verb == Verb.RELOAD)
    return from_files(request.flow.name, files)


def _act(
    stack: Stack,
    request: Request,
    world: World,
    hands: Hands,
    decision: Decision,
    console: Console,
    break_lock: bool,
) -> dict[str, Any]:
    command = f"dms {request.verb}"
    log = Journal(begin(command, me(command), task=request.flow.name), OnDesk(stack.folder, world.store))
    hold = Hold(world.store, "m" + secrets.token_hex(4), command, LOCK_SECONDS)
    steps, problems, verdict = Steps(console, log, hold.keep), [], "passed"
    try:
        with stoppable():
            steps.run(TakeLock(break_lock), hold)
            for step in decision.steps:
                steps.run(step, hands)
    except (Locked, Unavailable) as problem:
        verdict, problems = "failed" if hold.until else "refused", [str(problem)]
    except (StepFailed, ProgramFailed, TimeoutError) as problem:
        verdict, problems = "failed", [str(problem)]
    except KeyboardInterrupt:
        verdict, problems = "failed", ["interrupted; `twinsite status` says how the task is, the same command goes on"]
    finally:
        with unstoppable(console.say):
            problems += steps.undo_all()
    log.close(verdict)
    if log.unsent:
        console.say(f"the journal {log.id} is not whole in the store: {log.unsent}")
    return {"verdict": verdict, "problems": problems, "steps": [asdict(step) for step in steps.done]}
