"""Where a kit is put: the standby's store of operations, or a folder."""

import shutil
from pathlib import Path
from typing import Protocol

from setup.console import Problem

from operations import azure

FOLDER = "kit"
"""In the store of operations."""


class Place(Protocol):
    """Takes the archive and the small file beside it."""

    def put(self, file: Path) -> str:
        """Where it is now, for a person."""

    def write(self, name: str, content: bytes) -> None:
        """Beside it."""


class Folder:
    """A folder of this machine: a disk, a share, a stick."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, file: Path) -> str:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = self._folder / f".{file.name}.part"
            shutil.copyfile(file, draft)
            draft.replace(self._folder / file.name)
        except OSError as error:
            raise Problem(f"{self._folder} does not take the kit ({error}): give another --to FOLDER") from None
        return str(self._folder / file.name)

    def write(self, name: str, content: bytes) -> None:
        (self._folder / name).write_bytes(content)


class Container:
    """The operations container of the standby's account, with the operator's own identity."""

    def __init__(self, blobs: azure.Blobs, place: azure.Place) -> None:
        self._blobs, self._place = blobs, place

    def _at(self, name: str) -> azure.Place:
        return azure.Place(self._place.account, self._place.container, f"{FOLDER}/{name}")

    def put(self, file: Path) -> str:
        at = self._at(file.name)
        try:
            self._blobs.put_file(at, file)
        except azure.AzureError as error:
            raise Problem(azure.explained(error, str(at), "Storage Blob Data Contributor")) from None
        return str(at)

    def write(self, name: str, content: bytes) -> None:
        self._blobs.put(self._at(name), content, kind="text/plain")


def store(text: str) -> Container:
    """Of the inventory's `store`. Problem where the standby has no object store."""
    try:
        return Container(azure.Blobs(azure.Identity()), azure.place(text))
    except ValueError:
        raise Problem(f"the standby's store is {text!r}, which takes no kit: give --to FOLDER") from None
