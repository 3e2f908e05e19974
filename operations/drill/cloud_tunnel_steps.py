"""The steps of `twinsite drill tunnel`, in their order. What is cut is mended whatever happens; after a kill the next
run mends it, by what is written in the store before anything is cut."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .. import cloud_router
from ..google import Google
from ..steps import Outcome, Plane, Say, Step, StepFailed, control_plane, data_plane, wait
from ..store import Store
from ..subjects import cloud_vpn
from ..transport import RemoteFailed, Unreachable
from ..unanswered import CouldNotAsk
from ..worker import START_SECONDS, Worker, answer
from . import fault_command
from .cloud_tunnel import LATE_SECONDS, Cut, Seen

MARK = "drill-tunnel.json"
"""In the store: {"tunnels": names, "command"} while something may be cut."""
PAUSE_SECONDS = 1.0
WATCHING = "watching"
"""How the watch's words begin (components/guest/logical/watch.py)."""


class Watch:
    """The job's verb, which runs beside the steps."""

    def __init__(self, worker: Callable[[Say], Worker], seconds: float) -> None:
        self._worker, self._seconds = worker, seconds
        self._begun, self._ended = threading.Event(), threading.Event()
        self.found: dict[str, Any] | None = None
        self.problem = ""
        self.words = "the job starts"

    def start(self) -> None:
        """In a thread of its own, which ends with the job at the latest."""
        threading.Thread(target=self._run, name="drill-watch", daemon=True).start()

    def begins(self, say: Say) -> None:
        """Until it sees something. StepFailed with what it says instead."""

        def begun() -> bool:
            say(self.words)
            return self._begun.is_set() or self._ended.is_set()

        wait("the watch in the cluster", begun, 2 * START_SECONDS, lambda: self.words, PAUSE_SECONDS)
        self._judge()

    def ends(self, say: Say) -> dict[str, Any]:
        """What it found."""

        def ended() -> bool:
            say(self.words)
            return self._ended.is_set()

        wait("the end of the watch", ended, self._seconds + START_SECONDS, lambda: self.words, PAUSE_SECONDS)
        self._judge()
        assert self.found is not None
        return self.found

    def _judge(self) -> None:
        if self.problem:
            raise StepFailed(f"the watch in the cluster: {self.problem}")

    def _run(self) -> None:
        try:
            words = ("watch", "--seconds", f"{self._seconds:g}")
            self.found = answer(self._worker(self._said), words, self._seconds + 2 * START_SECONDS, frozenset({0, 1}))
            if self.found is not None and self.found.get("outcome") != "done":
                self.problem = "; ".join(map(str, self.found.get("problems") or [self.found]))
        except (RemoteFailed, Unreachable) as problem:
            self.problem = str(problem)
        finally:
            self._ended.set()

    def _said(self, words: str) -> None:
        self.words = words
        if words.startswith(WATCHING):
            self._begun.set()


class Hands:
    """What the steps work with."""

    def __init__(self, cut: Cut, google: Google, store: Store, worker: Callable[[Say], Worker]) -> None:
        self.google, self.store, self.seen = google, store, Seen(cut)
        self.watch = Watch(worker, cut.watch_seconds)
        self.cut_at: float | None = None
        self.mended_at: float | None = None

    def down(self) -> frozenset[str]:
        """Tunnels whose session is not up, as Google has them. StepFailed when it does not say."""
        try:
            found = cloud_vpn.google_ends(self.seen.cut.vpn, self.google)
        except CouldNotAsk as problem:
            raise StepFailed(f"Google says nothing of its tunnels: {problem}") from None
        return frozenset(name for name, end in found.items() if not (end.session and end.session.up))

    def turn(self, cut: bool) -> str:
        """Cut, or mend; in words."""
        told = self.seen.cut
        if not told.command:
            changed = cloud_router.enable(told.vpn, told.tunnels, not cut, self.google)
            return f"sessions {'shut down' if cut else 'enabled'} at {told.vpn.router}" if changed else "it was so"
        state = "on" if cut else "off"
        failed = [problem for link in told.links if (problem := fault_command.run(told.command, link, state))]
        if failed:
            raise StepFailed("; ".join(failed))
        return f"`{told.command} … {'on' if cut else 'off'}` for {', '.join(told.links)}"

    def mark(self, there: bool) -> None:
        """So that whoever comes after a kill knows what was cut."""
        if there:
            told = self.seen.cut
            self.store.write(MARK, json.dumps({"tunnels": told.tunnels, "command": told.command}).encode())
        elif (found := self.store.read(MARK)) is not None:
            self.store.remove(MARK, found[1])


@dataclass(frozen=True)
class TunnelStep(Step[Hands]):
    """On one VPN."""

    cut: Cut
    undo = "nothing: it changes nothing"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (control_plane(f"Google's Compute Engine API in {self.cut.vpn.region}", region=self.cut.vpn.region),)


class Clear(TunnelStep):
    """A drill that was killed has left something, perhaps."""

    name = "clear-leftovers"
    title = "mend what a drill that was killed has left"
    needs = "the operation lock"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        vpn, found = self.cut.vpn, hands.store.read(MARK)
        left = json.loads(found[0]) if found else {"tunnels": [], "command": ""}
        if left["command"]:
            say(f"`{left['command']}` cut {', '.join(left['tunnels'])}: it is for you to take that back")
        shut = cloud_router.disabled(vpn, hands.google)
        ours = shut & set(left["tunnels"])
        cloud_router.enable(vpn, ours, True, hands.google)
        hands.mark(False)
        if others := sorted(shut - ours):
            raise StepFailed(
                f"the sessions of {', '.join(others)} are disabled at {vpn.router}, and no drill did it: "
                f"{'; '.join(cloud_router.by_hand(vpn, one) for one in others)}"
            )
        return Outcome(f"enabled {', '.join(sorted(ours))}" if ours else "nothing")


class SteadyState(TunnelStep):
    """What is broken already proves nothing."""

    name = "steady-state"
    title = "see that all sessions are up"
    needs = "Google answers"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        down: list[frozenset[str]] = []

        def well() -> bool:
            down.append(hands.down())
            return not down[-1]

        wait("all sessions", well, LATE_SECONDS, lambda: f"down: {', '.join(sorted(down[-1]))}", PAUSE_SECONDS)
        return Outcome(f"{len(self.cut.vpn.tunnels)} of {len(self.cut.vpn.tunnels)}")


class BeginWatch(TunnelStep):
    """Whoever is in the cluster sees what pods see."""

    name = "begin-watch"
    title = "have the replication's job watch the tunnels"
    needs = "rows come"

    @property
    def planes(self) -> tuple[Plane, ...]:
        return (control_plane("the API of the cluster that runs the job"), data_plane("both databases"))

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.watch.start()
        hands.watch.begins(say)
        return Outcome(hands.watch.words)


class CutTunnels(TunnelStep):
    """The fault."""

    name = "cut"
    needs = "all sessions are up, the watch sees"
    undo = back = "bring the tunnels back"

    @property
    def title(self) -> str:
        return f"cut {self.cut.words}"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        hands.mark(True)
        hands.cut_at = time.monotonic()
        return Outcome(hands.turn(True))

    def take_back(self, hands: Hands) -> str | None:
        if hands.cut_at is None or hands.mended_at is not None:
            return None
        done = hands.turn(False)
        hands.mended_at = time.monotonic()
        hands.mark(False)
        return done


class WatchCut(TunnelStep):
    """Nobody helps."""

    name = "watch-cut"
    title = "watch until the cut is over"
    needs = "it is cut"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert hands.cut_at is not None
        seen, wanted = hands.seen, frozenset(self.cut.tunnels)
        while True:
            seen.down |= hands.down()
            if seen.down_seconds is None and wanted <= seen.down:
                seen.down_seconds = round(time.monotonic() - hands.cut_at, 1)
            left = hands.cut_at + self.cut.seconds - time.monotonic()
            if left <= 0:
                break
            say(f"{left:.0f} s left; {hands.watch.words}")
            time.sleep(min(left, PAUSE_SECONDS))
        return Outcome(f"down: {', '.join(sorted(seen.down)) or 'none'}")


class Mend(TunnelStep):
    """The path is there again; that is where recovery is counted from."""

    name = "mend"
    title = "bring the tunnels back"
    needs = "it is cut"
    undo = "it is the way back"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        return Outcome(CutTunnels(self.cut).take_back(hands) or "it was so")


class AwaitSessions(TunnelStep):
    """By themselves."""

    name = "await-sessions"
    title = "wait until all sessions are up; nobody does anything"
    needs = "the path is back"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        assert hands.mended_at is not None
        bound = self.cut.back_seconds + LATE_SECONDS
        last = [""]

        def back() -> bool:
            down = hands.down()
            last[0] = f"down: {', '.join(sorted(down))}"
            say(last[0])
            return not down

        wait("all sessions", back, bound, lambda: last[0], PAUSE_SECONDS / 2)
        hands.seen.back_seconds = round(time.monotonic() - hands.mended_at, 1)
        return Outcome(f"after {hands.seen.back_seconds:g} s")


class EndWatch(TunnelStep):
    """Its clock alone times what it saw."""

    name = "end-watch"
    title = "wait for what the job saw"
    needs = "it watches"

    def do(self, hands: Hands, choices: Mapping[str, str], say: Say) -> Outcome:
        found = hands.seen.watched = hands.watch.ends(say)
        words = f"{found['lost']} of {found['connections']} connections lost, within {found['lost_seconds']} s"
        return Outcome(words, findings=tuple(map(str, found.get("problems") or ())))


def steps_of(cut: Cut) -> list[TunnelStep]:
    """Of one drill, after the lock was taken."""
    kinds = (Clear, SteadyState, BeginWatch, CutTunnels, WatchCut, Mend, AwaitSessions, EndWatch)
    return [kind(cut) for kind in kinds]
