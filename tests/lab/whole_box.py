"""For tests of the whole box: its command line as a user types it, and what is left of it on this machine."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab import lifecycle
from lab.paths import TREE, Paths, cache

PATHS = Paths()
UP_SECONDS = 300
"""Longest wait for one command; the first `up` of a machine builds the image."""

MISSING = lifecycle.why_not()
needs_a_box = pytest.mark.skipif(bool(MISSING), reason="; ".join(MISSING) or "a box is possible")


def lab(*words: str, stdin: str = "", timeout: float = UP_SECONDS) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "lab.cli", *words],
        cwd=TREE,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def must(*words: str) -> str:
    done = lab(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def groups(beginning: str) -> set[str]:
    """Control groups whose name begins so. `os.walk` passes over those that other boxes take away meanwhile."""
    found = (Path(place) / name for place, names, _ in os.walk("/sys/fs/cgroup") for name in names)
    return {str(path) for path in found if path.name.startswith(beginning)}


def left_on_this_machine() -> dict[str, set[str]]:
    """Everything that a box makes, counted from outside and without its own records."""

    def said(*command: str) -> set[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return set(done.stdout.splitlines())

    processes = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if any(mark in words for mark in ("--machine=tw", str(PATHS.run))):
                processes.add(f"{entry.name} {words}")
    runtime = cache() / "lab" / "run"
    mounts = Path("/proc/mounts").read_text().splitlines()
    loops = said("losetup", "--list", "--noheadings", "--output", "BACK-FILE")
    return {
        "processes": processes,
        "namespaces": {line.split()[0] for line in said("ip", "netns", "list") if line.startswith("tw")},
        "links": {line.split()[1] for line in said("ip", "-o", "link") if line.split()[1].startswith("tw")},
        "routes": {line for line in said("ip", "route") if " dev tw" in line},
        "rules": said("ip", "rule"),
        "tables": said("nft", "list", "tables"),
        "mounts": {line for line in mounts if "twinsite-tw" in line or "/netns/tw" in line},
        # A box of another name has its folder beside ours: run-NAME.
        "loops": {line for line in loops if f"{runtime}/" in line},
        "groups": groups("twm-"),
        "files": {str(path) for path in [PATHS.run, *Path("/etc/netns").glob("tw*")] if path.exists()}
        | ({str(path) for path in runtime.iterdir()} if runtime.exists() else set()),
    }


def no_box_yet() -> dict[str, set[str]]:
    """Refuse to disturb somebody's lab; else clear remains and count what this machine has without one."""
    if lifecycle.find(PATHS).mode == "live":
        pytest.fail("a lab is up on this machine: `./scripts/lab down` before its tests, there is one box per machine")
    must("down")
    return left_on_this_machine()
