"""Where backups are kept: a folder, or a container of an Azure storage account reached with the machine's identity."""

import contextlib
import json
import os
import pathlib
import threading
import time
import uuid
from typing import Any, Protocol

from ..agent import azure
from ..errors import Failed
from . import manifest
from .config import ROLE_SECONDS, Config
from .manifest import Found

TOKEN_SECONDS = 600  # a federated token lives an hour, a backup may take longer
READER, CONTRIBUTOR = "Storage Blob Data Reader", "Storage Blob Data Contributor"


class Readable(Protocol):
    """Parts by name."""

    def get(self, name: str) -> bytes:
        """Read one. Failed when it is not there."""

    def sizes(self, prefix: str) -> dict[str, int]:
        """Names that begin with `prefix`, and how many bytes each has."""


class Store(Readable, Protocol):
    """Parts by name; each is written whole or not at all."""

    def put(self, name: str, content: bytes) -> None:
        """Write one."""

    def delete(self, name: str) -> None:
        """Delete one; that it is gone already is no error."""


class FolderStore:
    """A folder of this host, or one that is mounted."""

    def __init__(self, folder: str) -> None:
        self._folder = pathlib.Path(folder)

    def put(self, name: str, content: bytes) -> None:
        path = self._folder / name
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(draft, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise Failed(f"{path} cannot be written: {error}") from error

    def get(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise Failed(f"{self._folder / name} cannot be read: {error}") from error

    def sizes(self, prefix: str) -> dict[str, int]:
        if not self._folder.is_dir():
            raise Failed(f"the store {self._folder} is not there: make the folder or mount it")
        found = {}
        # Another host may be deleting an old backup: what goes while this looks is not there.
        for place, _, files in os.walk(self._folder, onerror=self._unreadable):
            for path in (pathlib.Path(place, file) for file in files if not file.startswith(".")):
                name = path.relative_to(self._folder).as_posix()
                if name.startswith(prefix):
                    with contextlib.suppress(FileNotFoundError):
                        found[name] = path.stat().st_size
        return found

    def _unreadable(self, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise Failed(f"{error.filename} cannot be read: {error}") from error

    def delete(self, name: str) -> None:
        path = self._folder / name
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Failed(f"{path} cannot be deleted: {error}") from error
        with contextlib.suppress(OSError):  # the first that is not empty, or gone already
            for folder in path.relative_to(self._folder).parents[:-1]:
                (self._folder / folder).rmdir()


class BlobStore:
    """A container. Safe to use from several threads."""

    def __init__(
        self,
        account: str,
        container: str,
        client_id: str,
        tenant: str,
        token_file: str,
        patience_seconds: int = ROLE_SECONDS,
    ) -> None:
        self._account, self._container, self._patience = account, container, patience_seconds
        self._identity = (client_id, tenant, token_file)
        self._lock = threading.Lock()
        self._token, self._fetched = "", 0.0

    def _fresh(self) -> str:
        with self._lock:
            if not self._token or time.monotonic() - self._fetched > TOKEN_SECONDS:
                self._token = azure.token(azure.STORAGE_RESOURCE, *self._identity, patience_seconds=self._patience)
                self._fetched = time.monotonic()
            return self._token

    def _explained(self, error: azure.CallError, role: str) -> str:
        return explained(error, self._account, self._container, role, self._identity[0])

    def put(self, name: str, content: bytes) -> None:
        try:
            path = f"{self._container}/{name}"
            azure.blob_put(self._account, path, content, self._fresh(), patience_seconds=self._patience)
        except azure.CallError as error:
            raise Failed(self._explained(error, CONTRIBUTOR)) from error

    def get(self, name: str) -> bytes:
        try:
            path = f"{self._container}/{name}"
            found: bytes = azure.blob_get(self._account, path, self._fresh(), patience_seconds=self._patience)
            return found
        except azure.CallError as error:
            raise Failed(self._explained(error, READER)) from error

    def sizes(self, prefix: str) -> dict[str, int]:
        try:
            listed = azure.blob_list(
                self._account, self._container, prefix, self._fresh(), patience_seconds=self._patience
            )
        except azure.CallError as error:
            raise Failed(self._explained(error, READER)) from error
        return {entry["name"]: entry["bytes"] for entry in listed}

    def delete(self, name: str) -> None:
        try:
            path = f"{self._container}/{name}"
            azure.blob_delete(self._account, path, self._fresh(), patience_seconds=self._patience)
        except azure.CallError as error:
            raise Failed(self._explained(error, CONTRIBUTOR)) from error


def explained(error: azure.CallError, account: str, container: str, role: str, client_id: str) -> str:
    """Azure's words, and what a person can do about them.

    When an account's customer-managed key cannot be used, Azure answers 403 with KeyVaultEncryptionKeyNotFound,
    KeyVaultVaultNotFound or KeyVaultAccessTokenCannotBeAcquired [Microsoft Learn: rest/api/storageservices,
    "Common REST API error codes"]. Blobs can then be neither read nor written, but they can still be listed and deleted
    ["Customer-managed keys for Azure Storage encryption", operations that fail after a key is revoked].
    """
    place = f"container {container!r} of account {account!r}"
    if error.status == 403 and error.code in azure.SPREADING:
        return (
            f"{error}: assign the role {role!r} on {place} to the identity {client_id!r} (`pulumi up --refresh` "
            "does), and look whether the account's firewall lets this network in"
        )
    if error.status == 403 and error.code.startswith("KeyVault"):
        return (
            f"{error}: {place} is encrypted with a customer's key that its account cannot use: recover the key and its "
            "vault, enable it, and give the account an identity that may use it (role 'Key Vault Crypto Service "
            f"Encryption User'); `az storage account show --name {account} --query encryption` names the key"
        )
    if error.status == 404 and error.code == "ContainerNotFound":
        return f"{error}: there is no {place}: correct `store`, or let `pulumi up` make it"
    return str(error)


def open_store(config: Config) -> Store:
    """The store of a configuration."""
    kind, _, place = config.store.partition("://")
    if kind == "file":
        return FolderStore(place)
    account, _, container = place.partition("/")
    return BlobStore(account, container, config.client_id, config.tenant, config.token_file, config.role_seconds)


def read_all(store: Readable) -> list[Found]:
    """Every backup in the store, judged, in the order of their ids."""
    sizes = store.sizes(manifest.ROOT)
    return [read_one(store, backup_id, sizes) for backup_id in manifest.ids(list(sizes))]


def read_one(store: Readable, backup_id: str, sizes: dict[str, int]) -> Found:
    """One backup, judged; `sizes` is a listing of the store."""
    inside = manifest.path(backup_id, "")
    present = {name.removeprefix(inside): size for name, size in sizes.items() if name.startswith(inside)}
    said = None
    if manifest.NAME in present:
        try:
            said = json.loads(store.get(manifest.path(backup_id)))
        except ValueError:
            said = {}
    return manifest.look(backup_id, said, present)


def lacking(store: Readable, which: str) -> str:
    """Why `which` cannot be restored; "" when it can."""
    return found_or_lacking(store, which)[1]


def found_or_lacking(store: Readable, which: str) -> "tuple[dict[str, Any], str]":
    """(the manifest of `which`, empty when it cannot be restored; why). Looks from the newest id on, at no more than it
    needs."""
    sizes = store.sizes(manifest.ROOT)
    found: list[Found] = []
    for backup_id in reversed(manifest.ids(list(sizes))):
        found.insert(0, read_one(store, backup_id, sizes))
        if (found[0].complete and which == backup_id) or (manifest.fit(found[0]) and which == manifest.LATEST):
            return found[0].manifest or {}, ""
    try:
        return manifest.choose(found, which).manifest or {}, ""
    except manifest.NoSuchBackup as error:
        return {}, error.why


def choose(store: Readable, which: str) -> dict[str, Any]:
    """The manifest of the backup that `which` means. Refused when it is not there or not complete."""
    found = manifest.choose(read_all(store), which).manifest
    assert found is not None
    return found
