"""`twinsite drill tunnel-cut`: steady state, writes, the cut, what is seen, recovery without a person, the verdict.

What may be refused is decided before anything is touched; the order of things is in cut_steps.py; the verdict is made
by expectations.py from what was seen.
"""

import functools
import secrets
import time
from dataclasses import dataclass

from twinsite.inventory import MYSQL_REPLICA, Flow, Inventory, Tunnel

from .. import host_facts, offers
from ..guest import Guests, store_place
from ..ledger import choice
from ..ledger.direct import DirectEnd
from ..steps import Say, wait
from ..store import Store
from ..subjects import hosts, link
from . import faults, leftovers, observers, timeline
from .expectations import Findings
from .kinds import DEFAULT_SECONDS, RESTART_PATIENCE_SECONDS, Direction, How, catch_up_limit
from .ledger import Writer

TEXTS = ("replication_test_1", "replication_test_while_vpn_down", "replication_test_after")
"""The first two are the document's own."""

RESTART_ROW_SECONDS = 1.5
"""A restarting gateway is away by then."""
ROW_SECONDS = 0.5
"""What the timer for a row may be late, and the row itself take."""

WRITE_BEFORE_SECONDS = 2.0
WRITE_AFTER_SECONDS = 3.0
LONGEST_CUT_SECONDS = 3600.0
# Beyond what an expectation allows, so that a late recovery is measured and not only called late.
LATE_SECONDS = 60.0


class Refusal(Exception):
    """The drill does not start; every reason, each with its fix."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Request:
    """What the person asked for."""

    how: How = How.LINK_DOWN
    at: str = ""
    direction: Direction = Direction.TO_AWS
    seconds: float | None = None
    settle: float = 20.0
    keep_data: bool = False
    fault_command: str = ""


@dataclass(frozen=True)
class Plan:
    """What will be done."""

    request: Request
    tunnel: Tunnel
    replica: Flow
    cut: faults.Cut
    longest_seconds: float
    """No part of the drill lasts longer: the lock's, the probes' and the writer's own end."""


def plan(inventory: Inventory, request: Request) -> Plan:
    """The plan, or Refusal with every reason. Pure."""
    missing = offers.refusal("drill tunnel-cut", inventory)
    if missing:
        raise Refusal([missing])
    problems = []
    try:
        store_place(inventory)
    except ValueError as problem:
        problems.append(str(problem))
    for flow in inventory.flows_of(MYSQL_REPLICA)[:1]:
        for name in (flow.source, flow.target):
            try:
                choice.asked_from_here(inventory, name)
            except ValueError as problem:
                problems.append(str(problem))
    seconds = DEFAULT_SECONDS.get(request.how, 5.0) if request.seconds is None else request.seconds
    if not 1 <= seconds <= LONGEST_CUT_SECONDS:
        problems.append(f"--seconds {seconds:g}: give 1 to {LONGEST_CUT_SECONDS:g}")
    if not 0 <= request.settle <= 3600:
        problems.append(f"--settle {request.settle:g}: give 0 to 3600")
    if problems:
        raise Refusal(problems)
    tunnel, replica = inventory.tunnels[0], inventory.flows_of(MYSQL_REPLICA)[0]
    try:
        gateway = faults.gateway(inventory, tunnel, request.at)
    except ValueError as problem:
        raise Refusal([str(problem)]) from None
    way = faults.way(gateway, request.direction) if request.how is How.ONE_WAY else ""
    length = seconds if request.how.cuts_link or request.fault_command else 0.0
    cut = faults.Cut(request.how, gateway.name, tunnel.name, length, way, request.fault_command)
    patience = RESTART_PATIENCE_SECONDS if request.how.restarts else 0.0
    longest = length + patience + catch_up_limit(request.how, length) + LATE_SECONDS + request.settle + 180.0
    return Plan(request, tunnel, replica, cut, longest)


class TunnelCut:
    """One drill over one plan: what its steps work with. `findings` is what the verdict rests on, complete or not."""

    def __init__(self, guests: Guests, store: Store, plan: Plan, identity: str = "") -> None:
        self._guests, self.store, self.plan = guests, store, plan
        self.identity = identity or "d" + secrets.token_hex(4)
        # Not the gateway that goes away.
        away = plan.cut.how.restarts and plan.cut.at == plan.tunnel.initiator
        echoes = plan.tunnel.responder if away else plan.tunnel.initiator
        watches = observers.watched(guests.inventory, plan.tunnel, plan.replica, echoes)
        source, replica = (choice.end(guests, name) for name in (plan.replica.source, plan.replica.target))
        self._direct = {one.name: one for one in (source, replica) if isinstance(one, DirectEnd)}
        self.observers = observers.Observers(guests, watches, plan.replica.source, self.identity, self._direct)
        self._stamped_here = source.here
        self._writer = Writer(source, replica, self.identity)
        self.faults: faults.Faults | None = None
        self._since = 0.0
        self._settled: float | None = None
        self._during_due = 0.0
        self._settling = 0.0
        self.left: list[str] = []
        """What an earlier drill had left, and this one ended."""

    def clear(self) -> str:
        """End what a drill that was killed has left."""
        self.left = leftovers.clear(self._guests, self.plan.tunnel)
        return f"ended {', '.join(self.left)}" if self.left else "nothing"

    def steady_state(self, patience_seconds: float) -> str:
        """A sentence about the steady state; Refusal with every problem when there is none after `patience_seconds`."""
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                return self._steady_now()
            except Refusal:
                if time.monotonic() >= deadline:
                    raise
                self._pause(0.5)

    def _steady_now(self) -> str:
        found = host_facts.read(self._guests.inventory, choice.gather_all(self._guests))
        unreachable = [words for one in hosts.seen(found) for words in one.problems()]
        if unreachable:
            raise Refusal(
                [f"not all hosts can be reached, so a drill would prove nothing: {problem}" for problem in unreachable]
            )
        problems = link.problems(found)
        if problems:
            raise Refusal([f"a drill starts from a steady state, and this is none: {problem}" for problem in problems])
        _, replica = found.pair(self.plan.replica)
        return f"one SA, packets cross, receiver {replica.receiver}, data {replica.heartbeat_age_seconds:.1f} s old"

    # What the steps do, in the order of cut_steps.py.

    def start_probes(self) -> str:
        """They run on the hosts by themselves."""
        self.observers.start(self.plan.longest_seconds)
        wait("every probe's first lines", self._seeing, 15, self._blind)
        worst = max(clock.uncertainty for clock in self.observers.clocks.values())
        return f"{len(self.observers.watches)} hosts, clocks compared to ±{worst * 1000:.0f} ms"

    def write_before(self) -> str:
        """Users' writes, until the drill stops them."""
        self._writer.insert(TEXTS[0])
        self._writer.start(self.plan.longest_seconds)
        self._pause(WRITE_BEFORE_SECONDS)
        return f"{self._writer.acked()} transactions acknowledged"

    def control(self) -> str:
        """A sniffer that has never seen clear text proves nothing by seeing none."""
        gateways = (self.plan.tunnel.initiator, self.plan.tunnel.responder)
        observers.control(self._guests, self.plan.tunnel)
        wait("the sniffers to see the control packets", lambda: all(map(self._controlled, gateways)), 5)
        return ""

    def cut(self) -> str:
        """Break it."""
        plan = self.plan
        self.faults = faults.Faults(self._guests, plan.cut, self.observers.clocks[plan.cut.at])
        self._since = time.time()
        if plan.cut.how is not How.TERMINATE:
            # By a timer of the source itself: the operator's way there may lead through what is cut.
            after = plan.cut.seconds / 2 if plan.cut.how.cuts_link else RESTART_ROW_SECONDS
            self._during_due = time.time() + after
            self._writer.insert(TEXTS[1], after_seconds=after)
        done = self.faults.apply()
        if plan.cut.how is How.TERMINATE:
            self._writer.insert(TEXTS[1])
        return done

    def wait_for_end(self, say: Say) -> str:
        """Until the cut is over."""
        assert self.faults is not None
        return self.faults.wait_for_end(say)

    def watch_restarted(self) -> str:
        """A gateway that restarted has no probes any more."""
        self.observers.restart(self.plan.cut.at, self.plan.longest_seconds)
        return ""

    def await_recovery(self, say: Say) -> str:
        """Until the tunnel and the replication work, or later than they may."""
        assert self.faults is not None and self.faults.fault is not None
        plan, fault, tape = self.plan, self.faults.fault, self.observers.tape
        self._writer.watch_order()
        words: list[str] = []

        def recovered() -> bool:
            tunnel = timeline.tunnel_back(tape, fault)
            replication = timeline.replication_back(tape.replica, fault)
            words[:] = ["tunnel " + ("…" if tunnel is None else f"{tunnel:.1f} s")]
            words.append("replication " + ("…" if replication is None else f"{replication:.1f} s"))
            say(", ".join(words))
            return tunnel is not None and replication is not None

        seen = "after the path was back: "
        try:
            limit = catch_up_limit(plan.cut.how, plan.cut.seconds) + LATE_SECONDS
            wait("tunnel and replication", recovered, limit)
        except TimeoutError:
            # The expectations say what is missing, with everything else that was seen.
            seen = f"gave up: {seen}"
        return seen + ", ".join(words)

    def write_after(self) -> str:
        """The last rows; then nothing is written any more, and it is counted."""
        self._settling = time.monotonic()
        # A machine may restart faster than the timer for the row before this one runs out.
        self._pause(self._during_due + ROW_SECONDS - time.time())
        self._writer.insert(TEXTS[2])
        self._pause(WRITE_AFTER_SECONDS)
        self._writer.stop()
        fault = self.faults.fault if self.faults else None
        assert fault is not None
        offset = 0.0 if self._stamped_here else self.observers.clocks[self.plan.replica.source].offset
        self._writer.check(fault.began, fault.back or time.time(), offset)
        return self._writer.words()

    def settle(self, say: Say) -> str:
        """Duplicate SAs show themselves late."""
        left = self.plan.request.settle - (time.monotonic() - self._settling)
        end = time.monotonic() + left

        def over() -> bool:
            say(f"{max(0.0, end - time.monotonic()):.0f} s left")
            return time.monotonic() >= end

        wait("the settling time", over, max(0.0, left) + 5)
        self._settled = time.time()
        # A look at everything that is younger than this moment.
        wait("a last look at all hosts", functools.partial(self._seeing, self._settled), 10, self._blind)
        return ""

    def findings(self) -> Findings | None:
        """What is known by now; None when nothing was broken yet."""
        if self.faults is None or self.faults.fault is None:
            return None
        plan = self.plan
        return Findings(
            fault=self.faults.fault,
            seconds=plan.cut.seconds,
            gateways=(plan.tunnel.initiator, plan.tunnel.responder),
            at=plan.cut.at,
            since=self._since,
            resume_seconds=plan.replica.resume_seconds,
            tape=self.observers.tape,
            ledger=self._writer.result,
            rows=self._writer.rows,
            settled=self._settled,
            undone_by=self.faults.undone_by,
            restarted=self.faults.restarted,
            errant=self._writer.errant,
        )

    @property
    def ack_times(self) -> list[float]:
        """When writes were acknowledged, on the operator's clock; for the picture."""
        return self._writer.ack_times

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        wait("a moment", lambda: time.monotonic() >= end, seconds + 5)

    def _seeing(self, since: float = 0.0) -> bool:
        return not self._missing(since)

    def _missing(self, since: float) -> list[str]:
        tape = self.observers.tape
        last: dict[str, float] = {host: looks[-1].t if looks else 0.0 for host, looks in tape.sas.items()}
        last["source"] = tape.source[-1].t if tape.source else 0.0
        last["replica"] = tape.replica[-1].t if tape.replica else 0.0
        for host, looks in tape.clear.items():
            last[f"{host}'s sniffer"] = looks[-1].t if looks else 0.0
        missing = [name for name, t in last.items() if t <= since]
        return missing + [f"{host}'s probe ended: {'; '.join(words)}" for host, words in tape.ended.items() if words]

    def _blind(self) -> str:
        return f"nothing new from {', '.join(self._missing(self._settled or 0.0))}"

    def _controlled(self, host: str) -> bool:
        looks = self.observers.tape.clear[host]
        return bool(looks) and looks[-1].controls > 0

    def close(self) -> None:
        """End the connections of what is asked from here."""
        for end in self._direct.values():
            end.close()

    def stop_probes(self) -> str | None:
        problems = self.observers.stop()
        return f"some end by their own time only: {'; '.join(problems)}" if problems else None

    def clean_writer(self) -> str | None:
        return self._writer.clean(keep=self.plan.request.keep_data)
