"""`twinsite drill dms`: the replication instance is rebooted, and the task comes back without anybody.

Here: one kind of loss, that of the instance, by DMS's own call; Multi-AZ fails over. Rows are compared by DMS's
validation. Not here: the path and the source's slot (drill_faults.py).
"""

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinsite.inventory import Flow

from .. import chain
from ..console import Console
from ..drill import frame
from ..stack import Stack
from ..steps import Outcome, Say, Step, StepFailed, wait
from ..subjects.dms_task import TaskSeen
from .actions import RUNS, Hands, OnTask
from .command import World
from .service import Service, patient

COMMAND = "drill dms"
BACK_SECONDS = 1800.0
"""A reboot, and a task that begins again at its place."""
LEAVES_SECONDS = 300.0


def complaints(service: Service) -> list[str]:
    """What status says of the task now."""
    return list(TaskSeen(service.flow, service.seen()).problems())


@dataclass(frozen=True)
class SeeThatItIsWell(OnTask):
    """A task that is ill already would say nothing by being ill afterwards."""

    name = "see-that-it-is-well"
    needs = "DMS and CloudWatch answer"

    @property
    def title(self) -> str:
        return f"see that {self.task} runs, is current and differs nowhere"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        if found := complaints(hands.service):
            raise StepFailed(f"it is not drilled while something is wrong: {'; '.join(found)}")
        return Outcome("it runs and is current")


@dataclass(frozen=True)
class Reboot(OnTask):
    """What the task runs on goes away in the middle of its work."""

    name = "reboot"
    needs = "the task is well"

    @property
    def title(self) -> str:
        return f"reboot the instance of {self.task}, with a failover where it has a second zone"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        service, found = hands.service, hands.service.describe()
        began = time.monotonic()
        service.ask("RebootReplicationInstance", ReplicationInstanceArn=found.instance, ForceFailover=found.multi_az)
        last = [""]

        def is_(there: bool) -> bool:
            now = service.describe()
            last[0] = f"instance {now.instance_state}, task {now.state}"
            say(last[0])
            return (now.instance_state == "available" and now.state == RUNS) is there

        # An instance that was never seen away was not rebooted.
        for what, there, most in (
            ("the instance or its task to be away", False, LEAVES_SECONDS),
            ("the task to run again by itself", True, BACK_SECONDS),
        ):
            look = patient(functools.partial(is_, there), False)
            wait(what, look, most, lambda: last[0], service.pause)
        seconds = round(time.monotonic() - began, 1)
        return Outcome(f"it runs again after {seconds:g} s", figures={"runs_again_seconds": seconds})


@dataclass(frozen=True)
class SeeThatItCaughtUp(OnTask):
    """As before: current at both ends, no table in error, no row that differs."""

    name = "see-that-it-caught-up"
    needs = "the task runs again"

    @property
    def title(self) -> str:
        return f"see that {self.task} is current again and differs nowhere"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        began, last = time.monotonic(), [""]

        def well() -> bool:
            last[0] = "; ".join(complaints(hands.service))
            return not last[0]

        wait("the task to be current", patient(well, False), BACK_SECONDS, lambda: last[0], hands.service.pause)
        return Outcome("as before", figures={"current_after_it_ran_seconds": round(time.monotonic() - began, 1)})


def run(
    stack: Stack,
    flow: Flow,
    world: World,
    console: Console,
    break_lock: bool = False,
    tell: chain.Planned = chain.unasked,
) -> dict[str, Any]:
    """The drill's JSON, and its evidence once the instance was rebooted."""
    at = flow.name, flow.region
    todo: list[Step[Hands]] = [SeeThatItIsWell(*at), Reboot(*at), SeeThatItCaughtUp(*at)]
    hands = Hands(Service(world.amazon(flow.region), flow, world.look_seconds), world.program)
    left = "DMS brings the task back by itself; `twinsite status` says how it is"
    one = frame.Drill(COMMAND, f"dms-{flow.name}", todo, 1, LEAVES_SECONDS + 2 * BACK_SECONDS, left, {})
    return frame.run(stack, world.store, one, hands, console, None, break_lock, tell, task=flow.name)
