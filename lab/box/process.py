"""Processes of machines: how to find them from outside, and their own control group each.

Two machines in one control group would share systemd's unit groups, and stopping a unit in one would meet the
processes of the other's: nspawn with --keep-unit puts every machine of one caller into the same `payload` group. So
each machine's nspawn starts in a group of its own.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from lab.box.host import BoxError

NSPAWN_RUN = Path("/run/systemd/nspawn")


def leader(nspawn: int) -> int | None:
    """Process id of the machine's init, as this host sees it; None while there is none."""
    for child in children(nspawn):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{child}/status").read_text().splitlines():
                # nspawn's first child only sets the mounts up; the machine's init is the one that is 1 inside.
                if line.startswith("NSpid:") and line.split()[-1] == "1" and len(line.split()) > 2:
                    return child
    return None


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    found: list[int] = []
    if not Path("/proc/self/task", str(os.getpid()), "children").exists():  # a kernel without CONFIG_PROC_CHILDREN
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                        found.append(int(entry.name))
        return found
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def machines(prefix: str) -> dict[int, str]:
    """nspawn processes of machines whose names begin with `prefix`: process id to machine name."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if Path(words[0]).name == "systemd-nspawn":
                    for word in words:
                        if word.startswith(f"--machine={prefix}"):
                            found[int(entry.name)] = word.removeprefix("--machine=")
    return found


def inside_of(namespace: str) -> list[int]:
    """Processes that live in a named network namespace."""
    try:
        wanted = os.stat(f"/run/netns/{namespace}").st_ino
    except OSError:
        return []
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(entry / "ns" / "net").st_ino == wanted:
                    found.append(int(entry.name))
    return found


def kill_and_wait(pids: list[int], number: int = signal.SIGKILL, seconds: float = 10.0) -> list[int]:
    """Signal processes that are no children of ours and wait for their end; gives those that still live."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if _alive(pid)]:
        if time.monotonic() > deadline:
            return alive
        time.sleep(0.01)
    return []


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def groups(prefix: str) -> list[Path]:
    """Control groups made by `group`, in every hierarchy."""
    return [path for root in _hierarchies() for path in root.glob(f"{prefix}*") if path.is_dir()]


def group(name: str) -> list[Path]:
    """Make (or find) a machine's control group in each hierarchy that systemd uses."""
    made: list[Path] = []
    for root in _hierarchies():
        path = root / name
        path.mkdir(exist_ok=True)
        made.append(path)
    return made


def remove_group(path: Path) -> None:
    """Remove a group and those below it. BoxError while a process lives there."""
    deadline = time.monotonic() + 5.0
    while path.exists():
        try:
            for folder, _, _ in os.walk(path, topdown=False):
                os.rmdir(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            # The kernel needs a moment after the last process of a group ended.
            if time.monotonic() > deadline:
                raise BoxError(f"control group {path} is still in use: {error.strerror}") from error
            time.sleep(0.02)


def nspawn_files(prefix: str) -> list[Path]:
    """What nspawn keeps in /run for a machine while it runs; it stays when nspawn was killed."""
    return sorted((NSPAWN_RUN / "propagate").glob(f"{prefix}*"))


def forget_nspawn_files(machine: str, root: Path) -> None:
    """Remove them. `root`: the machine's root folder, still mounted: its lock is named by device and inode."""
    with contextlib.suppress(FileNotFoundError):
        (NSPAWN_RUN / "propagate" / machine).rmdir()
    seen = root.stat()
    (NSPAWN_RUN / "locks" / f"inode-{seen.st_dev}:{seen.st_ino}").unlink(missing_ok=True)


def _hierarchies() -> list[Path]:
    found: list[Path] = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, options = line.split()[:4]
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(where))
    return found
