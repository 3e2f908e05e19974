"""What set-up says, and how it runs the commands of others: their output goes to a log, their end is a sentence."""

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from setup.places import cache

BEAT_SECONDS = 30.0
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A closed terminal and a CI's cancel end set-up as Ctrl-C does, with the commands that it runs."""
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
    began = time.monotonic()
    with log.open("wb") as errors, output.open("w+b") as answers:
        whole = {**os.environ, **(env or {})}
        with started(argv, what=what, stdout=answers, stderr=errors, env=whole, cwd=cwd) as child:
            code = _wait(what, child, began, timeout_seconds)
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


@contextlib.contextmanager
def started(
    argv: Sequence[object], *, what: str, patience_seconds: float = 5.0, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a session of its own: a Ctrl-C reaches it once, from here, after which nothing of it is left.

    Also one that comes while it is started: nobody would know yet what to end. `options` are Popen's.
    """
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in STOPS}

    def heard() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        child = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, start_new_session=True, **options
        )
    except OSError as error:
        heard()
        raise Failed(f"{what}: cannot start {argv[0]}: {error.strerror}") from error
    try:
        heard()
        if came:
            raise KeyboardInterrupt
        yield child
    finally:
        _end(child, patience_seconds)


def ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, once it has one. A Ctrl-C that comes just before a wait that blocks would be heard after it."""
    while (code := process.poll()) is None:
        time.sleep(0.05)
    return code


def _wait(what: str, child: subprocess.Popen[bytes], began: float, timeout_seconds: float | None) -> int:
    while True:
        try:
            return child.wait(BEAT_SECONDS if timeout_seconds is None else min(BEAT_SECONDS, timeout_seconds))
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - began
            if timeout_seconds is not None and passed >= timeout_seconds:
                raise Failed(f"{what} did not end within {timeout_seconds:g} s") from None
            note(f"{what}: {passed:.0f} s so far")


def _end(child: subprocess.Popen[bytes], patience_seconds: float) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience_seconds)


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
