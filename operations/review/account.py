"""The second ground, for whoever has credentials: `pulumi preview` of the working tree against what is up.

It sees drift and the provider's own refusals, which stand-ins cannot; and only the configured mode, no mode that it may
be raised to at night. A policy that lacks a value in the preview has failed (ADR 39).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ..project import NoProject, document, settings
from . import events, trees, verdict
from .command import Asked
from .compare import compare
from .recorded import PACK
from .trees import CannotReview
from .words import Combination, Review, Snapshot, Told

SECONDS = 1800.0


def review(asked: Asked, say: Callable[[str], None]) -> Review:
    """Every stack that has a file, one after the other. CannotReview with the sentence."""
    head = trees.head(asked.project)
    stacks = asked.stacks or tuple(head.stacks)
    if not stacks:
        raise CannotReview(f"{asked.project} has no Pulumi.STACK.yaml: `pulumi stack init` makes one")
    found = tuple(_one(asked, stack, say) for stack in stacks)
    return Review(
        base="what is up",
        head=head.title,
        ground="previewed with credentials",
        combinations=found,
        verdict=verdict.judge(found, asked.accepted),
        notes=(
            "Only the configured mode of each stack was previewed, and figures that a preview lacks are missing: "
            "the review on stand-ins has the other modes, Δ cost, Δ RTO and Δ RPO.",
        ),
    )


def _one(asked: Asked, stack: str, say: Callable[[str], None]) -> Combination:
    say(f"{stack}: preview")
    given = Combination(stack, _mode(asked.project, stack), configured=True)
    exported = _pulumi(asked, "stack", "export", "--stack", stack)
    if exported.returncode:
        return _failed(given, exported.stderr)
    before = events.snapshot(json.loads(exported.stdout))
    words = ["preview", "--stack", stack, "--json", "--policy-pack", str(PACK)]
    if asked.policy_config:
        words += ["--policy-pack-config", asked.policy_config]
    done = _pulumi(asked, *words)
    told = events.read(done.stdout.splitlines())
    if not told.finished:
        return _failed(given, done.stderr or "; ".join(told.problems))
    if done.returncode and not told.problems and not told.violations:
        told = Told(told.changes, told.violations, (done.stderr.strip() or "the preview failed",), True)
    return compare(given, told, before, _after(before, told))


def _failed(given: Combination, said: str) -> Combination:
    """What could not be previewed."""
    lines = said.strip().splitlines() or ["the engine gave no reason"]
    return Combination(given.stack, given.mode, configured=True, not_reviewed=lines[-1])


def _after(before: Snapshot, told: Told) -> Snapshot | None:
    """A preview has no state: only when nothing changes is it known."""
    return before if not told.changes and not told.problems else None


def _mode(project: Path, stack: str) -> str:
    try:
        about = document(project / "Pulumi.yaml")
        texts, _ = settings(about, document(project / f"Pulumi.{stack}.yaml"))
    except NoProject as problem:
        raise CannotReview(str(problem)) from None
    return texts.get(f"{about.get('name')}:dr_mode", "")


def _pulumi(asked: Asked, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PULUMI_PYTHON_CMD": sys.executable,
        **os.environ,
        # As `up --json` does: events, among them what the policies say.
        "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
    }
    try:
        return subprocess.run(
            [asked.pulumi, "--non-interactive", *words],
            cwd=asked.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotReview(f"`pulumi {words[0]}` of {asked.project} did not end within {SECONDS:g} s") from None
