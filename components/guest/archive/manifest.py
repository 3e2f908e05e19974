"""The manifest of a PostgreSQL backup: the format of MySQL's, with its engine, as version 5. Pure.

Ids, times, places and choosing are ../backup/manifest.py's, and so is its rule: written last, or it does not count.
A reader from before there were two engines refuses a version 5 instead of taking it for MySQL's; version 4 is MySQL's.
"""

import re
from typing import Any

from ..backup import manifest as backups
from ..backup.manifest import Found, blobs, moment

VERSION = 5
ENGINE = "postgresql"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = ("source", "needs", "sequences", "large_objects", "dump", "lsn", "schema", "concerns", "bytes_total")


def look(backup_id: str, said: "dict[str, Any] | None", present: "dict[str, int]") -> Found:
    """Judge one backup as the role `backup` does, by what this engine's manifest has."""
    return backups.look(backup_id, said, present, problems)


def problems(said: Any, backup_id: str) -> "list[str]":
    """Why a manifest cannot be used; sentences."""
    try:
        if said.get("engine", "mysql") != ENGINE:
            return [f"it is a backup of {said.get('engine', 'mysql')}: the role `backup` restores it"]
        if said["version"] != VERSION:
            return [f"its manifest is version {said['version']!r}: restore with the version that made the backup"]
        found = [] if said["id"] == backup_id else [f"its manifest is that of backup {said['id']}"]
        moment(said["began"])
        moment(said["ended"])
        for name in _FIELDS:
            said[name]
        parts = blobs(said)
        names = [part["blob"] for part in parts]
        if len(set(names)) != len(names):
            found.append("its manifest names a part twice")
        found += [
            f"its manifest has no usable checksum of {part['blob']}"
            for part in parts
            if not _SHA256.fullmatch(part["sha256"]) or not isinstance(part["bytes"], int)
        ]
        if sorted(blob for file in said["dump"].values() for blob in file) != sorted(names):
            found.append("its manifest does not say which part belongs to which file of the dump")
        for table in said["tables"]:
            if not isinstance(table["rows"], int) or not re.fullmatch(r"-?\d+", table["checksum"]):
                found.append(f"its manifest has no count and sum of table {table['schema']}.{table['name']}")
        return found
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return [f"its manifest is not understood ({type(error).__name__}: {error})"]
