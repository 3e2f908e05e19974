"""The plans of ../logical with a task in place of a subscription. Pure."""

from dataclasses import dataclass

from ... import offers
from ..logical import plan as logical
from ..logical.draft import Draft
from ..logical.facts import Facts
from ..logical.writer_steps import Compare, Rejoin
from ..words import Command, Intent, Plan, Refusal
from .task_steps import Load, SeeTask, StopTask
from .tasks import STOPPED, flows


@dataclass(frozen=True)
class TaskStates:
    """As DMS has them; site → of the task that carries rows to it, "" where there is none."""

    known: dict[str, str]
    problem: str = ""
    """Why that is not known: a dead site's region may not answer."""
    loading: tuple[str, ...] = ()
    """Tables that the task to the standby is loading, as DMS says."""


class TaskDraft(Draft):
    """What comes together where a task carries the rows."""

    def __init__(self, facts: Facts, intent: Intent, states: TaskStates) -> None:
        super().__init__(facts, intent)
        self.states, self.flows = states, flows(facts.inventory)

    def _of(self, site: str) -> str:
        """Region of the task to it."""
        return self.flows[site].region if site in self.flows else ""

    def common(self, *sites: str) -> None:
        super().common(*sites)
        if self.states.problem and self.intent.command is not Command.FAILOVER:
            self.refuse(f"how the tasks are is not known ({self.states.problem}); only a failover does without")
        look = self.facts.databases.look
        if self.intent.command is Command.FAILOVER and look is not None and look.copied is None and self.states.problem:
            self.says.append(
                f"whether a load was going on is not known: {self.away} has no mark of it (a task of before, or nobody "
                "looked since), and DMS does not answer. A heartbeat comes before large tables have: if one was, "
                "restore the newest backup instead"
            )
        running = [site for site, state in self.states.known.items() if state not in (*STOPPED, "")]
        if len(running) > 1 and self.intent.command is not Command.FAILOVER:
            names = " and ".join(self.flows[site].name for site in running)
            self.refuse(f"{names} carry rows in a circle: `twinsite dms stop --task NAME` that of the end that writes")

    def unloaded(self) -> str:
        found = self.states.loading
        return f"DMS is loading {', '.join(found)}" if found else ""

    def prepare(self, site: str) -> None:
        self.add(SeeTask(self.ground, site, self._of(site)))
        super().prepare(site)
        if not any(isinstance(one, Compare) for one in self.steps):
            self.add(Compare(self.ground, site))

    def switched(self, site: str) -> None:
        super().switched(site)
        self.add(StopTask(self.ground, site, self._of(site)))

    def finish(self, site: str) -> None:
        # After a failover DMS is at the dead site; the open gate does without it.
        if self.intent.command is not Command.FAILOVER and not self.settled(self.facts.databases.other(site)):
            self.add(StopTask(self.ground, site, self._of(site)))

    def settled(self, site: str) -> bool:
        return self.states.known.get(self.facts.databases.other(site), "") in (*STOPPED, "")

    def bring_back(self, site: str, epoch: int, lost: str) -> None:
        self._needs_a_task(site)
        old = self.facts.databases.other(site)
        self.says.append(
            f"{site} is shut, emptied and loaded anew by {self.flows[site].name if site in self.flows else 'a task'}: "
            f"until that has ended there is one copy; rows that it alone has {lost}"
        )
        self.add(StopTask(self.ground, old, self._of(old)))
        self.add(Rejoin(self.ground, site, epoch, self.intent.anew))
        self.add(Load(self.ground, site, self._of(site)))

    def home_again(self) -> None:
        """The standby follows again; its rows are home's, and a place to go on from is not kept."""
        self.says.append(f"afterwards {self.away} is emptied and loaded anew by {self.flows[self.away].name}")
        self.add(Load(self.ground, self.away, self._of(self.away)))

    def _needs_a_task(self, site: str) -> None:
        if site not in self.flows:
            self.refuse(
                f"no task of DMS carries rows to {site}: make one in the program, the two ends exchanged (it stays "
                "unstarted), or seed it natively by hand; never let two of them run"
            )


def plan(facts: Facts, intent: Intent, states: TaskStates) -> Plan | Refusal:
    """The plan for `intent`, or why there is none."""
    missing = offers.refusal(intent.command.value, facts.inventory)
    if missing:
        return Refusal((missing,))
    draft = TaskDraft(facts, intent, states)
    if intent.live:
        draft.refuse("--live would need a load of all rows between the two moves: `twinsite switchover`, then failback")
    return logical.decided(draft)
