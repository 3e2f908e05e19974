"""What set-up says, and how it runs the commands of others: their output goes to a log, their end is a sentence."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from setup.places import cache

BEAT_SECONDS = 30.0
TAIL_LINES = 15


class Problem(Exception):
    """A sentence for a person: what is wrong and what to do about it."""


class Failed(Problem):
    """A command of others ended badly; another way may remain."""


def say(text: str) -> None:
    print(text, flush=True)


def note(text: str) -> None:
    say(f"    {text}")


def run(
    what: str,
    argv: Sequence[object],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_seconds: float | None = None,
) -> str:
    """Run to the end and give what it wrote to standard output.

    What else it writes is kept in `<cache>/log/<what>.log`; Failed quotes the end of that. Ctrl-C ends the command too.
    """
    log = cache() / "log" / f"{what.replace(' ', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    output = log.with_suffix(".out")
    started = time.monotonic()
    with log.open("wb") as errors, output.open("w+b") as answers:
        try:
            # Its own session: a Ctrl-C reaches it once, from here, after which nothing of it is left.
            child = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=answers,
                stderr=errors,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise Failed(f"{what}: cannot start {argv[0]}: {error.strerror}") from error
        try:
            code = _wait(what, child, started, timeout_seconds)
        finally:
            _end(child)
        answers.seek(0)
        said = answers.read().decode(errors="replace")
    if code == 0:
        output.unlink()
        return said
    lines = (log.read_text(errors="replace") + said).splitlines()
    if any("No space left on device" in line for line in lines):
        raise Problem(disk_full(what))
    quoted = "\n".join(f"        {line}" for line in lines[-TAIL_LINES:])
    raise Failed(f"{what} ended with exit code {code} (all of it: {log}):\n{quoted}")


def _wait(what: str, child: subprocess.Popen[bytes], started: float, timeout_seconds: float | None) -> int:
    while True:
        try:
            return child.wait(BEAT_SECONDS if timeout_seconds is None else min(BEAT_SECONDS, timeout_seconds))
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - started
            if timeout_seconds is not None and passed >= timeout_seconds:
                raise Failed(f"{what} did not end within {timeout_seconds:g} s") from None
            note(f"{what}: {passed:.0f} s so far")


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5.0)


def require_space(what: str, folder: Path, need_mib: int) -> None:
    """Problem now, not after minutes, when `folder`'s disk has less than `need_mib` left."""
    while not folder.exists():
        folder = folder.parent
    free_mib = shutil.disk_usage(folder).free // 2**20
    if free_mib < need_mib:
        raise Problem(
            f"{what} needs {need_mib} MiB in {folder}, which has {free_mib} MiB left: "
            "free some, or name another place in TWINSITE_CACHE; then run ./scripts/setup again, it continues"
        )


def disk_full(what: str) -> str:
    free_mib = shutil.disk_usage(cache() if cache().exists() else Path.home()).free // 2**20
    return (
        f"{what}: the disk is full ({free_mib} MiB left at {cache()}): free some, or name another place in "
        "TWINSITE_CACHE; then run ./scripts/setup again, it continues"
    )


def is_disk_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
