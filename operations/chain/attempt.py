"""One attempt of an operation: what is recorded of it when it begins, when its plan is known and when it ends."""

import importlib.metadata
import pathlib
import platform
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinsite.inventory import VERSION, Inventory

from ..console import Console
from ..journal.process import who
from ..once import Once
from ..stack import Stack
from ..steps import iso, unstoppable
from . import anchor, keys, stamp
from .envelope import digest
from .links import Chain, Link, name
from .outbox import Outbox
from .plan import Approval, NotApproved, Planned, plan_digest
from .stamp import Authority

STAMP_SECONDS = 10.0
"""For the time stamp, when all is done."""
BEGIN_SECONDS, END_SECONDS = 5.0, 15.0
"""How long an operation waits for its record's place: before it does anything, and when all is done."""
PACKAGES = ("twinsite", "pulumi", "cryptography")
MEASURED = {"rto_seconds": "rto_seconds", "rpo_seconds": "rpo_seconds"}
"""Objective → the figure that is held against it."""


@dataclass(frozen=True)
class Subject:
    """What an attempt is about."""

    stack: str
    folder: pathlib.Path
    topology: str = ""
    dr_mode: str = ""
    digest: str = ""
    """Of all that the stack's components are meant to be and its guests are told (ADR 35)."""
    place: str = ""
    """Where its chain is, as the stack says."""
    objectives: Mapping[str, float | None] = field(default_factory=dict)
    sites: frozenset[str] = frozenset()
    """Regions and storage accounts of its own, which may die with a site."""
    stamps: Authority | None = None
    """Who stamps its records; None nobody."""

    @classmethod
    def of(cls, stack: Stack) -> "Subject":
        """What the inventory says."""
        known: Inventory = stack.inventory
        promised = {"rto_seconds": known.promise.rto_seconds, "rpo_seconds": known.promise.rpo_seconds}
        about = (known.topology, known.dr_mode, known.digest)
        stamps = (
            Authority(known.promise.stamp_url, known.promise.stamp_authorities) if known.promise.stamp_url else None
        )
        return cls(stack.name, stack.folder, *about, known.promise.evidence, promised, _own(known), stamps)


def _own(inventory: Inventory) -> frozenset[str]:
    stores = (inventory.store, *((inventory.backups.store, inventory.backups.failback) if inventory.backups else ()))
    # An account of Azure, a bucket of Google.
    accounts = {one.split("/")[2] for one in stores if one.startswith(("azblob://", "gs://"))}
    return frozenset({*accounts, *(site.region for site in inventory.sites)} - {""})


def versions() -> dict[str, str]:
    """Of what acts; a clone that is not installed has no version of its own."""
    found = {"python": platform.python_version(), "inventory": str(VERSION)}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


class Attempt:
    """Its records. Whatever goes wrong with them is said, and stops nothing: people wait for the operation."""

    def __init__(
        self,
        subject: Subject,
        command: str,
        arguments: Mapping[str, Any],
        console: Console,
        given: Approval | None = None,
    ) -> None:
        self._subject, self._command, self._console = subject, command, console
        self._given = given
        self._key = Once(keys.mine)
        self._anchor = Once(lambda: anchor.opened(anchor.place(subject.place), subject.folder.name, subject.folder))
        self._outbox = Outbox(subject.folder / "outbox", self._chain)
        self._dark = False
        self.id = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}"
        self._content: dict[str, Any] = {
            "attempt": self.id,
            "command": command,
            "arguments": dict(arguments),
            "stack": subject.stack,
            "topology": subject.topology,
            "dr_mode": subject.dr_mode,
            "ran_by": {"name": who(), "host": platform.node()},
            "approved_by": None,
            "plan": None,
            "objectives": {name: {"objective": subject.objectives.get(name), "measured": None} for name in MEASURED},
            "tested": {"digest": subject.digest},
            "versions": versions(),
        }

    def _chain(self) -> tuple[Chain, keys.Key]:
        return Chain(self._anchor().store, self._subject.folder / "records-seen"), self._key()

    def begin(self) -> None:
        """Before anything is asked or done."""
        self._enter("began", BEGIN_SECONDS)

    def planned(self, steps: Sequence[Mapping[str, Any]], choices: Mapping[str, Any]) -> None:
        """The plan, before its first step. NotApproved when another person has approved another one."""
        found = plan_digest(self._command, self._subject.stack, steps, choices)
        self._content["plan"] = {"digest": found, "steps": [str(step.get("title")) for step in steps]}
        if self._given is not None:
            try:
                problem = self._given.problem(self._key(), self._command, self._subject.stack, found)
            except (OSError, ValueError) as cannot:
                problem = f"whose key this is cannot be told ({cannot})"
            if problem:
                raise NotApproved(problem)
            self._content["approved_by"] = self._given.envelope
        self._enter("planned", BEGIN_SECONDS)

    def end(self, result: Mapping[str, Any]) -> dict[str, Any] | None:
        """What came of it; where its last record is. None when it is on this desk only."""
        try:
            return self._end(result)
        except Exception as problem:  # people have what they came for; that it lacks its record they must know
            self._console.say(f"how this attempt ended could not be recorded: {type(problem).__name__}: {problem}")
            return None

    def _end(self, result: Mapping[str, Any]) -> dict[str, Any] | None:
        figures = result.get("figures") or {}
        checks = result.get("checks") or []
        files = [pathlib.Path(one) for one in (result.get("evidence"), result.get("report")) if one]
        self._content |= {
            "verdict": result["verdict"],
            "figures": figures,
            "objectives": {
                one: held | {"measured": figures.get(MEASURED[one])}
                for one, held in self._content["objectives"].items()
            },
            "phases": result.get("steps") or [],
            "predicted": result.get("predicted"),
            "clocks": result.get("clocks") or {},
            "checks": {
                "passed": sum(bool(one["passed"]) for one in checks),
                "failed": sum(not one["passed"] for one in checks),
                "each": checks,
            },
            "deviations": [
                *(result.get("refused") or []),
                *result.get("problems", ()),
                *(result.get("findings") or []),
            ],
            "files": {path.name: digest(path.read_bytes()) for path in files if path.is_file()},
        }
        with unstoppable(self._console.say):
            self._enter("ended", END_SECONDS)
        if self._outbox.waiting() or self._outbox.last is None:
            return None
        self._tell()
        link = self._outbox.last
        with unstoppable(self._console.say):
            stamped = self._stamped(link)
        return {
            "attempt": self.id,
            "number": link.number,
            "digest": link.digest,
            "place": str(self._anchor().store),
            "stamp": stamped,
        }

    def _stamped(self, link: Link) -> str | None:
        """The stamp over the last record; None where nobody stamps, or did not, which is said."""
        by, store = self._subject.stamps, self._anchor().store
        if by is None:
            return None
        try:
            found = store.read(name(link.number))
            if found is None or digest(found[0]) != link.digest:
                raise stamp.NoStamp(f"record {link.number} cannot be read")
            store.create(stamp.name(link.number), stamp.made(found[0], by, STAMP_SECONDS))
        except Exception as problem:  # the record is there, and people have what they came for
            self._console.say(f"record {link.number} has no time stamp: {problem}; the next attempt's covers it")
            return None
        return stamp.name(link.number)

    def _enter(self, event: str, seconds: float) -> None:
        told = {**self._content, "event": event, "time": iso(time.time())}
        try:
            self._outbox.put(f"{self.id}-{event}", told)
        except Exception as error:  # nothing that a record cannot hold keeps an operation from its work
            self._console.say(f"the record of this attempt could not be written: {type(error).__name__}: {error}")
            return
        # One that did not answer is not waited for again before all is done.
        problem = "" if self._dark and event != "ended" else self._outbox.problem or self._outbox.send(seconds)
        self._dark = self._dark or bool(problem)
        if problem and event != "planned":
            self._console.say(f"the record of this attempt is on this desk only, the next command sends it: {problem}")

    def _tell(self) -> None:
        """What a person has to do about key and place, once they work."""
        key, there = self._key(), self._anchor()
        if key.new:
            self._console.say(
                f"made a key that signs your evidence, {key.path}; what an auditor's list needs of it is `{key.public}`"
            )
        try:
            loose = (
                there.loose(name(self._outbox.last.number), self._subject.sites)
                if there.outside and self._outbox.last
                else ""
            )
        except Exception as problem:  # a question about the place; the record is there
            loose = str(problem)
        if loose:
            self._console.say(f"note: {loose}")


def begun(
    subject: Subject, command: str, arguments: Mapping[str, Any], console: Console, given: Approval | None
) -> Attempt:
    """An attempt whose first record is written."""
    attempt = Attempt(subject, command, arguments, console, given)
    attempt.begin()
    return attempt


def recorded(attempt: Attempt, work: Callable[[Planned], dict[str, Any]]) -> dict[str, Any]:
    """Do it; its result, with `record`. What ends it without a result is recorded as well."""
    try:
        result = work(attempt.planned)
    except BaseException as problem:
        words = "interrupted" if isinstance(problem, KeyboardInterrupt) else f"{type(problem).__name__}: {problem}"
        attempt.end({"verdict": "failed", "problems": [words]})
        raise
    return result | {"record": attempt.end(result)}
