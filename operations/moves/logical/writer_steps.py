"""Steps that move the writer: who may, the databases, the role that pods begin with. ADR 64 has their order."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...steps import Outcome, Plane, Say, StepFailed, data_plane
from ...transport import RemoteFailed, Unreachable
from .hands import PODS_SECONDS, Hands, claimed, epoch_of
from .pods import READER, WRITER
from .step import ByJob, InCluster, MoveStep


class Prepare(ByJob):
    """Everything that is in the way of a switch is named while all goes on."""

    needs = "both databases answer"
    undo = "none needed: gates that are open at the writer stop nobody"
    again = True

    @property
    def name(self) -> str:
        return f"prepare-{self.site}"

    @property
    def title(self) -> str:
        return f"see that nothing is in the way of {self.site} as the writer, and put gates up"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.moved(say, "prepare", "--to", hands.end(self.site))
        return Outcome("; ".join(found["changed"]) or "all is there")


@dataclass(frozen=True)
class Claim(MoveStep):
    """From here on the registers let nobody else write, where there are any."""

    above: int
    """The highest epoch that a gate has had."""
    without: tuple[str, ...] = ()
    """Registers that are not asked: they died with their site."""

    @property
    def name(self) -> str:
        return f"claim-{self.site}"

    @property
    def needs(self) -> str:
        return "two of three registers answer" if self.ground.registers else "nobody else took it: the gates say so"

    @property
    def title(self) -> str:
        if not self.ground.registers:
            return f"take the next epoch for {self.site}: there are no registers, the gates in the databases alone hold"
        return f"swap two of three registers to {self.site}, in the next epoch"

    @property
    def undo(self) -> str:
        return f"the same for {self.old}, in a later epoch"

    @property
    def planes(self) -> tuple[Plane, ...]:
        if not self.ground.registers:
            return (data_plane("this desk alone"),)
        return tuple(plane for place, plane in self.ground.registers if place not in self.without)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        before = [int(epoch) for key, epoch in choices.items() if key.startswith(claimed(""))]
        epoch = hands.claim(self.site, max([self.above, *before]), self.without)
        return Outcome(f"epoch {epoch}", {claimed(self.site): str(epoch)})


@dataclass(frozen=True)
class Reserve(MoveStep):
    """Which epoch it will be. The registers are swapped by `Switch`, at the moment from which writes stop."""

    above: int
    """The highest epoch that a gate has had."""
    needs = "two of three registers answer"
    undo = "none needed: nothing is written"

    @property
    def name(self) -> str:
        return f"reserve-{self.site}"

    @property
    def title(self) -> str:
        return f"read which epoch is {self.site}'s, while {self.old} writes on"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return tuple(plane for _, plane in self.ground.registers)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        before = [int(epoch) for key, epoch in choices.items() if key.startswith(claimed(""))]
        epoch = hands.reserve(self.site, max([self.above, *before]))
        return Outcome(f"epoch {epoch}", {claimed(self.site): str(epoch)})


@dataclass(frozen=True)
class AwaitOldWriter(MoveStep):
    """A site that says nothing has stopped by itself when its lease and its closing are over (ADR 44)."""

    without: tuple[str, ...] = ()
    planned: bool = False
    """Of a switchover: then nobody could write from the claim until now."""
    needs = "two registers name the new writer"
    undo = "none needed"
    phases = ("transfer",)

    @property
    def name(self) -> str:
        return f"await-old-writer-{self.site}"

    @property
    def title(self) -> str:
        return f"wait until {self.old} says that it stopped, or must have"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return tuple(plane for place, plane in self.ground.registers if place not in self.without)

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        words = hands.stopped(self.site, epoch_of(choices, self.site), self.without, say)
        closed = hands.waited(self.site) if self.planned else None
        return Outcome(words, figures={} if closed is None else {"write_outage_seconds": closed})


class StopWriters(InCluster):
    """At the site that has written so far. The gate is what holds: this is for its /writer to say no, and for its users
    to read."""

    needs = "its database is shut"

    @property
    def name(self) -> str:
        return f"stop-writers-{self.site}"

    @property
    def title(self) -> str:
        return f"have {self.site}'s pods begin anew as readers"

    @property
    def undo(self) -> str:
        return f"ROLE writer in the ConfigMap at {self.site}, and its pods begun anew"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.pods(self.site).role(READER, epoch_of(choices, self.old))
        return Outcome("told; not waited for")


@dataclass(frozen=True)
class Switch(ByJob):
    """Shut, end, prove, hand over, open, turn round: one verb, which goes on where it was killed (ADR 59)."""

    asks: bool = False
    """The registers are swapped when the job says that all is ready and nothing was stopped (ADR 72)."""
    needs = "everything that prepare looks at; rows come within 5 s"
    phases = ("promotion",)

    @property
    def name(self) -> str:
        return f"switch-{self.site}"

    @property
    def title(self) -> str:
        first = "once all is ready, swap two of three registers, " if self.asks else ""
        return f"{first}stop writes at {self.old}, prove that {self.site} has all of it, and let it write"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (*super().planes, *(plane for _, plane in self.ground.registers if self.asks))

    @property
    def undo(self) -> str:
        return f"before it was handed over, this command opens {self.old} again; afterwards a switchover to {self.old}"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        epoch = epoch_of(choices, self.site)
        found = hands.switched(say, self.site, epoch, self.asks)
        closed = hands.outage(self.site, found)
        figures = {} if closed is None else {"write_outage_seconds": closed}
        return Outcome(
            f"epoch {epoch}: {'; '.join(found['changed']) or 'it was done already'}",
            figures=figures,
            findings=tuple(found.get("problems") or ()),
        )


@dataclass(frozen=True)
class BackOut(MoveStep):
    """Turns a switch back: `site` is the one that wrote before. Refused by the databases once it was handed over."""

    needs = "nothing was handed over"

    @property
    def name(self) -> str:
        return f"back-out-{self.old}"

    @property
    def title(self) -> str:
        return f"let {self.site} write again"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.job, *self.ground.databases, *(plane for _, plane in self.ground.registers))

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        epoch = epoch_of(choices, self.old)
        # First the databases: they alone know whether it was handed over. Then nobody else may write by the registers.
        found = hands.moved(say, "back-out", "--epoch", str(epoch), "--to", hands.end(self.old))
        words = "; ".join(found["changed"]) or f"{self.site} had not stopped"
        if hands.inventory.registers:
            epoch = hands.claimed_back(self.site, epoch)
            words += f"; the registers name {self.site} in epoch {epoch}"
        if hands.told(self.site):
            hands.pods(self.site).role(WRITER, epoch)
        return Outcome(words)


@dataclass(frozen=True)
class Promote(MoveStep):
    """Asks nothing of the source but whether it answers after all."""

    although: bool = False
    """On a person's word: it does, and is given up."""
    half: bool = False
    """On a person's word: so is what a first copy or a load had not brought."""
    needs = "all rows were loaded once; the old writer does not answer the job"
    final = True
    phases = ("promotion",)

    @property
    def name(self) -> str:
        return f"promote-{self.site}"

    @property
    def title(self) -> str:
        return f"let {self.site} write without {self.old}, with what it has"

    @property
    def undo(self) -> str:
        return f"none: from here on only `twinsite failback --to {self.old}`, which counts what {self.old} alone has"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (self.ground.job, self.ground.database(self.site))

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        epoch = epoch_of(choices, self.site)
        words = {"--although-it-answers": self.although, "--although-half-loaded": self.half}
        given = [one for one, said in words.items() if said]
        found = hands.moved(say, "promote", "--epoch", str(epoch), "--to", hands.end(self.site), *given)
        findings = [*map(str, found.get("left") or ())]
        if self.although:
            findings.append(self._shut(hands, epoch, say))
        done = "; ".join(found["changed"]) or "it was done already"
        lacking = str(found.get("lacking") or "")
        # Rows that were never loaded are older than any heartbeat.
        age = {"rpo_seconds": None, "rpo_basis": lacking} if lacking else hands.age(found.get("newest"))
        return Outcome(f"epoch {epoch}: {done}", figures=age, findings=tuple(findings))

    def _shut(self, hands: Hands, epoch: int, say: Say) -> str:
        """One that answers would go on writing, and Cloudflare go on giving it users."""
        try:
            hands.verb(say, "rejoin", "--epoch", str(epoch), "--to", hands.end(self.site), "--wait", "0")
        except (RemoteFailed, Unreachable) as problem:
            return f"{self.old}, which answered: {problem}"
        return f"{self.old}, which answered, is shut and follows"


class StartWriters(InCluster):
    """Pods begin with the role of a writer only when the database takes writes."""

    needs = "the database takes writes"
    phases = ("resume",)

    @property
    def name(self) -> str:
        return f"start-writers-{self.site}"

    @property
    def title(self) -> str:
        return f"have {self.site}'s pods begin anew as writers, so that /writer answers there"

    @property
    def undo(self) -> str:
        return f"a switchover to {self.old}"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        pods = hands.pods(self.site)
        pods.role(WRITER, epoch_of(choices, self.site))
        return Outcome(pods.settle(say, PODS_SECONDS))


@dataclass(frozen=True)
class Rejoin(ByJob):
    """`site` was the writer once, and is back: it is shut and follows. Rows that it alone has are counted, and lost on
    a word only."""

    epoch: int
    """Of the one that writes now."""
    anew: bool = False
    needs = "both databases answer"
    undo = "none needed: it follows"

    @property
    def name(self) -> str:
        return f"rejoin-{self.site}"

    @property
    def title(self) -> str:
        how = "emptying it and copying everything, if it has rows of its own" if self.anew else "without a copy"
        return f"have {self.site} follow {self.old}, {how}"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        words = ("--anew",) if self.anew else ()
        found = hands.long_verb(say, "rejoin", "--epoch", str(self.epoch), "--to", hands.end(self.old), *words)
        return Outcome("; ".join(found["changed"]) or "it follows already", findings=tuple(found.get("problems") or ()))


class Compare(ByJob):
    """Before anything is stopped: a row that differs would be what users get."""

    needs = "rows come"
    undo = "none needed"

    @property
    def name(self) -> str:
        return f"compare-{self.site}"

    @property
    def title(self) -> str:
        return f"compare {self.site}'s rows with {self.old}'s, table by table"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.compared(say)
        if found["divergent"]:
            raise StepFailed(
                f"{'; '.join(found['problems'])}. Nothing was stopped, and what is right is at {self.old}: runbook "
                f"move-the-writer says how {self.site} gets it"
            )
        said = f"{found['rows']} rows of {len(found['equal']) + len(found['moving'])} tables are equal"
        left = []
        if found["moving"]:
            counted = ", ".join(f"{number} of {name}" for name, number in sorted(found["unjudged"].items()))
            left.append(f"not compared, for they change all the while: rows {counted}")
        if found["unread"]:
            left.append(f"not compared, there was no time for them: {', '.join(found['unread'])}")
        figures = {"compared_rows": found["rows"], "divergent_tables": 0}
        return Outcome("; ".join([said, *left]), {}, figures, tuple(left))


class CatchUp(ByJob):
    """A switch is refused while rows take longer than its writers could wait."""

    needs = "rows come"
    undo = "none needed"

    @property
    def name(self) -> str:
        return f"catch-up-{self.site}"

    @property
    def title(self) -> str:
        return f"wait until {self.site} has what {self.old} wrote meanwhile"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.caught_up(say))
