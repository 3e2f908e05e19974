"""The one parser of stack settings. Types, defaults and descriptions of every key are in Pulumi.yaml.

A Reader collects every problem and refuses once, so that a user sees all that is wrong in one go.
"""

import json
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from components.modes import DrMode
from components.rules import require

Choice = TypeVar("Choice", bound=Enum)


class Reader:
    """Reads typed settings; a missing or wrong one becomes a problem and a harmless value in its place."""

    def __init__(self, get: Callable[[str], str | None], is_secret: Callable[[str], bool] = lambda key: True) -> None:
        """`get` returns the raw text of a key, or None; Pulumi keeps lists as JSON text. `is_secret` says whether the
        stack file has it encrypted."""
        self._get = get
        self._is_secret = is_secret
        self.problems: list[str] = []

    def text(self, key: str, required: bool = True) -> str:
        """A string; required ones may not be empty."""
        value = self._get(key) or ""
        if required and not value:
            self.problems.append(
                f"{key} is not set: `pulumi config set {key} VALUE` (see its description in Pulumi.yaml)"
            )
        return value

    def secret(self, key: str, why: str) -> None:
        """A setting that must be there, encrypted; the program takes it with require_secret. `why` follows "not set".

        `secret: true` in Pulumi.yaml would say the same, but Pulumi then refuses each stack that lacks the key, its
        default counting as one in clear text; and no stack has the secrets of every topology.
        """
        if not self._get(key):
            self.problems.append(f"{key} is not set: {why}")
        elif not self._is_secret(key):
            self.problems.append(
                f"{key} stands in the stack file in clear text: take it for known, renew it, and "
                f"`pulumi config set --secret {key}`"
            )

    def integer(self, key: str) -> int:
        """A whole number."""
        value = self.text(key)
        try:
            return int(value)
        except ValueError:
            if value:
                self.problems.append(f"{key} is {value!r}, not a whole number: `pulumi config set {key} NUMBER`")
            return 0

    def number(self, key: str) -> float:
        """A number."""
        value = self.text(key)
        try:
            return float(value)
        except ValueError:
            if value:
                self.problems.append(f"{key} is {value!r}, not a number: `pulumi config set {key} NUMBER`")
            return 0.0

    def boolean(self, key: str) -> bool:
        """true or false."""
        value = self.text(key).lower()
        if value not in ("", "true", "false"):
            self.problems.append(f"{key} is {value!r}: `pulumi config set {key} true` or false")
        return value == "true"

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        """A member of an enum, by value."""
        value = self.text(key)
        members = list(kind)
        for member in members:
            if member.value == value:
                return member
        if value:
            known = ", ".join(str(member.value) for member in members)
            self.problems.append(f"{key} is {value!r}: `pulumi config set {key} …` with one of {known}")
        return members[0]

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._get(key) or "[]"
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            self.problems.append(f"{key} is {value!r}, not a list: `pulumi config set --path '{key}[0]' VALUE`")
            return ()
        return tuple(found)

    def texts(self, key: str) -> dict[str, str]:
        """Names and their texts."""
        value = self._get(key) or "{}"
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.problems.append(f"{key} is {value!r}, not an object: `pulumi config set --path '{key}.NAME' VALUE`")
            return {}
        # `pulumi config set --path` makes numbers and booleans of what looks like them.
        words = {True: "ON", False: "OFF"}
        return {str(name): words[said] if isinstance(said, bool) else str(said) for name, said in found.items()}

    def mode(self, offered: tuple[DrMode, ...], topology: str) -> DrMode:
        """dr_mode, refused with a sentence when the topology does not offer it."""
        mode = self.choice("dr_mode", DrMode)
        if mode not in offered:
            known = ", ".join(member.value for member in offered)
            self.problems.append(
                f"dr_mode {mode.value} is not offered by topology {topology}, which has {known}: "
                f"`pulumi config set dr_mode {offered[0].value}`"
            )
        return mode

    def finish(self, subject: str) -> None:
        """Raise Refused with everything that was wrong."""
        require(subject, self.problems)
