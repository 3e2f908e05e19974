"""The journal of one operation in the standby's store: whole after every step, so that any desk can go on with it."""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..steps import iso
from ..store import Store, Unavailable
from .facts import Unfinished

POINTER = "unfinished.json"


def _name(identity: str) -> str:
    return f"journal/{identity}.json"


class Record:
    """What was asked, decided and done. The first entry must reach the store; a later one that does not is told of at
    the end and never stops a failover."""

    def __init__(self, store: Store, content: dict[str, Any]) -> None:
        self._store = store
        self.content = content
        self.unsent = ""

    @property
    def id(self) -> str:
        return str(self.content["id"])

    @property
    def choices(self) -> dict[str, str]:
        """What was decided on the way, for instance which dump goes home."""
        found: dict[str, str] = self.content["choices"]
        return found

    def done(self) -> frozenset[str]:
        return _done(self.content)

    def begun(self) -> frozenset[str]:
        """Steps that were begun, whether they ended or not."""
        return frozenset(str(entry["step"]) for entry in self.content["entries"] if entry["kind"] == "begun")

    def decide(self, choices: Mapping[str, str]) -> None:
        """What the plan decided, before its first step."""
        self.choices.update(choices)
        self._keep()

    def begin(self, step: str) -> None:
        """Before a step after which there is no way back."""
        self._enter({"kind": "begun", "step": step})

    def end_step(
        self,
        step: str,
        detail: str,
        choices: Mapping[str, str],
        figures: Mapping[str, Any] = MappingProxyType({}),
        findings: Sequence[str] = (),
    ) -> None:
        """After a step."""
        self.choices.update(choices)
        told: dict[str, Any] = {"figures": dict(figures)} if figures else {}
        told |= {"findings": list(findings)} if findings else {}
        self._enter({"kind": "done", "step": step, "detail": detail, **told})

    def figures(self) -> dict[str, Any]:
        """Of the steps that still count as done, in their order."""
        done = self.done()
        found: dict[str, Any] = {}
        for entry in self.content["entries"]:
            if entry["kind"] == "done" and entry["step"] in done:
                found |= entry.get("figures", {})
        return found

    def findings(self) -> list[str]:
        """What a person must be told, once each: what was kept aside stays there, whatever was undone since."""
        every = (words for entry in self.content["entries"] for words in entry.get("findings", ()))
        return list(dict.fromkeys(every))

    def forget(self, steps: frozenset[str], why: str) -> None:
        """What was undone."""
        self._enter({"kind": "undone", "steps": sorted(steps), "detail": why})

    def _enter(self, entry: dict[str, Any]) -> None:
        self.content["entries"].append({"time": iso(time.time()), **entry})
        self._keep()

    def _keep(self) -> None:
        try:
            self._store.write(_name(self.id), _packed(self.content))
            self.unsent = ""
        except Unavailable as problem:
            self.unsent = str(problem)

    def close(self, verdict: str, ended: bool) -> None:
        """The last entry; with `ended` nobody goes on with this operation."""
        self.content |= {"verdict": verdict, "ended": iso(time.time()) if ended else ""}
        self._keep()
        if not ended:
            return
        try:
            found = self._store.read(POINTER)
            if found is not None and json.loads(found[0]).get("id") == self.id:
                self._store.remove(POINTER, found[1])
        except (Unavailable, ValueError) as problem:
            self.unsent = str(problem)


def _packed(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1).encode()


def _done(content: Mapping[str, Any]) -> frozenset[str]:
    done: set[str] = set()
    for entry in content["entries"]:
        if entry["kind"] == "done":
            done.add(str(entry["step"]))
        elif entry["kind"] == "undone":
            done -= set(entry["steps"])
    return frozenset(done)


def start(store: Store, command: str, to: str, owner: str) -> Record:
    """A new operation. Unavailable when its first entry cannot be kept."""
    identity = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    content = {
        "id": identity,
        "command": command,
        "to": to,
        "owner": owner,
        "began": iso(time.time()),
        "choices": {},
        "entries": [],
        "verdict": "",
        "ended": "",
    }
    store.write(_name(identity), _packed(content))
    store.write(POINTER, _packed({"id": identity, "command": command}))
    return Record(store, content)


def load(store: Store, identity: str) -> Record | None:
    """An operation by its id; None when there is none, or it cannot be read."""
    found = store.read(_name(identity))
    try:
        content = json.loads(found[0]) if found else None
    except ValueError:
        return None
    return Record(store, content) if isinstance(content, dict) and "entries" in content else None


def unfinished(store: Store) -> Unfinished | None:
    """The operation whose command ended before it did."""
    found = store.read(POINTER)
    if found is None:
        return None
    try:
        identity = str(json.loads(found[0])["id"])
    except (ValueError, KeyError, TypeError):
        return None
    record = load(store, identity)
    if record is None or record.content.get("ended"):
        return None
    return Unfinished(
        identity, str(record.content["command"]), str(record.content["began"]), record.done(), dict(record.choices)
    )
