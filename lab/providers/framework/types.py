"""What a resource type is: one class in one file. The framework does everything that all types have in common."""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lab.providers.framework.box import Box
from lab.providers.framework.changes import Change, Declared
from lab.providers.framework.checks import Problem
from lab.providers.framework.facts import Facts


class Refusal(Exception):
    """The provider says no. The text is what the user reads."""


class Busy(Refusal):
    """No for now: something else still uses it. The real provider waits for that, too."""


def bridged(name: str, digits: str) -> str:
    """NAME-1234567, as Pulumi's bridge of Terraform providers does."""
    return f"{name}-{digits[:7]}"


@dataclass(frozen=True)
class AutoName:
    """How a name is made for a resource whose program gives none."""

    property: str
    """May be dotted, for instance metadata.name."""
    limit: int
    """Longest name the cloud takes, in characters."""
    lower: bool = False
    form: Callable[[str, str], str] = bridged
    """Of the resource's name in the program and 64 random hex digits."""
    unique: bool = True
    """False: the name is always the same, so that two resources of one name in the program collide in the cloud."""


@dataclass
class Call:
    """One call of the engine."""

    urn: str
    config: Mapping[str, Any]
    """The provider's configuration."""
    box: Box | None
    """None: recorded only."""
    log: Callable[[str, str], None]
    """(severity debug|info|warning|error, message); shown at this resource."""
    stream: Callable[[str, str], None]
    """Like log, for output of a program that runs: (severity, line)."""
    seen: Callable[[str, str], Mapping[str, Any]] = lambda token, identity: {}
    """Outputs of another resource of this run, by token and id; empty when it did not pass by. For what is recorded
    only: with a box the records count."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    before: Mapping[str, Any] = field(default_factory=dict)
    """In an update: the program's inputs as they were."""
    timeout: float = 0.0
    """Seconds from the program's `custom_timeouts`; 0 when it gives none."""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]

    def wait(self, attempt: Callable[[], Any], seconds: float) -> Any:
        """`attempt` again and again while it raises Busy; its last word after `seconds` or on Ctrl-C."""
        deadline = time.monotonic() + (self.timeout or seconds)
        while True:
            try:
                return attempt()
            except Busy:
                if time.monotonic() > deadline or self.cancelled.wait(0.25):
                    raise


class ResourceType:
    """A subclass says what the real provider's documentation says of the type, and what happens.

    All values it sees are plain: secrets are unwrapped before and wrapped after. `inputs` of create and update hold no
    unknowns; those of `problems` and `forces` may hold UNKNOWN.
    """

    token: ClassVar[str]

    replaces: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change replaces the resource (Terraform's ForceNew)."""
    updates: ClassVar[frozenset[str]] = frozenset()
    """Inputs that change in place."""
    sets: ClassVar[frozenset[str]] = frozenset()
    """Lists whose order does not matter."""
    keeps: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose value the cloud keeps when the program no longer gives one."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Outputs that the cloud fills in for inputs that are not given, and that a preview already knows."""
    secret_outputs: ClassVar[frozenset[str]] = frozenset()
    """Outputs that are secret whatever the program says."""
    rules: Declared
    """What holds: of the facts, and for a type without facts what the six above say. The provider sets it."""
    secret_from: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Outputs that are secret when one of these inputs is."""
    autoname: ClassVar[AutoName | None] = None
    derived: ClassVar[frozenset[str]] = frozenset()
    """Required inputs that the provider finds by itself when the program gives none."""
    live: ClassVar[bool] = True
    """False: nothing happens besides the record, and `up` says so."""
    leaves_records: ClassVar[bool] = False
    """The box keeps a record of each, with the URN under `__urn`: what a killed create left is found by it."""
    unstable: ClassVar[frozenset[str]] = frozenset()
    """Computed outputs that an update may change: unknown in its preview."""
    completed: ClassVar[frozenset[str]] = frozenset()
    """Inputs that come back with more in them (an object's computed parts): unknown in the preview of their change."""
    deletes_first: ClassVar[bool] = False
    """A replacement deletes the old one first, unless its name was generated."""

    def problems(self, call: Call, inputs: Mapping[str, Any]) -> Iterable[Problem]:
        """What is wrong beyond the SDK's types, as the real provider would say before it calls the cloud."""
        return ()

    def adopts(self, inputs: Mapping[str, Any]) -> bool:
        """Whether making it takes over what is there under its name already, so that nothing there is a leftover."""
        return False

    def forces(self, change: Change, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool | None:
        """Whether this change replaces, where that depends on values; None: as declared."""
        return None

    def settle(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs as they are compared and kept, for instance with a text brought to its normal form."""
        return inputs

    def create(self, call: Call, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Make it: (id, computed outputs)."""
        raise NotImplementedError(self.token)

    def names(self, identity: str) -> dict[str, Any]:
        """Outputs that say the id once more."""
        return {}

    def read(self, call: Call, identity: str, state: dict[str, Any]) -> dict[str, Any] | None:
        """Outputs as they are now; None when it is gone. `state` is empty for an import."""
        if not state:
            raise Refusal(
                f"{self.token} cannot be imported in the lab: nothing but the stack's state knows {identity!r}"
            )
        return state

    def update(self, call: Call, identity: str, state: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        """Change it: computed outputs that differ from `state`'s."""
        return {}

    def delete(self, call: Call, identity: str, state: dict[str, Any]) -> None:
        """Take it away. Fine when it is gone already."""

    def leftover(self, identity: str, record: Mapping[str, Any]) -> str:
        """The sentence about what is there although no state knows it."""
        return (
            f"an interrupted run had left {identity} of this resource behind, which no state knows; the lab takes it "
            "away. In the cloud it would still be there: look for it by its tags and delete it"
        )

    def clear(self, call: Call, identity: str, record: dict[str, Any]) -> None:
        """Take away what an earlier run left, of which no state knows: as if it had never been."""
        self.delete(call, identity, record)

    def reach(self, call: Call, operation: str, record: Mapping[str, Any]) -> None:
        """Refusal when the cloud does not answer now. `operation` is create, read, update or delete; `record` is what
        is to be, or was."""

    def shelf(self, call: Call) -> str:
        """The token under which the box keeps its records."""
        return self.token

    def declared(self, schema: Mapping[str, Any]) -> Declared:
        """Rules for a type without facts, besides defaults and secrets; packages add what their types share."""
        return Declared(self.replaces, self.updates, self.sets, self.keeps)

    def told(self, facts: Facts) -> Declared:
        """Rules for a type with facts."""
        return facts.declared()


def unique_name(rule: AutoName, urn_name: str, seed: bytes) -> str:
    """A name that stays the same for one registration: hex digits of the engine's seed."""
    digits = hashlib.sha256(seed + urn_name.encode()).hexdigest() if seed else secrets.token_hex(32)
    name = rule.form(urn_name, digits)
    if rule.lower:
        name = re.sub(r"[^a-z0-9.-]", "-", name.lower())
    if len(name) > rule.limit:
        raise Refusal(
            f"name '{urn_name}' plus {len(name) - len(urn_name)} random characters is longer than maximum length "
            f"{rule.limit}, "
            f"please shorten the resource's name or give {rule.property!r}"
        )
    return name
