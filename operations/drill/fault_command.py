"""A command of the operator's that breaks something and mends it: `COMMAND WHAT on`, `COMMAND WHAT off`."""

import shlex
import subprocess

COMMAND_SECONDS = 60


def run(command: str, what: str, state: str) -> str:
    """Why it did not; "" when it did."""
    words = [*shlex.split(command), what, state]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"`{shlex.join(words)}`: {problem}"
    said = " ".join((done.stderr or done.stdout).split())[-500:]
    return f"`{shlex.join(words)}` failed with exit code {done.returncode}: {said}" if done.returncode else ""
