"""The repair of what a task of DMS left at its PostgreSQL source: a slot that nobody reads, until the disk is full.

A slot is dropped by its name alone, on a person's word, and only where it is no task's of this stack: DMS does not say
which slot is whose, so that a task that stands must be given up first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from twinsite.inventory import Flow

from ..dms.actions import RUNS, STOPPED, Hands, OnTask
from ..dms.service import Service
from ..dms.source_slots import Slot, SourceSlots
from ..steps import Outcome, Plane, Say, StepFailed, data_plane
from ..subjects.dms_task import TaskSeen
from ..unanswered import CouldNotAsk

DROP, GIVE_UP = "drop-slot=", "give-up="
"""What a person may confirm, with the slot's name and with the task's."""
SETTLED = (RUNS, *STOPPED, "")


@dataclass(frozen=True)
class Words:
    """Of a person."""

    slots: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()

    @classmethod
    def of(cls, confirmed: frozenset[str]) -> "Words":
        """As they were typed."""
        slots, tasks = (
            tuple(sorted(one.removeprefix(mark) for one in confirmed if one.startswith(mark)))
            for mark in (DROP, GIVE_UP)
        )
        return cls(slots, tasks)

    def strange(self, flows: Iterable[Flow]) -> list[str]:
        """Tasks that the stack has not."""
        names = [one.name for one in flows]
        return [
            f"--confirm {GIVE_UP}{one}: the stack's tasks are {', '.join(names)}"
            for one in self.given_up
            if one not in names
        ]


@dataclass(frozen=True)
class Readers:
    """Tasks of the stack that read this source. `ill` are those that run and are not well: one that tries again after a
    cut reads no slot meanwhile."""

    states: Mapping[str, str]
    """Task → state; "" where AWS has none."""
    ill: tuple[str, ...] = ()


@dataclass(frozen=True)
class Left:
    """What is found, done and refused."""

    found: tuple[str, ...] = ()
    steps: tuple[OnTask, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class DropSlot(OnTask):
    """The source forgets from where somebody might go on."""

    slot: str
    slots: SourceSlots = field(compare=False)
    given_up: bool = False

    name = "drop-slot"
    needs = "nobody reads it, and no task goes on from it"
    final = True
    undo = "none: who read it begins anew, with a load into empty tables"

    @property
    def title(self) -> str:
        return f"drop slot {self.slot} at the {self.slots.at}"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (*super().planes, data_plane("the job that sees both databases"))

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        state = hands.service.known_state()
        if self.given_up and state not in (*STOPPED, ""):
            raise StepFailed(f"{self.task} is {state} by now, and its slot is not dropped under it")
        left = self.slots.drop(self.slot, say)
        there = f"left are {', '.join(one.words for one in left)}" if left else "no slot is left"
        anew = f"; {self.task} loads all rows anew: empty its tables at the target, then `twinsite dms reload`"
        return Outcome(there + (anew if self.given_up and state else ""))


def decide(flow: Flow, slots: SourceSlots, known: tuple[Slot, ...], readers: Readers, said: Words) -> Left:
    """`flow`: one of those whose source it is; of the slots that a person named, those that are there. Pure."""
    idle = [one for one in known if not one.active]
    found = tuple(f"{flow.source} keeps its log for slot {one.words}, and nobody reads it" for one in idle)
    if not said.slots:
        return Left(found, refused=tuple(_offer(one, flow.source, readers, said) for one in idle))
    steps: list[OnTask] = []
    refused: list[str] = []
    for one in known:
        if one.name in said.slots and (problem := _against(one, flow.source, known, readers, said)):
            refused.append(problem)
        elif one.name in said.slots:
            steps.append(DropSlot(flow.name, flow.region, one.name, slots, flow.name in said.given_up))
    return Left(found, tuple(steps), tuple(refused))


def _offer(slot: Slot, source: str, readers: Readers, said: Words) -> str:
    stands = [name for name, state in readers.states.items() if state not in (RUNS, "")]
    more = "".join(f" --confirm {GIVE_UP}{name}" for name in sorted({*stands, *said.given_up} & set(readers.states)))
    return (
        f"slot {slot.words} fills {source}'s disk if it is left. Whoever goes on from it, a task that is stopped for "
        "instance, also of another stack, would have to load all rows anew into empty tables: if it is nobody's, run "
        f"`twinsite repair --confirm {DROP}{slot.name}{more}`"
    )


def _against(one: Slot, source: str, known: tuple[Slot, ...], readers: Readers, said: Words) -> str:
    """Why it is not dropped; "" when it may be."""
    if one.active:
        return f"slot {one.name} at {source} is read by somebody: stop that one first (`twinsite dms stop`)"
    for task, state in readers.states.items():
        if state not in SETTLED:
            return f"{task} is {state}: run this again when it has settled"
        if state not in (RUNS, "") and task not in said.given_up:
            return (
                f"{task} is {state}, and slot {one.name} may be the one from which it goes on: `twinsite dms resume`; "
                f"if it is given up, to load all rows anew into empty tables, add `--confirm {GIVE_UP}{task}`"
            )
    running = [task for task, state in readers.states.items() if state == RUNS]
    if ill := [task for task in running if task in readers.ill]:
        return (
            f"{', '.join(ill)} runs and is not well, so slot {one.name} may be its own: mend what `twinsite status` "
            "says of it first"
        )
    if len([slot for slot in known if slot.active]) < len(running):
        return (
            f"{', '.join(running)} runs, and too few slots of {source} are being read for {one.name} to be another's: "
            "look again when it reads its own"
        )
    return ""


Sees = Callable[[Flow], "SourceSlots | None"]


def looked(
    flows: tuple[Flow, ...], service: Callable[[Flow], Service], sees: Sees, said: Words, say: Say
) -> Iterator[tuple[Service, Left]]:
    """Of each PostgreSQL source with a task that is gone or given up, or of all where a slot was named."""
    if problems := said.strange(flows):
        yield service(flows[0]), Left(refused=tuple(problems))
        return
    named: set[str] = set()
    for source in dict.fromkeys(one.source for one in flows if one.engine == "postgres"):
        here = [one for one in flows if one.source == source]
        try:
            readers = _readers(here, service)
            absent = "" in readers.states.values() or any(one.name in said.given_up for one in here)
            if not (absent or said.slots):
                continue
            slots = sees(here[0])
            if slots is None:
                yield service(here[0]), Left(refused=(by_hand(here[0]),))
                continue
            known = slots.read(say)
        except (StepFailed, CouldNotAsk) as problem:
            yield service(here[0]), Left(refused=(str(problem),))
            continue
        named |= {one.name for one in known}
        yield service(here[0]), decide(here[0], slots, known, readers, said)
    if strange := [one for one in said.slots if one not in named]:
        there = ", ".join(sorted(named)) or "none"
        words = f"no source has a slot {', '.join(strange)} that a task could have left: there is {there}"
        yield service(flows[0]), Left(refused=(words,))


def _readers(flows: Iterable[Flow], service: Callable[[Flow], Service]) -> Readers:
    states = {one.name: service(one).known_state() for one in flows}
    ill = [
        one.name for one in flows if states[one.name] == RUNS and list(TaskSeen(one, service(one).seen()).problems())
    ]
    return Readers(states, tuple(ill))


def by_hand(flow: Flow) -> str:
    """Where no job sees the source."""
    return (
        f"no job of the stack sees {flow.source}, where a slot that is left fills the disk: let its owner `SELECT "
        "pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND slot_name = 'NAME'` with "
        "the name that is its own"
    )
