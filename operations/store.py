"""Where operations keep what must outlive them: Azure blobs or a bucket of Google's at the standby, or a directory.

Every write is whole and atomic; `create` and `replace` are the two from which a lock is made.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any, Protocol

from . import azure


class Unavailable(Exception):
    """The store cannot be used; the sentence says which and why."""


class NoStore(Unavailable):
    """What keeps it is not there, or of another version: nothing of ours can be in it."""


class Store(Protocol):
    """Named objects. Unavailable when the store cannot be reached."""

    def read(self, name: str) -> tuple[bytes, str] | None:
        """(content, tag), or None."""

    def write(self, name: str, content: bytes) -> None:
        """Whatever is there now."""

    def create(self, name: str, content: bytes) -> bool:
        """Only when there is none: of two that try, one is told True."""

    def replace(self, name: str, content: bytes, tag: str) -> bool:
        """Only when it is still the one that was read with this tag."""

    def remove(self, name: str, tag: str) -> bool:
        """Only when it is still the one that was read with this tag."""

    def names(self, prefix: str) -> list[str]:
        """Names that begin so."""


class BlobStore:
    """A container. Its conditional writes are If-None-Match and If-Match."""

    def __init__(self, blobs: azure.Blobs, place: azure.Place) -> None:
        self._blobs, self._place = blobs, place

    def __str__(self) -> str:
        return str(self._place)

    def _at(self, name: str) -> azure.Place:
        return azure.Place(self._place.account, self._place.container, name)

    @contextlib.contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except azure.AzureError as error:
            words = azure.explained(error, str(self._place), "Storage Blob Data Contributor")
            raise Unavailable(f"{self._place} cannot be used: {words}") from None

    def read(self, name: str) -> tuple[bytes, str] | None:
        with self._speaking():
            return self._blobs.get(self._at(name))

    def write(self, name: str, content: bytes) -> None:
        with self._speaking():
            self._blobs.put(self._at(name), content)

    def create(self, name: str, content: bytes) -> bool:
        with self._speaking():
            return self._blobs.put(self._at(name), content, new=True)

    def replace(self, name: str, content: bytes, tag: str) -> bool:
        with self._speaking():
            return self._blobs.put(self._at(name), content, tag=tag)

    def remove(self, name: str, tag: str) -> bool:
        with self._speaking():
            return self._blobs.delete(self._at(name), tag)

    def names(self, prefix: str) -> list[str]:
        with self._speaking():
            return self._blobs.names(self._place, prefix)


class DirectoryStore:
    """A directory of this machine, or one that several mount."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return f"file://{self._folder}"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(self._folder / ".mutex", "w", encoding="ascii") as mutex:
                fcntl.flock(mutex, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise Unavailable(f"{self} cannot be used: {error}") from None

    def _read(self, name: str) -> tuple[bytes, str] | None:
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        return content, hashlib.sha256(content).hexdigest()

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def read(self, name: str) -> tuple[bytes, str] | None:
        with self._alone():
            return self._read(name)

    def write(self, name: str, content: bytes) -> None:
        with self._alone():
            self._write(name, content)

    def create(self, name: str, content: bytes) -> bool:
        with self._alone():
            if self._read(name) is not None:
                return False
            self._write(name, content)
            return True

    def replace(self, name: str, content: bytes, tag: str) -> bool:
        with self._alone():
            found = self._read(name)
            if found is None or found[1] != tag:
                return False
            self._write(name, content)
            return True

    def remove(self, name: str, tag: str) -> bool:
        with self._alone():
            found = self._read(name)
            if found is None or found[1] != tag:
                return False
            (self._folder / name).unlink()
            return True

    def names(self, prefix: str) -> list[str]:
        with self._alone():
            found = [str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file()]
            return sorted(name for name in found if name.startswith(prefix) and not name.startswith("."))


class Nowhere:
    """In place of a store that an inventory does not name: refuses with the words that say why."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __str__(self) -> str:
        return "no store"

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NoStore(self._words)

    read = write = create = replace = remove = names = _refuse


def open_store(text: str, identity: azure.Identity) -> Store:
    """The inventory's `store`: azblob://, gs:// or file://. ValueError when it is none of them."""
    if text.startswith("file://"):
        return DirectoryStore(pathlib.Path(text.removeprefix("file://")))
    if text.startswith("gs://"):
        from . import bucket_store, google

        return bucket_store.BucketStore(google.Api(google.Identity()), bucket_store.place(text))
    return BlobStore(azure.Blobs(identity), azure.place(text))
