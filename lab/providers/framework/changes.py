"""What changed between two sets of inputs, and whether each change replaces the resource. Nothing is ever guessed."""

import enum
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.providers.framework.values import UNKNOWN, is_asset

EMPTY: tuple[Any, ...] = (None, {}, [], "")
"""The Terraform providers behind the real ones cannot tell these from an argument that is not there."""


class Kind(enum.Enum):
    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """One changed property. `path` is for people (with list indexes), `rule` for look-up (without)."""

    path: str
    rule: str
    kind: Kind


class Undeclared(Exception):
    """A property changed of which the stand-in does not know what the cloud does."""


@dataclass(frozen=True)
class Declared:
    """What is known of a resource type's properties. Names may be dotted for what is inside an object."""

    replaces: frozenset[str]
    updates: frozenset[str]
    sets: frozenset[str] = frozenset()
    """Lists without order."""
    keeps: frozenset[str] = frozenset()
    """What the cloud keeps when the program no longer says it (Terraform's optional and computed arguments)."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What an argument that the program leaves out means (Terraform's Default): outputs have it, a preview knows it,
    and a value that the cloud reports otherwise is a difference, which the next update sets, unless the cloud keeps
    it."""
    secrets: frozenset[str] = frozenset()
    """Outputs that are secret whatever the program says."""
    deep: bool = False
    """Changes are told leaf by leaf, as native providers do, by what the program says alone."""

    def verdict(self, rule: str) -> bool | None:
        """True: replaces, False: in place, None: not declared. The longest declared prefix decides, a block replaces
        when a part of it does; with native providers (`deep`) a part replaces when the block does."""
        parts = rule.split(".")
        if self.deep and any(".".join(parts[:at]) in self.replaces for at in range(1, len(parts))):
            return True
        if not self.deep and any(name.startswith(f"{rule}.") for name in self.replaces):
            return True
        at = rule
        while at:
            if at in self.replaces:
                return True
            if at in self.updates:
                return False
            at = at.rpartition(".")[0]
        return None

    def inside(self, rule: str) -> bool:
        """Whether the parts of `rule` are compared one by one: always, or where something is declared for a part."""
        return self.deep or any(name.startswith(f"{rule}.") for name in self.replaces | self.updates)


def changes(
    declared: Declared,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    state: Mapping[str, Any],
    ignored: Collection[str] = (),
) -> list[Change]:
    """Everything that differs. `state` is what the cloud last said, so that spelling out a default changes nothing.
    `ignored` are the paths of the program's `ignore_changes`, with all that is below them."""
    found: list[Change] = []
    for key in sorted({*old, *new} - {"__defaults"}):
        _compare(declared, key, key, old.get(key), new.get(key), state.get(key), found)
    told = {change.rule for change in found}
    for path, value in left_out(declared, new).items():
        if path not in told and look(state, path, value) != value:
            found.append(Change(path, path, Kind.UPDATE))
    return [change for change in found if not _under(change.path, ignored)]


def left_out(declared: Declared, new: Mapping[str, Any], ignored: Collection[str] = ()) -> dict[str, Any]:
    """What an update sets although the program does not say it, by its path. Inside a block only where the program
    gives the block."""
    return {
        path: value
        for path, value in declared.defaults.items()
        if not declared.deep
        and path not in declared.keeps
        and not _under(path, ignored)
        and ("." not in path or isinstance(look(new, path.rpartition(".")[0]), dict))
        and look(new, path) in EMPTY
    }


def look(values: Any, path: str, otherwise: Any = None) -> Any:
    """The value at a dotted path; `otherwise` when something on the way is missing or a list."""
    for key in path.split("."):
        if not isinstance(values, Mapping) or values.get(key) is None:
            return otherwise
        values = values[key]
    return values


def filled(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with the defaults of what they leave out, also inside the blocks that they have."""
    found = dict(values)
    for path, value in defaults.items():
        key, _, rest = path.partition(".")
        inner = found.get(key)
        if not rest:
            found[key] = value if inner is None else inner
        elif isinstance(inner, dict) and not is_asset(inner):
            found[key] = filled(inner, {rest: value})
        elif isinstance(inner, list):
            found[key] = [filled(one, {rest: value}) if isinstance(one, dict) else one for one in inner]
    return found


def _under(path: str, ignored: Collection[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)


def replacing(
    declared: Declared, found: list[Change], token: str, override: Callable[[Change], bool | None]
) -> dict[Change, bool]:
    """Each change with whether it replaces. Undeclared, with a sentence, when nobody says."""
    decided: dict[Change, bool] = {}
    for change in found:
        verdict = override(change)
        if verdict is None:
            verdict = declared.verdict(change.rule)
        if verdict is None:
            package = token.split(":")[0].replace("-", "_")
            raise Undeclared(
                f"{token}: property {change.rule!r} changed, and the lab does not know whether that replaces the "
                f"resource; read it in the provider's source and write it down in lab/providers/facts/{package}/ "
                f"(a type without facts there: `replaces` or `updates` of its file in lab/providers/{package}/)"
            )
        decided[change] = verdict
    return decided


def _same(declared: Declared, rule: str, before: Any, after: Any) -> bool:
    if before in EMPTY and after in EMPTY:
        return True
    if rule in declared.sets and isinstance(before, list) and isinstance(after, list):
        return sorted(map(_text, before)) == sorted(map(_text, after))
    return bool(before == after)


def _text(value: Any) -> str:
    """The same for equal values: the order of an object's keys is nothing that the wire keeps."""
    return json.dumps(value, sort_keys=True, default=repr)


def _compare(
    declared: Declared, path: str, rule: str, before: Any, after: Any, state: Any, found: list[Change]
) -> None:
    if _same(declared, rule, before, after):
        return
    default = None if declared.deep else declared.defaults.get(rule)
    if before in EMPTY and not declared.deep and _same(declared, rule, state, after):
        return
    if after in EMPTY and (rule in declared.keeps or (default is not None and before == default)):
        return
    whole = rule in declared.replaces and (before in EMPTY) != (after in EMPTY)
    if declared.inside(rule) and after is not UNKNOWN and not whole:
        maps = [value for value in (before, after) if isinstance(value, dict) and not is_asset(value)]
        if maps and all(value in EMPTY or isinstance(value, dict) for value in (before, after)):
            old, new, said = before or {}, after or {}, state if isinstance(state, dict) else {}
            for key in sorted({*old, *new}):
                _compare(declared, f"{path}.{key}", f"{rule}.{key}", old.get(key), new.get(key), said.get(key), found)
            return
        ordered = isinstance(before, list) and isinstance(after, list) and rule not in declared.sets
        if ordered and len(before) == len(after):
            said_items = state if isinstance(state, list) and len(state) == len(after) else [None] * len(after)
            for at, (one, other, said_one) in enumerate(zip(before, after, said_items, strict=True)):
                _compare(declared, f"{path}[{at}]", rule, one, other, said_one, found)
            return
    kind = Kind.ADD if before in EMPTY else Kind.DELETE if after in EMPTY else Kind.UPDATE
    found.append(Change(path, rule, kind))
