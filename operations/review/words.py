"""What a review is made of. Plain values; `dataclasses.asdict` of a Review is what --json prints."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Op(str, Enum):
    """What becomes of a resource, the gravest first."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"


@dataclass(frozen=True)
class Property:
    """One property that differs, by its path."""

    path: str
    old: str = ""
    new: str = ""
    """Short texts; both "" where the engine shows neither (a secret, a value that only the provider knows)."""
    forces: bool = False
    """Whether it is why the resource is replaced."""


@dataclass(frozen=True)
class Change:
    """One resource that the change touches."""

    op: Op
    type: str
    name: str
    urn: str
    stateful: bool = False
    """Whether data go with it."""
    properties: tuple[Property, ...] = ()


@dataclass(frozen=True)
class Violation:
    """One sentence of the policy pack."""

    policy: str
    type: str
    name: str
    message: str
    """The policy's sentence; its reason is in `why`."""
    why: str = ""
    severity: str = ""
    mandatory: bool = True
    before: bool = False
    """Whether base has it, too."""
    anew: bool = False
    """Whether only a stack that is made from nothing has it: what is up keeps a value of before."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is, in every state: ids that a provider makes are others each time."""
        return self.policy, self.type, self.name, re.sub(r"[0-9a-f-]{12,}", "…", self.message)


@dataclass(frozen=True)
class Told:
    """What one run of the engine said."""

    changes: tuple[Change, ...] = ()
    violations: tuple[Violation, ...] = ()
    problems: tuple[str, ...] = ()
    """Sentences of the program, of a hook or of a provider because of which it failed."""
    finished: bool = False
    """Whether it came to its end, failed or not: without that nothing is known."""


@dataclass(frozen=True)
class Snapshot:
    """What a state holds that a reviewer compares."""

    resources: int
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def figures(self, mode: str) -> Mapping[str, Any]:
        """The stack's own estimate of a mode ({"cost_usd_month", "rto_seconds", …}); {} where it has none."""
        estimate = self.outputs.get("estimate")
        modes = estimate.get("modes") if isinstance(estimate, Mapping) else None
        found = modes.get(mode) if isinstance(modes, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def digest(self) -> str:
        """What evidence is bound to (ADR 35); "" where there is no inventory."""
        inventory = self.outputs.get("inventory")
        return str(inventory.get("digest") or "") if isinstance(inventory, Mapping) else ""


@dataclass(frozen=True)
class Delta:
    """A figure before and after. None: there is none, or nobody knows it."""

    before: float | None
    after: float | None
    because: tuple[str, ...] = ()
    """The parts of it that differ, in words."""
    unknown: tuple[str, ...] = ()
    """Parts of `after` of which nobody knows a figure: it is at least so much."""
    remembered: bool = False
    """Whether nobody could look up a part of it."""


@dataclass(frozen=True)
class Combination:
    """One stack in one mode, or on its way from one mode to another."""

    stack: str
    mode: str
    """"" where the program has no modes."""
    was: str = ""
    """The mode that it comes from, when the change moves the stack to `mode`."""
    configured: bool = False
    """Whether this is what the next `pulumi up` does; the other modes are what the stack could be raised to."""
    known_before: bool = True
    """False: base has no such stack or mode, or does not come up."""
    base_failed: str = ""
    """Why base does not come up; "" when it does, or when there is none."""
    anew_failed: str = ""
    """Why the stack could not be made from nothing any more; "" when it can."""
    told: Told = Told()
    resources: Delta = Delta(None, None)
    cost_usd_month: Delta = Delta(None, None)
    rto_seconds: Delta = Delta(None, None)
    rpo_seconds: Delta = Delta(None, None)
    digests: tuple[str, str] = ("", "")
    """What evidence is bound to, before and after."""
    renamed: int = 0
    """How many resources are deleted while one of the same type is created."""
    shorter: tuple[str, ...] = ()
    """Times for which something is kept that become shorter, in words."""
    not_reviewed: str = ""
    """Why it could not be reviewed; "" when it was."""

    @property
    def moves(self) -> bool:
        """Whether it goes from one mode to another."""
        return bool(self.was) and self.was != self.mode

    @property
    def title(self) -> str:
        """For instance `dr cold` or `dr warm → cold`."""
        mode = f"{self.was} → {self.mode}" if self.moves else self.mode
        return f"{self.stack} {mode}".strip()

    @property
    def stale(self) -> bool:
        """Whether evidence of the stack stops counting."""
        return self.known_before and self.digests[0] != self.digests[1]

    @property
    def silent(self) -> bool:
        """Whether there is nothing to say of it."""
        told = self.told
        said = told.changes or told.violations or told.problems or self.anew_failed
        return not (said or self.not_reviewed or self.stale)


class Judged(str, Enum):
    """May it be merged."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Verdict:
    """The answer, and each reason in a sentence."""

    judged: Judged
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Review:
    """All of it."""

    base: str
    head: str
    ground: str
    """In words, what it was judged on."""
    combinations: tuple[Combination, ...]
    verdict: Verdict
    notes: tuple[str, ...] = ()
    """What a reader must know to read it rightly: what was put in, what is not covered."""
