#!/usr/bin/env python3
"""Lock and journal of operations, on the standby site's own disk: they must work when Pulumi and the primary do not.

store.py DIRECTORY lock --id ID --owner TEXT [--process TEXT] --seconds N [--break-lock]
        one operation at a time; prints {"locked": true} or {"locked": false, "held_by": {…}}, exit 0 or 2.
        A lock that is past its time is taken over, and the answer says whose it was ("took_over").
store.py DIRECTORY unlock --id ID     gives it back; a lock that somebody else holds by now is left alone
store.py DIRECTORY append NAME        standard input's lines go to the end of journal/NAME.jsonl, synced to disk
store.py DIRECTORY put NAME           standard input becomes NAME, atomically
store.py DIRECTORY get NAME           prints NAME; exit 1 when there is none
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import time
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")


def _synced(path: pathlib.Path, content: bytes, flags: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def holder(lock: pathlib.Path) -> dict[str, Any] | None:
    """Who holds the lock; None when nobody does. A lock directory without its owner's file is a start caught in
    between."""
    try:
        found: dict[str, Any] = json.loads((lock / "owner.json").read_text(encoding="utf-8"))
        return found
    except (FileNotFoundError, ValueError):
        pass
    try:
        begun = lock.stat().st_mtime
    except FileNotFoundError:
        return None
    return {"id": "", "owner": "an operation that had not written its name yet", "since": begun, "expires": begun + 30}


def lock(
    place: pathlib.Path, identity: str, owner: str, seconds: float, force: bool, process: str = ""
) -> dict[str, Any]:
    """Take the lock: mkdir is atomic, so of two operations one wins. `process` lets the operator's own machine tell
    later whether the owner still runs."""
    folder = place / "lock"
    place.mkdir(parents=True, exist_ok=True)
    now = time.time()
    answer: dict[str, Any] = {"locked": True}
    held = holder(folder)
    if held is not None and held["id"] != identity:
        if held["expires"] > now and not force:
            return {"locked": False, "held_by": held, "now": now}
        # A rename is atomic as well: of two that find it stale, one moves it away, the other's rename fails.
        grave = place / f"lock.stale.{identity}"
        try:
            folder.rename(grave)
        except OSError:
            return {"locked": False, "held_by": holder(folder) or held, "now": now}
        shutil.rmtree(grave, ignore_errors=True)
        answer["took_over"] = held
    try:
        folder.mkdir()
    except FileExistsError:
        held = holder(folder)
        if held is None or held["id"] != identity:
            return {"locked": False, "held_by": held, "now": now}
    claim = {"id": identity, "owner": owner, "process": process, "since": now, "expires": now + seconds}
    _synced(folder / "owner.json", json.dumps(claim).encode(), os.O_TRUNC)
    return answer


def unlock(place: pathlib.Path, identity: str) -> dict[str, Any]:
    """Give the lock back if it is still ours."""
    held = holder(place / "lock")
    if held is None:
        return {"unlocked": False, "reason": "there is no lock"}
    if held["id"] != identity:
        return {"unlocked": False, "reason": f"{held['owner']} holds it by now"}
    shutil.rmtree(place / "lock")
    return {"unlocked": True}


def _named(place: pathlib.Path, name: str) -> pathlib.Path:
    if not _NAME.fullmatch(name):
        sys.exit(f"{name!r} is no name for the store: letters, digits, dot, dash, at most one folder")
    return place / name


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    verbs = parser.add_subparsers(dest="verb", required=True)
    locking = verbs.add_parser("lock")
    locking.add_argument("--id", required=True)
    locking.add_argument("--owner", required=True)
    locking.add_argument("--process", default="")
    locking.add_argument("--seconds", type=float, required=True)
    locking.add_argument("--break-lock", action="store_true")
    verbs.add_parser("unlock").add_argument("--id", required=True)
    for verb in ("append", "put", "get"):
        verbs.add_parser(verb).add_argument("name")
    given = parser.parse_args(argv)

    if given.verb == "lock":
        answer = lock(given.directory, given.id, given.owner, given.seconds, given.break_lock, given.process)
        print(json.dumps(answer))
        return 0 if answer["locked"] else 2
    if given.verb == "unlock":
        print(json.dumps(unlock(given.directory, given.id)))
        return 0
    path = _named(given.directory, given.name)
    if given.verb == "get":
        try:
            sys.stdout.buffer.write(path.read_bytes())
        except FileNotFoundError:
            print(f"{path} does not exist", file=sys.stderr)
            return 1
        return 0
    content = sys.stdin.buffer.read()
    if given.verb == "append":
        _synced(given.directory / "journal" / f"{given.name}.jsonl", content, os.O_APPEND)
    else:
        draft = path.with_name(f".{path.name}.draft")
        _synced(draft, content, os.O_TRUNC)
        draft.replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
