"""A backup's parts on this host, each with the checksum that the manifest promises, before anything is changed."""

import contextlib
import errno
import hashlib
import os
import pathlib
import queue
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import Failed, Refused
from . import manifest
from .compress import decompress
from .config import Say
from .parallel import Stopped, in_parallel
from .store import Store

SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Parts:
    """Verified parts in a folder."""

    folder: pathlib.Path

    def path(self, blob: str) -> pathlib.Path:
        """Where a part is."""
        return self.folder / hashlib.sha256(blob.encode()).hexdigest()

    def text(self, blob: str) -> str:
        """A script."""
        return decompress(self.path(blob).read_bytes()).decode("utf-8", "surrogateescape")

    @contextlib.contextmanager
    def stream(self, blob: str) -> "Iterator[subprocess.Popen[bytes]]":
        """A chunk's text as a process's output. Failed when zstd did not come to its end."""
        with open(self.path(blob), "rb") as file:
            process = subprocess.Popen(
                ["zstd", "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()
                if process.stderr:
                    process.stderr.close()


@contextlib.contextmanager
def fetch(store: Store, chosen: dict[str, Any], spool: pathlib.Path, streams: int, say: Say) -> Iterator[Parts]:
    """Every part of a backup, verified. Refused when one is not what the manifest promises, or there is no space."""
    folder = spool / chosen["id"]
    _room(folder, chosen)
    parts = Parts(folder)
    wrong: list[str] = []

    def one(part: dict[str, Any]) -> None:
        path = parts.path(part["blob"])
        if path.exists() and _same(path.read_bytes(), part):
            return  # fetched before a kill
        try:
            content = store.get(manifest.path(chosen["id"], part["blob"]))
        except Failed as failure:
            key = f" (its manifest names the key {chosen['key_id']})" if chosen.get("key_id") else ""
            raise Failed(f"backup {chosen['id']} cannot be read{key}: {failure}") from failure
        if not _same(content, part):
            wrong.append(part["blob"])
            return
        draft = path.with_suffix(".draft")
        draft.write_bytes(content)
        os.replace(draft, path)

    try:
        _each(manifest.blobs(chosen), one, streams)
    except OSError as error:
        fix = "; make room, or name another folder as `spool`" if error.errno == errno.ENOSPC else ""
        raise Failed(f"{folder}: {error}{fix}; nothing was changed at the target") from error
    if wrong:
        raise Refused(
            [
                f"backup {chosen['id']} is damaged: {', '.join(sorted(wrong)[:3])} is not what its manifest promises; "
                "nothing was changed; name another backup (`twinsite-guest backup list`)"
            ]
        )
    say({"event": "verified", "backup_id": chosen["id"], "bytes": chosen["bytes_total"]})
    yield parts


def script_of(store: Store, chosen: dict[str, Any]) -> Callable[[str], str]:
    """What gives a backup's scripts straight from the store. Failed when one is not what the manifest promises."""
    parts = {part["blob"]: part for part in chosen["files"]}

    def text(blob: str) -> str:
        content = store.get(manifest.path(chosen["id"], blob))
        if not _same(content, parts[blob]):
            raise Failed(f"{blob} of backup {chosen['id']} is not what its manifest promises")
        return decompress(content).decode("utf-8", "surrogateescape")

    return text


def _each(blobs: list[dict[str, Any]], one: Callable[[dict[str, Any]], None], streams: int) -> None:
    """Do `one` for every part, several at once."""
    todo: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    for part in blobs:
        todo.put(part)

    def work(stopped: Stopped) -> None:
        while not stopped():
            try:
                part = todo.get_nowait()
            except queue.Empty:
                return
            one(part)

    in_parallel([work] * streams)


def _same(content: bytes, part: dict[str, Any]) -> bool:
    return len(content) == int(part["bytes"]) and hashlib.sha256(content).hexdigest() == str(part["sha256"])


def _room(folder: pathlib.Path, chosen: dict[str, Any]) -> None:
    try:
        # Other backups' parts are of a restore that was given up.
        for other in folder.parent.glob("*"):
            if other != folder and other.is_dir():
                shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        raise Refused([f"{folder} cannot be used: {error}; name another folder as `spool`"]) from None
    there = sum(path.stat().st_size for path in folder.iterdir()) if folder.exists() else 0
    problems = room_problems(folder, chosen["bytes_total"] - there)
    if problems:
        raise Refused(problems)


def room_problems(folder: pathlib.Path, content_bytes: int) -> list[str]:
    """Why a folder, which is made, cannot hold so much."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.chmod(folder, 0o700)
    except OSError as error:
        return [f"{folder} cannot be used: {error}; name another folder as `spool`"]
    needed = content_bytes + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free >= needed:
        return []
    return [
        f"{folder} has {free >> 20} MiB free and {needed >> 20} MiB are needed to verify the backup before anything is "
        "changed: make room, or name another folder as `spool`"
    ]


def verify(store: Store, chosen: dict[str, Any], streams: int, say: Say) -> dict[str, Any]:
    """Read and check every part; nothing is kept."""
    blobs = manifest.blobs(chosen)
    wrong: list[str] = []

    def one(part: dict[str, Any]) -> None:
        if not _same(store.get(manifest.path(chosen["id"], part["blob"])), part):
            wrong.append(part["blob"])
            say({"event": "damaged", "blob": part["blob"]})

    _each(blobs, one, streams)
    return {"backup_id": chosen["id"], "parts": len(blobs), "damaged": sorted(wrong)}
