"""Programs that were found, and their versions."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """An executable and its version."""

    path: Path
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.version))} ({self.path})"


def parse_version(text: str) -> tuple[int, ...]:
    """Of "v3.259.0", "3.259.0-alpha.1+dirty", "go version go1.26.8 linux/amd64"; empty when there is none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else ()


def ask_version(program: Path) -> Program | None:
    """What `PROGRAM version` says; None when it does not run."""
    try:
        env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
        done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=30, env=env, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = parse_version(done.stdout)
    return Program(program, version) if version else None
