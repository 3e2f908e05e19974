"""The backup: one moment of a database, dumped by several processes and added up in the same snapshot; the manifest
last, after every part is in the store."""

import contextlib
import datetime
import hashlib
import os
import pathlib
import queue
import shutil
from typing import Any

from ..backup import manifest as backups
from ..backup import writer as writers
from ..backup.dump import json_bytes
from ..backup.parallel import Stopped, in_parallel
from ..backup.store import Store
from ..errors import Failed, Refused
from ..logical.psql import client_version, identifier
from . import concerns, contents, facts, manifest, sums, writer
from .config import OURS, Config, Say
from .server import Server, Session, run
from .store import open_store

FOLDER = "dump"
"""In the spool, and the first part of every part's name."""


def take(config: Config, planned: bool, say: Say) -> "dict[str, Any]":
    """Take a backup; the manifest. Refused before anything is read when it would not be one."""
    store = open_store(config.store, config.identity)
    began = datetime.datetime.now(datetime.timezone.utc)
    backup_id = backups.new_id(began)
    before = writer.read(config)
    server, client = Server("source", config.database), client_version()
    about, tables = facts.database(server), facts.tables(server)
    if refused := concerns.refusals(about, client, len(tables)):
        raise Refused(refused)
    said = list(concerns.concerns(about, client))
    for one in said:
        say({"event": "concern", **one})
    spool = _spool(config, backup_id)
    try:
        folder = spool / FOLDER
        with Session(server) as session:
            snapshot = _moment(session, tables)
            say({"event": "snapshot", "tables": len(tables)})
            without = [f"--exclude-schema={one}" for one in OURS]
            run(server, [*_COMMAND, f"--jobs={config.streams}", f"--snapshot={snapshot}", *without, f"--file={folder}"])
            say({"event": "dumped", "bytes": sum(path.stat().st_size for path in folder.iterdir())})
            added = sums.of_tables(server, tables, config.streams, snapshot)
            objects = sums.of_large_objects(server, snapshot)
            session.ask("COMMIT")
        files = contents.data_files(folder)
        added_up = {int(one["oid"]) for one in tables}
        # What an extension brings has files, too, and is in neither list.
        there = {int(one["oid"]) for one in facts.tables(server)}
        if added_up - files.keys() or (files.keys() & there) - added_up:
            raise Failed("tables were made or dropped while the dump began: run it again")
        parts = _stored(config, store, backup_id, folder, say)
        made = {
            "version": manifest.VERSION,
            "engine": manifest.ENGINE,
            "tool": backups.TOOL,
            "id": backup_id,
            "scheduled": not planned,
            "began": backups.stamp(began),
            "ended": backups.stamp(datetime.datetime.now(datetime.timezone.utc)),
            "source": {"host": config.database.address, "client": client, **_kept(about, _ABOUT)},
            "snapshot": "exported",
            "lsn": about["lsn"],
            "schema": config.database.database,
            "needs": _kept(about, _NEEDS),
            "tables": [
                {
                    "schema": one["schema"],
                    "name": one["name"],
                    "rows": added[one["schema"], one["name"]].rows,
                    "checksum": added[one["schema"], one["name"]].checksum,
                    "chunks": parts.pop(files[int(one["oid"])]),
                }
                for one in tables
            ],
            "files": [part for several in parts.values() for part in several],
            "large_objects": {"count": objects.rows, "checksum": objects.checksum},
            "sequences": contents.positions(folder),
            "concerns": said,
            "key_id": config.key_id,
        }
    finally:
        shutil.rmtree(spool, ignore_errors=True)
    return _finished(config, store, made, before)


# Compressed with gzip, as it is without a word: before 16 pg_dump knows no names of methods.
_COMMAND = ["pg_dump", "--format=directory", "--lock-wait-timeout=30s", "--no-subscriptions"]
_ABOUT = ("version", "major", "encoding", "collate", "ctype", "provider", "locale", "size_bytes", "settings")
_NEEDS = ("extensions", "policy_roles", "event_triggers")


def _kept(about: "dict[str, Any]", names: "tuple[str, ...]") -> "dict[str, Any]":
    return {name: about[name] for name in names}


def _finished(config: Config, store: Store, made: "dict[str, Any]", before: Any) -> "dict[str, Any]":
    parts = backups.blobs(made)
    dump: dict[str, list[str]] = {}
    for part in parts:
        dump.setdefault(_file_of(part["blob"]), []).append(part["blob"])
    made |= {"dump": {file: sorted(several) for file, several in dump.items()}}
    made["bytes_total"] = sum(part["bytes"] for part in parts)
    made |= writers.between(config.writer, before, writer.read(config))
    inside = backups.path(made["id"], "")
    present = {name.removeprefix(inside): size for name, size in store.sizes(inside).items()}
    if lost := manifest.look(made["id"], made, present).problems:
        raise Failed(
            f"the store does not hold what was written to it ({'; '.join(lost[:3])}): look at it, run it again"
        )
    store.put(backups.path(made["id"]), json_bytes(made))
    return made


def _file_of(blob: str) -> str:
    """`dump/3412.dat.gz.00001` is of file 3412.dat.gz."""
    return blob.removeprefix(f"{FOLDER}/").rpartition(".")[0]


def _spool(config: Config, backup_id: str) -> pathlib.Path:
    spool = pathlib.Path(config.spool) / backup_id
    try:
        spool.mkdir(parents=True)
        os.chmod(spool, 0o700)
    except OSError as error:
        raise Refused([f"{spool} cannot be used: {error}; name another folder as `spool`"]) from None
    return spool


def _moment(session: Session, tables: "list[dict[str, Any]]") -> str:
    """A snapshot that others read, too, for as long as the session lives; meanwhile no table is altered or dropped."""
    session.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    names = ", ".join(f"ONLY {identifier(one['schema'], one['name'])}" for one in tables)
    # Before the snapshot, which a later definition would not fit.
    session.ask(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
    return session.ask("SELECT pg_export_snapshot()")


def _stored(
    config: Config, store: Store, backup_id: str, folder: pathlib.Path, say: Say
) -> "dict[str, list[dict[str, Any]]]":
    """Every file of the dump in the store, in parts of at most part_mib; {file: [{"blob", "bytes", "sha256"}]}."""
    size = config.part_mib * 1024 * 1024
    found: dict[str, list[dict[str, Any]]] = {}
    todo: queue.SimpleQueue[tuple[pathlib.Path, int]] = queue.SimpleQueue()
    for path in sorted(folder.iterdir()):
        count = max(1, -(-path.stat().st_size // size))
        found[path.name] = [{}] * count
        for number in range(count):
            todo.put((path, number))

    def work(stopped: Stopped) -> None:
        while not stopped():
            with contextlib.suppress(queue.Empty):
                path, number = todo.get_nowait()
                with path.open("rb") as file:
                    file.seek(number * size)
                    content = file.read(size)
                blob = f"{FOLDER}/{path.name}.{number:05}"
                store.put(backups.path(backup_id, blob), content)
                digest = hashlib.sha256(content).hexdigest()
                found[path.name][number] = {"blob": blob, "bytes": len(content), "sha256": digest}
                say({"event": "part", "blob": blob, "bytes": len(content)})
                continue
            return

    in_parallel([work] * config.streams)
    return found
