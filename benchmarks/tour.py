"""`./scripts/try`, from the shell's point of view: what a newcomer waits for.

The second run (tools and image cached) by itself. --long: before it the first one, of a fresh clone of the last commit
with every cache moved aside, so that all is downloaded and built.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .context import TREE, Context, NotMeasured
from .figure import Figure, value_at_most

SECOND_SECONDS, FIRST_SECONDS = 150.0, 600.0
CACHED_SETUP_SECONDS = 20.0
"""A longer set-up than this built something: then that was a first run and says nothing of a second."""
CACHES = {
    "TWINSITE_CACHE": "twinsite",
    "GOMODCACHE": "go-mod",
    "GOCACHE": "go-build",
    "UV_CACHE_DIR": "uv",
    "XDG_CACHE_HOME": "cache",
    "PULUMI_HOME": "pulumi",
}


@dataclass(frozen=True)
class Try:
    """One run."""

    seconds: float
    """Wall time of the command."""
    result: dict[str, Any]


def run(context: Context) -> Iterator[Figure]:
    """Seconds of the first and the second run."""
    _refuse_while_up(context)
    first = None
    if context.long:
        folder = Path(tempfile.mkdtemp(prefix="twinsite-bench-"))
        context.callback(shutil.rmtree, folder, ignore_errors=True)
        clone = folder / "clone"
        context.command("clone", ["git", "clone", "--quiet", str(TREE), str(clone)])
        environment = dict(os.environ) | {name: str(folder / place) for name, place in CACHES.items()}
        environment.pop("VIRTUAL_ENV", None)
        first = _try(context, clone, environment, "first try")
        yield _figure("./scripts/try, first run on a fresh clone without caches", first, FIRST_SECONDS, None)
        second = _try(context, clone, environment, "second try")
    else:
        second = _try(context, TREE, dict(os.environ), "try")
        if second.result["figures"].get("setup_seconds", 0) > CACHED_SETUP_SECONDS:
            context.say("that one built tools: once more")
            first, second = second, _try(context, TREE, dict(os.environ), "try again")
    yield _figure("./scripts/try, second run", second, SECOND_SECONDS, first)


def _try(context: Context, tree: Path, environment: Mapping[str, str], name: str) -> Try:
    context.say(f"{name}: ./scripts/try --json in {tree}")
    began = time.monotonic()
    done = context.command(name, ["./scripts/try", "--json"], environment=environment, cwd=tree)
    seconds = time.monotonic() - began
    result: dict[str, Any] = json.loads(done.stdout)
    if result["verdict"] != "passed":
        raise NotMeasured(f"{name}: the verdict is {result['verdict']}: {result.get('problem', '')}")
    return Try(seconds, result)


def _figure(name: str, one: Try, limit: float, other: Try | None) -> Figure:
    return Figure(
        name=name,
        value=one.seconds,
        unit="s",
        must=value_at_most(limit),
        compared_to="the first run" if other else "nothing: --long measures the first run, too",
        compared_value=other.seconds if other else None,
        runs={"steps": [f"{step['name']}: {step['seconds']} s" for step in one.result["steps"]]},
    )


def _refuse_while_up(context: Context) -> None:
    done = context.command("lab status", [sys.executable, "-m", "lab.cli", "status", "--json"], allowed=(0, 1))
    try:
        up = json.loads(done.stdout)["up"]
    except (ValueError, KeyError, subprocess.SubprocessError) as problem:
        raise NotMeasured(f"`lab status` cannot be read: {problem}") from None
    if up:
        raise NotMeasured("the lab is up, and try brings its own: `./scripts/lab down` first")
