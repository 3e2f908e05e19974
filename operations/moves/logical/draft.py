"""What the plans of several commands share: steps, sentences and refusals come together here. Pure."""

from ...journal.document import Unfinished
from ..words import Intent, Plan, Refusal, TurnBack
from .capacity_steps import AddNodes, AddReaders, Rest
from .facts import Facts, cluster_of, workload_of
from .ground import Ground
from .hands import claimed
from .step import MoveStep
from .user_steps import AwaitPools, VerifyAnswers
from .writer_steps import (
    AwaitOldWriter,
    BackOut,
    Claim,
    Prepare,
    Rejoin,
    Reserve,
    StartWriters,
    StopWriters,
    Switch,
)

TO = "to"
"""Under what the site of a move is kept, so that only the same move goes on."""


class Draft:
    """What comes together while the facts are judged."""

    def __init__(self, facts: Facts, intent: Intent) -> None:
        self.facts, self.intent = facts, intent
        there = facts.inventory
        self.home, self.away, self.ground = there.home, there.away, Ground.of(there)
        self.to = intent.to or self.away
        self.problems: list[str] = []
        self.says: list[str] = []
        self.steps: list[MoveStep] = []
        unfinished = facts.unfinished
        same = unfinished is not None and (unfinished.command, unfinished.choices.get(TO)) == (intent.command, self.to)
        self.resumed: Unfinished | None = unfinished if same else None
        self.done = set(self.resumed.done) if self.resumed else set()
        self.choices = {**(self.resumed.choices if self.resumed else {}), TO: self.to}
        self.abandoned = ""
        self.turns_back: TurnBack | None = None

    @property
    def old(self) -> str:
        """The site that is not to write."""
        return self.facts.databases.other(self.to)

    def refuse(self, words: str) -> None:
        self.problems.append(words)

    def add(self, step: MoveStep) -> None:
        self.steps.append(step)

    def common(self, *sites: str) -> None:
        """What holds for every command; `sites`: those that it can go to."""
        facts, intent = self.facts, self.intent
        if facts.held and not intent.ignore_lock:
            self.refuse(facts.held)
        if self.to not in sites:
            known = " and ".join((self.home, self.away))
            others = f"{intent.command} of this stack goes to {' or '.join(sites)}; its sites are {known}"
            self.refuse(f"--to {self.to}: {others}")
        if self.resumed is not None:
            self.says.append(f"goes on with {self.resumed.command} {self.resumed.id}, begun {self.resumed.began}")
        elif (other := facts.unfinished) is not None:
            # How far the databases are is read from them, so that nothing rests on its journal.
            self.abandoned = other.id
            self.says.append(f"{other.command} {other.id}, begun {other.began} and never ended, is given up for this")
        if facts.databases.problem:
            self.refuse(
                f"nobody has seen the databases ({facts.databases.problem}): every move is made by that job, in "
                f"{self.ground.job.what.removesuffix(', which runs the job')}: bring it back first"
            )

    @property
    def above(self) -> int:
        """An epoch that the next one must be above: a gate's, or one that another move has taken."""
        unfinished = self.facts.unfinished
        taken = [int(value) for key, value in (unfinished.choices if unfinished else {}).items() if key in self._keys]
        return max([self.facts.databases.epoch, *taken])

    @property
    def _keys(self) -> tuple[str, str]:
        return claimed(self.home), claimed(self.away)

    # What several commands do, and a kind of move may do otherwise.

    def prepare(self, site: str) -> None:
        """All that is in the way is named, while all goes on."""
        self.unhindered(site)
        self.add(Prepare(self.ground, site))

    def unhindered(self, site: str) -> None:
        """What the look saw in the way of the writer is said before anything is begun."""
        databases = self.facts.databases
        if databases.look is not None and databases.follows(site):
            for words in databases.look.in_the_way:
                self.refuse(words)

    def bring_back(self, site: str, epoch: int, lost: str) -> None:
        """One that was the writer follows again; `lost`: what becomes of rows that it alone has, in words."""
        self.says.append(f"{site} is shut and made to follow first; rows that it alone has {lost}")
        self.add(Rejoin(self.ground, site, epoch, self.intent.anew))

    def settled(self, site: str) -> bool:
        """Whether all is done at `site`, from which the writer has gone."""
        return self.facts.databases.follows(site)

    def finish(self, site: str) -> None:
        """Of a move whose writer is at `site` already."""

    def unloaded(self) -> str:
        """What a load had not brought, as others than the databases say; "" where nobody says so."""
        return ""

    def home_again(self) -> None:
        """After the writer was brought home."""

    def capacity(self, site: str) -> None:
        """Nodes and pods that read, before anything is stopped."""
        grown, pods = cluster_of(self.facts.inventory, site), workload_of(self.facts.inventory, site)
        if grown is None:
            return  # what runs at home is its owner's
        self.add(AddNodes(self.ground, site, grown.serving_nodes))
        if pods is not None:
            self.add(AddReaders(self.ground, site, pods.serving_replicas))

    def switched(self, site: str) -> None:
        """The writer goes from the other site to this one, nothing lost."""
        old = self.facts.databases.other(site)
        self.add(self._epoch(site))
        if workload_of(self.facts.inventory, old) is None:
            self.says.append(
                f"{old}'s pods are not in the inventory, and nobody tells them to read: the gate in its database alone "
                "holds, whoever writes there is refused (SQLSTATE 25006) until users are at the other site; stop its "
                "jobs that write, as nothing here does"
            )
        self.add(Switch(self.ground, site, self._asks))
        if self.facts.inventory.registers:
            # Its agent lets nobody write before.
            self.add(AwaitOldWriter(self.ground, site, planned=True))

    @property
    def _asks(self) -> bool:
        """Whether somebody writes on until all is ready, and registers then say who may."""
        return bool(self.facts.inventory.registers and self.facts.databases.writers)

    def _epoch(self, site: str) -> MoveStep:
        """The step that decides which one the move has."""
        return (Reserve if self._asks else Claim)(self.ground, site, self.above)

    def may_turn_back(self, site: str) -> None:
        """Until it is handed over, a failure lets the old writer write again."""
        old, claim, switch = self.facts.databases.other(site), self._epoch(site), Switch(self.ground, site)
        self.turns_back = TurnBack(
            BackOut(self.ground, old),
            claim.name,
            frozenset({claim.name, switch.name}),
            f"{old} writes again",
            f"`twinsite switchover --to {old}`",
            until=switch.name,
            stopped=f"writes at {old} may be stopped",
            failed=f"{old} was not opened again",
        )

    def users(self, site: str, leave: bool = False) -> None:
        """Everybody comes: pods, pools, the page. `leave`: from the other site, whose pods say that they write."""
        old = self.facts.databases.other(site)
        if leave and workload_of(self.facts.inventory, old) is not None:
            # Not before: the gate shuts at the last moment, and until then users' writes are taken.
            self.add(StopWriters(self.ground, old))
        if workload_of(self.facts.inventory, site) is not None:
            self.add(StartWriters(self.ground, site))
        else:
            self.says.append(
                f"{site}'s pods are not in the inventory: whoever runs them has them begin anew as writers"
            )
        self.add(AwaitPools(self.ground, site))
        self.add(VerifyAnswers(self.ground, site))

    def rest(self, site: str, always: bool = False) -> None:
        """What was added there goes."""
        there = self.facts.inventory
        if cluster_of(there, site) is not None and workload_of(there, site) is not None:
            self.add(Rest(self.ground, site, always))

    def decided(self) -> Plan | Refusal:
        """What became of it."""
        if self.problems:
            return Refusal(tuple(self.problems))
        return Plan(
            self.intent.command,
            self.to,
            tuple(step for step in self.steps if step.again or step.name not in self.done),
            tuple(self.says),
            self.choices,
            resumes=self.resumed.id if self.resumed else "",
            abandons=self.abandoned,
            from_mode=(self.resumed.from_mode if self.resumed else "") or self.facts.inventory.dr_mode,
            turn_back=self.turns_back,
        )

    # What is seen now.

    def seen(self) -> None:
        """The tunnels, the lag, who gets users: said, and judged by the job where it matters."""
        facts, look = self.facts, self.facts.databases.look
        if facts.tunnels is not None and facts.tunnels[0] < facts.tunnels[1]:
            up, all_ = facts.tunnels
            self.says.append(
                f"{up} of {all_} tunnels are up, as {self.away} sees them: `twinsite status` names the others"
            )
        if look is not None and look.lag_seconds is not None:
            self.says.append(f"a row takes {look.lag_seconds:g} s; a switch wants less than 5 s")
        if not facts.serving:
            self.says.append("who gets users by Cloudflare's pools is not known: they are seen by their page alone")
        if not facts.inventory.registers:
            self.says.append("there are no registers of who may write (ADR 44): the gates in the databases alone hold")
