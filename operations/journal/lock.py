"""The one operation lock, in a Store: one operation at a time, with its owner and its end, so that a dead one blocks
nobody for ever."""

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from ..stack import age_words
from ..steps import iso
from ..store import Store, Unavailable
from .process import gone, me, this_process

NAME = "lock.json"
OLD = "lock/owner.json"
"""Where the program of a host's store kept it before ADR 36. The program of now takes none there, so that what is found
was taken before the guest was renewed, by an operation that may still run."""


class Locked(Exception):
    """Another operation runs; the sentence says whose, since when and until when."""


@dataclass
class Hold:
    """The lock in the hands of one operation: taken, moved on before each of its steps, given back."""

    store: Store
    identity: str
    command: str
    seconds: float
    """No step lasts longer."""
    dark: bool = False
    """The way to the store may be what the operation cuts: it is asked only when half of the time is over, and goes on
    without an answer as long as there is any left."""
    until: float = 0.0
    """0 before it is taken."""

    def take(self, force: bool = False) -> str:
        """What there is to say about it. Locked when another operation holds it."""
        said = take(self.store, self.identity, self.command, self.seconds, force)
        self.until = time.time() + self.seconds
        return said

    def keep(self) -> None:
        """Move its end on. Locked when somebody took it: then this operation must stop."""
        left = self.until - time.time()
        if not self.until or (self.dark and left > self.seconds / 2):
            return
        try:
            keep(self.store, self.identity, self.seconds)
        except Unavailable:
            if not self.dark or left <= 0:
                raise
            return
        self.until = time.time() + self.seconds

    def give_back(self) -> bool:
        """Whether it was still ours."""
        return give_back(self.store, self.identity)


def take(store: Store, identity: str, command: str, seconds: float, force: bool = False) -> str:
    """Take the lock for at most `seconds`; what there is to say about it. Locked when another operation holds it.

    A lock is taken over when its time is past, when its process was one of this machine's and has ended, or by force.
    """
    now = time.time()
    old = _old(store, identity, now, force)
    claim = {
        "id": identity,
        "owner": me(command),
        "process": this_process(os.getpid()),
        "since": now,
        "expires": now + seconds,
    }
    content = json.dumps(claim).encode()
    for _ in range(3):
        found = store.read(NAME)
        if found is None:
            if store.create(NAME, content):
                return old
            continue  # another one was faster; see who
        held, tag = _parsed(found[0]), found[1]
        why = _reason(held, identity, now, force)
        if not why:
            raise Locked(_held(held, str(store)))
        if store.replace(NAME, content, tag):
            return old if held.get("id") == identity else _took_over(held, why)
    raise Locked(f"the lock in {store} changed hands three times while it was read: try again")


def _old(store: Store, identity: str, now: float, force: bool) -> str:
    """Take away what an operation of the version before has left; what there is to say about it. Locked while that may
    still run."""
    found = store.read(OLD)
    if found is None:
        return ""
    held = _parsed(found[0])
    why = _reason(held, identity, now, force)
    if not why:
        raise Locked(_held(held, str(store)))
    store.remove(OLD, found[1])
    return _took_over(held, why)


def _took_over(held: dict[str, Any], why: str) -> str:
    return f"took the lock over from {held.get('owner')}, {why}"


def keep(store: Store, identity: str, seconds: float) -> None:
    """Move the end of our own lock on. Locked when somebody took it: then this operation must stop."""
    found = store.read(NAME)
    held = _parsed(found[0]) if found else {}
    if found is None or held.get("id") != identity:
        raise Locked(f"the lock in {store} is not ours any more ({held.get('owner', 'nobody')} holds it): stopped here")
    content = json.dumps(held | {"expires": time.time() + seconds}).encode()
    if not store.replace(NAME, content, found[1]):
        raise Locked(f"the lock in {store} was taken from us: stopped here")


def give_back(store: Store, identity: str) -> bool:
    """Whether it was still ours."""
    found = store.read(NAME)
    if found is None or _parsed(found[0]).get("id") != identity:
        return False
    return store.remove(NAME, found[1])


def holder(store: Store, ours: str = "") -> str:
    """Who else holds the lock now, in words; empty when nobody does, or when the next one may take it anyway."""
    for name in (OLD, NAME):
        found = store.read(name)
        held = _parsed(found[0]) if found else {}
        if found and not _reason(held, ours, time.time(), False):
            return _held(held, str(store))
    return ""


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    # Who wrote something else than a lock there is nobody that could be asked.
    return found if isinstance(found, dict) else {"owner": "somebody who left no name", "expires": 0.0}


def _reason(held: dict[str, Any], identity: str, now: float, force: bool) -> str:
    if held.get("id") == identity and identity:
        return "it is ours"
    if gone(str(held.get("process", ""))):
        return "whose process is gone"
    over = now - float(held.get("expires") or 0.0)
    if over > 0:
        return f"whose time was over {age_words(over)} ago"
    return "because --break-lock was given" if force else ""


def _held(held: dict[str, Any], place: str) -> str:
    until = (
        f" since {iso(float(held['since']))}, at most until {iso(float(held['expires']))}" if "since" in held else ""
    )
    return (
        f"{held.get('owner', 'somebody')} holds the lock in {place}{until}: wait for it; if that operation is gone "
        "for good, give --break-lock"
    )
