"""The steps of `twinsite drill dms --kind path|slot`. Each fault is taken back whatever happens."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ..steps import Outcome, Plane, Say, StepFailed, control_plane, data_plane, wait
from .actions import Hands, OnTask, Start, Stop
from .drill import BACK_SECONDS, SeeThatItIsWell
from .path import Cut, Path
from .service import patient
from .source_slots import KEPT, Slot, SourceSlots
from .watched import Watch

MIB = 2**20


@dataclass
class Held:
    """By one slot, in bytes."""

    name: str
    before: int
    most: int = 0
    after: int | None = None


@dataclass(kw_only=True)
class DrillHands(Hands):
    """What the steps of these drills share."""

    watch: Watch
    path: Path | None = None
    slots: SourceSlots | None = None
    known: tuple[Slot, ...] = ()
    """Before."""
    held: Held | None = None
    """By the task's slot, once the task was stopped."""


class DrillStep(OnTask):
    """On one task."""

    undo = "nothing: it changes nothing"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert isinstance(hands, DrillHands)  # run's
        return self.act(hands, say)

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        """The step itself."""
        raise NotImplementedError


class SeeBefore(SeeThatItIsWell):
    """And that somebody would be told."""

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert isinstance(hands, DrillHands)
        super().do(hands, choices, say)
        hands.watch.begin()
        if hands.path is not None:
            hands.path.ready()
        return Outcome(f"{hands.watch.before_seconds or 0:g} s late, watched by {', '.join(hands.watch.due)}")


class Clear(DrillStep):
    """A drill that was killed has left something, perhaps."""

    name = "clear-leftovers"
    title = "mend what a drill that was killed has left"
    needs = "the operation lock"

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        assert hands.path is not None
        return Outcome(hands.path.leftovers())


@dataclass(frozen=True)
class CutPath(DrillStep):
    """The fault."""

    cut: Cut

    name = "cut"
    needs = "the task is well"
    undo = back = "open the path again"

    @property
    def title(self) -> str:
        return f"cut the path of {self.task} to its target {self.cut.words}"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (*super().planes, control_plane(f"EC2 in {self.region}", region=self.region))

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        assert hands.path is not None
        hands.watch.broke()
        return Outcome(hands.path.close())

    def take_back(self, hands: Hands) -> str | None:
        assert isinstance(hands, DrillHands) and hands.path is not None
        if not hands.watch.is_broken:
            return None
        done = hands.path.open()
        hands.watch.mended()
        return done


@dataclass(frozen=True)
class WatchFault(DrillStep):
    """Nobody helps."""

    seconds: float

    name = "watch"
    needs = "it is cut"

    @property
    def title(self) -> str:
        return f"watch {self.task} for {self.seconds:g} s"

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        until, words = time.monotonic() + self.seconds, ""
        while (left := until - time.monotonic()) > 0:
            words = hands.watch.look()
            say(f"{left:.0f} s left: {words}")
            time.sleep(min(max(0.0, left), hands.service.pause))
        return Outcome(words)


@dataclass(frozen=True)
class OpenPath(DrillStep):
    """Recovery is counted from here."""

    cut: Cut

    name = "mend"
    needs = "it is cut"
    undo = "it is the way back"

    @property
    def title(self) -> str:
        return f"open the path of {self.task} again"

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        return Outcome(CutPath(self.task, self.region, self.cut).take_back(hands) or "it was so")


class LookAtSlots(DrillStep):
    """A slot that has lost something, or holds much already, is not drilled."""

    name = "look-at-slots"
    needs = "the job sees the source"

    @property
    def title(self) -> str:
        return f"see what slots the source of {self.task} has"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (data_plane("the job that sees both databases"),)

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        assert hands.slots is not None
        hands.known = hands.slots.read(say)
        if not hands.known:
            raise StepFailed("the source has no slot of a task: `twinsite status` says whether it follows")
        if lost := [one.name for one in hands.known if one.wal_status not in KEPT]:
            raise StepFailed(
                f"the source has dropped, or is about to, what slot {', '.join(lost)} needs: `repair` first"
            )
        return Outcome(", ".join(one.words for one in hands.known))


@dataclass(frozen=True)
class Hold(Stop):
    """The fault: nobody reads the slot. A disk is not filled: it ends at a bound, and at the first look that fails."""

    for_change: bool = True

    name = "hold"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert isinstance(hands, DrillHands)
        hands.watch.broke()
        return super().do(hands, choices, say)


@dataclass(frozen=True)
class WatchSlot(DrillStep):
    """Until a bound, in bytes or in time, or until an alarm on bytes is up."""

    seconds: float
    most_bytes: int

    name = "watch-slot"
    needs = "nobody reads the slot"

    @property
    def title(self) -> str:
        return f"let the slot hold the log for {self.seconds:g} s, or {self.most_bytes / MIB:.0f} MiB"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (*super().planes, data_plane("the job that sees both databases"))

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        assert hands.slots is not None
        until = time.monotonic() + self.seconds
        why = "the time was over"
        while True:
            one = own(hands.known, hands.slots.read(say))
            held = hands.held = hands.held or Held(one.name, _bytes(hands.known, one.name))
            held.most = max(held.most, one.held_bytes or 0)
            say(f"{one.words}; {hands.watch.look()}")
            if one.wal_status not in KEPT:
                raise StepFailed(f"slot {one.name} is {one.wal_status}: the source does not keep what the task needs")
            if held.most >= self.most_bytes:
                why = "it held as much as it may"
                break
            if hands.watch.others:
                why = f"alarm {', '.join(hands.watch.others)} came up"
                break
            if time.monotonic() >= until:
                break
            time.sleep(hands.service.pause)
        return Outcome(f"{one.words}; {why}")


class GoOn(Start):
    """Recovery is counted from here."""

    undo = "it is the way back"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert isinstance(hands, DrillHands)
        done = super().do(hands, choices, say)
        hands.watch.mended()
        return done


class SeeThatAllCame(DrillStep):
    """By itself: current, compared, the alarms gone, and the last row there."""

    name = "see-that-all-came"
    needs = "the fault is over"

    @property
    def title(self) -> str:
        return f"see that {self.task} is current again, and that no row is missing"

    def act(self, hands: DrillHands, say: Say) -> Outcome:
        last = [""]

        def well() -> bool:
            last[0] = hands.watch.back()
            say(last[0])
            return not last[0]

        wait("the task to be as before", patient(well, False), BACK_SECONDS, lambda: last[0], hands.service.pause)
        if hands.slots is not None:
            self._row(hands.slots, hands.watch, hands.service.pause, say)
        if hands.slots is not None and hands.held is not None:
            self._let_go(hands.slots, hands.held, hands.service.pause, say)
        return Outcome(f"current after {hands.watch.current_seconds:g} s, {hands.watch.tables} tables equal")

    def _row(self, slots: SourceSlots, watch: Watch, pause: float, say: Say) -> None:
        """Changes come in the source's order: when a row that is written now is there, all before it are."""

        def came() -> bool:
            watch.row_seconds = slots.row_seconds(say)
            return watch.row_seconds is not None

        wait("a row that the job writes to come", came, BACK_SECONDS, lambda: "it did not", pause)

    def _let_go(self, slots: SourceSlots, held: Held, pause: float, say: Say) -> None:
        """DMS says how far it is now and then, and the slot goes on by that."""

        def gone() -> bool:
            held.after = _bytes(slots.read(say), held.name)
            return held.after < held.most

        wait("the slot to be let go", gone, BACK_SECONDS, lambda: f"{held.after} bytes held", pause)


def _bytes(slots: tuple[Slot, ...], name: str) -> int:
    return next((one.held_bytes or 0 for one in slots if one.name == name), 0)


def own(before: tuple[Slot, ...], now: tuple[Slot, ...]) -> Slot:
    """The slot of a task that was stopped: the one that is no longer read, or the only one. StepFailed where it is not
    known. Pure."""
    read = {one.name for one in before if one.active}
    turned = [one for one in now if one.name in read and not one.active] or list(now)
    if len(turned) != 1:
        names = ", ".join(one.name for one in turned) or "none"
        raise StepFailed(f"which slot is the task's is not known ({names}): let those that are left be dropped first")
    return turned[0]
