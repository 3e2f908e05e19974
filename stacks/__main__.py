"""`python -m stacks`: what a stack's settings say, without Pulumi's engine and without any account.

Standard input: {"ask", "project", "stack", "root", "config": {"namespace:key": text}, "secrets": ["namespace:key"]};
anything stands for a secret's text, which is not needed. Standard output: {"problems": [sentence], …}, by what is
asked:
needs      (where nothing is) "needs": components/needs.py, or null when there is no such topology; "modes": those that
           the topology offers, lowest first; "example": what a stack file of it has at least, {"settings", "secrets"}
estimate   "estimate", "dr_mode", "over_budget" by mode; null when a setting is wrong, so that no figure rests on it;
           "lacking": which of the problems are settings that are not made yet; "settings": every key that there is
resources  "resources" of the settings' dr_mode; null when the program would refuse
Operations ask it in a process of its own, because they may not import a topology.
"""

import dataclasses
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi

from twinsite.needs import Home

from . import budget, chosen, ground, home, promise, recorded
from .declared import PROMISED, SHARED, declared, example
from .settings import Reader

Given = dict[str, Any]


def said(given: Given) -> dict[str, Any]:
    """The answer to one question."""
    asked = given.get("ask", "needs")  # a review asks a tree of before, too
    pulumi.runtime.settings.configure(
        pulumi.runtime.settings.Settings(
            project=given["project"], stack=given["stack"], root_directory=given["root"], organization="organization"
        )
    )
    pulumi.runtime.set_all_config(dict(given["config"]), list(given["secrets"]))
    reader = Reader.of(given["project"], given["config"], given["secrets"])
    found = chosen(reader)
    if found is None:
        return {"problems": reader.problems, asked: None, "modes": [], "example": {}}
    settings = found.read(reader)
    answer = {"needs": _needs, "estimate": _estimate, "resources": _resources}[asked]
    return answer(given, reader, found, settings)


def _needs(given: Given, reader: Reader, topology: ModuleType, settings: Any) -> dict[str, Any]:
    here = home.see(given["stack"], Path(given["root"]))
    needs = topology.needs(settings, Home(here.backend, here.secrets_provider))
    return {
        "problems": _problems(reader, topology, settings),
        "needs": dataclasses.asdict(needs),
        "modes": [mode.value for mode in topology.MODES],
        "example": example(topology.NAME),
    }


def _problems(reader: Reader, topology: ModuleType, settings: Any) -> list[str]:
    """What components would refuse, too; with settings missing each would only say so again."""
    return [*reader.problems, *([] if reader.problems else topology.refusals(settings))]


def _estimate(given: Given, reader: Reader, topology: ModuleType, settings: Any) -> dict[str, Any]:
    allowed = budget.read(reader)
    promise.evidence(reader)
    promise.stamps(reader)
    here = ground.read(reader)
    problems = _problems(reader, topology, settings)
    keys = sorted({*SHARED, *PROMISED, *declared(topology.NAME)})
    answer = {"problems": problems, "lacking": reader.lacking, "settings": keys}
    answer |= {"topology": topology.NAME, "dr_mode": settings.dr_mode.value}
    if set(problems) - set(reader.lacking):
        return answer | {"estimate": None}
    found = topology.estimate(settings, ground=here)
    over = {name: budget.problems(mode, name, allowed) for name, mode in found.modes.items()}
    return answer | {"estimate": found.shown(), "over_budget": over}


def _resources(given: Given, reader: Reader, topology: ModuleType, settings: Any) -> dict[str, Any]:
    problems = _problems(reader, topology, settings)
    if problems:
        return {"problems": problems, "resources": None}
    try:
        found = recorded.resources(given["project"], given["stack"], lambda: topology.build(settings))
    except LookupError as nobody:
        return {"problems": [str(nobody)], "resources": None}
    return {"problems": [], "resources": found}


if __name__ == "__main__":
    print(json.dumps(said(json.load(sys.stdin))))
