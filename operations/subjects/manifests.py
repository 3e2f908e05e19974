"""Manifests of backups, as components/guest writes them; tests hold the two together. Pure."""

import datetime
import json
from collections.abc import Mapping
from typing import Any

from .away import Backup


def parse(identity: str, content: bytes, store: str) -> Backup | None:
    """A backup from its manifest; None when that cannot be read, which is no backup."""
    try:
        found = json.loads(content)
        tables = found["tables"]
        return Backup(
            id=identity,
            began=_moment(found["began"]),
            scheduled=bool(found.get("scheduled")),
            rows=sum(int(table["rows"]) for table in tables),
            tables=len(tables),
            source=_source(found),
            store=store,
            size_bytes=int(found["bytes_total"]) if "bytes_total" in found else None,
            concerns=tuple(str(one["words"]) for one in found.get("concerns") or ()),
            **_branch(found),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def of(content: bytes) -> tuple[str, str]:
    """(engine, database) that it says it is of; MySQL's manifests do not name the engine."""
    try:
        found = json.loads(content)
        return str(found.get("engine") or "mysql"), str(found.get("schema") or "")
    except (ValueError, AttributeError):
        return "", ""


def missing(content: bytes, identity: str, sizes: Mapping[str, int]) -> list[str]:
    """What of the parts that a backup's manifest names is not as it says; `sizes` by names within the backup.
    ValueError and its like when it names them in no way that is known."""
    found = json.loads(content)
    if found["id"] != identity:
        return [f"its manifest is that of backup {found['id']}"]
    parts = [*found["files"], *(chunk for table in found["tables"] for chunk in table["chunks"])]
    if not parts:
        raise ValueError("it names no part")
    said = []
    for part in parts:
        size = sizes.get(str(part["blob"]))
        if size != part["bytes"]:
            is_there = "is missing" if size is None else f"has {size} bytes"
            said.append(f"{part['blob']} {is_there}, expected {part['bytes']} bytes")
    return said


def _branch(found: Mapping[str, Any]) -> dict[str, Any]:
    """As components/guest/backup/branch.py reads it; tests hold the two together."""
    said = found.get("branch")
    if said is None:
        return {}
    said = said if isinstance(said, dict) else {}
    site, epoch, writer = str(said.get("site") or ""), said.get("epoch"), str(said.get("writer") or "")
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0 or not site or not writer:
        return {"site": site, "epoch": None, "unknown": str(said.get("unknown") or "its manifest does not say")}
    return {"site": site, "epoch": epoch, "writer": writer}


def _source(manifest: Mapping[str, Any]) -> dict[str, Any]:
    about = manifest.get("source") or {}
    settings = about.get("settings") or {}
    known = {"version": about.get("version"), "lower_case_table_names": settings.get("lower_case_table_names")}
    names = [str(table["name"]) for table in manifest["tables"]]
    return {**{name: str(value) for name, value in known.items() if value is not None}, "names": names}


def _moment(value: Any) -> float:
    """Seconds since 1970, from a number or ISO 8601."""
    if isinstance(value, (int, float)):
        return float(value)
    return datetime.datetime.fromisoformat(str(value)).timestamp()
