"""Commands as steps: each one's output in a file, its time in a list, a line when it begins and when it ends."""

import datetime
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import dataclass, field
from typing import Any

from lab.paths import TREE

LOGS = TREE / ".twinsite" / "try"
MARKS = ("…", "✓", "✗", "- ", "data: ", "lost ")
"""How lines of a `twinsite` command begin that are worth showing while it works; sites' own begin with their names."""


class StepFailed(Exception):
    """A command of the tour that did not end well; the text says where its output is."""


@dataclass
class Tour:
    """Runs commands as steps."""

    sites: tuple[str, ...] = ()
    steps: list[dict[str, Any]] = field(default_factory=list)

    def step(
        self, name: str, command: list[str], allowed: tuple[int, ...] = (0,), shows: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run one command; StepFailed with its last words when its exit code is not allowed. Allowed and not 0 is a
        failure whose answer is wanted. `shows`: what it says of its own steps is shown meanwhile."""
        typed = command[command.index("--") + 1 :] if "--" in command else ["./scripts/lab", *command[3:]]
        say(f"… {name}:  {textwrap.shorten(' '.join(typed), 100, placeholder=' …')}")
        started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
        log = LOGS / f"{len(self.steps) + 1:02}-{name.replace(' ', '-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as kept, tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
            with subprocess.Popen(
                command, cwd=TREE, stdin=subprocess.DEVNULL, stdout=answer, stderr=subprocess.PIPE, text=True
            ) as child:
                assert child.stderr is not None
                for line in child.stderr:
                    kept.write(line)
                    if shows and line.startswith((*MARKS, *(f"{site} " for site in self.sites))):
                        say(f"    {line.rstrip()}")
            answer.seek(0)
            output = answer.read()
            kept.write(output)
        seconds = round(time.monotonic() - began, 1)
        outcome = "done" if child.returncode == 0 else "failed"
        step = {
            "name": name,
            "started": started.isoformat(),
            "seconds": seconds,
            "outcome": outcome,
            "detail": str(log),
        }
        self.steps.append(step)
        say(f"{'✓' if outcome == 'done' else '✗'} {name}  {seconds} s")
        if child.returncode not in allowed:
            words = "\n".join(log.read_text(encoding="utf-8").splitlines()[-30:])
            raise StepFailed(f"{name} ended with exit code {child.returncode}:\n{words}\n(all of it: {log})")
        return subprocess.CompletedProcess(command, child.returncode, output)

    def quietly(self, name: str, command: list[str], allowed: tuple[int, ...] = (0,)) -> str:
        """A look that is no step of its own: its output; StepFailed when it cannot be had."""
        done = subprocess.run(command, cwd=TREE, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode not in allowed:
            raise StepFailed(f"{name}: exit code {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout


def say(line: str) -> None:
    """Progress, on stderr: stdout is for the result."""
    print(line, file=sys.stderr, flush=True)


def lab(*words: str) -> list[str]:
    """A command of `./scripts/lab`."""
    return [sys.executable, "-m", "lab.cli", *words]


def desk(*words: str) -> list[str]:
    """A command typed at the operator's desk."""
    return lab("exec", "--", *words)
