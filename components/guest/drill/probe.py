#!/usr/bin/env python3
"""Watches this host during a drill, several times a second, and writes JSON lines with this host's clock.

probe.py start --id ID --seconds N WHAT…    runs in the background as a unit of its own, at most N seconds
probe.py follow --id ID [--offset BYTES]    prints the lines from there on, as they come; ends when standard input does
probe.py stop --id ID                       ends it
probe.py look WHAT…                         one look, printed: each kind of line once
probe.py gtids [--minus SET]                this server's transactions; with SET also those of SET that it has not
probe.py clock                              answers each line of standard input with this host's time
probe.py control --local ADDRESS --remote ADDRESS    sends one packet in clear that the sniffer must catch

WHAT is  --gateway CONNECTION --source ADDRESS [--target ADDRESS] --local-range CIDR --remote-range CIDR
         (without a target no echoes are sent)
or       --database source|replica --heartbeat SCHEMA.TABLE

Lines: {"t": seconds since 1970, "k": kind, …}. Kinds:
  sa       {"ike": […], "children": […]} as charon has them, or {"error"}
  ping     {"sent", "rtt_ms"}: an echo through the tunnel; rtt_ms is null when no answer came in 2 s
  clear    {"count", "controls", "last"}: packets between the two ranges that left unencrypted, since the start
  replica  {"io", "sql", "lag", "receiver", "error_number", "error", "applier_error", "heartbeat", "gtid"}, or {"error"}
  source   {"heartbeat", "gtid", "writable"}, or {"error"}
  end      the probe ended
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import typing
from collections.abc import Callable
from typing import Any

if __name__ == "__main__" and not __package__:
    # Run as a file (PEP 366): the payload's folder is a package, whatever it is called here.
    HERE = pathlib.Path(__file__).resolve().parent
    sys.path[0] = str(HERE.parent.parent)
    __package__ = f"{HERE.parent.name}.{HERE.name}"

from ..errors import Refused
from . import sql, vici, wire

FOLDER = pathlib.Path("/run/twinsite-probe")
LOOK_SECONDS = 0.15
ECHO_SECONDS = 0.1
ECHO_PATIENCE_SECONDS = 2.0
CLEAR_SECONDS = 0.5

Write = Callable[[str, dict[str, Any]], None]


class Log:
    """JSON lines to a file, whole lines only, from any thread."""

    def __init__(self, path: pathlib.Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()

    def write(self, kind: str, fields: dict[str, Any]) -> None:
        line = json.dumps({"t": round(time.time(), 4), "k": kind, **fields}) + "\n"
        with self._lock:
            self._file.write(line.encode())


class Charon:
    """Looks at the SAs of one connection; connects again after charon restarted."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._link: vici.Vici | None = None

    def look(self) -> dict[str, Any]:
        try:
            self._link = self._link or vici.Vici()
            return vici.summary(self._link.sas(), self._connection)
        except vici.ViciError as error:
            if self._link is not None:
                self._link.close()
            self._link = None
            return {"error": str(error), "ike": [], "children": []}


class Mysql:
    """Looks at one server's replication; connects again after it restarted."""

    def __init__(self, role: str, heartbeat: str) -> None:
        if not re.fullmatch(r"\w+\.\w+", heartbeat):
            raise Refused([f"--heartbeat {heartbeat!r} is no SCHEMA.TABLE"])
        self._role, self._heartbeat = role, heartbeat
        self._session: sql.Sql | None = None

    def look(self) -> dict[str, Any]:
        try:
            self._session = self._session or sql.Sql()
            return self._replica(self._session) if self._role == "replica" else self._source(self._session)
        except sql.SqlGone as error:
            if self._session is not None:
                self._session.close()
            self._session = None
            return {"error": str(error)}

    def _common(self, session: sql.Sql) -> dict[str, Any]:
        row = session.ask(
            f"SELECT @@GLOBAL.gtid_executed AS gtid, @@GLOBAL.super_read_only AS closed, "
            f"(SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', MAX(ts)) FROM {self._heartbeat}) AS heartbeat"
        )[0]
        beat = row["heartbeat"]
        return {
            "gtid": (row["gtid"] or "").replace("\n", ""),
            "writable": row["closed"] == "0",
            "heartbeat": int(beat) / 1e6 if beat else None,
        }

    def _source(self, session: sql.Sql) -> dict[str, Any]:
        return self._common(session)

    def _replica(self, session: sql.Sql) -> dict[str, Any]:
        rows = session.ask("SHOW REPLICA STATUS")
        if not rows:
            return {"error": "this server is no replica: SHOW REPLICA STATUS is empty", **self._common(session)}
        row = rows[0]
        lag = row.get("Seconds_Behind_Source")
        receiver = session.ask("SELECT SERVICE_STATE AS state FROM performance_schema.replication_connection_status")
        return {
            "io": row.get("Replica_IO_Running"),
            "sql": row.get("Replica_SQL_Running"),
            "lag": None if lag is None else int(lag),
            "receiver": receiver[0]["state"] if receiver else None,
            "error_number": int(row.get("Last_IO_Errno") or 0),
            "io_error": row.get("Last_IO_Error") or "",
            "applier_error": row.get("Last_SQL_Error") or "",
            **self._common(session),
        }


class Crossing:
    """Echoes through the tunnel; a line for each answer, and for each that never came."""

    def __init__(self, source: str, target: str, write: Write, stop: threading.Event) -> None:
        self._echo = wire.Echo(source, target)
        self._write, self._stop = write, stop
        self._open: dict[int, float] = {}
        self._lock = threading.Lock()

    def send(self) -> None:
        sequence = 0
        while not self._stop.wait(ECHO_SECONDS):
            sequence = (sequence + 1) & 0xFFFF
            now = time.time()
            with self._lock:
                self._open[sequence] = now
                late = [(key, sent) for key, sent in self._open.items() if now - sent > ECHO_PATIENCE_SECONDS]
                for key, _ in late:
                    del self._open[key]
            for _, sent in late:
                self._write("ping", {"sent": round(sent, 4), "rtt_ms": None})
            self._echo.send(sequence)

    def receive(self) -> None:
        while not self._stop.is_set():
            sequence = self._echo.receive()
            if sequence is None:
                continue
            with self._lock:
                sent = self._open.pop(sequence, None)
            if sent is not None:
                self._write("ping", {"sent": round(sent, 4), "rtt_ms": round((time.time() - sent) * 1000, 2)})


def _clear(local: str, remote: str, write: Write, stop: threading.Event) -> None:
    """Count what leaves in clear. Says so each CLEAR_SECONDS, so that silence is not mistaken for zero."""
    sniffer = wire.Sniffer(wire.wan()[0], local, remote)
    count = controls = 0
    last = ""
    said = 0.0
    while not stop.is_set():
        packet = sniffer.next()
        if packet is not None:
            control, words = packet
            controls += control
            count += not control
            last = last if control else words
        if time.monotonic() - said >= CLEAR_SECONDS:
            said = time.monotonic()
            write("clear", {"count": count, "controls": controls, "last": last})


def _repeat(kind: str, look: Callable[[], dict[str, Any]], write: Write, stop: threading.Event) -> None:
    while True:
        write(kind, look())
        if stop.wait(LOOK_SECONDS):
            return


def _watches(given: argparse.Namespace, write: Write, stop: threading.Event) -> list[Callable[[], None]]:
    if given.database:
        server = Mysql(given.database, given.heartbeat)
        return [lambda: _repeat(given.database, server.look, write, stop)]
    charon = Charon(given.gateway)
    watches = [
        lambda: _repeat("sa", charon.look, write, stop),
        lambda: _clear(given.local_range, given.remote_range, write, stop),
    ]
    if given.target:
        crossing = Crossing(given.source, given.target, write, stop)
        watches += [crossing.send, crossing.receive]
    return watches


def run(given: argparse.Namespace) -> typing.NoReturn:
    """Watch until told to stop, until the time is over, or until a watch fails: then the file says why."""
    log = Log(_file(given.id))
    stop = threading.Event()
    problems: list[str] = []
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only a note: a handler that takes the event's lock may wait for the very thread that it interrupted.
        signal.signal(number, lambda got, _: told.append(got))

    def guarded(watch: Callable[[], None]) -> None:
        try:
            watch()
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
            stop.set()

    threads = [
        threading.Thread(target=guarded, args=(watch,), daemon=True) for watch in _watches(given, log.write, stop)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + given.seconds
    while not told and not stop.is_set() and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join(timeout=1)
    log.write("end", {"problems": problems})
    # A watch may hang in a question to a sick server; the interpreter's own end would wait for it.
    os._exit(1 if problems else 0)


def _file(identity: str) -> pathlib.Path:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,40}", identity):
        raise Refused([f"--id {identity!r}: letters, digits and dashes only"])
    return FOLDER / f"{identity}.jsonl"


def _unit(identity: str) -> str:
    return f"twinsite-probe-{identity}"


def start(given: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    """Start `run` as a transient unit: it outlives the operator's connection, but not its own time."""
    path = _file(given.id)
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in FOLDER.glob("*.jsonl"):
        # An hour is longer than any probe's interest in its own file once it ended.
        if time.time() - old.stat().st_mtime > 3600:
            old.unlink()
    command = ["systemd-run", "--quiet", "--collect", f"--unit={_unit(given.id)}"]
    command += [
        f"--property=RuntimeMaxSec={given.seconds + 10:.0f}",
        "--property=TimeoutStopSec=5",
        # The probe ends its own mysql client; told by systemd at the same time, it would note one last failed look.
        "--property=KillMode=mixed",
        sys.executable,
        str(pathlib.Path(__file__).resolve()),
    ]
    done = subprocess.run([*command, "run", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused([f"the probe does not start: {done.stderr.strip()}"])
    return {"file": str(path), "unit": _unit(given.id)}


def follow(identity: str, offset: int) -> None:
    """Print the file from `offset`, then what is appended, until it ends or standard input does."""
    gone = threading.Event()

    def watch_input() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        gone.set()

    threading.Thread(target=watch_input, daemon=True).start()
    path = _file(identity)
    deadline = time.monotonic() + 5
    while not path.exists():
        if time.monotonic() > deadline:
            raise Refused([f"there is no probe {identity!r} on this host: start it first"])
        time.sleep(0.05)
    with open(path, "rb") as file:
        file.seek(offset)
        while True:
            part = file.read(65536)
            if part:
                sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()
                if part.endswith(b"\n") and b'"k": "end"' in part.rsplit(b"\n", 2)[-2]:
                    return
            elif gone.wait(0.05):
                return


def clock() -> None:
    """Answer each line with the time, so that the operator can compare clocks."""
    for _ in sys.stdin:
        print(f"{time.time():.6f}", flush=True)


def look(given: argparse.Namespace) -> dict[str, Any]:
    """One look."""
    if given.database:
        return {"t": time.time(), given.database: Mysql(given.database, given.heartbeat).look()}
    return {"t": time.time(), "sa": Charon(given.gateway).look()}


def gtids(other: str) -> dict[str, Any]:
    """This server's executed transactions, and those of `other` that it does not have."""
    if not re.fullmatch(r"[0-9a-zA-Z_:,\s-]*", other):
        raise Refused([f"--minus {other!r} is no GTID set"])
    session = sql.Sql()
    try:
        row = session.ask(
            f"SELECT @@GLOBAL.gtid_executed AS gtids, GTID_SUBTRACT('{other}', @@GLOBAL.gtid_executed) AS missing"
        )[0]
    finally:
        session.close()
    return {name: (value or "").replace("\n", "") for name, value in row.items()}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("start", "run", "look"):
        watching = verbs.add_parser(verb)
        if verb != "look":
            watching.add_argument("--id", required=True)
            watching.add_argument("--seconds", type=float, required=True)
        watching.add_argument("--gateway", default="")
        for option in ("source", "target", "local-range", "remote-range", "heartbeat"):
            watching.add_argument(f"--{option}", default="")
        watching.add_argument("--database", choices=("source", "replica"))
    following = verbs.add_parser("follow")
    following.add_argument("--id", required=True)
    following.add_argument("--offset", type=int, default=0)
    verbs.add_parser("stop").add_argument("--id", required=True)
    verbs.add_parser("clock")
    verbs.add_parser("gtids").add_argument("--minus", default="")
    control = verbs.add_parser("control")
    control.add_argument("--local", required=True)
    control.add_argument("--remote", required=True)
    return parser


def main(argv: list[str]) -> int:
    given = _arguments().parse_args(argv)
    try:
        if given.verb in ("start", "run", "look") and bool(given.gateway) == bool(given.database):
            raise Refused(["say what to watch: --gateway CONNECTION or --database source|replica"])
        if given.verb == "run":
            run(given)
        if given.verb == "clock":
            clock()
        elif given.verb == "follow":
            follow(given.id, given.offset)
        elif given.verb == "look":
            print(json.dumps(look(given)))
        elif os.geteuid() != 0:
            raise Refused(["root is needed: run this with sudo"])
        elif given.verb == "gtids":
            print(json.dumps(gtids(given.minus)))
        elif given.verb == "start":
            print(json.dumps(start(given, argv[1:])))
        elif given.verb == "stop":
            subprocess.run(["systemctl", "stop", f"{_unit(given.id)}.service"], capture_output=True, check=False)
            print(json.dumps({"stopped": given.id}))
        else:
            print(json.dumps({"interface": wire.send_control(given.local, given.remote), "t": time.time()}))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return refusal.code
    except (OSError, sql.SqlGone, KeyboardInterrupt) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
