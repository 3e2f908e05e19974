"""A stack's file as a review takes it: no text of a secret, a mode of our choosing, gaps filled where we are told to.

The modes and the example come from the tree's own program (`python -m stacks`, ADR 29), asked in a process of its own.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..project import PROGRAM, NoProject, ask, document
from ..project import settings as texts
from .trees import CannotReview, Tree

STAND_IN = "stand-in for "
"""How a secret's text begins that a review puts in."""
GATE = "handover"
"""Nothing answers where a review runs the engine, so nothing is waited for."""


@dataclass(frozen=True)
class StackFile:
    """One stack of one tree."""

    name: str
    project: str
    config: Mapping[str, Any]
    """Full key → value, without the secret ones."""
    secrets: Mapping[str, str]
    modes: tuple[str, ...] = ()
    """What its topology offers; () for a program that has none."""
    mode: str = ""
    """The configured one."""
    filled: tuple[str, ...] = ()
    """Keys that were put in."""
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What only a recorded run sets."""

    def at(self, mode: str) -> dict[str, Any]:
        """The configuration of a recorded run in that mode."""
        own = {f"{self.project}:dr_mode": mode, f"{self.project}:gate": GATE} if self.modes else {}
        return {**self.config, **own}


def python(tree: Tree) -> Path:
    """The Python of the project's programs: that of its virtual environment, else ours."""
    found = environment(tree.folder)
    return found / "bin" / "python" if found else Path(sys.executable)


def environment(project: Path) -> Path | None:
    """The virtual environment that Pulumi.yaml names, if it is there."""
    runtime = document(project / "Pulumi.yaml").get("runtime")
    options = runtime.get("options") if isinstance(runtime, dict) else None
    named = (options or {}).get("virtualenv")
    found = project / str(named) if named else None
    return found.absolute() if found and (found / "bin" / "python").exists() else None


def read(
    tree: Tree, stack: str, interpreter: Path, fill: bool, kept: Path | None = None, like: Tree | None = None
) -> StackFile:
    """`fill`: put the topology's example where the file has a gap. What the program of a tree with a hash says is kept
    in `kept`; what that of `like` said counts, too: a tree of the same code. CannotReview with the sentence."""
    try:
        project, own = document(tree.folder / "Pulumi.yaml"), document(tree.folder / f"Pulumi.{stack}.yaml")
        known = _asked(tree, stack, kept) or (_asked(like, stack, kept) if like else {})
        said = known or _ask(tree, stack, interpreter, project, own)
        _keep(tree, stack, kept, said)
    except NoProject as problem:
        raise CannotReview(f"stack {stack}: {problem}") from None
    space = str(project.get("name"))
    config: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    for key, value in (own.get("config") or {}).items():
        full = key if ":" in key else f"{space}:{key}"
        if _secret(value):
            secrets[full] = STAND_IN + full
        else:
            config[full] = value
    filled = []
    for kind, place in (("settings", config), ("secrets", secrets)) if fill else ():
        for key, value in (said.get("example", {}).get(kind) or {}).items():
            full = key if ":" in key else f"{space}:{key}"
            if full not in config and full not in secrets:
                place[full] = value
                filled.append(full.removeprefix(f"{space}:"))
            elif kind == "secrets" and full in secrets:
                secrets[full] = value  # of the form that the program wants to read
    modes = tuple(said.get("modes") or ())
    known, _ = texts(project, own)
    mode = known.get(f"{space}:dr_mode") or (modes[0] if modes else "")
    notes = ["takes settings from Pulumi ESC, which are not read"] if own.get("environment") else []
    return StackFile(stack, space, config, secrets, modes, mode, tuple(filled), tuple(notes))


def _place(tree: Tree, stack: str, kept: Path | None) -> Path | None:
    known = f"{tree.hash} {tree.folder} {stack}"
    return kept / "asked" / hashlib.sha256(known.encode()).hexdigest()[:24] if kept and tree.hash else None


def _asked(tree: Tree, stack: str, kept: Path | None) -> dict[str, Any]:
    place = _place(tree, stack, kept)
    try:
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8")) if place else {}
    except (OSError, ValueError):
        return {}
    return found


def _keep(tree: Tree, stack: str, kept: Path | None, said: dict[str, Any]) -> None:
    if place := _place(tree, stack, kept):
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({key: said.get(key) for key in ("modes", "example")}), encoding="utf-8")
        draft.replace(place)


def _secret(value: Any) -> bool:
    """Whether any of it is encrypted; then nobody here can read it."""
    if isinstance(value, dict):
        return set(value) == {"secure"} or any(_secret(one) for one in value.values())
    return isinstance(value, list) and any(_secret(one) for one in value)


def _ask(tree: Tree, stack: str, interpreter: Path, project: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What its program says; {} for one that is not made of topologies."""
    config, secrets = texts(project, own)
    if f"{project.get('name')}:topology" not in config:
        return {}
    module = "stacks" if (tree.folder / "stacks" / "__main__.py").exists() else PROGRAM_OF_THE_WHEEL
    asked = {
        "project": str(project.get("name")),
        "stack": stack,
        "root": str(tree.folder),
        "config": config,
        "secrets": secrets,
    }
    return ask(tree.folder, json.loads(json.dumps(asked)), str(interpreter), module)


PROGRAM_OF_THE_WHEEL = f"twinsite.{PROGRAM.removeprefix('twinsite.')}"
