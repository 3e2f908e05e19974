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
    """What a resource type declares about its properties. Names may be dotted for what is inside an object."""

    replaces: frozenset[str]
    updates: frozenset[str]
    sets: frozenset[str] = frozenset()
    """Lists without order."""
    keeps: frozenset[str] = frozenset()
    """What the cloud keeps when the program no longer says it (Terraform's optional and computed arguments)."""
    resets: Mapping[str, Any] = field(default_factory=dict)
    """What an argument that the program leaves out means (Terraform's Default on an argument that is not computed):
    a value that the cloud reports otherwise is a difference, and the next update sets it."""
    deep: bool = False
    """Changes are told leaf by leaf, as native providers do; the bridge tells the block."""

    def verdict(self, rule: str) -> bool | None:
        """True: replaces, False: in place, None: not declared. The longest declared prefix decides."""
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
    defaults: Mapping[str, Any],
    ignored: Collection[str] = (),
) -> list[Change]:
    """Everything that differs. `state` is what the cloud last said, so that spelling out a default changes nothing.
    `ignored` are the paths of the program's `ignore_changes`, with all that is below them."""
    found: list[Change] = []
    for key in sorted({*old, *new} - {"__defaults"}):
        before, after = old.get(key), new.get(key)
        if _same(declared, key, before, after):
            continue
        if before in EMPTY and _same(declared, key, state.get(key), after):
            continue
        if after in EMPTY and (key in declared.keeps or _same(declared, key, before, defaults.get(key))):
            continue
        _compare(declared, key, key, before, after, found)
    told = {change.rule for change in found}
    for key, value in declared.resets.items():
        if key not in told and new.get(key) in EMPTY and state.get(key, value) != value:
            found.append(Change(key, key, Kind.UPDATE))
    return [change for change in found if not _under(change.path, ignored)]


def left_out(declared: Declared, new: Mapping[str, Any], ignored: Collection[str]) -> dict[str, Any]:
    """What an update sets although the program does not say it."""
    return {key: value for key, value in declared.resets.items() if new.get(key) in EMPTY and not _under(key, ignored)}


def _under(path: str, ignored: Collection[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in ignored)


def replacing(
    declared: Declared, found: list[Change], token: str, override: Callable[[Change], bool | None]
) -> dict[Change, bool]:
    """Each change with whether it replaces. Undeclared, with a sentence, when a type does not say."""
    decided: dict[Change, bool] = {}
    for change in found:
        verdict = override(change)
        if verdict is None:
            verdict = declared.verdict(change.rule)
        if verdict is None:
            raise Undeclared(
                f"{token}: property {change.rule!r} changed, and the lab's stand-in does not declare whether that "
                "replaces the resource; put it into `replaces` or `updates` of its file in lab/providers/"
                f"{token.split(':')[0]}/, as the real provider has it"
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


def _compare(declared: Declared, path: str, rule: str, before: Any, after: Any, found: list[Change]) -> None:
    if _same(declared, rule, before, after):
        return
    if declared.inside(rule) and after is not UNKNOWN:
        maps = [value for value in (before, after) if isinstance(value, dict) and not is_asset(value)]
        if maps and all(value in EMPTY or isinstance(value, dict) for value in (before, after)):
            old, new = before or {}, after or {}
            for key in sorted({*old, *new}):
                if new.get(key) is None and f"{rule}.{key}" in declared.keeps:
                    continue
                _compare(declared, f"{path}.{key}", f"{rule}.{key}", old.get(key), new.get(key), found)
            return
        if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            for at, (one, other) in enumerate(zip(before, after, strict=True)):
                _compare(declared, f"{path}[{at}]", rule, one, other, found)
            return
    kind = Kind.ADD if before in EMPTY else Kind.DELETE if after in EMPTY else Kind.UPDATE
    found.append(Change(path, rule, kind))
