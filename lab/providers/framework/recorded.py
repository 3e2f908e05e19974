"""Types of which nothing acts in the lab: a record, and `up` says so. Each package has them as rows of one table,
`recorded.py`; what they take and what replaces them is in the facts."""

import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from lab.providers.framework.records import RecordType
from lab.providers.framework.types import Call, ResourceType

Rows = Mapping[str, tuple[type[RecordType], Mapping[str, Any]]]
"""By token: what all types of the package share, and what this one says."""


class Recorded(RecordType):
    """Texts may hold {name} of an input or of an earlier output, {uuid}, {hex} (16 digits), {now}."""

    live = False
    outputs: ClassVar[Mapping[str, Any]] = {}
    """What the cloud computes: values, texts, or functions of the record, whose None is no output. Made once where a
    text has braces."""

    def computed(self, call: Call, identity: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        found = super().computed(call, identity, inputs)
        for name, value in self.outputs.items():
            if callable(value):
                found[name] = value(inputs)
            elif isinstance(value, str) and "{" in value:
                found[name] = inputs.get(name) or form(value, {"id": identity, **inputs, **found})
            else:
                found[name] = value
        return {name: value for name, value in found.items() if value is not None}


def form(text: str, words: Mapping[str, Any]) -> str:
    """The text with its words put in."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return text.format_map({"uuid": str(uuid.uuid4()), "hex": secrets.token_hex(8), "now": now, **words})


def row(base: type[RecordType], token: str, **said: Any) -> ResourceType:
    """The type of a row: attributes and functions of its class."""
    kind = type("Row", (Recorded, base), {"token": token, "live": False, **said})
    made: ResourceType = kind()
    return made
