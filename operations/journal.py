"""Journal and lock of an operation: beside the evidence here, and in the store on the standby site."""

import getpass
import json
import os
import pathlib
import queue
import socket
import threading
import time
from typing import Any

from .guest import Guests, RemoteRefused
from .stack import age_words
from .steps import iso
from .transport import RemoteFailed, Unreachable


class Locked(Exception):
    """Another operation runs; the sentence says whose, since when and until when."""


def me(command: str) -> str:
    """Who asks for the lock, for the next person to read."""
    return f"`{command}` by {getpass.getuser()}@{socket.gethostname()} (process {os.getpid()})"


def _started(pid: int) -> str:
    """When a process of this machine started, in clock ticks since its boot; empty when there is none."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def this_process(pid: int) -> str:
    """A name for a process that no other one has, on any machine, also after a restart; empty where that is not
    known."""
    try:
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
    return f"{boot}/{pid}/{_started(pid)}"


def gone(process: str) -> bool:
    """Whether the process was one of this machine's and has ended. False when it cannot be told from here."""
    boot, _, rest = process.partition("/")
    pid = rest.partition("/")[0]
    if not pid.isdigit() or this_process(os.getpid()).partition("/")[0] != boot:
        return False
    return this_process(int(pid)) != process


def take_lock(guests: Guests, identity: str, command: str, seconds: float, force: bool = False) -> str:
    """Take the operation lock for at most `seconds`; what there is to say about it. Locked when another one holds
    it."""
    arguments = ["lock", "--id", identity, "--owner", me(command), "--process", this_process(os.getpid())]
    arguments += ["--seconds", f"{seconds:.0f}"]
    why = "because --break-lock was given"
    try:
        answer = json.loads(guests.store(*arguments, *(["--break-lock"] if force else [])))
    except RemoteRefused as refusal:
        held = _holder(refusal)
        if not gone(str(held.get("process", ""))):
            raise Locked(_held(guests, held)) from None
        # It died here without giving the lock back.
        answer, why = json.loads(guests.store(*arguments, "--break-lock")), "whose process is gone"
    over = answer.get("took_over")
    if over is None:
        return ""
    if time.time() > float(over["expires"]):
        why = f"whose time was over {age_words(time.time() - float(over['expires']))} ago"
    return f"took the lock over from {over['owner']}, {why}"


def _holder(refusal: RemoteRefused) -> dict[str, Any]:
    try:
        held = json.loads(refusal.words)["held_by"]
    except (ValueError, KeyError):
        raise RemoteFailed(refusal.host, refusal.program, refusal.code, refusal.words) from None
    return dict(held or {})


def _held(guests: Guests, held: dict[str, Any]) -> str:
    owner, place = held.get("owner", "somebody"), guests.inventory.store
    until = f" since {iso(held['since'])}, at most until {iso(held['expires'])}" if held else ""
    return (
        f"{owner} holds the lock in {place}{until}: wait for it; if that operation is gone for good, give --break-lock"
    )


class Journal:
    """JSON lines, here at once and in the store as soon as it can be reached; never in the operation's way."""

    def __init__(self, path: pathlib.Path, guests: Guests, name: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115
        self._guests, self._name = guests, name
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._unsent: list[str] = []
        self.problem = ""
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def write(self, entry: dict[str, Any]) -> None:
        line = json.dumps({"time": iso(time.time()), **entry}) + "\n"
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._queue.put(line)

    def _send(self) -> None:
        while True:
            line = self._queue.get()
            ended = line is None
            if line is not None:
                self._unsent.append(line)
            while not self._queue.empty():
                more = self._queue.get()
                ended = ended or more is None
                self._unsent += [] if more is None else [more]
            if self._unsent:
                try:
                    self._guests.store("append", self._name, stdin="".join(self._unsent))
                    self._unsent, self.problem = [], ""
                except (Unreachable, RemoteFailed, ValueError) as problem:
                    self.problem = str(problem)
            if ended:
                return

    def close(self) -> str:
        """Send what is left; why it could not be sent, or an empty string."""
        self._queue.put(None)
        self._thread.join(timeout=40)
        self._file.close()
        return self.problem if self._unsent else ""
