"""The journal of one operation: one document, whole after every entry, so that any desk can go on with it.

Version 2. An entry is {"time", "kind", "step", …}: `begun` before a step after which there is no way back; `done`,
`failed` or `interrupted` at a step's end; `undone` with the `steps` that count no more. Beside them what was decided
(`choices`), the mode in which the operation found the stack (`from`), the verdict, and when it ended.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from twinsite.modes import DrMode

from ..steps import iso
from ..store import Store, Unavailable
from .keepers import InStore, Keeper

VERSION = 2
POINTER = "unfinished.json"
FROM_BEFORE_2 = DrMode.COLD.value
"""Version 1 did not say from which mode it raised: there was no other one."""


def name_of(identity: str) -> str:
    """Of the document, in a store."""
    return f"journal/{identity}.json"


@dataclass(frozen=True)
class Unfinished:
    """An operation whose command ended before it did."""

    id: str
    command: str
    began: str
    done: frozenset[str] = frozenset()
    choices: Mapping[str, str] = field(default_factory=dict)
    from_mode: str = ""


class Journal:
    """What was asked, decided and done. An entry that does not reach its place is told of at the end (`unsent`), and
    never stops an operation."""

    def __init__(self, content: dict[str, Any], keeper: Keeper) -> None:
        self.content = content
        self._keeper = keeper

    @property
    def id(self) -> str:
        return str(self.content["id"])

    @property
    def choices(self) -> dict[str, str]:
        """What was decided on the way, for instance which dump goes home."""
        found: dict[str, str] = self.content["choices"]
        return found

    @property
    def unsent(self) -> str:
        """Why the document is not whole where it is kept; empty when it is."""
        return self._keeper.problem

    def done(self) -> frozenset[str]:
        """Steps that were done and not undone since."""
        done: set[str] = set()
        for entry in self.content["entries"]:
            if entry["kind"] == "done":
                done.add(str(entry["step"]))
            elif entry["kind"] == "undone":
                done -= set(entry["steps"])
        return frozenset(done)

    def begun(self) -> frozenset[str]:
        """Steps without a way back that were begun, whether they ended or not."""
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
        choices: Mapping[str, str] = MappingProxyType({}),
        figures: Mapping[str, Any] = MappingProxyType({}),
        findings: Sequence[str] = (),
        seconds: float = 0.0,
    ) -> None:
        """After a step that was done."""
        self.choices.update(choices)
        told: dict[str, Any] = {"figures": dict(figures)} if figures else {}
        told |= {"findings": list(findings)} if findings else {}
        self._enter({"kind": "done", "step": step, "detail": detail, "seconds": seconds, **told})

    def fail_step(self, step: str, kind: str, detail: str, seconds: float) -> None:
        """After a step that came to no end: `failed` or `interrupted`."""
        self._enter({"kind": kind, "step": step, "detail": detail, "seconds": seconds})

    def forget(self, steps: frozenset[str], why: str) -> None:
        """What was undone."""
        self._enter({"kind": "undone", "steps": sorted(steps), "detail": why})

    def note(self, **values: Any) -> None:
        """What a reader of the document needs beside the entries, for instance what was found."""
        self.content |= values
        self._keep()

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

    def close(self, verdict: str, ended: bool = True) -> None:
        """The last entry; with `ended` nobody goes on with this operation."""
        self.content |= {"verdict": verdict, "ended": iso(time.time()) if ended else ""}
        self._keep()
        self._keeper.close(self.id if ended else "")

    def _enter(self, entry: dict[str, Any]) -> None:
        self.content["entries"].append({"time": iso(time.time()), **entry})
        self._keep()

    def _keep(self) -> None:
        self._keeper.keep(name_of(self.id), packed(self.content))


def packed(content: Mapping[str, Any]) -> bytes:
    """The document."""
    return json.dumps(content, indent=1).encode()


def begin(command: str, owner: str, identity: str = "", **values: Any) -> dict[str, Any]:
    """The document of an operation that begins now. `values`: `to` and `from`, and what else its reader needs."""
    return {
        "version": VERSION,
        "id": identity or f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}",
        "command": command,
        "owner": owner,
        "began": iso(time.time()),
        **values,
        "choices": {},
        "entries": [],
        "verdict": "",
        "ended": "",
    }


def start(store: Store, command: str, to: str, owner: str, from_mode: str) -> Journal:
    """A new operation that another desk may have to end. Unavailable when its first entry cannot be kept."""
    content = begin(command, owner, to=to, **{"from": from_mode})
    store.write(name_of(content["id"]), packed(content))
    store.write(POINTER, packed({"id": content["id"], "command": command}))
    return Journal(content, InStore(store, POINTER))


def load(store: Store, identity: str) -> Journal | None:
    """An operation by its id; None when there is none, or it cannot be read. Unavailable for a newer version's."""
    found = store.read(name_of(identity))
    try:
        content = json.loads(found[0]) if found else None
    except ValueError:
        return None
    if not isinstance(content, dict) or "entries" not in content:
        return None
    return Journal(upgraded(content, str(store)), InStore(store, POINTER))


def upgraded(content: dict[str, Any], place: str) -> dict[str, Any]:
    """A document of any version up to ours as one of ours. Pure."""
    version = content.get("version", 1)
    if version == 1:
        # What else it lacks, its reader can do without: how long a step took, and the failed ones.
        raised = "raised" in content.get("choices", {})
        return content | {"version": VERSION, "from": FROM_BEFORE_2 if raised else ""}
    if version != VERSION:
        raise Unavailable(
            f"journal {content.get('id')} in {place} is of version {version!r}, and this twinsite reads up to "
            f"{VERSION}: go on with the twinsite that began it"
        )
    return content


def pointed(store: Store) -> tuple[Unfinished | None, str]:
    """(the operation whose command ended before it did, why POINTER leads to none that can be read; "" when it does, or
    is not there). What leads nowhere stops nobody: the next operation writes it anew."""
    found = store.read(POINTER)
    if found is None:
        return None, ""
    try:
        identity = str(json.loads(found[0])["id"])
    except (ValueError, KeyError, TypeError):
        return None, _astray(store, "it is no document of ours")
    try:
        journal = load(store, identity)
        if journal is not None:
            return _unfinished(identity, journal), ""
    except (KeyError, TypeError, AttributeError):  # an entry that is none
        pass
    name = name_of(identity)
    return None, _astray(store, f"it names {name}, which {'cannot be read' if store.read(name) else 'is not there'}")


def unfinished(store: Store) -> Unfinished | None:
    """The operation whose command ended before it did."""
    return pointed(store)[0]


def _astray(store: Store, why: str) -> str:
    return (
        f"{POINTER} in {store} leads to no operation ({why}), so nobody knows whether one has not ended: look at the "
        "latest of journal/ there; while its `ended` is empty, run its `command` again, which leaves alone what is "
        f"done and writes {POINTER} anew; else remove {POINTER}"
    )


def _unfinished(identity: str, journal: Journal) -> Unfinished | None:
    content = journal.content
    if content.get("ended"):
        return None
    return Unfinished(
        identity,
        str(content["command"]),
        str(content["began"]),
        journal.done(),
        dict(journal.choices),
        str(content.get("from", "")),
    )
