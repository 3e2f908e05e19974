"""Inputs against the SDK's schema: what a user gets told before anything is created.

Values are never shown, only their types: an input may be a secret. Sentences follow the Pulumi bridge of Terraform
providers ("Examine values at …"), with what would help added.
"""

import difflib
from dataclasses import dataclass
from typing import Any

from lab.providers.framework.schema import Schemas
from lab.providers.framework.values import SIGNATURE, UNKNOWN, Secret, is_asset


@dataclass(frozen=True)
class Problem:
    """One failed check. `path` is the property in the program's own terms, for instance metadataOptions.httpTokens."""

    path: str
    reason: str


class Checker:
    """Checks and brings values to their type: the bridge takes "20" for 20 and 20 for "20", so programs may, too."""

    def __init__(self, schemas: Schemas, name: str) -> None:
        self._schemas = schemas
        self._name = name
        self.problems: list[Problem] = []

    def inputs(self, schema: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        """The values with their types put right; what is wrong is in `problems`."""
        return self._object(schema["inputs"], schema["required"], values, "")

    def _object(
        self, properties: dict[str, Any], required: list[str], values: dict[str, Any], at: str
    ) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in values.items():
            path = f"{at}.{key}" if at else key
            if key == "__defaults":
                result[key] = value
            elif key not in properties:
                near = difflib.get_close_matches(key, properties, 1)
                hint = f" Did you mean {near[0]!r}?" if near else f" It takes {', '.join(sorted(properties))}."
                self._problem(path, "Invalid or unknown key.", hint)
            else:
                result[key] = self._value(properties[key], value, path)
        for key in required:
            if values.get(key) is None:
                path = f"{at}.{key}" if at else key
                self._problem(
                    path, f'Missing required argument. The argument "{key}" is required, but no value was given.'
                )
        return result

    def _value(self, kind: Any, value: Any, path: str) -> Any:
        if isinstance(value, Secret):
            return Secret(self._value(kind, value.value, path))
        if value is None or value is UNKNOWN or kind == "any":
            return value
        if isinstance(kind, dict):
            return self._collection(kind, value, path)
        if kind == "asset":
            if not is_asset(value):
                self._wrong(path, "an asset or archive", value)
            return value
        return self._scalar(kind, value, path)

    def _collection(self, kind: dict[str, Any], value: Any, path: str) -> Any:
        if "list" in kind:
            if not isinstance(value, list):
                self._wrong(path, "a list", value)
                return value
            return [self._value(kind["list"], item, f"{path}[{at}]") for at, item in enumerate(value)]
        if not isinstance(value, dict) or SIGNATURE in value:
            self._wrong(path, "an object", value)
            return value
        if "map" in kind:
            return {key: self._value(kind["map"], item, f"{path}.{key}") for key, item in value.items()}
        inner = self._schemas.type(kind["object"])
        return self._object(inner["properties"], inner["required"], value, path)

    def _scalar(self, kind: str, value: Any, path: str) -> Any:
        if kind == "string":
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, (int, float)):
                return str(value)
            right = isinstance(value, str)
        elif kind == "boolean":
            if value in ("true", "false"):
                return value == "true"
            right = isinstance(value, bool)
        else:
            if isinstance(value, str):
                number = _number(value)
                value = value if number is None else number
            right = isinstance(value, (int, float)) and not isinstance(value, bool)
            if right and kind == "integer" and not float(value).is_integer():
                right = False
        if not right:
            self._wrong(path, f"a {kind}" if kind != "integer" else "a whole number", value)
        return value

    def _wrong(self, path: str, wanted: str, value: Any) -> None:
        names = {
            dict: "an object",
            list: "a list",
            str: "a string",
            bool: "a boolean",
            int: "a number",
            float: "a number",
        }
        found = "an asset" if is_asset(value) else names.get(type(value), type(value).__name__)
        self._problem(path, f"Wrong type: expected {wanted}, got {found}.")

    def _problem(self, path: str, reason: str, hint: str = "") -> None:
        self.problems.append(Problem(path, f"{reason} Examine values at '{self._name}.{path}'.{hint}"))


def _number(text: str) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else number
