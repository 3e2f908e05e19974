"""The stack's settings as its files have them, and what the program says of them: without a login, without an account.

The program is asked in a process of its own (`python -m stacks`, ADR 29): operations do not know a topology.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from twinsite.needs import Needs, from_json

from .stack import NoInventory

PROGRAM = (__package__ or "").replace("operations", "stacks")
"""The topologies beside this package: `stacks` in a clone, `twinsite.stacks` where the wheel is installed."""
PROGRAM_SECONDS = 120.0
HIDDEN = "[secret]"
"""Stands for the text of a secret setting, which is not needed and not read."""


class NoProject(Exception):
    """There is nothing to ask for; the sentence says what to do."""


@dataclass(frozen=True)
class Files:
    """A stack's settings, as Pulumi.yaml and its stack file have them."""

    folder: pathlib.Path
    project: str
    stack: str
    config: Mapping[str, str]
    """By full key, as Pulumi gives them to a program."""
    secrets: tuple[str, ...]
    note: str = ""
    """What of them could not be read."""

    def changed(self, key: str, value: str) -> "Files":
        """With one setting changed; a key without a namespace is the project's own."""
        full = key if ":" in key else f"{self.project}:{key}"
        return dataclasses.replace(self, config={**self.config, full: value})

    def ask(self, what: str) -> dict[str, Any]:
        """The program's answer (stacks/__main__.py). NoProject when it gives none."""
        return ask(
            self.folder,
            {
                "ask": what,
                "project": self.project,
                "stack": self.stack,
                "root": str(self.folder),
                "config": dict(self.config),
                "secrets": list(self.secrets),
            },
            sys.executable,
            PROGRAM,
        )


@dataclass(frozen=True)
class Project:
    """What a stack's program says that it needs."""

    stack: str
    problems: tuple[str, ...]
    """What its program refuses, each with the fix."""
    needs: Needs | None
    """None when its settings name no topology."""
    note: str = ""


def read(folder: pathlib.Path, stack: str, selected: Callable[[], str], command: str = "doctor") -> Project:
    """As `files`, and what the program needs."""
    found = files(folder, stack, selected, command)
    said = found.ask("needs")
    needs = from_json(json.dumps(said["needs"])) if said["needs"] else None
    return Project(found.stack, tuple(str(one) for one in said["problems"]), needs, found.note)


def files(folder: pathlib.Path, stack: str, selected: Callable[[], str], command: str) -> Files:
    """`selected` asks Pulumi which stack is; NoInventory when it cannot say. NoProject with the way out; `command` is
    what a person would type again."""
    project = document(folder / "Pulumi.yaml")
    if not (folder / "Pulumi.yaml").exists():
        raise NoProject(f"{folder} has no Pulumi.yaml: run this in the project's folder, where `pulumi up` runs")
    name = stack or _only(folder, selected, command)
    file = folder / f"Pulumi.{name}.yaml"
    if not file.exists():
        known = ", ".join(sorted(_stacks(folder))) or "none"
        raise NoProject(
            f"there is no {file.name}: `pulumi stack init {name}`, or --stack with one that has a file ({known})"
        )
    own = document(file)
    config, secrets = settings(project, own)
    note = ""
    if own.get("environment"):
        note = (
            f"{file.name} takes settings from Pulumi ESC, which are not read here: what they set may be named missing"
        )
    return Files(folder, str(project.get("name")), name, config, tuple(secrets), note)


def _only(folder: pathlib.Path, selected: Callable[[], str], command: str) -> str:
    try:
        if name := selected():
            return name
    except NoInventory:
        pass
    known = sorted(_stacks(folder))
    if len(known) == 1:
        return known[0]
    options = " or ".join(f"`twinsite --stack {name} {command}`" for name in known) or "`pulumi stack init NAME`"
    raise NoProject(f"no stack is selected: {options}, or `pulumi stack select NAME` first")


def _stacks(folder: pathlib.Path) -> list[str]:
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml")]


def document(file: pathlib.Path) -> dict[str, Any]:
    """A YAML file's mapping; {} without the file. NoProject when it cannot be read."""
    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError) as error:
        raise NoProject(f"{file.name} cannot be read: {error}") from None
    return found if isinstance(found, dict) else {}


def settings(project: dict[str, Any], stack: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Texts by full key as Pulumi gives them to a program, and which of them are secret."""
    space = str(project.get("name"))
    texts: dict[str, str] = {}
    secrets: list[str] = []
    for key, declared in (project.get("config") or {}).items():
        value = (declared.get("value", declared.get("default"))) if isinstance(declared, dict) else declared
        if value is not None:
            texts[key if ":" in key else f"{space}:{key}"] = _text(value)
    for key, value in (stack.get("config") or {}).items():
        full = key if ":" in key else f"{space}:{key}"
        if isinstance(value, dict) and set(value) == {"secure"}:
            texts[full] = HIDDEN
            secrets.append(full)
        else:
            texts[full] = _text(value)
    return texts, secrets


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def ask(folder: pathlib.Path, asked: dict[str, Any], python: str, program: str) -> dict[str, Any]:
    """The answer of the topologies in `program`, run in `folder`. NoProject when there is none."""
    try:
        done = subprocess.run(
            [python, "-m", program],
            cwd=folder,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoProject(f"the program does not answer within {PROGRAM_SECONDS:g} s") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NoProject(f"the program cannot say ({asked.get('ask', 'needs')}): {said}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
