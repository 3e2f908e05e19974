"""What a component is meant to be, as one plain value: asked by its rule, published for policies, hashed for evidence.

Here: how such a value is made of arguments or of what was published, and back. Not here: the fields of one component;
they stand beside its rule (ADR 35).
"""

import dataclasses
import types
import typing
from abc import abstractmethod
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Self

from . import Refused

VERSION = 1
"""Of what is published: fields may be added; one that is renamed, removed or changes its unit counts it up."""

_LATER = object()
"""In the place of what is known only while resources are made."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an intent. A field has the name, the unit and the default of the argument that it is taken from."""

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Self:
        """From a component's arguments, or from what was published. The one place in which values are coerced: enums
        become their values, whole numbers (Pulumi keeps 1 as 1.0) int, lists tuples; of a mapping, a field that is a
        tuple has the names. A value of another type than its
        field's stays as it is, for the rule to say so.

        A field that may be None is None when it is not given, and while it is an Output. Refused: an Output where a
        plain value decides what is made, in a list or a mapping, too."""
        known: dict[str, Any] = {}
        late = []
        for name, kind in _kinds(cls).items():  # type: ignore[arg-type]  # mypy takes type[Self] for not hashable
            value = args.get(name)
            if value is None:
                continue
            value = _coerced(kind, value)
            if _holds_later(value):
                value = _LATER
            if value is not _LATER:
                known[name] = value
            elif type(None) not in typing.get_args(kind):
                late.append(name)
        if late:
            raise Refused(
                cls.__name__,
                [f"{name} is an Output, and decides what is made: give a value that is known before" for name in late],
            )
        return cls(**known)

    def plain(self) -> dict[str, Any]:
        """As JSON has it, without what is None; `of` makes the same of it again."""
        found = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: _written(value) for name, value in found if value is not None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Intent(Part):
    """What one component is meant to be; nothing secret."""

    @abstractmethod
    def problems(self) -> list[str]:
        """Every reason to refuse it, each with its fix."""

    def published(self) -> dict[str, Any]:
        """The component's prop and output `intent`."""
        return {"intent_version": VERSION, **self.plain()}


@cache
def _kinds(cls: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _coerced(kind: Any, value: Any) -> Any:
    if typing.get_origin(kind) is types.UnionType:
        (kind,) = (one for one in typing.get_args(kind) if one is not type(None))
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, Mapping):
        if isinstance(kind, type) and issubclass(kind, Part):
            return kind.of(value)
        if origin is tuple:  # of a mapping its names: the values are secrets, or not known yet
            return tuple(str(name) for name in value)
        of = inner[1] if origin is dict else str
        parts = {str(name): _coerced(of, one) for name, one in value.items()}
        # Where a value may be None its name is what counts: what is known later only is empty.
        late = "" if type(None) in typing.get_args(of) else _LATER
        return {name: late if one is _LATER else one for name, one in parts.items()}
    if isinstance(value, list | tuple):
        return tuple(_coerced(inner[0] if origin is tuple else str, one) for one in value if one is not None)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value if isinstance(value, bool) else _LATER
    if isinstance(value, int | float) and kind is float:
        return float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _holds_later(value: Any) -> bool:
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return any(one is _LATER or _holds_later(one) for one in parts)


def _written(value: Any) -> Any:
    if isinstance(value, Part):
        return value.plain()
    if isinstance(value, Mapping):
        return {name: _written(one) for name, one in value.items()}
    return [_written(one) for one in value] if isinstance(value, tuple) else value
