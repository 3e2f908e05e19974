"""The stack's Pulumi program, allowed what the component refuses while a task may be running (ADR 51)."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..moves.program import PREVIEW_SECONDS, UP_SECONDS, Program, last_words
from ..steps import StepFailed

VARIABLE = "TWINSITE_DMS_STOPPED_FOR"
"""Digests beside the component's own `stopped_for`: for one `up`, and in no file afterwards."""
_REFUSED = re.compile(r"(\S+ would change [\w, ]+?) while its task may be running")
_DIGEST = re.compile(r"set stopped_for to ([0-9a-f]{12})")
_RESOURCES = 8
"""A task and its endpoints are three; the engine names one or all of them."""


@dataclass(frozen=True)
class Wanted:
    """What the program would change at a task and its endpoints."""

    changes: tuple[str, ...]
    digests: tuple[str, ...]


class TaskProgram(Program):
    """One stack's."""

    def wanted(self) -> Wanted:
        """By previews, each of which may be refused for one more. StepFailed with Pulumi's words."""
        changes: dict[str, None] = {}
        digests: dict[str, None] = {}
        for _ in range(_RESOURCES):
            code, text = self._run(["preview"], PREVIEW_SECONDS, more={VARIABLE: ",".join(digests)})
            flat = " ".join(text.split())
            fresh = [one for one in _DIGEST.findall(flat) if one not in digests]
            changes |= dict.fromkeys(_REFUSED.findall(flat))
            digests |= dict.fromkeys(fresh)
            if not fresh:
                break
        if code:
            raise StepFailed(f"`pulumi preview` failed: {last_words(text)}")
        return Wanted(tuple(changes), tuple(digests))

    def up_for(self, say: Callable[[str], None]) -> str:
        """What it was allowed."""
        wanted = self.wanted()
        code, text = self._run(
            ["up", "--yes", "--skip-preview"], UP_SECONDS, say, more={VARIABLE: ",".join(wanted.digests)}
        )
        if code:
            raise StepFailed(f"`pulumi up` failed: {last_words(text)}")
        return "; ".join(wanted.changes) or "nothing of it was changed"
