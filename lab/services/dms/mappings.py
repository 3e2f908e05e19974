"""`TableMappings`: which tables go, and what they are called at the target [user guide, table mapping]."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .shapes import Row, Table

_LEVELS = ("schema", "table", "column")


class Mappings:
    """Of one task."""

    def __init__(self, text: str) -> None:
        rules = json.loads(text)["rules"]
        self._selections = [one for one in rules if one["rule-type"] == "selection"]
        self._transformations = [one for one in rules if one["rule-type"] == "transformation"]

    def selects(self, schema: str, table: str) -> bool:
        """What is excluded stays out, whatever includes it."""
        found = {one["rule-action"] for one in self._selections if _fits(one, schema, table)}
        return bool(found & {"include", "explicit"}) and "exclude" not in found

    def at_target(self, table: Table) -> Table:
        """The same under its name there."""
        if not self._transformations:
            return table
        columns = tuple(replace(one, name=self._named("column", table, one.name)) for one in table.columns)
        key = tuple(self._named("column", table, one) for one in table.key)
        return Table(self._named("schema", table), self._named("table", table), columns, key)

    def row(self, table: Table, row: Row) -> dict[str, Any]:
        """Under the columns' names there."""
        if not self._transformations:
            return dict(row)
        return {self._named("column", table, name): value for name, value in row.items()}

    def _named(self, level: str, table: Table, column: str = "") -> str:
        name = {"schema": table.schema, "table": table.name, "column": column}[level]
        for rule in self._transformations:
            if rule["rule-target"] == level and _fits(rule, table.schema, table.name, column):
                name = _changed(rule, name)
        return name


def _fits(rule: Mapping[str, Any], *names: str) -> bool:
    place = rule["object-locator"]
    asked = [str(place.get(f"{level}-name", "%")) for level in _LEVELS[: len(names)]]
    return all(_like(pattern, name) for pattern, name in zip(asked, names, strict=True))


def _like(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("%")), name) is not None


def _changed(rule: Mapping[str, Any], name: str) -> str:
    value, old = str(rule.get("value", "")), str(rule.get("old-value", ""))
    found: dict[str, str] = {
        "rename": value,
        "convert-lowercase": name.lower(),
        "convert-uppercase": name.upper(),
        "add-prefix": value + name,
        "add-suffix": name + value,
        "remove-prefix": name.removeprefix(value),
        "remove-suffix": name.removesuffix(value),
        "replace-prefix": value + name.removeprefix(old) if name.startswith(old) else name,
        "replace-suffix": name.removesuffix(old) + value if name.endswith(old) else name,
    }
    return found[rule["rule-action"]]
