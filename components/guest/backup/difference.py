"""Rows that one backup has and another has not, table by table: what a standby that began with the older one lacks.

Both are text, a row a line, so sorted lines are compared: on disk, whatever the size. Tables whose counts and checksums
are equal are not even fetched. A row that was changed is in both lists, once as it was and once as it is.
"""

import contextlib
import hashlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from ..errors import Failed, Refused
from . import manifest
from .compress import compress, decompress
from .config import Say
from .store import Store, choose

ROOT = "extra/"
SAMPLE_ROWS = 5
SAMPLE_CHARACTERS = 400


def difference(
    spool: str, base: Store, new: Store, keep: "Store | None", pair: "tuple[str, str]", say: Say
) -> "dict[str, Any]":
    """Compare backup `pair[0]` in `base` with `pair[1]` in `new`.

    {"base", "new", "extra", "gone", "tables": [{"name", "extra", "gone", "sample"}], "kept"}: rows that only the newer
    one has, and rows that only the older one has. With `keep`, all of them are written there, below `extra/NEW/`.
    """
    old_said, new_said = choose(base, pair[0]), choose(new, pair[1])
    old_tables = {table["name"]: table for table in old_said["tables"]}
    new_tables = {table["name"]: table for table in new_said["tables"]}
    found = []
    pathlib.Path(spool).mkdir(parents=True, exist_ok=True)
    for name in sorted(old_tables.keys() | new_tables.keys()):
        before, after = old_tables.get(name), new_tables.get(name)
        if before and after and _same(before, after):
            continue
        if before and after and before["columns"] != after["columns"]:
            raise Refused([f"table {name!r} has other columns in {pair[1]} than in {pair[0]}: compare it by hand"])
        with tempfile.TemporaryDirectory(dir=spool, prefix="difference-") as folder:
            place = pathlib.Path(folder)
            _sorted(base, pair[0], before, place / "old")
            _sorted(new, pair[1], after, place / "new")
            entry: dict[str, Any] = {"name": name}
            for kind, option in (("extra", "-13"), ("gone", "-23")):
                listed = place / kind
                _only(option, place, listed)
                entry[kind] = _lines(listed)
                if entry[kind] and keep:
                    keep.put(
                        f"{ROOT}{pair[1]}/{manifest.part_name(name)}.{kind}.tsv.zst", compress(listed.read_bytes())
                    )
            entry["sample"] = _sample(place / "extra")
        say({"event": "compared", "table": name, "extra": entry["extra"], "gone": entry["gone"]})
        if entry["extra"] or entry["gone"]:
            found.append(entry)
    return {
        "base": pair[0],
        "new": pair[1],
        "extra": sum(entry["extra"] for entry in found),
        "gone": sum(entry["gone"] for entry in found),
        "tables": found,
        "kept": f"{ROOT}{pair[1]}/" if keep and found else "",
    }


def _same(before: "dict[str, Any]", after: "dict[str, Any]") -> bool:
    return all(before[part] == after[part] for part in ("rows", "checksum", "columns"))


@contextlib.contextmanager
def _sorting(target: pathlib.Path) -> "Iterator[subprocess.Popen[bytes]]":
    # Bytes, not letters: the order need only be the same on both sides.
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(target.parent)}
    with open(target, "wb") as out:
        process = subprocess.Popen(["sort", "-S", "128M"], stdin=subprocess.PIPE, stdout=out, env=environment)
        try:
            yield process
        finally:
            if process.stdin and not process.stdin.closed:
                process.stdin.close()
            if process.wait():
                raise Failed(f"sort ended with {process.returncode}: is there space in {target.parent}?")


def _sorted(store: Store, backup_id: str, table: "dict[str, Any] | None", target: pathlib.Path) -> None:
    """A table's rows in order, each chunk as the manifest promises it."""
    with _sorting(target) as process:
        assert process.stdin
        for chunk in table["chunks"] if table else []:
            content = store.get(manifest.path(backup_id, chunk["blob"]))
            if hashlib.sha256(content).hexdigest() != chunk["sha256"]:
                raise Failed(f"{chunk['blob']} of backup {backup_id} is not what its manifest promises")
            process.stdin.write(decompress(content))


def _only(option: str, place: pathlib.Path, target: pathlib.Path) -> None:
    with open(target, "wb") as out:
        done = subprocess.run(
            ["comm", option, str(place / "old"), str(place / "new")],
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    if done.returncode:
        raise Failed(f"comm: {done.stderr.decode('utf-8', 'replace').strip()}")


def _lines(path: pathlib.Path) -> int:
    with open(path, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _sample(path: pathlib.Path) -> "list[str]":
    with open(path, "rb") as file:
        lines = [file.readline().decode("utf-8", "replace").rstrip("\n") for _ in range(SAMPLE_ROWS)]
    return [line[:SAMPLE_CHARACTERS] for line in lines if line]
