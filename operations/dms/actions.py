"""What `twinsite dms` may do to a task, each as a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from twinsite.rules.dms_source import RESUME

from ..steps import Outcome, Plane, Say, Step, StepFailed, control_plane
from .service import Described, Service

RUNS, STOPPED = "running", ("stopped", "failed", "ready")


class Program(Protocol):
    """The Pulumi program of the stack."""

    def up_for(self, say: Callable[[str], None]) -> str:
        """`pulumi up` that may change a task that is stopped now; what it was allowed. StepFailed with its words."""


@dataclass
class Hands:
    """What the steps share."""

    service: Service
    program: Program
    stopped: bool = False
    """Whether this command stopped it, and nobody has started it since."""


@dataclass(frozen=True)
class OnTask(Step[Hands]):
    """Something that is done to one task by DMS's API."""

    task: str
    region: str

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (control_plane(f"DMS in {self.region}", region=self.region),)


@dataclass(frozen=True)
class Connect(OnTask):
    """The instance gets into a database: DMS starts nothing before it has."""

    side: str

    needs = "the replication instance is available"

    @property
    def name(self) -> str:
        return f"connect-{self.side}"

    @property
    def title(self) -> str:
        return f"let the instance of {self.task} try the {self.side}"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.service.connects(self.side, _with_instance(hands.service))
        return Outcome("successful")


def _with_instance(service: Service) -> Described:
    found = service.describe()
    if found.instance_state != "available":
        raise StepFailed(f"the replication instance is {found.instance_state}: run this again when it is available")
    return found


@dataclass(frozen=True)
class Start(OnTask):
    """It runs, as `how` says."""

    how: str

    needs = "both connections were tried, and what a start harms was asked"
    undo = "`twinsite dms stop`"

    @property
    def name(self) -> str:
        return "resume" if self.how == RESUME else "start"

    @property
    def title(self) -> str:
        return f"start {self.task} ({self.how})"

    @property
    def final(self) -> bool:
        return self.how != RESUME

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(started(hands, self.how))


def started(hands: Hands, how: str) -> str:
    """Start it, and see that it runs; what there is to say."""
    found = hands.service.describe()
    if found.state == RUNS:
        hands.stopped = False
        return "it runs already"
    hands.service.ask("StartReplicationTask", ReplicationTaskArn=found.arn, StartReplicationTaskType=how)
    hands.service.until((RUNS,))
    hands.stopped = False
    return RUNS


@dataclass(frozen=True)
class Stop(OnTask):
    """It stands still, with its place in the source's log; where it is for a change, it does not stay so."""

    for_change: bool = False

    name = "stop"
    needs = "the source keeps its log for as long as it stands"

    @property
    def title(self) -> str:
        return f"stop {self.task}"

    @property
    def undo(self) -> str:
        return self.back or "`twinsite dms resume`"

    @property
    def back(self) -> str:
        return f"resume {self.task}" if self.for_change else ""

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.service.describe()
        if found.state in STOPPED:
            return Outcome(f"it is {found.state} already")
        hands.stopped = True
        hands.service.ask("StopReplicationTask", ReplicationTaskArn=found.arn)
        return Outcome(hands.service.until(STOPPED).state)

    def take_back(self, hands: Hands) -> str | None:
        if not hands.stopped:
            return None
        hands.service.until((*STOPPED, RUNS))
        return started(hands, RESUME)


@dataclass(frozen=True)
class Change(OnTask):
    """What the program wants of the task and its endpoints is done while it stands still."""

    name = "change"
    needs = "the task is stopped"
    undo = "set it back in the program, and the same command"

    @property
    def title(self) -> str:
        return f"`pulumi up`, which may change {self.task} now"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.service.until(STOPPED)
        allowed = hands.program.up_for(say)
        # DMS changes it on after the provider has gone on.
        hands.service.until(STOPPED)
        return Outcome(allowed)


@dataclass(frozen=True)
class ReloadTables(OnTask):
    """These tables are read again, the others go on."""

    tables: tuple[str, ...]

    name = "reload-tables"
    needs = "the task runs, and the tables are empty at the target"

    @property
    def title(self) -> str:
        return f"load {', '.join(self.tables)} again"

    @property
    def final(self) -> bool:
        return True

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.service.describe()
        named = [dict(zip(("SchemaName", "TableName"), one.split(".", 1), strict=True)) for one in self.tables]
        hands.service.ask("ReloadTables", ReplicationTaskArn=found.arn, TablesToReload=named)
        return Outcome("DMS loads them; `twinsite status` says when they are no longer in error")
