"""The command line of `./scripts/try`, and the table in the end."""

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab import lifecycle, owner, scenes
from lab.client import Refused
from lab.paths import Paths
from lab.story import StepFailed, Tour, lab, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 when the drill passed, 1 when it or a step failed, 2 when refused."""
    options = _parser().parse_args(arguments)
    words = shlex.join(["./scripts/try", *(sys.argv[1:] if arguments is None else arguments)])
    paths = Paths()
    try:
        with owner.own(owner.place(paths), words), lifecycle.interruptible():
            lifecycle.require_down(paths)
            result = whole(options)
    except Refused as error:
        print(f"refused: {error}", file=sys.stderr)
        result = ended(options, "refused", str(error))
    if options.json:
        print(json.dumps(result, indent=1))
    elif result["verdict"] != "refused" or result["steps"]:
        show(result, options.keep)
    return {"passed": 0, "refused": 2}.get(result["verdict"], 1)


def whole(options: argparse.Namespace) -> dict[str, Any]:
    """Up, the story, down; the result of all of it."""
    began, setup = time.monotonic(), float(os.environ.get("TWINSITE_SETUP_SECONDS", "0"))
    scene = scenes.named(options.topology)
    tour, result, problem = Tour(tuple(site.name for site in scene.sites)), None, ""
    try:
        result = scene.tell(tour, options)
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
    result = result or ended(options, "failed", problem)
    result |= {"command": "try", "steps": tour.steps + result.get("steps", [])}
    result["figures"] |= {"setup_seconds": setup, "total_seconds": round(setup + time.monotonic() - began, 1)}
    if problem:
        result |= {"verdict": "failed", "problem": problem}
        say(problem)
    return result


def ended(options: argparse.Namespace, verdict: str, problem: str) -> dict[str, Any]:
    """A result of nothing."""
    nothing: dict[str, Any] = {"command": "try", "topology": options.topology, "figures": {}, "steps": []}
    return nothing | {"verdict": verdict, "problem": problem}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./scripts/try", description="The topology up, broken, recovered and shown.")
    parser.add_argument("--topology", choices=scenes.names(), default=scenes.DEFAULT, help="whose story")
    parser.add_argument("--keep", action="store_true", help="leave the lab up (then: ./scripts/lab shell)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    for topology in scenes.names():
        scenes.named(topology).options(parser)
    return parser


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
    phases = (result.get("predicted") or {}).get("phases") or []
    if phases:
        beside = Table(title=f"predicted with the rates of {result['predicted']['ground'] or 'nobody'}")
        for heading in ("phase", "predicted, s", "measured, s"):
            beside.add_column(heading, justify="left" if heading == "phase" else "right")
        for phase in phases:
            numbers = (phase["predicted_seconds"], phase["measured_seconds"])
            beside.add_row(phase["name"], *("–" if one is None else str(one) for one in numbers))
        console.print(beside)
    for words in lacking(result):
        console.print(f"✗ {words}", markup=False, highlight=False, soft_wrap=True)
    for kind in ("report", "failback_report", "evidence"):
        if result.get(kind):
            place = Path(str(result[kind]))
            console.print(f"{kind.replace('_', ' ')}: {place}", soft_wrap=True)
    if kept:
        console.print("the lab is still up: ./scripts/lab shell, and ./scripts/lab down when you are done")


def lacking(result: dict[str, Any]) -> list[str]:
    """What a drill expected and did not see, and its problems."""
    missed = [check for check in result.get("checks", []) if not check["passed"]]
    words = [f"{check['name']}: {check['seen']} (expected: {check['expected']})" for check in missed]
    return [*words, *result.get("problems", [])]


if __name__ == "__main__":
    sys.exit(main())
