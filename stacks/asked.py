"""Every rule of a topology's components, asked before the first of them is made."""

from collections.abc import Mapping
from typing import Any

from twinsite.machine.documents import digest
from twinsite.rules.intent import Intent

Intents = Mapping[str, Intent]
"""By the component's class, with a word where there are several."""


def problems(intents: Intents) -> list[str]:
    """Every one, with the component that has it."""
    return [f"{component}: {problem}" for component, intent in intents.items() for problem in intent.problems()]


def stack_digest(intents: Intents, documents: Any) -> str:
    """What evidence is bound to: all that the components are meant to be, and all that their guests are told."""
    return digest({name: intent.published() for name, intent in intents.items()}, documents)
