"""Hosts that exist in memory only: what a drill or a repair asks of a transport, answered as the real programs answer.

`HostWorld` is what would be true on the hosts; a test looks at it afterwards. It can be told to interrupt the operator
at the n-th thing that he asks.
"""

import base64
import json
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations.transport import Done, Unreachable
from tests.operations_world import reports

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


@dataclass
class HostWorld:
    """The truth about all hosts."""

    reports: dict[tuple[str, str], dict[str, Any]] = field(default_factory=reports)
    unreachable: dict[str, str] = field(default_factory=dict)
    interrupt_at: int = 0
    """Ctrl-C while this many-th thing that the operator asks for is done; 0 never."""
    calls: list[str] = field(default_factory=list)
    fault: dict[str, Any] | None = None
    fault_ended: float | None = None
    undo_timer_works: bool = True
    writer_runs: bool = False
    tables: bool = False
    row_timers: set[str] = field(default_factory=set)
    rows: list[str] = field(default_factory=list)
    probes: set[str] = field(default_factory=set)
    controls: int = 0
    lock: dict[str, Any] | None = None
    store: dict[str, str] = field(default_factory=dict)
    acked: int = 0
    ike: int = 1
    own: dict[str, str] = field(default_factory=dict)
    """Transactions that only the replica has: GTID → what it holds ("" neither rows nor DDL)."""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def left(self) -> list[str]:
        """What a finished operation must not leave."""
        self.tick()
        found = {
            "a fault": self.fault is not None and self.fault_ended is None,
            "a running writer": self.writer_runs,
            "the writer's tables": self.tables,
            "rows of the document": bool(self.rows),
            "a timer for a row": bool(self.row_timers),
            "probes": bool(self.probes),
            "the lock": self.lock is not None,
        }
        return [name for name, there in found.items() if there]

    def tick(self) -> None:
        """Timers of the hosts run without the operator."""
        if self.fault and self.fault_ended is None and self.undo_timer_works and time.time() >= self.fault["ends"]:
            self.fault_ended = self.fault["ends"]
            self.ike += 1


class FakeStream:
    """A remote program's lines."""

    def __init__(self, world: HostWorld, host: str, command: Sequence[str]) -> None:
        self._world, self._host, self._command = world, host, list(command)
        self._closed = threading.Event()
        self._asked = threading.Semaphore(0)

    def lines(self) -> Iterator[str]:
        if "clock" in self._command:
            while not self._closed.is_set():
                if self._asked.acquire(timeout=0.05):
                    yield f"{time.time():.6f}"
            return
        identity = self._command[self._command.index("--id") + 1]
        while not self._closed.wait(0.01):
            if (self._host, identity) not in {tuple(name.split("/")) for name in set(self._world.probes)}:
                yield json.dumps({"t": time.time(), "k": "end", "problems": []})
                return
            yield from map(json.dumps, self._looks())

    def _looks(self) -> list[dict[str, Any]]:
        world, now = self._world, time.time()
        with world.guard:
            world.tick()
            cut = world.fault is not None and world.fault_ended is None
        if self._host == "aws-source":
            return [
                {"t": now, "k": "source", "heartbeat": now, "gtid": f"{UUID}:1-{10 + world.acked}", "writable": True}
            ]
        if self._host == "onprem-database":
            common = {"io": "Yes", "sql": "Yes", "lag": 0, "receiver": "ON", "gtid": f"{UUID}:1-10"}
            return [{"t": now, "k": "replica", **common, "heartbeat": now - (5 if cut else 0)}]
        ike = [{"unique_id": world.ike, "state": "ESTABLISHED"}]
        children = [{"unique_id": world.ike, "state": "INSTALLED", "bytes_in": 1}]
        looks = [
            {"t": now, "k": "sa", "ike": ike, "children": children},
            {"t": now, "k": "clear", "count": 0, "controls": world.controls, "last": ""},
        ]
        if self._host == "onprem-gateway":
            looks.append({"t": now, "k": "ping", "sent": now - 0.001, "rtt_ms": None if cut else 0.5})
        return looks

    def write(self, text: str) -> None:
        self._asked.release()

    def close(self) -> None:
        self._closed.set()


class FakeTransport:
    """A Transport over a HostWorld."""

    def __init__(self, world: HostWorld) -> None:
        self.world = world

    def _called(self, words: str) -> bool:
        """Note it; whether the operator is to be interrupted at it."""
        world = self.world
        world.calls.append(words)
        # Signals reach the main thread; what others ask for is not counted, so that a moment is the same in every run.
        if threading.current_thread() is not threading.main_thread() or not world.interrupt_at:
            return False
        world.interrupt_at -= 1
        return world.interrupt_at == 0

    def run(self, host: str, command: Sequence[str], stdin: str = "", timeout_seconds: float = 30) -> Done:
        words = [word for word in command if word not in ("sudo", "-n", "python3")]
        words[0] = words[0].rpartition("/")[2]
        if host in self.world.unreachable:
            raise Unreachable(host, self.world.unreachable[host])
        interrupted = self._called(f"{host}: {' '.join(words)}")
        with self.world.guard:
            self.world.tick()
            code, answer = self._do(host, words, stdin)
        # The signal comes while the answer is on its way: the thing has been done on the host.
        if interrupted:
            signal.raise_signal(signal.SIGINT)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Done(code, text if code in (0, 2) else "", "" if code == 0 else text)

    def _do(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        program, rest = words[0], words[1:]
        handler = getattr(self, f"_{program.removesuffix('.py').replace('-', '_')}", None)
        if handler is None:
            return 127, f"{program}: command not found"
        found: tuple[int, Any] = handler(host, rest, stdin)
        return found

    def _twinsite_guest(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        if words[1] == "decode":
            each = [{"gtid": gtid, "says": "FLUSH TABLES", "holds": holds} for gtid, holds in self.world.own.items()]
            return 0, {"transactions": each, "problem": ""}
        report = self.world.reports.get((host, words[0]))
        return (1, "no such role") if report is None else (0, report)

    def _store(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        world, verb, name = self.world, words[1], words[2]
        found = json.dumps(world.lock) if name == "lock.json" and world.lock else world.store.get(name)
        tag = str(hash(found))
        if verb == "read":
            return 0, found and {"content": base64.b64encode(found.encode()).decode(), "tag": tag}
        if (verb == "create" and found) or (verb in ("replace", "remove") and tag != words[words.index("--tag") + 1]):
            return 0, False
        content = base64.b64decode(stdin).decode() if verb != "remove" else ""
        if name == "lock.json":
            world.lock = json.loads(content) if content else None
        else:
            world.store[name] = content
        return 0, True

    def _fault(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        world, verb = self.world, words[0]
        active = world.fault is not None and world.fault_ended is None
        if verb == "status":
            return 0, {"active": active, "fault": world.fault, "ended": world.fault_ended}
        if verb == "undo":
            if active:
                world.fault_ended = time.time()
            return 0, {"undone": active, "ended": world.fault_ended}
        now = time.time()
        seconds = float(words[words.index("--seconds") + 1]) if "--seconds" in words else 0.0
        world.fault, world.fault_ended = {"verb": verb, "began": now, "ends": now + seconds}, None
        if verb == "terminate":
            world.ike += 1
            world.fault_ended = now
            return 0, {**world.fault, "finished": now}
        return 0, world.fault

    def _probe(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        world, verb = self.world, words[0]
        if verb in ("start", "stop"):
            name = f"{host}/{words[words.index('--id') + 1]}"
            world.probes = world.probes | {name} if verb == "start" else world.probes - {name}
            return 0, {}
        if verb == "control":
            world.controls += 1
            return 0, {"interface": "eth0"}
        if verb == "gtids":
            return 0, {"gtids": f"{UUID}:1-10", "missing": ",".join(world.own)}
        ike = [{"unique_id": 1, "state": "ESTABLISHED"}]
        return 0, {"sa": {"ike": ike, "children": [{"unique_id": 1, "ike": 1, "state": "INSTALLED"}]}}

    def _ledger(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        world, verb = self.world, words[0]
        if verb == "prepare":
            world.tables = True
        elif verb == "ping":
            world.rows.append(words[words.index("--msg") + 1])
        elif verb == "status":
            world.acked += 40 if world.writer_runs else 0
            return 0, {"acked": world.acked}
        elif verb == "stop":
            world.writer_runs = False
        elif verb == "prefix":
            return 0, {"sessions": [{"gaps": 0}]}
        elif verb == "cleanup":
            world.writer_runs, world.tables, world.rows = False, False, []
            return 0, {"dropped": ["twinsite_drill"]}
        elif verb == "verify":
            lists: dict[str, Any] = {
                name: [] for name in ("missing", "duplicated", "reordered", "childless", "updates_missing")
            }
            return 0, {
                **lists,
                "acked": len(stdin.splitlines()),
                "in_doubt": 0,
                "controls_found": True,
                "pings": list(world.rows),
            }
        return 0, {}

    def _systemd_run(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        unit = next(word for word in words if word.startswith("--unit=")).removeprefix("--unit=")
        if unit.startswith("twinsite-ledger"):
            self.world.writer_runs = True
        else:
            self.world.row_timers.add(unit)
            message = words[words.index("--msg") + 1]
            after = float(next(word for word in words if word.startswith("--on-active=")).removeprefix("--on-active="))

            def fire() -> None:
                with self.world.guard:
                    if unit in self.world.row_timers:
                        self.world.row_timers.discard(unit)
                        self.world.rows.append(message)

            timer = threading.Timer(after, fire)
            timer.daemon = True
            timer.start()
        return 0, ""

    def _systemctl(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        world = self.world
        if words[0] == "stop":
            for unit in words[1:]:
                world.row_timers.discard(unit.removesuffix(".timer"))
                if unit.startswith("twinsite-ledger"):
                    world.writer_runs = False
        elif words[0] == "list-units" and host == "aws-source" and world.writer_runs:
            return 0, "twinsite-ledger-old.service loaded active running x\n"
        return 0, ""

    def _cat(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        if words[0].endswith("acked.jsonl"):
            moment = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time()))
            lines = [
                {"session": n % 4 + 1, "seq": n, "outcome": "acked", "utc": moment} for n in range(self.world.acked)
            ]
            return 0, "".join(json.dumps(line) + "\n" for line in lines)
        return 0, "boot-1"

    def _mysql(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        if "START REPLICA" in stdin:
            report = self.world.reports[host, "database"]
            report["receiver"]["state"] = report["applier"]["state"] = "ON"
            report["receiver"]["error"] = ""
        if "super_read_only" in stdin:
            self.world.reports[host, "database"]["super_read_only"] = True
        for gtid in re.findall(r"SET GTID_NEXT = '([^']+:\d+)'; BEGIN; COMMIT;", stdin):
            if host == "aws-source":
                self.world.own.pop(gtid, None)
        return 0, ""

    def _swanctl(self, host: str, words: list[str], stdin: str) -> tuple[int, Any]:
        for place, report in self.world.reports.items():
            if "--initiate" in words and place[1] == "gateway":
                report["ike"] = [{"unique_id": 5, "state": "ESTABLISHED", "established_seconds": 0}]
                report["children"] = [{"name": "onprem-aws", "state": "INSTALLED"}]
                report["crossing"] = {"ok": True, "rtt_ms": 1.0}
        return 0, ""

    def stream(self, host: str, command: Sequence[str]) -> FakeStream:
        if host in self.world.unreachable:
            raise Unreachable(host, self.world.unreachable[host])
        self._called(f"{host}: stream {' '.join(command)}")
        return FakeStream(self.world, host, command)

    def answers(self, host: str, timeout_seconds: float = 1.0) -> bool:
        return host not in self.world.unreachable

    def reset(self, host: str) -> None:
        return

    def close(self) -> None:
        return
