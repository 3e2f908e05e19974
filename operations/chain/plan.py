"""What a plan's digest is, and another person's word for it. Pure, but for a clock."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..journal.process import who
from ..steps import iso
from .envelope import APPROVAL, canonical, digest, plain, sealed, statement
from .keys import Key

Planned = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], None]
"""Told by a command what it is going to do, as its steps tell it, and what was decided, before the first step.
NotApproved when that is not what another person has approved."""


class NotApproved(Exception):
    """Nothing is done; the sentence says why."""


def unasked(steps: Sequence[Mapping[str, Any]], choices: Mapping[str, Any]) -> None:
    """Nobody keeps a record."""


def plan_digest(command: str, stack: str, steps: Sequence[Mapping[str, Any]], choices: Mapping[str, Any]) -> str:
    """Of all that a person sees of a plan, and what it decided."""
    told = {"command": command, "stack": stack, "steps": list(steps), "choices": choices}
    return digest(canonical(plain(told)))


@dataclass(frozen=True)
class Approval:
    """Another person's word: an envelope of its own, which a record holds whole."""

    envelope: Mapping[str, Any]

    @classmethod
    def read(cls, content: bytes) -> "Approval":
        """ValueError when it is none."""
        found = json.loads(content)
        if not isinstance(found, dict) or found.get("payloadType") != APPROVAL:
            raise ValueError("it is no approval of `twinsite … --plan --approve FILE`")
        statement(content)
        if not all(isinstance(one, dict) for one in found.get("signatures") or [None]):
            raise ValueError("nobody has signed it")
        return cls(found)

    def problem(self, key: Key, command: str, stack: str, plan: str) -> str:
        """Why it does not hold for this plan in these hands; "" when it does. Whether its signature is one that the
        auditor trusts, whoever verifies says."""
        said = statement(canonical(self.envelope))
        if any(one.get("keyid") == key.id for one in self.envelope["signatures"]):
            return "the approval is signed with your own key: have another person approve the plan"
        if (said.get("command"), said.get("stack")) != (command, stack):
            return f"the approval is for {said.get('command')} of {said.get('stack')}: have this one approved"
        if said.get("plan") != plan:
            return (
                f"the approval is for the plan {said.get('plan')}, and it is {plan} now: have it approved anew "
                "(`--plan --approve FILE`), or go without --approval, which the record will say"
            )
        return ""


def approval(command: str, stack: str, plan: str, key: Key) -> bytes:
    """One's word for a plan, to be given to who runs it."""
    told = {"command": command, "stack": stack, "plan": plan, "time": iso(time.time()), "who": who()}
    return sealed(told, key, APPROVAL)
