#!/usr/bin/env python3
"""The store of operations on the standby site's own disk: it must work when Pulumi and the primary do not.

store.py DIRECTORY read NAME              {"content": base64, "tag": …}, or null when there is none
store.py DIRECTORY write NAME             standard input (base64) becomes NAME
store.py DIRECTORY create NAME            the same, only when there is none
store.py DIRECTORY replace NAME --tag T   the same, only when it is still the one that was read with this tag
store.py DIRECTORY remove NAME --tag T    only when it is still that one
store.py DIRECTORY names --prefix P       the names that begin so
        Each prints JSON: what was found, or whether it was done. A change is whole or not there, also after a power
        cut, and one at a time: of two that create, one is told true. From these the operation lock is made
        (operations/journal/lock.py).
"""

import argparse
import base64
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")


@contextlib.contextmanager
def _alone(place: pathlib.Path) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    with open(place / ".mutex", "w", encoding="ascii") as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        yield


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content(path: pathlib.Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _put(path: pathlib.Path, content: bytes) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    # Through a file object, which writes all of it or fails: a short write must not take the whole document's place.
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def read(place: pathlib.Path, name: str) -> dict[str, str] | None:
    """Content and tag; None when there is none."""
    with _alone(place):
        content = _content(place / name)
    return None if content is None else {"content": base64.b64encode(content).decode(), "tag": _tag(content)}


def write(place: pathlib.Path, name: str, content: bytes) -> bool:
    """Whatever is there now."""
    with _alone(place):
        return _put(place / name, content)


def create(place: pathlib.Path, name: str, content: bytes) -> bool:
    """Only when there is none."""
    with _alone(place):
        return _content(place / name) is None and _put(place / name, content)


def replace(place: pathlib.Path, name: str, content: bytes, tag: str) -> bool:
    """Only when it is still the one of this tag."""
    with _alone(place):
        found = _content(place / name)
        return found is not None and _tag(found) == tag and _put(place / name, content)


def remove(place: pathlib.Path, name: str, tag: str) -> bool:
    """Only when it is still the one of this tag."""
    with _alone(place):
        found = _content(place / name)
        if found is None or _tag(found) != tag:
            return False
        (place / name).unlink()
        return True


def names(place: pathlib.Path, prefix: str) -> list[str]:
    """Of what is there, in order."""
    found = [str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()]
    return sorted(name for name in found if name.startswith(prefix) and _NAME.fullmatch(name))


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        sys.exit(f"{name!r} is no name for the store: letters, digits, dot, dash, at most one folder")
    return name


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("read", "write", "create", "replace", "remove"):
        each = verbs.add_parser(verb)
        each.add_argument("name")
        if verb in ("replace", "remove"):
            each.add_argument("--tag", required=True)
    verbs.add_parser("names").add_argument("--prefix", default="")
    given = parser.parse_args(argv)
    place = given.directory

    answer: Any
    if given.verb == "names":
        answer = names(place, given.prefix)
    elif given.verb == "read":
        answer = read(place, _named(given.name))
    elif given.verb == "remove":
        answer = remove(place, _named(given.name), given.tag)
    else:
        content = base64.b64decode(sys.stdin.buffer.read())
        name = _named(given.name)
        if given.verb == "replace":
            answer = replace(place, name, content, given.tag)
        else:
            answer = (write if given.verb == "write" else create)(place, name, content)
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
