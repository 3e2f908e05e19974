"""The role's store: a folder, or a bucket of Google Cloud Storage; and what backups are in it."""

import json
from typing import Any

from ..backup import manifest as backups
from ..backup.manifest import Found
from ..backup.store import FolderStore, Store
from . import gcs, manifest
from .config import Federation


def open_store(url: str, identity: Federation) -> Store:
    """The store of an address."""
    kind, _, place = url.partition("://")
    if kind == "file":
        return FolderStore(place)
    return gcs.Bucket(place, gcs.Identity(identity))


def read_all(store: Store) -> "list[Found]":
    """Every backup in the store, judged, in the order of their ids. What another engine's role has put there is passed
    over, or it would be deleted as half a backup."""
    sizes = store.sizes(backups.ROOT)
    found = []
    for backup_id in backups.ids(list(sizes)):
        inside = backups.path(backup_id, "")
        present = {name.removeprefix(inside): size for name, size in sizes.items() if name.startswith(inside)}
        said = None
        if backups.NAME in present:
            try:
                said = json.loads(store.get(backups.path(backup_id)))
            except ValueError:
                said = {"engine": manifest.ENGINE}  # half a document
        dumped = any(name.startswith("dump/") for name in present)
        if dumped if said is None else said.get("engine") == manifest.ENGINE:
            found.append(manifest.look(backup_id, said, present))
    return found


def choose(store: Store, which: str) -> "dict[str, Any]":
    """The manifest of the backup that `which` means. Refused when it is not there or not complete."""
    found = backups.choose(read_all(store), which).manifest
    assert found is not None
    return found
