"""Two sites that could both write, each a real server with an agent of its own, and an application that tries both."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.writer_registers import FileRegister
from twinsite.guest.writer.raising import make_writer
from twinsite.guest.writer.registers import Register, said
from twinsite.guest.writer.rule import Rule, Said

from .postgres import TREE, Postgres, eventually, programs

RULE = Rule(lease_seconds=6.0, closing_seconds=3.0, clock_seconds=1.0)
"""A fifth of the real numbers, in the same proportions, but for the clocks'."""
TURN_SECONDS = 1.0
SCHEDULE_SECONDS = 45.0
HOME = "aws"


class Application:
    """Sessions at one server: short transactions, and long ones."""

    def __init__(self, server: Postgres, database: str) -> None:
        self.acknowledged: list[float] = []
        """When."""
        self.committed: list[tuple[float, int]] = []
        """The same: the machine's clock just before the commit, and the epoch that the transaction saw."""
        self.refused = 0
        self._server, self._database, self._over = server, database, threading.Event()
        self._threads = [threading.Thread(target=self._session, args=(seconds,)) for seconds in (0.0, 0.0, 2.0)]
        for one in self._threads:
            one.start()

    def _session(self, seconds: float) -> None:
        command = [str(programs(18) / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        command += [
            "-h",
            str(self._server.folder),
            "-p",
            str(self._server.port),
            "-d",
            self._database,
            "-U",
            "postgres",
        ]
        text = (
            "BEGIN; INSERT INTO t (said) VALUES ('x');\n"
            f"SELECT floor FROM twinsite.gate; SELECT pg_sleep({seconds});\n"
            "SELECT extract(epoch FROM clock_timestamp()); COMMIT;\n\\echo done\n"
        )
        pipe = subprocess.PIPE
        while not self._over.is_set():
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as client:
                assert client.stdin and client.stdout
                while not self._over.is_set():
                    try:
                        client.stdin.write(text)
                        client.stdin.flush()
                    except BrokenPipeError:
                        break
                    said = []
                    while (line := client.stdout.readline()) and line.strip() != "done":
                        said.append(line.strip())
                    if not line:
                        self.refused += 1
                        break
                    self.acknowledged.append(time.monotonic())
                    self.committed.append((float(said[-1]), int(said[0])))
                    time.sleep(0.05)
                client.kill()
            time.sleep(0.1)

    def stop(self) -> None:
        self._over.set()
        for one in self._threads:
            one.join(60)
            assert not one.is_alive()


@dataclass
class Site:
    """One, with its agents: more than one is nothing that should be, and may be."""

    name: str
    server: Postgres
    database: str
    folder: Path
    flow: str = "crm"
    agents: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    still: "set[int]" = field(default_factory=set)

    def begin(self) -> "subprocess.Popen[bytes]":
        """One more agent."""
        told = {
            "site": self.name,
            "home": HOME,
            "folder": str(self.folder),
            "database": self.database,
            "flow": self.flow,
            "address": str(self.server.folder),
            "port": self.server.port,
            "lease": RULE.lease_seconds,
            "closing": RULE.closing_seconds,
            "clock": RULE.clock_seconds,
            "turn": TURN_SECONDS,
        }
        spec = self.folder / f"{self.name}.json"
        spec.write_text(json.dumps(told))
        path = f"{programs(18)}:{os.environ['PATH']}"
        with (self.folder / f"log-{self.name}").open("ab") as log:
            one = subprocess.Popen(
                [sys.executable, "-m", "tests.servers.writer_process", str(spec)],
                cwd=TREE,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": path, "PYTHONPATH": str(TREE), "PYTHONUNBUFFERED": "1"},
            )
        self.agents.append(one)
        return one

    def kill(self) -> None:
        """Every agent, as nobody can catch it."""
        for one in self.agents:
            one.kill()
            one.wait(20)
        self.agents.clear()
        self.still.clear()

    def stand_still(self) -> None:
        for one in self.agents:
            one.send_signal(signal.SIGSTOP)
            self.still.add(one.pid)

    def go_on(self) -> None:
        for one in self.agents:
            if one.pid in self.still:
                one.send_signal(signal.SIGCONT)
        self.still.clear()

    def answers(self) -> int:
        """What /writer says of the youngest agent; 0: nothing."""
        one = self.folder / f"http-{self.name}-{self.agents[-1].pid}"
        if not one.exists():
            return 0
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{one.read_text()}/writer", timeout=5) as answer:
                assert answer.read() == b"may write\n"
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return int(error.code)
        except OSError:
            return 0

    def log(self) -> str:
        return (self.folder / f"log-{self.name}").read_text()


class Sites:
    """Both."""

    def __init__(self, servers: tuple[Postgres, Postgres], database: str, folder: Path) -> None:
        self.folder, self.database = folder, database
        self.aws, self.gcp = (
            Site(name, server, database, folder) for name, server in zip((HOME, "gcp"), servers, strict=True)
        )
        for one in (self.aws, self.gcp):
            one.server.sql(f"CREATE DATABASE {database}")
            one.server.sql("CREATE TABLE t (id serial PRIMARY KEY, said text)", database)
        self.applications: dict[str, Application] = {}

    @property
    def both(self) -> tuple[Site, Site]:
        return self.aws, self.gcp

    def registers(self, who: str = "desk") -> list[Register]:
        return [FileRegister(self.folder / f"register-{at}", who) for at in range(3)]

    def said(self) -> list[Said | None]:
        return [said(found[0]) if (found := one.read()) else None for one in self.registers()]

    def begin(self) -> None:
        """AWS writes; Google could, by what its database says: registers alone hold it back."""
        for one in self.both:
            one.begin()
        eventually(lambda: self.aws.answers() == 200, 60, f"AWS writes {self.aws.log()}")
        made, gate = "SELECT to_regclass('twinsite.gate') IS NOT NULL", "SELECT count(lease) FROM twinsite.gate"
        for one in self.both:
            for asked, wanted in ((made, "t"), (gate, "1")):
                ask = partial(one.server.sql, asked, self.database)
                eventually(lambda ask=ask, wanted=wanted: ask() == wanted, 60, f"a lease {one.log()}")  # type: ignore[misc]
        self.gcp.server.sql("UPDATE twinsite.gate SET writes = true", self.database)
        for one in self.both:
            self.applications[one.name] = Application(one.server, self.database)
        self.wait_for(self.aws)

    def move(self, to: Site) -> float:
        """A failover, as the desk swaps registers; when it was done."""
        make_writer(self.registers(), to.name, rule=RULE)
        return time.monotonic()

    def wait_for(self, site: Site, seconds: float = 40) -> float:
        """A write that is acknowledged there from now on; when."""
        known = self.applications[site.name].acknowledged
        had = len(known)
        eventually(lambda: len(known) > had, seconds, f"a write at {site.name} {site.log()[-2000:]}")
        return known[had]

    def last(self, site: Site) -> float:
        return max(self.applications[site.name].acknowledged, default=0.0)

    def _committed(self) -> list[tuple[float, int, str]]:
        return sorted((when, epoch, name) for name, one in self.applications.items() for when, epoch in one.committed)

    def late(self) -> tuple[str, int] | None:
        """(site, epoch) of a transaction that was committed after one of a later epoch: two wrote at once."""
        latest = 0
        for _, epoch, name in self._committed():
            if epoch < latest:
                return name, epoch
            latest = epoch
        return None

    def turns(self) -> list[str]:
        """Who wrote, one after the other, by when transactions were committed; two at once would take turns."""
        assert self.late() is None, f"{self.late()}: committed after one of a later epoch"
        names = [name for _, _, name in self._committed()]
        return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]

    def end(self) -> None:
        for one in self.both:
            one.go_on()
            one.kill()
        for application in self.applications.values():
            application.stop()
        for one in self.both:
            one.server.sql(f"DROP DATABASE {self.database} WITH (FORCE)")


def schedule(sites: Sites, seed: int, seconds: float) -> int:
    """Kills, pauses, cuts and failovers, as the seed has them; how many failovers came to their end."""
    draw, moves, end = random.Random(seed), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        site = draw.choice(sites.both)
        deed = draw.choice(("kill", "pause", "cut", "move", "move", "second", "heal"))
        if deed == "kill":
            site.kill()
        elif deed == "pause":
            site.stand_still()
        elif deed == "second":
            site.begin()
        elif deed == "cut":
            FileRegister(sites.folder / f"register-{draw.randrange(3)}", site.name).cut()
        elif deed == "move":
            sites.move(site)
            moves += 1
        else:
            heal(sites)
        time.sleep(draw.uniform(0.2, 5.0))
    heal(sites)
    return moves


def heal(sites: Sites) -> None:
    """All is as it should be: no cuts, one agent at least at each site, and it goes on."""
    for one in sites.both:
        one.go_on()
        if not one.agents:
            one.begin()
        for at in range(3):
            FileRegister(sites.folder / f"register-{at}", one.name).cut(False)


def whole_schedule(sites: Sites, seed: int) -> tuple[int, int]:
    """One from its begin until Google writes at its end: (failovers that came to their end, writes acknowledged).

    Raises AssertionError when two sites wrote at once, or the watch does not see a planted second writer.
    """
    moves = schedule(sites, seed, SCHEDULE_SECONDS) + 1
    sites.move(sites.gcp)
    sites.wait_for(sites.gcp, 60)
    assert len(sites.turns()) <= moves + 1, f"seed {seed}: {sites.turns()}"
    acknowledged = [len(one.acknowledged) for one in sites.applications.values()]
    assert all(acknowledged), f"seed {seed}: a site never wrote"
    late = sites.applications[HOME].committed
    late.append((time.time(), 0))
    assert sites.late() == (HOME, 0), f"seed {seed}: the watch does not see a planted second writer"
    late.pop()
    return moves, sum(acknowledged)
