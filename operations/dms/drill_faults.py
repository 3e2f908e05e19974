"""`twinsite drill dms --kind path|slot`: the path to the target is cut, or the source's slot holds its log for a time.

Here: what a person may ask for, and the judgement. Not here: the lost instance (drill.py), steps (drill_steps.py), how
a path is cut (path.py), what AWS tells meanwhile (watched.py).
"""

from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Flow
from twinsite.rules.dms_source import RESUME

from .. import chain
from ..console import Console
from ..drill import frame
from ..drill.expectations import Check
from ..stack import Stack
from ..steps import Step
from . import source_slots
from .actions import Connect, Hands
from .command import World
from .drill import BACK_SECONDS, COMMAND
from .drill_steps import (
    MIB,
    Clear,
    CutPath,
    DrillHands,
    GoOn,
    Held,
    Hold,
    LookAtSlots,
    OpenPath,
    SeeBefore,
    SeeThatAllCame,
    WatchFault,
    WatchSlot,
)
from .path import Cut, Path
from .questions import SOURCE, TARGET
from .service import Service
from .source_slots import SourceSlots
from .watched import Metric, Watch
from .words import DEFAULT_MIB, DEFAULT_SECONDS, Kind

LEAST_SECONDS, MOST_SECONDS = 60.0, 3600.0
LEAST_MIB, MOST_MIB = 16, 4096
RDS = ".rds.amazonaws.com"


@dataclass(frozen=True)
class Fault:
    """What a person asked for."""

    kind: Kind
    seconds: float = DEFAULT_SECONDS
    hold_mib: int = DEFAULT_MIB
    """Of a slot: the task goes on when it holds so much."""
    command: str = ""
    """Of a path."""

    def problems(self, flow: Flow, slots: SourceSlots | None) -> list[str]:
        """Pure."""
        found = []
        if not LEAST_SECONDS <= self.seconds <= MOST_SECONDS:
            found.append(f"--seconds {self.seconds:g}: give {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
        if self.kind is Kind.PATH:
            return found + _cut(flow, self).problems()
        if not LEAST_MIB <= self.hold_mib <= MOST_MIB:
            found.append(f"--hold-mib {self.hold_mib}: give {LEAST_MIB} to {MOST_MIB}; no drill fills a disk")
        if self.command:
            found.append("--fault-command cuts a path: leave it out, or give --kind path")
        if flow.engine != "postgres":
            found.append(f"{flow.name} reads {flow.engine}, which has no slots: give --kind path or instance")
        elif slots is None:
            found.append(
                f"no job of the stack sees {flow.source}, and a slot that nobody watches is not drilled: `through` of "
                "DmsCdcTask names one"
            )
        return found


def _cut(flow: Flow, fault: Fault) -> Cut:
    return Cut(flow.name, flow.target_address, flow.target_port, fault.command)


def steps_of(flow: Flow, fault: Fault) -> list[Step[Hands]]:
    """Of one drill, after the lock was taken."""
    at = flow.name, flow.region
    if fault.kind is Kind.PATH:
        cut = _cut(flow, fault)
        watch = WatchFault(*at, fault.seconds)
        return [Clear(*at), SeeBefore(*at), CutPath(*at, cut), watch, OpenPath(*at, cut), SeeThatAllCame(*at)]
    return [
        SeeBefore(*at),
        LookAtSlots(*at),
        # Tried before it is stopped: what could not go on again is not stopped.
        Connect(*at, SOURCE),
        Connect(*at, TARGET),
        Hold(*at),
        WatchSlot(*at, fault.seconds, fault.hold_mib * MIB),
        GoOn(*at, RESUME),
        SeeThatAllCame(*at),
    ]


def disk_alarms(flow: Flow) -> tuple[Metric, ...]:
    """On what a slot holds, where RDS measures it. Pure."""
    name, _, rest = flow.source_address.partition(".")
    if not rest.endswith(RDS):
        return ()
    return (("AWS/RDS", "OldestReplicationSlotLag", (("DBInstanceIdentifier", name),)),)


def judged(fault: Fault, hands: DrillHands) -> tuple[dict[str, Any], list[Check]]:
    """Figures and checks. Pure."""
    checks, held = hands.watch.checks, hands.held
    if fault.kind is Kind.PATH:
        return hands.watch.figures, checks
    held = held or Held("", 0)
    before, most = f"{held.before / MIB:.1f}", f"{held.most / MIB:.1f} MiB"
    after = "not known" if held.after is None else f"{held.after / MIB:.1f} MiB"
    let_go = held.after is not None and held.after < held.most
    checks += [
        Check("the slot held the log", "more than before", f"{before} → {most}", held.most > held.before),
        Check("the slot was let go", "less than at the most", after, let_go),
    ]
    figures = {"held_before_bytes": held.before, "held_most_bytes": held.most, "held_after_bytes": held.after}
    return hands.watch.figures | figures, checks


def run(
    stack: Stack,
    flow: Flow,
    world: World,
    fault: Fault,
    console: Console,
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
    sees: SourceSlots | None = None,
) -> dict[str, Any]:
    """The drill's JSON, and its evidence once something was broken. `sees`: by default the stack's job."""
    slots = sees or source_slots.of(stack.inventory, flow)
    if problems := fault.problems(flow, slots):
        return frame.refused(stack, COMMAND, problems, task=flow.name, kind=str(fault.kind))
    service = Service(world.amazon(flow.region), flow, world.look_seconds)
    watch = Watch(service, disk_alarms(flow) if fault.kind is Kind.SLOT else ())
    path = Path(service, world.store, _cut(flow, fault)) if fault.kind is Kind.PATH else None
    hands = DrillHands(service=service, program=world.program, watch=watch, path=path, slots=slots)
    steps = steps_of(flow, fault)
    looking = next(number for number, step in enumerate(steps) if step.name in ("cut", "hold"))
    left = (
        "the path was opened again; `twinsite status` says how the task is"
        if path
        else "the task was resumed; `twinsite status` says how it is"
    )
    one = frame.Drill(
        COMMAND, f"dms-{fault.kind}-{flow.name}", steps, looking, fault.seconds + 2 * BACK_SECONDS, left,
        {"kind": str(fault.kind)},
    )  # fmt: skip
    return frame.run(
        stack, world.store, one, hands, console, lambda: judged(fault, hands), break_lock, tell, task=flow.name,
        kind=str(fault.kind),
    )  # fmt: skip
