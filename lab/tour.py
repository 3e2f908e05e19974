"""`./scripts/try`: the whole story once, by commands a user would type. Lab up, `pulumi up`, drill, report, lab down.

Nothing here knows how anything is done; every step is a command at the operator's desk.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.paths import TREE

LOGS = TREE / ".twinsite" / "try"
DRILL = ["twinsite", "drill", "tunnel-cut"]


class StepFailed(Exception):
    """A command of the tour that did not end well; the text says where its output is."""


@dataclass
class Tour:
    """Runs commands as steps, keeps each one's output in a file and its time in a list."""

    steps: list[dict[str, Any]] = field(default_factory=list)

    def step(self, name: str, command: list[str], allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run one command; StepFailed with its last words when its exit code is not allowed."""
        typed = command[command.index("--") + 1 :] if "--" in command else ["./scripts/lab", *command[3:]]
        say(f"… {name}:  {' '.join(typed)}")
        started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
        log = LOGS / f"{len(self.steps) + 1:02}-{name.replace(' ', '-')}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as stderr:
            done = subprocess.run(
                command,
                cwd=TREE,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                check=False,
            )
        with log.open("a", encoding="utf-8") as file:
            file.write(done.stdout)
        seconds = round(time.monotonic() - began, 1)
        outcome = "done" if done.returncode in allowed else "failed"
        step = {
            "name": name,
            "started": started.isoformat(),
            "seconds": seconds,
            "outcome": outcome,
            "detail": str(log),
        }
        self.steps.append(step)
        say(f"{'✓' if outcome == 'done' else '✗'} {name}  {seconds} s")
        if outcome == "failed":
            words = "\n".join(log.read_text(encoding="utf-8").splitlines()[-30:])
            raise StepFailed(f"{name} ended with exit code {done.returncode}:\n{words}\n(all of it: {log})")
        return done


def say(line: str) -> None:
    """Progress, on stderr: stdout is for the result."""
    print(line, file=sys.stderr, flush=True)


def lab(*words: str) -> list[str]:
    """A command of `./scripts/lab`."""
    return [sys.executable, "-m", "lab.cli", *words]


def desk(*words: str) -> list[str]:
    """A command typed at the operator's desk."""
    return lab("exec", "--", *words)


def run(options: argparse.Namespace, tour: Tour) -> dict[str, Any]:
    """The story; the drill's own result, with the set-up and total seconds of this run."""
    tour.step("lab up", lab("up"))
    tour.step("pulumi up", desk("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev"))
    tour.step("status", desk("twinsite", "status"))
    cut = ["--how", options.how, "--seconds", str(options.seconds), "--settle", "20", "--json"]
    drill = tour.step(f"drill {options.how}", desk(*DRILL, *cut), allowed=(0, 1))
    result: dict[str, Any] = json.loads(drill.stdout)
    return result


def main() -> int:
    """Exit 0 when the drill passed, 1 when it or a step failed, 2 when refused."""
    parser = argparse.ArgumentParser(prog="./scripts/try", description="The topology up, broken, recovered and shown.")
    parser.add_argument("--keep", action="store_true", help="leave the lab up (then: ./scripts/lab shell)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--how", default="link-down", help="kind of cut; see `twinsite drill tunnel-cut --help`")
    parser.add_argument("--seconds", type=int, default=30, help="length of the cut")
    options = parser.parse_args()
    began, setup = time.monotonic(), float(os.environ.get("TWINSITE_SETUP_SECONDS", "0"))
    tour, result, problem = Tour(), None, ""
    try:
        result = run(options, tour)
    except StepFailed as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "interrupted"
    finally:
        if not options.keep:
            try:
                tour.step("lab down", lab("down"))
            except StepFailed as error:
                problem = problem or str(error)
    result = result or {"command": "try", "topology": "onprem-aws", "figures": {}, "verdict": "failed"}
    result |= {"command": "try", "steps": tour.steps + result.get("steps", [])}
    result["figures"] |= {"setup_seconds": setup, "total_seconds": round(setup + time.monotonic() - began, 1)}
    if problem:
        result |= {"verdict": "failed", "problem": problem}
        say(problem)
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        show(result, options.keep)
    return {"passed": 0, "refused": 2}.get(result["verdict"], 1)


def show(result: dict[str, Any], kept: bool) -> None:
    """One short table and where to look."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"twinsite try: {result['verdict']}", show_header=True)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in result["figures"].items():
        if value is not None:
            table.add_row(name.replace("_", " "), str(value))
    console = Console()
    console.print(table)
    for kind in ("report", "evidence"):
        if result.get(kind):
            place = Path(str(result[kind]))
            console.print(f"{kind}: {place}", soft_wrap=True)
    if kept:
        console.print("the lab is still up: ./scripts/lab shell, and ./scripts/lab down when you are done")


if __name__ == "__main__":
    sys.exit(main())
