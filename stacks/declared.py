"""What a topology's settings.yaml says of each key: its default, and what it means. Values are read by settings.py."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import package

SHARED = ("topology", "dr_mode", "active_site", "gate")
"""Keys that Pulumi.yaml declares, because every topology has them."""

BUDGETS = ("budget_rto_seconds", "budget_rpo_seconds", "budget_usd_month")
"""Limits, each a number or nothing (budget.py)."""

EVIDENCE = "evidence_store"
"""Where records of operations go (promise.py)."""

STAMP_URL, STAMP_AUTHORITIES = "evidence_stamp_url", "evidence_stamp_authorities"
"""Who stamps records with its time, and whom its certificate must lead to (promise.py)."""

GROUND = "ground"
"""File of rates (ground.py)."""

PROMISED = (*BUDGETS, EVIDENCE, STAMP_URL, STAMP_AUTHORITIES, GROUND)
"""Keys that Pulumi.yaml declares, which the program reads for every topology."""

# Pulumi has PyYAML; the loader in C reads the file in a seventh of the time, where it was built.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Declared:
    """One key."""

    default: Any
    description: str

    @property
    def text(self) -> str:
        """The default as Pulumi would give it to a program: lists and objects as JSON."""
        return self.default if isinstance(self.default, str) else json.dumps(self.default)


def _read(topology: str, file: str) -> dict[str, Any]:
    """A YAML file of a topology's folder; {} without it. KeyError when there is no such topology."""
    spec = importlib.util.find_spec(package(topology))
    if spec is None or not spec.submodule_search_locations:
        raise KeyError(topology)
    path = Path(next(iter(spec.submodule_search_locations))) / file
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _LOADER) if path.exists() else {}
    return found


def declared(topology: str) -> dict[str, Declared]:
    """Every key of a topology, in the order of the file. KeyError when there is no such topology."""
    return {key: Declared(**said) for key, said in _read(topology, "settings.yaml").items()}


def example(topology: str) -> dict[str, dict[str, Any]]:
    """What a stack file has at least: {"settings", "secrets"}; keys with a colon are a provider's. {} when the topology
    has no example.yaml."""
    return _read(topology, "example.yaml")


def defaults(topology: str) -> dict[str, str]:
    """Key → default, for the keys that a stack file leaves out."""
    return {key: one.text for key, one in declared(topology).items()}
