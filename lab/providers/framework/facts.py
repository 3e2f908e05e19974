"""What the providers' own sources say of a resource type (lab/providers/facts), in the names that programs use.

A fact says of a property: `required`, `optional`, `computed`, `force_new` (a change replaces), `default`,
`conflicts_with`, `one_of`, `at_least_one_of`, `required_with`; lists and sets say so in `type`.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.providers.framework.changes import EMPTY, Declared, look
from lab.providers.framework.checks import Problem
from lab.providers.framework.schema import Schemas
from lab.providers.framework.values import UNKNOWN, is_asset

FOLDER = Path(__file__).resolve().parents[1] / "facts"
GROUPS = ("conflicts_with", "one_of", "at_least_one_of", "required_with")
Properties = Mapping[str, Mapping[str, Any]]


@functools.cache
def of_package(package: str) -> Mapping[str, Any]:
    """The facts of a package's types by token; none for a package without facts."""
    found: dict[str, Any] = {}
    for path in sorted((FOLDER / package).glob("*.json")):
        found |= json.loads(path.read_text())
    return found


@functools.cache
def all_differences() -> Mapping[str, Any]:
    """By token and property."""
    found: dict[str, Any] = json.loads((FOLDER / "differences.json").read_text())
    return found


def read(token: str) -> Properties | None:
    """The facts of a type under the source's own names; None for a type without facts."""
    found = of_package(token.partition(":")[0].replace("-", "_")).get(token)
    return None if found is None else found["properties"]


def differences(token: str) -> Properties:
    """Where Pulumi's provider differs from the facts, by Pulumi's names, each with `reason` and `source`."""
    found: Properties = all_differences().get(token, {})
    return found


@dataclass(frozen=True)
class Facts:
    """The facts of one type by Pulumi's names, with the differences. Only what a program can give."""

    inputs: Properties
    given: frozenset[str]
    """All that the SDK takes, at the top."""

    @classmethod
    def of(cls, token: str, schemas: Schemas) -> "Facts | None":
        """None for a type without facts."""
        told = read(token)
        if told is None:
            return None
        names = Names(schemas, token)
        found: dict[str, dict[str, Any]] = {}
        for path, fact in told.items():
            name = names.of(path)
            if name is not None and name.partition(".")[0] in names.given:
                found[name] = {**fact, **{kind: names.all_of(fact[kind]) for kind in GROUPS if kind in fact}}
        for name, said in differences(token).items():
            found[name] = {**found.get(name, {}), **said}
        return cls(found, names.given)

    def having(self, *marks: str) -> frozenset[str]:
        """Names of the properties with all of these marks."""
        return frozenset(name for name, fact in self.inputs.items() if all(fact.get(mark) for mark in marks))

    def declared(self) -> Declared:
        """Which changes replace, which lists have no order, what the cloud keeps and fills in, what is secret."""
        replaces = self.having("force_new")
        return Declared(
            replaces,
            frozenset(self.inputs) - replaces,
            frozenset(name for name, fact in self.inputs.items() if fact.get("type") == "set"),
            self.having("optional", "computed"),
            {name: fact["default"] for name, fact in self.inputs.items() if fact.get("default") is not None},
            frozenset(name.partition(".")[0] for name in self.having("sensitive")),
        )

    def excludes(self, values: Mapping[str, Any], name: str) -> bool:
        """Whether something is given that `name` conflicts with: no name is made up then."""
        return any(_given(values, other) for other in self.inputs.get(name, {}).get("conflicts_with", ()))

    def problems(self, values: Mapping[str, Any], of: str, derived: frozenset[str]) -> Iterable[Problem]:
        """What is missing, and what does not go together, as the bridge of Terraform providers says it. `of` is the
        resource's name, `derived` what the provider finds by itself."""
        met = set()
        for name, fact in self.inputs.items():
            demanded = fact.get("required") and "default" not in fact and name not in derived
            if not _told(values, name):
                continue
            if demanded and not _given(values, name):
                yield Problem(name, f"Missing required argument. Examine values at '{of}.{name}'.")
            for kind in GROUPS:
                members = frozenset((name, *fact.get(kind, ())))
                if kind in ("one_of", "at_least_one_of") and (kind, members) in met:
                    continue
                met.add((kind, members))
                given = sorted(one for one in members if _given(values, one))
                sure = [one for one in given if look(values, one) is not UNKNOWN]
                reason = _conflict(kind, name, sorted(members), given, sure) if len(members) > 1 else ""
                if reason:
                    yield Problem(name, reason)


def _conflict(kind: str, name: str, members: list[str], given: list[str], sure: list[str]) -> str:
    """What is wrong with those of a group that are given; empty when nothing is. What a preview does not know may turn
    out to be nothing, so that only what is `sure` can be too much."""
    several = ",".join(members)
    if kind == "conflicts_with" and name in sure and len(sure) > 1:
        others = ", ".join(one for one in sure if one != name)
        return f'Conflicting configuration arguments: "{name}": conflicts with {others}'
    if kind == "one_of" and len(sure) > 1:
        return f'"{name}": only one of `{several}` can be specified, but `{",".join(sure)}` were specified'
    if kind in ("one_of", "at_least_one_of") and not given:
        return f'"{name}": one of `{several}` must be specified'
    if kind == "required_with" and name in given and len(given) < len(members):
        return f'"{name}": all of `{several}` must be specified'
    return ""


def _told(values: Mapping[str, Any], path: str) -> bool:
    """Whether the block that a property is in is given, and as a block of its own: lists are not looked into."""
    parent = path.rpartition(".")[0]
    return not parent or isinstance(look(values, parent), dict)


def _given(values: Mapping[str, Any], path: str) -> bool:
    found = look(values, path)
    return is_asset(found) or found not in EMPTY


class Names:
    """Terraform's names to Pulumi's, as the bridge makes them: camel case, and the plural for what holds several."""

    def __init__(self, schemas: Schemas, token: str) -> None:
        schema = schemas.resource(token)
        self._schemas = schemas
        self.given = frozenset(schema["inputs"])
        """What a program can give."""
        self._top = {**dict.fromkeys(schema["outputs"], "any"), **schema["inputs"]}

    def of(self, path: str) -> str | None:
        """rule.noncurrent_days → rules.noncurrentDays; None when the SDK has no such property."""
        known, found = self._top, []
        for part in path.split("."):
            name = next((one for one in forms(part) if one in known), None)
            if name is None:
                return None
            found.append(name)
            known = self._inside(known[name])
        return ".".join(found)

    def all_of(self, paths: Iterable[str]) -> list[str]:
        """Those that a program can give."""
        found = [self.of(path) for path in paths]
        return [name for name in found if name is not None and name.partition(".")[0] in self.given]

    def kind(self, path: str) -> Any:
        """The kind of a property by its path, as in schema.py; None when there is none."""
        known, kind = self._top, None
        for part in path.split("."):
            if part not in known:
                return None
            kind = known[part]
            known = self._inside(kind)
        return kind

    def _inside(self, kind: Any) -> dict[str, Any]:
        while isinstance(kind, dict) and "list" in kind:
            kind = kind["list"]
        if not isinstance(kind, dict) or "object" not in kind:
            return {}
        inside: dict[str, Any] = self._schemas.type(kind["object"])["properties"]
        return inside


def forms(part: str) -> Iterable[str]:
    """What the bridge may have made of one name, likeliest first."""
    camel = re.sub(r"_(\w)", lambda found: found[1].upper(), part)
    yield camel
    yield re.sub(r"y$", "ie", camel) + "s"
    yield camel + "es"
