"""The chain: record N is the object N of a store in which nothing is written twice.

Making an object only where there is none is the compare-and-swap of the head: of two desks that write N at once one is
told no, and writes N+1, which names the other's N.
"""

import pathlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..steps import iso
from ..store import DirectoryStore, Unavailable
from .envelope import digest, plain, sealed, statement
from .keys import Key

PREFIX = "records/"
TRIES = 50
"""How many others may be faster."""


class WriteOnce(Protocol):
    """What the chain needs of a store (store.Store has it)."""

    def read(self, name: str) -> tuple[bytes, str] | None: ...

    def create(self, name: str, content: bytes) -> bool: ...

    def names(self, prefix: str) -> list[str]: ...


@dataclass(frozen=True)
class Link:
    """A record in its place."""

    number: int
    digest: str


START = Link(0, "")
"""Before the first record."""


def name(number: int) -> str:
    """Of the object; in the order of numbers."""
    return f"{PREFIX}{number:08d}.json"


def head(store: WriteOnce) -> Link:
    """The newest record. Unavailable when the store cannot be read, or has lost what it listed."""
    names = store.names(PREFIX)
    newest = max((int(found) for one in names if (found := one.removeprefix(PREFIX)[:8]).isdigit()), default=0)
    if not newest:
        return START
    return Link(newest, digest(_read(store, newest)))


def _read(store: WriteOnce, number: int) -> bytes:
    found = store.read(name(number))
    if found is None:
        raise Unavailable(
            f"record {number} is gone from {store}, where nothing may go: have its owner look who took it"
        )
    return found[0]


class Chain:
    """Of one stack, as this desk writes it. The desk keeps what it wrote or saw: a store that has lost the newest
    records, or has others in their place, is no head to go on from."""

    def __init__(self, store: WriteOnce, seen: pathlib.Path) -> None:
        self.store = store
        self._seen = DirectoryStore(seen)

    def append(self, statements: Mapping[str, Any], key: Key) -> Link:
        """Sign it and put it at the end; what the store then gives back is what was signed. Unavailable when not."""
        last = head(self.store)
        self._witness(last)
        for _ in range(TRIES):
            number = last.number + 1
            told = {**statements, "number": number, "previous": last.digest, "chained": iso(time.time())}
            record = sealed(told, key)
            made = self.store.create(name(number), record)
            there = _read(self.store, number)
            # A call that was tried again after its answer was lost is told no, and is there.
            if there == record:
                self._seen.create(name(number), record)
                return Link(number, digest(record))
            if made:
                raise Unavailable(f"{self.store} gives back another record {number} than was written there")
            last = head(self.store)  # where the others are by now
        raise Unavailable(f"{self.store} takes no record: {TRIES} others were faster")

    def has(self, wanted: Mapping[str, Any]) -> bool:
        """Whether the chain holds this statement already: a killed command may not have come to say so."""
        number = head(self.store).number
        while number:
            found = statement(_read(self.store, number))
            if (found.get("attempt"), found.get("event")) == (wanted.get("attempt"), wanted.get("event")):
                return True
            if str(found.get("chained", "")) < str(plain(wanted.get("time", ""))):
                return False
            number -= 1
        return False

    def _witness(self, last: Link) -> None:
        seen = head(self._seen)
        if seen.number > last.number:
            raise Unavailable(
                f"{self.store} ends at record {last.number}, and this desk has seen {seen.number}: what is missing was "
                "taken away; have the store's owner look, and keep this desk's folder"
            )
        if seen.number and digest(_read(self.store, seen.number)) != seen.digest:
            raise Unavailable(
                f"record {seen.number} in {self.store} is not the one that this desk has seen: have the store's owner "
                "look, and keep this desk's folder"
            )
