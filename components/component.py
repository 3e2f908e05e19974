"""What every component of the library does first and last: it refuses, and says what it is meant to be."""

from collections.abc import Mapping
from typing import Any

import pulumi

from . import rules
from .rules.intent import Intent


class Component(pulumi.ComponentResource):
    """A component with an intent. Refused before it, or anything of it, exists; the intent is its one prop, for
    policies that see a resource, and its output `intent`, for those that see the stack."""

    def __init__(self, kind: str, name: str, intent: Intent, opts: pulumi.ResourceOptions | None) -> None:
        """`kind` is the last part of the type's token."""
        rules.require(f"{kind} {name}", intent.problems())
        self._published = intent.published()
        super().__init__(f"twinsite:index:{kind}", name, {"intent": self._published}, opts)

    def register_outputs(self, outputs: Mapping[str, Any]) -> None:
        """Once, last; the intent is among them."""
        super().register_outputs({**outputs, "intent": self._published})
