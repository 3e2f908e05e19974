"""A stack whose standby is fed by a task of DMS, as its moves work with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...dms.service import LOOK_SECONDS, Service
from ...stack import Stack
from ...steps import StepFailed
from ...subjects.clouds import World as Clouds
from ...unanswered import CouldNotAsk
from ..logical import world as logical
from ..logical.facts import Databases
from ..logical.facts_reader import FactsReader
from ..logical.hands import Hands
from ..words import Command, Intent, Plan, Refusal
from .plan import TaskStates, plan
from .tasks import RUNS, TaskHands, Tasks, flows


class TaskReader(FactsReader):
    """As of a subscription: the follower has rows applied while its task runs."""

    states: Mapping[str, str]

    def _databases(self, hands: Hands) -> Databases:
        found = super()._databases(hands)
        if found.look is None:
            return found
        follower = found.home if found.look.turned else found.away
        return replace(found, look=replace(found.look, running=self.states.get(follower) == RUNS))


@dataclass
class TaskWorld(logical.LogicalWorld):
    """With the tasks."""

    look_seconds: float = LOOK_SECONDS

    def tasks(self) -> Tasks:
        """About each, by the operator's own identity."""
        clouds: Clouds = self.clouds
        return Tasks(
            {
                site: Service(clouds.amazon(one.region), one, self.look_seconds)
                for site, one in flows(self.inventory).items()
            }
        )

    def plan(self, intent: Intent, owner: str) -> Plan | Refusal:
        """From facts alone."""
        states = self._states()
        reader = TaskReader(self.inventory, self.store, self.clouds, self.eyes)
        reader.states = states.known
        return plan(reader.facts(self.hands("", 0.0), owner), intent, states)

    def _states(self) -> TaskStates:
        tasks = self.tasks()
        try:
            states = {site: tasks.state(site) for site in tasks.services}
            return TaskStates(states, loading=tasks.loading(self.inventory.away))
        except (StepFailed, CouldNotAsk) as problem:
            return TaskStates({}, str(problem))

    def hands(self, identity: str, began: float) -> Hands:
        """What the steps work with."""
        made = TaskHands(self.inventory, self.clouds, self.worker, self.registers, self.eyes, began)
        made.tasks = self.tasks()
        return made

    def left(self, command: Command, to: str) -> list[str]:
        """What is left for a person."""
        home, away = self.inventory.home, self.inventory.away
        found = super().left(command, to)
        if command is Command.SWITCHOVER and to == away:
            found.append(f"nothing follows {away} until `twinsite failback --to {home}`, which loads {home} anew first")
        if command is Command.FAILBACK:
            found.append(f"{away} is no standby until its load has ended: `twinsite status`")
        return found


def connect(stack: Stack) -> TaskWorld:
    """With the operator's own identities. ValueError when the inventory names no store that can be used."""
    made = logical.connect(stack)
    return TaskWorld(made.store, made.inventory, made.clouds, made.worker, made.registers, made.eyes)
