"""Partial responses: what a client does not ask for, it does not get [Cloud Storage, "Partial response"; Google APIs,
the parameter `fields`]. A client that forgets to ask for something must fail here and not first at Google."""

from collections.abc import Iterator
from typing import Any

Wanted = dict[str, "Wanted"]
"""Name → what of it; empty for all."""


def chosen(value: Any, fields: str) -> Any:
    """Of an object, or of each in a list, what `fields` names: `a,b/c,d(e,f)`; everything without any."""
    return _chosen(value, _parsed(fields)) if fields and fields != "*" else value


def _chosen(value: Any, wanted: Wanted) -> Any:
    if not wanted or "*" in wanted:
        return value
    if isinstance(value, list):
        return [_chosen(one, wanted) for one in value]
    if isinstance(value, dict):
        return {name: _chosen(value[name], inner) for name, inner in wanted.items() if name in value}
    return value


def _parsed(text: str) -> Wanted:
    found: Wanted = {}
    for part in _split(text):
        head, opened, inner = part.partition("(")
        *path, last = head.strip().split("/")
        place = found
        for name in path:
            place = place.setdefault(name, {})
        place.setdefault(last, {}).update(_parsed(inner.rstrip()[:-1]) if opened else {})
    return found


def _split(text: str) -> Iterator[str]:
    """At commas that no bracket holds."""
    depth, start = 0, 0
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            yield text[start:at]
            start = at + 1
    yield text[start:]
