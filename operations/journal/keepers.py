"""Where a journal's document goes, and whether an operation waits for that.

A failover waits: the next desk goes on from the store. A drill that cuts the way to its store does not: it is whole on
this desk after every entry, and in the store as soon as that can be reached.
"""

import json
import os
import pathlib
import threading
from typing import Protocol

from ..store import Store, Unavailable

LAST_SECONDS = 40.0
"""How long a drill's end waits for the store."""


class Keeper(Protocol):
    """A place for one document. `problem`: why it is not whole there; empty when it is."""

    problem: str

    def keep(self, name: str, content: bytes) -> None:
        """All of it, in place of what was there."""

    def close(self, ended: str) -> None:
        """Nothing more comes. `ended`: the operation with which nobody goes on; "" when somebody may."""


class InStore:
    """In the store, before anything else is done. `pointer` is removed once its operation has ended."""

    def __init__(self, store: Store, pointer: str) -> None:
        self._store, self._pointer = store, pointer
        self.problem = ""

    def keep(self, name: str, content: bytes) -> None:
        try:
            self._store.write(name, content)
            self.problem = ""
        except Unavailable as problem:
            self.problem = str(problem)

    def close(self, ended: str) -> None:
        if not ended:
            return
        try:
            found = self._store.read(self._pointer)
            if found is not None and json.loads(found[0]).get("id") == ended:
                self._store.remove(self._pointer, found[1])
        except (Unavailable, ValueError) as problem:
            self.problem = str(problem)


class OnDisk:
    """A file here, at once and synced."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self.problem = ""

    def keep(self, name: str, content: bytes) -> None:
        path = self._folder / name
        draft = path.with_suffix(".draft")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(draft, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            self.problem = ""
        except OSError as problem:  # a full disk here stops neither an operation nor its undoing
            self.problem = f"{path}: {problem}"

    def close(self, ended: str) -> None:
        return


class OnDesk(OnDisk):
    """The same, and behind the operation's back also in the store."""

    def __init__(self, folder: pathlib.Path, store: Store) -> None:
        super().__init__(folder)
        self._store = store
        self._latest: tuple[str, bytes] | None = None
        self._ended = False
        self._turn = threading.Condition()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def keep(self, name: str, content: bytes) -> None:
        super().keep(name, content)
        with self._turn:
            self._latest = (name, content)
            self._turn.notify()

    def _send(self) -> None:
        while True:
            with self._turn:
                while self._latest is None and not self._ended:
                    self._turn.wait()
                # Only the last one counts: each holds all that was in the one before it.
                latest, self._latest = self._latest, None
            if latest is None:
                return
            try:
                self._store.write(*latest)
                self.problem = ""
            except Unavailable as problem:
                self.problem = str(problem)

    def close(self, ended: str) -> None:
        with self._turn:
            self._ended = True
            self._turn.notify()
        self._thread.join(timeout=LAST_SECONDS)
        if self._thread.is_alive():
            self.problem = self.problem or f"{self._store} does not answer"
