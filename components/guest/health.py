"""What a role finds wrong on its own machine: desired beside live. A role's report carries it as `problems`.

Here: the shape, and what every role asks of a machine in the same way (units, files, disk). Not here: what a role is
to be (its own health.py compares what it renders and applies).
"""

import json
import os
import pathlib
import pwd
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

FULL_PERCENT = 90
"""A file system as full as this is said; root's reserve (ext4: 5 %) is counted as used, as `df` does."""
AGENT = "twinsite-agent.service"
AGENT_PLACE = pathlib.Path("/etc/twinsite/agent.json")
AGENT_STATE = pathlib.Path("/run/twinsite-agent.json")
AGENT_LATE_SECONDS = 50.0
"""Without a good look at its documents; it looks each 15 s at the latest, and a call ends within 10 s."""
SETTLE_SECONDS = 10.0
"""An ordinary apply ends within it; a first one, with packages to install, does not."""
START_AGENT = "agent"
"""`mends` of what enabling and starting the agent puts right."""
APPLY = "apply"
"""`mends` of what the role's own `apply` puts right."""


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it is to be."""

    what: str
    """A short name of the thing, the same each time: `unit strongswan.service`, `rules`."""
    problem: str
    """What was found, as a clause: `chain announce is missing`."""
    fix: str
    """Who does what about it; never that it mends itself unless it does."""
    mends: str = ""
    """What `twinsite repair` does about it: APPLY (`twinsite-guest ROLE apply`), START_AGENT; empty: a person must."""

    def __str__(self) -> str:
        return f"{self.problem}: {self.fix}"


def mended(what: str, problem: str) -> Problem:
    """One that applying the role again puts right."""
    return Problem(what, problem, "run `twinsite repair`, which applies the role again", APPLY)


def looked(what: str, look: "Callable[[], Iterable[Problem]]", fix: str) -> Iterator[Problem]:
    """What one look finds. One that fails, in whatever way, is a finding, too: nobody knows how that is; and the other
    looks are still made."""
    try:
        yield from look()
    except Exception as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        yield Problem(what, f"its {what} could not be looked at ({words})", fix)


def plain(found: Iterable[Problem]) -> "list[dict[str, Any]]":
    """As a report has them."""
    return [asdict(problem) for problem in found]


def units(wanted: Iterable[str]) -> Iterator[Problem]:
    """Units that do not run now, or would not after the next boot; `apply` starts and enables them."""
    for name in wanted:
        shown = show(name)
        state, file_state = shown.get("ActiveState", "unknown"), shown.get("UnitFileState", "")
        if file_state == "masked" or shown.get("LoadState") == "masked":
            yield Problem(
                f"unit {name}", f"{name} is masked", f"run `sudo systemctl unmask {name}`, then `twinsite repair`"
            )
            continue
        words = []
        if state not in ("active", "activating", "reloading"):
            words.append(f"does not run ({state})")
        if file_state != "enabled":
            words.append(f"would not start at the next boot ({file_state or 'no unit file'})")
        if words:
            yield mended(f"unit {name}", f"{name} {' and '.join(words)}")


def show(name: str) -> "dict[str, str]":
    """What systemd knows of a unit; empty when it cannot be asked."""
    wanted = "LoadState,ActiveState,SubState,UnitFileState,Result,ActiveEnterTimestampMonotonic,NeedDaemonReload"
    try:
        done = subprocess.run(
            ["systemctl", "show", "--property", wanted, name], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def settle(seconds: float = SETTLE_SECONDS) -> None:
    """Return when the agent is not amid an apply, or after so long: between its documents and what they make, a host
    is not as it was told although nothing is wrong. Before the role's documents are read."""
    deadline = time.monotonic() + seconds
    while AGENT_PLACE.exists() and _agent_state().get("applying") and time.monotonic() < deadline:
        time.sleep(0.1)


def agent() -> "list[Problem]":
    """Of a cloud machine's agent; none where there is none to be: on hosts that are told in other ways."""
    return list(agent_problems(show(AGENT), _agent_state(), time.time())) if AGENT_PLACE.exists() else []


def _agent_state() -> "dict[str, Any]":
    """The agent's own words; empty of one before it said so, or one that has not had its first look since boot."""
    try:
        found = json.loads(AGENT_STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def agent_problems(unit: "dict[str, str]", state: "dict[str, Any]", now: float) -> Iterator[Problem]:
    """What is wrong with it, of systemd's words, its own (agent.py: note) and the clock. Pure."""
    what, means = f"unit {AGENT}", "so no setting and no new key reaches this machine"
    fix = "run `twinsite repair`, which starts and enables it"
    if unit.get("UnitFileState") == "masked":
        fix = f"run `sudo systemctl unmask {AGENT}`, then `twinsite repair`"
        yield Problem(what, f"{AGENT} is masked, {means}", fix)
        return
    # `activating`: between two tries of a service that fails each time.
    if unit.get("ActiveState") != "active":
        yield Problem(what, f"{AGENT} does not run ({unit.get('ActiveState', 'unknown')}), {means}", fix, START_AGENT)
    elif state.get("seen") and not state.get("applying") and now - state["seen"] > AGENT_LATE_SECONDS:
        words = state.get("problem") or "it does not say why"
        yield Problem(
            "agent",
            f"the agent has not reached its documents for {now - state['seen']:.0f} s ({words}), {means}",
            f"look at `journalctl -u {AGENT}` there: the way out, the clock or the machine's identity",
        )
    if unit.get("UnitFileState") != "enabled":
        found = unit.get("UnitFileState") or "no unit file"
        yield Problem(what, f"{AGENT} would not start at the next boot ({found}), {means} then", fix, START_AGENT)
    if state.get("failed") and not state.get("applying"):
        yield Problem(
            "agent",
            f"what this machine was told last could not be applied ({state['failed']})",
            "mend what it names; the agent tries again each 30 s",
        )


def files(wanted: "Mapping[pathlib.Path, tuple[str, int, str]]") -> Iterator[Problem]:
    """Files of the role, path → (text, mode, owner), that are not as it wrote them. Their text is never quoted."""
    for path, (text, mode, owner) in wanted.items():
        try:
            live, found = path.read_text(encoding="utf-8"), path.stat()
        except (OSError, ValueError) as error:
            words = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
            yield mended(f"file {path}", f"{path} {words}")
            continue
        if live != text:
            yield mended(f"file {path}", f"{path} is not as twinsite wrote it")
        elif found.st_mode & 0o777 != mode:
            yield mended(f"file {path}", f"{path} has mode {found.st_mode & 0o777:o} instead of {mode:o}")
        elif found.st_uid != pwd.getpwnam(owner).pw_uid:
            yield mended(f"file {path}", f"{path} does not belong to {owner}")


def disk(paths: Iterable[str]) -> Iterator[Problem]:
    """File systems that are nearly full, in bytes or in files; each once."""
    seen = set()
    for path in paths:
        try:
            device, found = os.stat(path).st_dev, os.statvfs(path)
        except OSError:
            continue
        if device in seen:
            continue
        seen.add(device)
        if found.f_flag & os.ST_RDONLY:
            words = f"the file system of {path} is mounted read-only"
            yield Problem(f"disk {path}", words, "look at `sudo dmesg` there for its error, then mend and mount it")
        used = found.f_blocks - found.f_bfree
        percent = 100 * used / (used + found.f_bavail) if used + found.f_bavail else 0.0
        inodes = 100 * (1 - found.f_favail / found.f_files) if found.f_files else 0.0
        if percent >= FULL_PERCENT:
            left = found.f_bavail * found.f_frsize // 2**20
            yield Problem(
                f"disk {path}",
                f"the file system of {path} is {percent:.0f} % full ({left} MiB left)",
                f"make room there (`sudo du -xh --max-depth=2 {path} | sort -h | tail`), or grow its volume",
            )
        elif inodes >= FULL_PERCENT:
            yield Problem(
                f"disk {path}",
                f"the file system of {path} has used {inodes:.0f} % of its inodes",
                f"remove files there (`sudo du -x --inodes --max-depth=2 {path} | sort -n | tail`)",
            )
