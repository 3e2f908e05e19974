"""Who works: a person, a command and a process, so that the next person knows whom to ask and the next command whether
it still runs."""

import getpass
import os
import pathlib
import socket


def who() -> str:
    """The person at this desk."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def me(command: str) -> str:
    """Who asks for the lock, for the next person to read."""
    return f"`{command}` by {who()} (process {os.getpid()})"


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
