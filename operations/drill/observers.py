"""Probes on every host, their lines brought home, their clocks compared. Survives that a host or the way to it
goes away. A server that is asked from here has no probe: it is looked at, by SQL, into the same lines."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twinsite.inventory import Flow, Host, Inventory, Tunnel

from ..guest import Guests
from ..ledger.direct import DirectEnd
from ..sql import Gone, Refused
from ..transport import RemoteFailed, Stream, Unreachable
from . import timeline
from .timeline import Clock, Tape

EXCHANGES = 9
CLOCK_SECONDS = 15.0
"""A host that lets one in and starts nothing (a disk that hangs) holds up neither a drill nor a repair."""
# What a follower that lost its host waits before it asks again.
AGAIN_SECONDS = 0.2
# As often as the probe on a host.
LOOK_SECONDS = 0.15


def watched(inventory: Inventory, tunnel: Tunnel, replica: Flow, echoes: str) -> dict[str, list[str]]:
    """Host → arguments of its probe: both gateways of the tunnel, both servers of the pair. Pure.

    Only the gateway `echoes` sends echoes: with both, each would hear the other's requests through a one-way cut, and
    charon asks no peer that it hears whether it is alive.
    """
    initiator, responder = inventory.host(tunnel.initiator), inventory.host(tunnel.responder)

    def gateway(here: Host, there: Host, ours: str, theirs: str) -> list[str]:
        ranges = ["--local-range", ours, "--remote-range", theirs]
        target = ["--target", there.address] if here.name == echoes else []
        return ["--gateway", tunnel.name, "--source", here.address, *target, *ranges]

    return {
        initiator.name: gateway(initiator, responder, tunnel.initiator_range, tunnel.responder_range),
        responder.name: gateway(responder, initiator, tunnel.responder_range, tunnel.initiator_range),
        replica.source: ["--database", "source", "--heartbeat", replica.heartbeat_table],
        replica.target: ["--database", "replica", "--heartbeat", replica.heartbeat_table],
    }


def clocks_of(guests: Guests) -> dict[str, Clock]:
    """Every host's clock beside ours, at once; without those that cannot be asked."""

    def one(host: str) -> Clock | None:
        try:
            return compare_clock(guests, host)
        except (Unreachable, RemoteFailed):
            return None

    names = [host.name for host in guests.hosts]
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        found = dict(zip(names, pool.map(one, names), strict=True))
    return {host: clock for host, clock in found.items() if clock is not None}


def compare_clock(guests: Guests, host: str) -> Clock:
    """The host's clock beside ours."""
    stream = guests.watch(host, "probe", "clock")
    exchanges = []
    late = threading.Timer(CLOCK_SECONDS, stream.close)
    late.daemon = True
    late.start()
    try:
        answers = stream.lines()
        for _ in range(EXCHANGES):
            asked = time.time()
            stream.write("\n")
            line = next(answers, "")
            answered = time.time()
            try:
                exchanges.append((asked, float(line), answered))
            except ValueError:
                raise RemoteFailed(host, "probe clock", 1, line or "it ended") from None
    finally:
        late.cancel()
        stream.close()
    # The first exchange pays for the start of the program.
    return timeline.clock(exchanges[1:])


def compare_server_clock(end: DirectEnd) -> Clock:
    """The server's clock beside ours: it stamps the heartbeats."""
    exchanges = []
    for _ in range(EXCHANGES):
        asked = time.time()
        told = end.clock()
        exchanges.append((asked, told, time.time()))
    # The first exchange pays for the connection.
    return timeline.clock(exchanges[1:])


class _Looker:
    """Looks at one server from here, in lines as its probe would write them, stamped with the server's clock."""

    def __init__(
        self, put: Callable[[str, dict[str, Any]], None], end: DirectEnd, what: list[str], clock: Clock
    ) -> None:
        self._put, self._end, self._clock = put, end, clock
        _, self._role, _, self._heartbeat = what
        self._stop = threading.Event()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.time()
            try:
                seen = self._end.look(self._role, self._heartbeat)
            except (Gone, Refused) as problem:
                seen = {"error": str(problem)}
            # When the answer was on its way: between the two.
            now = (began + time.time()) / 2 + self._clock.offset
            self._put(self._end.name, {"t": round(now, 4), "k": self._role, **seen})
            self._stop.wait(LOOK_SECONDS)
        self._put(self._end.name, {"t": time.time() + self._clock.offset, "k": "end", "problems": []})
        self.ended.set()

    def stop(self) -> None:
        self._stop.set()


class _Follower:
    """Brings one probe's lines home, from where it left off, until the probe says that it ended."""

    def __init__(self, observers: "Observers", host: str, identity: str) -> None:
        self._observers, self._host, self._identity = observers, host, identity
        self._offset = 0
        self._stop = threading.Event()
        self._stream: Stream | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(Unreachable):
                arguments = ["follow", "--id", self._identity, "--offset", str(self._offset)]
                self._stream = self._observers.guests.watch(self._host, "probe", *arguments)
                for line in self._stream.lines():
                    if self._take(line):
                        self.ended.set()
                        break
                self._stream.close()
            if self.ended.is_set():
                return
            self._stop.wait(AGAIN_SECONDS)

    def _take(self, line: str) -> bool:
        """Whether this was the last one."""
        try:
            entry = json.loads(line)
        except ValueError:
            # The transport's own words, or a line that the break of the connection cut: it comes again.
            return False
        self._offset += len(line.encode()) + 1
        self._observers.put(self._host, entry)
        return bool(entry["k"] == "end")

    def stop(self) -> None:
        self._stop.set()
        if self._stream is not None:
            self._stream.close()


class Observers:
    """All probes of one drill."""

    def __init__(
        self,
        guests: Guests,
        watches: dict[str, list[str]],
        source: str,
        identity: str,
        direct: Mapping[str, DirectEnd] | None = None,
    ) -> None:
        self.guests = guests
        self._direct = direct or {}
        self.watches = watches
        self.clocks: dict[str, Clock] = {}
        self.tape = Tape(
            sas={host: [] for host, what in watches.items() if "--gateway" in what},
            pings={host: [] for host, what in watches.items() if "--target" in what},
            clear={host: [] for host, what in watches.items() if "--gateway" in what},
        )
        self.raw: dict[str, list[dict[str, Any]]] = {host: [] for host in watches}
        self._source = source
        self._identity = identity
        self._probes: dict[str, str] = {}
        self._followers: dict[str, _Follower | _Looker] = {}
        self._generation = 0

    def put(self, host: str, entry: dict[str, Any]) -> None:
        """A probe's line onto the tape."""
        self.raw[host].append(entry)
        timeline.record(self.tape, host, entry, self.clocks[host].offset, self.clocks[self._source].offset)

    def start(self, seconds: float) -> None:
        """Compare clocks and start a probe on every host, at once. Unreachable or RemoteFailed when one does not."""
        problems: list[Exception] = []

        def begin(host: str) -> None:
            try:
                if host in self._direct:
                    self.clocks[host] = compare_server_clock(self._direct[host])
                    return
                self.clocks[host] = compare_clock(self.guests, host)
                self._begin(host, self._identity, seconds)
            except (Unreachable, RemoteFailed, Gone, Refused) as problem:
                problems.append(problem)

        threads = [threading.Thread(target=begin, args=(host,)) for host in self.watches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]
        for host in self.watches:
            self._follow(host)

    def _begin(self, host: str, identity: str, seconds: float) -> None:
        # Known before it is started, so that what was started is always known.
        self._probes[host] = identity
        arguments = ["--id", identity, "--seconds", f"{seconds:.0f}", *self.watches[host]]
        self.guests.tool(host, "probe", "start", *arguments)

    def _follow(self, host: str) -> None:
        if host in self._direct:
            self._followers[host] = _Looker(self.put, self._direct[host], self.watches[host], self.clocks[host])
        else:
            self._followers[host] = _Follower(self, host, self._probes[host])

    def restart(self, host: str, seconds: float) -> None:
        """A new probe on a host that restarted: its first one went with the restart."""
        if host in self._followers:
            self._followers.pop(host).stop()
        self._generation += 1
        self._begin(host, f"{self._identity}-{self._generation}", seconds)
        self._follow(host)

    def stop(self) -> list[str]:
        """End every probe and bring the last lines home; what could not be ended (its own time ends it)."""
        problems: list[str] = []

        def end(host: str, identity: str) -> None:
            try:
                self.guests.tool(host, "probe", "stop", "--id", identity, timeout_seconds=15)
            except (Unreachable, RemoteFailed) as problem:
                problems.append(str(problem))
            follower = self._followers.get(host)
            if follower is not None:
                follower.ended.wait(timeout=0 if problems else 3)
                follower.stop()

        threads = [threading.Thread(target=end, args=item) for item in self._probes.items()]
        for thread in threads:
            thread.start()
        for host in self._direct:
            if host in self._followers:
                self._followers[host].stop()
                self._followers[host].ended.wait(timeout=3)
        for thread in threads:
            thread.join()
        self._probes.clear()
        return problems


def control(guests: Guests, tunnel: Tunnel) -> None:
    """Send one clear packet out of each gateway: what the sniffers must see, or their zero proves nothing."""
    ends = [guests.inventory.host(tunnel.initiator), guests.inventory.host(tunnel.responder)]
    for here, there in (ends, ends[::-1]):
        guests.tool(here.name, "probe", "control", "--local", here.address, "--remote", there.address)
