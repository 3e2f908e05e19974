"""Lateness: what a cloud reaches only some time after the call that begins it, and what it refuses meanwhile.

A mode of all stand-ins, on while TWINSITE_LAB_LATE holds a seed. Each package's `late.py` says what is late, by how
many of the cloud's seconds, which calls are then refused in which words, and which of these refusals the genuine
provider tries again, and for how long: it does so here, too. What it does not try again, the program has to wait for,
by `depends_on` or by a value. Of the orders that a program leaves open the mode takes the worst
(Early.provoked_seconds).

Known to one run of one provider: what an earlier run made is usable. Times are drawn from the seed and the resource's
URN, so a run with the same seed draws the same ones.
"""

import importlib
import importlib.util
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lab.providers.framework.types import Refusal

SEED_VARIABLE = "TWINSITE_LAB_LATE"
SPEED = 60.0
"""Seconds of the cloud in one second here."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Early:
    """A call that comes too early for what is late."""

    token: str
    names: str
    """Where its inputs name what is late: a dotted path through objects and lists; "@id": it, or something in it, is
    the call's own resource."""
    says: str
    """The cloud's own code and sentence; {name} is what is named."""
    operations: tuple[str, ...] = ("create", "update")
    retried_seconds: float = 0.0
    """Of the cloud: how long the genuine provider tries again after these words; 0 when it fails at once."""
    unless: str = ""
    """An input that makes it right at any time."""
    provoked_seconds: float = 0.0
    """Of the cloud: how long the call is held back, as a slow request is, until what it names has begun to be late.
    Nothing is held back whose program has waited."""


@dataclass(frozen=True)
class Late:
    """Something that is not usable from the first moment on."""

    token: str
    names: tuple[str, ...]
    """Where inputs or outputs have what others name it by, as in Early."""
    seconds: tuple[float, float]
    """Least and most, of the cloud."""
    source: str
    """Where that is said; "assumption" for what nobody says."""
    early: tuple[Early, ...] = ()
    waited: bool = False
    """Whether the genuine provider's own call returns only then; else it returns at once."""
    operations: tuple[str, ...] = ("create",)
    """Calls that begin it."""


class Lateness:
    """Of one package in one run. Thread-safe."""

    def __init__(self, seed: str, rules: Sequence[Late], cancelled: threading.Event) -> None:
        self.seed = seed
        self._rules = rules
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._usable: dict[tuple[Late, str], float] = {}
        """By rule and name: when it is usable, on the monotonic clock; never while the call runs that begins it."""

    @classmethod
    def of(cls, package: str, cancelled: threading.Event) -> "Lateness | None":
        """None when the mode is off."""
        seed = os.environ.get(SEED_VARIABLE, "")
        if not seed:
            return None
        known = importlib.util.find_spec(f"lab.providers.{package}.late") is not None
        rules: Sequence[Late] = importlib.import_module(f"lab.providers.{package}.late").LATE if known else ()
        return cls(seed, rules, cancelled)

    def during(
        self,
        operation: str,
        token: str,
        urn: str,
        identity: str,
        inputs: Mapping[str, Any],
        perform: Callable[[], Made],
        outputs: Callable[[Made], Mapping[str, Any]] = lambda made: {},
    ) -> Made:
        """`perform` as soon as the cloud takes the call. Refusal in the cloud's words when that is too late for the
        genuine provider."""
        begins = [one for one in self._rules if one.token == token and operation in one.operations]
        begun = self._admit(operation, token, identity, inputs, [one for one in begins if one.waited])
        try:
            made = perform()
        except BaseException:
            self._set(begun, None)
            raise
        for rule in begins:
            lasts = self._draw(rule, urn) / SPEED
            named = {**inputs, **outputs(made)}
            keys = [_key(rule, name) for path in rule.names for name in _names(named, path, identity)]
            if rule.waited:
                self._cancelled.wait(lasts)
                self._set(begun, None)
            else:
                self._set(keys, time.monotonic() + lasts)
        return made

    def _draw(self, rule: Late, urn: str) -> float:
        return random.Random(f"{self.seed} {rule.token} {urn}").uniform(*rule.seconds)

    def _admit(
        self, operation: str, token: str, identity: str, inputs: Mapping[str, Any], begins: Iterable[Late]
    ) -> list[tuple[Late, str]]:
        """Wait as long as the provider does; then, in the same moment, begin what `begins`."""
        begun = [_key(rule, name) for rule in begins for path in rule.names for name in _names(inputs, path, identity)]
        mine = [
            (rule, early, name)
            for rule in self._rules
            for early in rule.early
            if early.token == token
            and operation in early.operations
            and not (early.unless and inputs.get(early.unless))
            for name in _names(inputs, early.names, identity)
        ]
        came = time.monotonic()
        while True:
            lasted = (time.monotonic() - came) * SPEED
            with self._lock:
                refused = [(early, name) for rule, early, name in mine if self._is_late(rule, early, name)]
                unheard = [
                    early
                    for rule, early, name in mine
                    if _key(rule, name) not in self._usable and lasted < early.provoked_seconds
                ]
                if not refused and not unheard:
                    self._usable.update(dict.fromkeys(begun, float("inf")))
                    return begun
            for early, name in refused:
                if lasted >= early.retried_seconds or self._cancelled.is_set():
                    raise Refusal(f"{early.says.format(name=name)} (lateness with seed {self.seed})")
            self._cancelled.wait(0.02)

    def _is_late(self, rule: Late, early: Early, name: str) -> bool:
        now, wanted = time.monotonic(), name.lower()
        return any(
            at > now
            for (other, late), at in self._usable.items()
            if other is rule and (late == wanted or (early.names == "@id" and late.startswith(f"{wanted}/")))
        )

    def _set(self, keys: Iterable[tuple[Late, str]], usable: float | None) -> None:
        with self._lock:
            self._usable.update(dict.fromkeys(keys, time.monotonic() if usable is None else usable))


def _names(values: Mapping[str, Any], path: str, identity: str) -> list[str]:
    """Texts at a path."""
    if path == "@id":
        return [identity]
    found: list[Any] = [values]
    for key in path.split("."):
        found = [one.get(key) for one in found if isinstance(one, Mapping)]
        found = [item for one in found for item in (one if isinstance(one, list) else [one])]
    return [one for one in found if isinstance(one, str) and one]


def _key(rule: Late, name: str) -> tuple[Late, str]:
    return rule, name.lower()  # not every cloud cares
