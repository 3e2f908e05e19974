"""What every register owes, one in memory, and one of a file."""

import contextlib
import fcntl
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twinsite.guest.errors import Failed
from twinsite.guest.writer.registers import Register, packed, said
from twinsite.guest.writer.rule import Said


class MemoryRegister:
    """A register of a test. `cut`: it does not answer. `deaf`: it writes, and the answer is lost."""

    def __init__(self, first: Said | None = None) -> None:
        self.content = packed(first) if first else b""
        self.version = 1 if first else 0
        self.cut = self.deaf = False
        self.held = threading.Event()
        self.held.set()
        self._mutex = threading.Lock()

    def __str__(self) -> str:
        return "register"

    @property
    def said(self) -> Said | None:
        return said(self.content) if self.content else None

    def read(self) -> tuple[bytes, str] | None:
        self.held.wait(30)
        if self.cut:
            raise Failed("no answer")
        with self._mutex:
            return (self.content, str(self.version)) if self.content else None

    def swap(self, content: bytes, tag: str) -> bool:
        if self.cut:
            raise Failed("no answer")
        with self._mutex:
            if tag != (str(self.version) if self.content else ""):
                return False
            self.content, self.version = content, self.version + 1
        if self.deaf:
            raise Failed("the answer was lost")
        return True


def keeps_its_word(register: Register) -> None:
    """Starts empty. Of several that write at the same moment one is told True, and what it wrote is read."""
    assert register.read() is None
    assert not register.swap(packed(Said(5, "A")), "7"), "there is nothing with that tag"
    assert register.swap(packed(Said(0, "A")), "")
    assert not register.swap(packed(Said(9, "B")), "")
    content, tag = register.read() or (b"", "")
    assert said(content) == Said(0, "A")

    def race(epoch: int) -> bool:
        return register.swap(packed(Said(epoch, "B")), tag)

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(race, range(1, 5)))
    assert told.count(True) == 1
    content, later = register.read() or (b"", "")
    assert (said(content).epoch, later == tag) == (told.index(True) + 1, False)
    assert not register.swap(content, tag), "an old tag"
    assert register.swap(packed(Said(7, "A", clear=True), content), later)


class FileRegister:
    """A register that several processes share: a file, compared and swapped under a lock beside it. It does not answer
    while there is a file NAME.cut-SITE."""

    def __init__(self, path: Path, site: str = "") -> None:
        self.path, self._cut = path, path.with_name(f"{path.name}.cut-{site}")

    def __str__(self) -> str:
        return self.path.name

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        if self._cut.exists():
            raise Failed("no answer")
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _now(self) -> tuple[bytes, str]:
        content = self.path.read_bytes() if self.path.exists() else b""
        return content, hashlib.sha256(content).hexdigest() if content else ""

    def read(self) -> tuple[bytes, str] | None:
        with self._held():
            found = self._now()
        return found if found[0] else None

    def swap(self, content: bytes, tag: str) -> bool:
        with self._held():
            if self._now()[1] != tag:
                return False
            new = self.path.with_suffix(".new")
            new.write_bytes(content)
            new.rename(self.path)
        return True

    def cut(self, cut: bool = True) -> None:
        self._cut.touch() if cut else self._cut.unlink(missing_ok=True)
