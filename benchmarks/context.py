"""What every benchmark gets: the run's options, a place for its files, and a way to say what it does."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

TREE = Path(__file__).resolve().parent.parent


Kept = TypeVar("Kept")


class NotMeasured(Exception):
    """A figure cannot be measured here; the sentence says why and what would help."""


class Context(contextlib.ExitStack):
    """One run of the benchmarks. What a benchmark pushes on it is undone when all have run."""

    def __init__(self, long: bool, folder: Path, names: Sequence[str]) -> None:
        super().__init__()
        self.long = long
        self.folder = folder
        """Logs and measurements of this run; not cleaned away."""
        self.names = tuple(names)
        """Of the benchmarks in this run."""
        self._began = time.monotonic()
        self._logs = 0
        self._kept: dict[type, Any] = {}

    def say(self, words: str) -> None:
        """Progress, on stderr: stdout is for the result."""
        print(f"[{time.monotonic() - self._began:6.1f} s] {words}", file=sys.stderr, flush=True)

    def once(self, kind: type[Kept]) -> Kept:
        """`kind(self)`, made at the first call of the run: what several benchmarks share."""
        if kind not in self._kept:
            self._kept[kind] = kind(self)  # type: ignore[call-arg]
        found: Kept = self._kept[kind]
        return found

    def command(
        self,
        name: str,
        words: Sequence[str],
        allowed: Sequence[int] = (0,),
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout_seconds: float = 3600,
    ) -> subprocess.CompletedProcess[str]:
        """Run one command, its stderr to a file. NotMeasured with its last words when its exit code is not allowed."""
        self._logs += 1
        log = self.folder / f"{self._logs:03}-{name.replace(' ', '-')}.log"
        try:
            with log.open("w", encoding="utf-8") as stderr:
                done = subprocess.run(
                    words,
                    cwd=cwd or TREE,
                    env=environment or os.environ | {"PYTHONPATH": str(TREE)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    check=False,
                    timeout=timeout_seconds,
                )
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"{name}: `{' '.join(words[-6:])}` took over {timeout_seconds:g} s ({log})") from None
        with log.open("a", encoding="utf-8") as file:
            file.write(done.stdout)
        if done.returncode not in allowed:
            last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-15:])
            raise NotMeasured(f"{name}: `{' '.join(words[-6:])}` exited with {done.returncode} ({log}):\n{last}")
        return done
