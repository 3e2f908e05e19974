"""The manifest: what a backup consists of, which one is the newest, what is wrong with one. Pure.

It is written last, so a backup without one is not finished and does not count. The newest is, of those whose site was
the writer, the one of the highest epoch that began last, by its own word; names and the order of a listing decide
nothing.
"""

import datetime
import hashlib
import re
import secrets
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from . import branch
from .rows import column

VERSION = 4
TOOL = "twinsite 0.1"
ROOT = "backups/"
NAME = "manifest.json"
LATEST = "latest"
LATEST_SCHEDULED = "latest-scheduled"
_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


LONGEST_PART = 120
"""Characters of a table's name in a part's: file systems take 255 bytes, and a name of 64 letters may quote to 768."""


def part_name(table: str) -> str:
    """A table's name in that of a file or blob: ASCII, never too long, no dot first, as files that are not whole."""
    quoted = urllib.parse.quote(table, safe=" $")
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if len(quoted) > LONGEST_PART:
        quoted = f"{quoted[:LONGEST_PART]}%~{hashlib.sha256(table.encode()).hexdigest()[:16]}"
    return quoted


def new_id(now: datetime.datetime) -> str:
    """Date, time and something of its own: two runs in one second do not meet."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def stamp(now: datetime.datetime) -> str:
    """As times stand in a manifest: UTC, microseconds."""
    return now.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime.datetime:
    """The time of a stamp. ValueError when it is none."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=datetime.timezone.utc)


def path(backup_id: str, blob: str = NAME) -> str:
    """Where a part of a backup is in the store."""
    return f"{ROOT}{backup_id}/{blob}"


def blobs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every part that a manifest names: {"blob", "bytes", "sha256"}."""
    return [*manifest["files"], *(chunk for table in manifest["tables"] for chunk in table["chunks"])]


def problems(manifest: Any, backup_id: str) -> list[str]:
    """Why a manifest cannot be used; sentences."""
    try:
        if manifest["version"] != VERSION:
            return [f"its manifest is version {manifest['version']!r}: restore with the version that made the backup"]
        found = [] if manifest["id"] == backup_id else [f"its manifest is that of backup {manifest['id']}"]
        moment(manifest["began"])
        moment(manifest["ended"])
        for name in ("schema", "gtid_executed", "source", "objects", "character_set", "collation"):
            manifest[name]
        names = [part["blob"] for part in blobs(manifest)]
        if len(set(names)) != len(names):
            found.append("its manifest names a part twice")
        for part in blobs(manifest):
            if not _SHA256.fullmatch(part["sha256"]) or not isinstance(part["bytes"], int):
                found.append(f"its manifest has no usable checksum of {part['blob']}")
        for table in manifest["tables"]:
            [column(data) for data in table["columns"]]
            if sum(chunk["rows"] for chunk in table["chunks"]) != table["rows"]:
                found.append(f"its chunks of table {table['name']!r} do not hold {table['rows']} rows")
        return found
    except (KeyError, TypeError, ValueError) as error:
        return [f"its manifest is not understood ({type(error).__name__}: {error})"]


class NoSuchBackup(Refused):
    """What was asked for is not there, or not complete; `why` is that without what to do about it."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__([f"{why}: take one with `twinsite-guest backup run`, or name another"])


@dataclass(frozen=True)
class Found:
    """A backup in the store. `manifest` is None when there is none: a run that has not finished, or never did."""

    backup_id: str
    manifest: dict[str, Any] | None
    problems: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether everything that the manifest names is there, by size."""
        return self.manifest is not None and not self.problems


def look(
    backup_id: str,
    manifest: dict[str, Any] | None,
    present: dict[str, int],
    judged: "Callable[[Any, str], list[str]] | None" = None,
) -> Found:
    """Judge one backup by its manifest and the sizes of the parts that the store lists (names within the backup);
    `judged` in the place of `problems` for another engine's."""
    if manifest is None:
        return Found(backup_id, None, ("it has no manifest: the run that made it did not finish",))
    said = (judged or problems)(manifest, backup_id)
    if not said:
        for part in blobs(manifest):
            size = present.get(part["blob"])
            if size != part["bytes"]:
                is_there = "is missing" if size is None else f"has {size} bytes"
                said.append(f"{part['blob']} {is_there}, expected {part['bytes']} bytes")
    return Found(backup_id, manifest, tuple(said))


def ids(names: list[str]) -> list[str]:
    """The backups that a listing of the store shows a part of."""
    parts = {name.removeprefix(ROOT).split("/")[0] for name in names if name.startswith(ROOT)}
    return sorted(part for part in parts if _ID.fullmatch(part))


def made_at(backup_id: str) -> datetime.datetime:
    """When a backup began by its id; of one without a manifest nothing else is known."""
    return datetime.datetime.strptime(backup_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def began(found: Found) -> datetime.datetime:
    """When a complete backup began."""
    assert found.manifest is not None
    return moment(found.manifest["began"])


def fit(found: Found) -> bool:
    """Whether it may be taken for the newest: complete, and of the site that was the writer."""
    return found.complete and branch.of(found.manifest).held


def rank(found: Found) -> tuple[int, datetime.datetime]:
    """Of two that are fit, the one with the higher rank is the newer."""
    return branch.of(found.manifest).epoch or 0, began(found)


def choose(all_found: list[Found], which: str) -> Found:
    """The backup that `which` means: an id, `latest`, or `latest-scheduled`. NoSuchBackup says what else there is."""
    complete = sorted((found for found in all_found if fit(found)), key=rank)
    if which in (LATEST, LATEST_SCHEDULED):
        if which == LATEST_SCHEDULED:
            complete = [found for found in complete if found.manifest and found.manifest.get("scheduled")]
        if complete:
            return complete[-1]
        unfit = [f"{found.backup_id}: {found.problems[0]}" for found in all_found if found.problems]
        beside = sorted((found for found in all_found if found.complete and not fit(found)), key=began)
        unfit += [f"{found.backup_id}, by its id only: {branch.of(found.manifest).words}" for found in beside]
        seen = "; ".join(unfit[-3:])
        return _refuse(f"there is no complete {'scheduled ' if which == LATEST_SCHEDULED else ''}backup", seen)
    named = next((found for found in all_found if found.backup_id == which), None)
    if named is not None and named.complete:
        return named
    newest = f"the newest complete one is {complete[-1].backup_id}" if complete else "there is no complete one either"
    if named is None:
        return _refuse(f"there is no backup {which!r}", newest)
    return _refuse(f"backup {which} is not complete: {'; '.join(named.problems[:3])}", newest)


def _refuse(words: str, seen: str) -> Found:
    shown = f" ({seen})" if seen else ""
    raise NoSuchBackup(f"{words}{shown}")
