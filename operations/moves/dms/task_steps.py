"""Steps about the tasks: one is seen to be current, stopped, or loads a site that follows again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from twinsite.rules.dms_source import FRESH, RELOAD

from ...dms import actions
from ...dms.service import patient
from ...steps import Outcome, Plane, Say, StepFailed, control_plane
from ...subjects.dms_task import TaskSeen
from ..logical.hands import CATCH_UP_SECONDS, SWITCH_LAG_SECONDS, Hands
from ..logical.step import MoveStep
from .tasks import RUNS, STOPPED, TaskHands

BATCH = "TargetMetadata.BatchApplyEnabled"


@dataclass(frozen=True)
class TaskStep(MoveStep):
    """About the task that carries rows to `site`."""

    region: str

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (control_plane(f"DMS in {self.region}", self.ground.home, self.region),)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert isinstance(hands, TaskHands)  # the world's
        return self.act(hands, say)

    def act(self, hands: TaskHands, say: Say) -> Outcome:
        """The step itself."""
        raise NotImplementedError


class SeeTask(TaskStep):
    """A table that it has given up, a latency: both would be what users get."""

    needs = "DMS and CloudWatch answer"
    undo = "none needed"
    again = True

    @property
    def name(self) -> str:
        return f"see-task-{self.site}"

    @property
    def title(self) -> str:
        return f"see that the task to {self.site} is current, and has given up nothing"

    def act(self, hands: TaskHands, say: Say) -> Outcome:
        service = hands.tasks.to(self.site)
        seen = service.seen()
        # Rows are compared by a step of its own, and again while nobody writes; DMS may take one that is written all
        # the while, as the heartbeat's, for one that differs.
        tables = tuple(replace(one, validation="", failed=0) for one in seen.tables)
        if found := list(TaskSeen(service.flow, replace(seen, tables=tables)).problems()):
            raise StepFailed("; ".join(found))
        if service.describe().setting(BATCH):
            raise StepFailed(
                f"{service.flow.name} applies in batches ({BATCH}), which are not in the source's order: a heartbeat "
                "does not say that all before it came. Leave it out of `settings`, then `twinsite dms modify`"
            )

        def late() -> str:
            seen = service.seen()
            known = {"source": seen.source_seconds, "target": seen.target_seconds}
            over = [f"{side} {value}" for side, value in known.items() if value is None or value > SWITCH_LAG_SECONDS]
            return f"latency at {', '.join(over)} s" if over else ""

        look = patient(late, "AWS does not answer")
        waited = hands.wait("both latencies to be nothing", CATCH_UP_SECONDS, look, say)
        return Outcome(f"both latencies are under {SWITCH_LAG_SECONDS:g} s, after {waited:g} s")


class StopTask(TaskStep):
    """Its rows have all come; its slot keeps the log until it goes on or is dropped."""

    needs = "the site takes writes, or is to be carried from"
    undo = "none needed: a gate that is open lets no task in"

    @property
    def name(self) -> str:
        return f"stop-task-{self.site}"

    @property
    def title(self) -> str:
        return f"stop the task to {self.site}"

    def act(self, hands: TaskHands, say: Say) -> Outcome:
        service = hands.tasks.to(self.site)
        found = service.describe()
        if found.state in STOPPED:
            return Outcome(f"it is {found.state} already")
        service.ask("StopReplicationTask", ReplicationTaskArn=found.arn)
        wrong = [one.name for one in found.tables if "error" in one.state.lower()]
        left = (f"{', '.join(wrong)} went into error amid the move: compare both ends",) if wrong else ()
        return Outcome(service.until(STOPPED).state, findings=left)


class Load(TaskStep):
    """`site` is shut: it is emptied, and its task loads all rows. Killed, it begins anew: a copy that was not begun has
    nothing to lose, and one that runs is left alone."""

    needs = "the site is shut, and what it alone has was looked at; no task carries rows from it"
    undo = "none: until the load has ended there is one copy"

    @property
    def name(self) -> str:
        return f"load-{self.site}"

    @property
    def title(self) -> str:
        return f"empty {self.site}'s tables, and have its task load all rows anew"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (*super().planes, self.ground.job, *self.ground.databases)

    def act(self, hands: TaskHands, say: Say) -> Outcome:
        service = hands.tasks.to(self.site)
        hands.tasks.alone(self.site)
        found = service.describe()
        if found.state == RUNS:
            return Outcome("it runs already")
        for side in ("source", "target"):
            service.connects(side, found)
        hands.verb(say, "reseed")
        how = FRESH if found.state == "ready" else RELOAD
        return Outcome(actions.started(actions.Hands(service, _NoProgram()), how))


class _NoProgram:
    def up_for(self, say: object) -> str:
        raise StepFailed("a move changes no task")
