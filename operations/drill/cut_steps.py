"""The steps of `twinsite drill tunnel-cut`, in their order. Whatever one of them begins is ended, whatever happens."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..steps import Outcome, Plane, Say, Step, data_plane
from .tunnel_cut import Plan, TunnelCut

AFTERMATH_SECONDS = 20.0
"""What an ended fault of an earlier drill may need to heal."""


@dataclass(frozen=True)
class CutStep(Step[TunnelCut]):
    """Over the hosts of both sites, by their own logins."""

    plan: Plan
    undo = "nothing: it changes nothing"

    @property
    def planes(self) -> tuple[Plane, ...]:
        ends = (self.plan.tunnel.initiator, self.plan.tunnel.responder)
        return (data_plane(f"SSH to {' and '.join(ends)} and both databases"),)


class Clear(CutStep):
    """A drill that was killed has left something, perhaps."""

    name = "clear-leftovers"
    title = "look for what an earlier drill left"
    needs = "the operation lock"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.clear())


class SteadyState(CutStep):
    """What is broken already proves nothing."""

    name = "steady-state"
    title = "confirm the steady state"
    needs = "every host answers"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.steady_state(AFTERMATH_SECONDS if hands.left else 0.0))


class StartProbes(CutStep):
    """On every host, on its own clock."""

    name = "start-probes"
    title = "start the probes"
    needs = "the steady state"
    undo = back = "stop the probes"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.start_probes())

    def take_back(self, hands: TunnelCut) -> str | None:
        return hands.stop_probes()


class WriteBefore(CutStep):
    """So that there is something to lose."""

    name = "write-before"
    title = "write before the cut"
    needs = "the source takes writes"
    undo = back = "stop the writer and clean up"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.write_before())

    def take_back(self, hands: TunnelCut) -> str | None:
        return hands.clean_writer()


class SniffersSee(CutStep):
    """The positive control of "no clear packet"."""

    name = "control-sniffers"
    title = "show that the sniffers see clear text"
    needs = "the probes run"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.control())


class Cut(CutStep):
    """The fault; the host's own timer ends it, too."""

    name = "cut"
    needs = "writes are acknowledged, every probe sees"
    undo = back = "end the fault"

    @property
    def title(self) -> str:
        return f"cut: {self.plan.cut.how.value}"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.cut())

    def take_back(self, hands: TunnelCut) -> str | None:
        return hands.faults.undo() if hands.faults is not None else None


class WatchCut(CutStep):
    """Nobody helps."""

    name = "watch-cut"
    title = "watch until the cut is over"
    needs = "it is cut"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.wait_for_end(say))


class WatchRestarted(CutStep):
    """Its probes went with it."""

    name = "watch-restarted"
    title = "watch the restarted gateway"
    needs = "it answers again"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.watch_restarted())


class AwaitRecovery(CutStep):
    """The figures come from here."""

    name = "await-recovery"
    title = "wait for recovery; nobody does anything"
    needs = "the path is back"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.await_recovery(say))


class WriteAfter(CutStep):
    """And compare what was acknowledged with what is there."""

    name = "write-after"
    title = "write after recovery, then count"
    needs = "the source takes writes"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.write_after())


class Settle(CutStep):
    """Only then SAs are counted."""

    name = "settle"
    title = "let it settle"
    needs = "nothing is written any more"

    def do(self, hands: TunnelCut, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(hands.settle(say))


def steps_of(plan: Plan) -> list[CutStep]:
    """Of one drill, after the lock was taken."""
    kinds: list[type[CutStep]] = [Clear, SteadyState, StartProbes, WriteBefore, SniffersSee, Cut, WatchCut]
    kinds += [WatchRestarted] if plan.cut.how.restarts else []
    return [kind(plan) for kind in (*kinds, AwaitRecovery, WriteAfter, Settle)]
