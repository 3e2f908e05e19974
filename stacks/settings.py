"""The one parser of stack settings. Defaults and descriptions are in each topology's settings.yaml (declared.py).

A Reader collects every problem and refuses once, so that a user sees all that is wrong in one go.
"""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import TypeVar

from twinsite.rules import require

from .declared import Declared

Choice = TypeVar("Choice", bound=Enum)


class Reader:
    """Reads typed settings; a missing or wrong one becomes a problem and a harmless value in its place."""

    def __init__(self, get: Callable[[str], str | None], is_secret: Callable[[str], bool] = lambda key: True) -> None:
        """`get` returns the raw text of a key, or None; Pulumi keeps lists as JSON text. `is_secret` says whether the
        stack file has it encrypted."""
        self._get = get
        self._is_secret = is_secret
        self._others: tuple[str, ...] = ()
        self._project = ""
        self.declared: Mapping[str, Declared] = {}
        """What a key means, and has where the stack file leaves it out or empty; a topology's `read` puts its own
        here."""
        self.problems: list[str] = []
        self.lacking: list[str] = []
        """Those of the problems that are settings not made yet; a figure that would rest on one is unknown, never 0."""

    @classmethod
    def of(cls, project: str, config: Mapping[str, str], secrets: Collection[str]) -> "Reader":
        """Of a stack's whole configuration, `namespace:key` → text; `secrets` are the keys that are encrypted."""
        space = f"{project}:"
        found = cls(lambda key: config.get(space + key), lambda key: space + key in secrets)
        found._project = project
        found._others = tuple(key for key in config if not key.startswith(space))
        return found

    def elsewhere(self, keys: Collection[str]) -> list[str]:
        """Refusals of `keys` under another project's name: Pulumi gives them to nobody, and a default would hold."""
        found: dict[str, list[str]] = {}
        for space, _, key in (other.partition(":") for other in self._others):
            if key in keys:
                found.setdefault(space, []).append(key)
        return [
            f"the stack file has {', '.join(f'{space}:{key}' for key in mine)}, and this project is {self._project}, "
            f"which does not read them: write {self._project}: for {space}: before each key in the stack file "
            "(encrypted ones keep their text)"
            for space, mine in found.items()
        ]

    def _text(self, key: str) -> str:
        found = self._get(key)
        return self.declared[key].text if not found and key in self.declared else found or ""

    def text(self, key: str, required: bool = True) -> str:
        """A string; required ones may not be empty."""
        value = self._text(key)
        if required and not value:
            meant = (
                self.declared[key].description.rstrip(".")
                if key in self.declared
                else "page settings of the documentation says of what"
            )
            self.lacks(f"{key} is not set: `pulumi config set {key} VALUE` ({meant})")
        return value

    def lacks(self, problem: str) -> None:
        """A problem of a setting that has no default and is not made yet."""
        self.problems.append(problem)
        self.lacking.append(problem)

    def secret(self, key: str, why: str) -> None:
        """A setting that must be there, encrypted; the program takes it with require_secret. `why` follows "not set".

        `secret: true` in Pulumi.yaml would say the same, but Pulumi then refuses each stack that lacks the key; and no
        stack has the secrets of every topology.
        """
        if not self._get(key):
            self.lacks(f"{key} is not set: {why}")
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

    def seconds(self, key: str, among: range) -> int | None:
        """How long something waits; None for 0, with which the component's own default holds."""
        value = self.integer(key)
        if value and value not in among:
            self.problems.append(
                f"{key} is {value}: `pulumi config set {key} NUMBER` with {among.start} to {among.stop - 1} seconds, "
                "or 0 for the component's own default"
            )
            return None
        return value or None

    def number(self, key: str) -> float:
        """A number."""
        value = self.text(key)
        try:
            return float(value)
        except ValueError:
            if value:
                self.problems.append(f"{key} is {value!r}, not a number: `pulumi config set {key} NUMBER`")
            return 0.0

    def limit(self, key: str) -> float | None:
        """A number above 0 that nothing may exceed; None when it is not set."""
        text = self._text(key)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            self.problems.append(
                f"{key} is {text!r}: `pulumi config set {key} NUMBER` above 0, or `pulumi config rm {key}`"
            )
            return None
        return value

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
        value = self._text(key) or "[]"
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
        value = self._text(key) or "{}"
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.problems.append(f"{key} is {value!r}, not an object: `pulumi config set --path '{key}.NAME' VALUE`")
            return {}
        for name, said in found.items():
            if not isinstance(said, (str, int, float)):
                self.problems.append(
                    f"{key}.{name} is {json.dumps(said)}, not a text, a number, true or false: `pulumi config set "
                    f"--path '{key}.{name}' VALUE`, or `pulumi config rm --path '{key}.{name}'`"
                )
        # `pulumi config set --path` makes numbers and booleans of what looks like them.
        words = {True: "ON", False: "OFF"}
        return {str(name): words[said] if isinstance(said, bool) else str(said) for name, said in found.items()}

    def offered(
        self, key: str, kind: type[Choice], offered: Sequence[Choice], topology: str, because: str = ""
    ) -> Choice:
        """A choice of which a topology offers only some (dr_mode, standby_data), refused with those that it has, and
        `because` of what."""
        found = self.choice(key, kind)
        if found in offered:
            return found
        if self._text(key) == found.value:  # else `choice` has refused it
            known = ", ".join(str(member.value) for member in offered)
            self.problems.append(
                f"{key} {found.value} is not offered by topology {topology}, which has {known}{because}: "
                f"`pulumi config set {key} {offered[0].value}`"
            )
        return offered[0]

    def finish(self, subject: str) -> None:
        """Raise Refused with everything that was wrong."""
        require(subject, self.problems)


def given(**values: int | None) -> dict[str, int]:
    """Those that are set: with the others the component's own default holds."""
    return {name: value for name, value in values.items() if value is not None}
